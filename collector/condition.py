"""A condition is logged when it changes: once at WARNING when it turns bad, once at INFO when it ends."""

import logging
from typing import Final

REMEMBERED: Final = 1000
"""So many of one condition are told apart; names come from outside and may be without end."""


class Condition:
    """Bad or well, one for each ``of`` (a gateway, or nothing at all when there is only one)."""

    def __init__(self, log: logging.Logger, begins: str, ends: str) -> None:
        self._log, self._begins, self._ends = log, begins, ends
        self._bad: set[str] = set()

    def is_bad(self, of: str = "") -> bool:
        return of in self._bad

    def all(self) -> tuple[str, ...]:
        """Those that are bad now."""
        return tuple(sorted(self._bad))

    def bad(self, detail: str, of: str = "") -> None:
        if of not in self._bad and len(self._bad) < REMEMBERED:
            self._bad.add(of)
            about = {"subject": of or None, "kind": self._begins}
            self._log.warning("%s: %s", f"{of} {self._begins}".strip(), detail, extra=about)

    def well(self, of: str = "", detail: str = "") -> None:
        if of in self._bad:
            self._bad.discard(of)
            about = {"subject": of or None, "kind": self._ends}
            said = f"{of} {self._ends}".strip()
            self._log.info("%s", f"{said}: {detail}" if detail else said, extra=about)
