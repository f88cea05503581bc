"""A change of condition is logged once at WARNING, its end once at INFO; never a line per poll (DESIGN 6)."""

import logging
from typing import Final

_log = logging.getLogger("gongfang.agent")

REMEMBERED: Final = 10_000
"""So many subjects are told apart; some are topics, whose names come from outside and may be without end."""


class Conditions:
    """What is wrong now: with the agent's own parts (the broker, the outbox), and with each machine."""

    def __init__(self) -> None:
        self._wrong: dict[str, str] = {}
        self._ailing: dict[str, str] = {}
        self._blurred: set[str] = set()

    def wrong(self, subject: str, kind: str, detail: str, *, again: bool = False) -> None:
        """``again``: it is told even if it was so before, since a person has just tried to mend it."""
        if (self._wrong.get(subject) == kind and not again) or len(self._wrong) >= REMEMBERED:
            return
        self._wrong[subject] = kind
        _log.warning("%s: %s: %s", subject, kind, detail, extra={"subject": subject, "kind": kind})

    def well(self, subject: str) -> None:
        kind = self._wrong.pop(subject, None)
        if kind is not None:
            _log.info("%s: no longer %s", subject, kind, extra={"subject": subject, "kind": kind})

    def now(self) -> dict[str, str]:
        """What is wrong with the agent's own parts, by subject."""
        return dict(self._wrong)

    def ails(self, machine: str, endpoint: str, kind: str, detail: str) -> None:
        """``kind`` is the reason why the machine is not metered now."""
        if self._ailing.get(machine) != kind:
            self._ailing[machine] = kind
            about = {"machine": machine, "endpoint": endpoint, "kind": kind}
            _log.warning("%s: %s: %s", machine, kind, detail, extra=about)

    def recovered(self, machine: str) -> None:
        kind = self._ailing.pop(machine, None)
        if kind is not None:
            _log.info("%s: no longer %s", machine, kind, extra={"machine": machine, "kind": kind})

    def forget(self, machine: str) -> None:
        """It is not metered here any more, and nothing is wrong with that."""
        self._ailing.pop(machine, None)
        self._blurred.discard(machine)

    def blurred(self, machine: str, detail: str) -> None:
        """Its gauges cannot be read. It is metered all the same, so nothing is wrong that a bill hangs on."""
        if machine not in self._blurred:
            self._blurred.add(machine)
            _log.warning(
                "%s: no gauges: %s", machine, detail, extra={"machine": machine, "kind": "no gauges"}
            )

    def clear(self, machine: str) -> None:
        """Its gauges are read."""
        if machine in self._blurred:
            self._blurred.discard(machine)
            _log.info("%s: gauges again", machine, extra={"machine": machine, "kind": "no gauges"})

    def ailing(self) -> dict[str, str]:
        """The machines that are not metered now, each with the reason."""
        return dict(self._ailing)
