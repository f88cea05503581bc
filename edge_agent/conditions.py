"""A change of condition is logged once at WARNING, its end once at INFO; never a line per poll (DESIGN 6)."""

import logging

_log = logging.getLogger("gongfang.agent")


class Conditions:
    """What is wrong now, by subject (a machine, the broker, the outbox)."""

    def __init__(self) -> None:
        self._wrong: dict[str, str] = {}

    def wrong(self, subject: str, kind: str, detail: str) -> None:
        if self._wrong.get(subject) != kind:
            self._wrong[subject] = kind
            _log.warning("%s: %s: %s", subject, kind, detail)

    def well(self, subject: str) -> None:
        kind = self._wrong.pop(subject, None)
        if kind is not None:
            _log.info("%s: no longer %s", subject, kind)

    def now(self) -> dict[str, str]:
        return dict(self._wrong)
