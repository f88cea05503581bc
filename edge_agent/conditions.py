"""A change of condition is logged once at WARNING, its end once at INFO; never a line per poll (DESIGN 6)."""

import logging
import time
from collections.abc import Callable
from typing import Final

from contract.records import Reason
from edge_agent.allowance import Allowance

_log = logging.getLogger("gongfang.agent")

REMEMBERED: Final = 10_000
"""So many subjects are told apart; some are topics, whose names come from outside and may be without end."""
LINES: Final = 20
EVERY_S: Final = 30.0
"""Of machines and endpoints so many lines in so long: a switch that fails takes thousands along, and then
``muster.py`` tells the rest in one line.
"""


class Conditions:
    """What is wrong now: with the agent's own parts (the broker, the outbox), and with each machine."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._wrong: dict[str, str] = {}
        self._ailing: dict[str, str] = {}
        self._blurred: set[str] = set()
        self._lost: dict[str, set[str]] = {}
        """By endpoint, the machines behind it that are not reached."""
        self._behind: dict[str, str] = {}
        """The other way round."""
        self.allowance = Allowance(LINES, EVERY_S)

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

    def good(self, subject: str, kind: str, detail: str) -> None:
        """Told each time: whatever was wrong with it is over."""
        self._wrong.pop(subject, None)
        _log.info("%s: %s: %s", subject, kind, detail, extra={"subject": subject, "kind": kind})

    def now(self) -> dict[str, str]:
        """What is wrong with the agent's own parts, by subject."""
        return dict(self._wrong)

    def ails(self, machine: str, endpoint: str, kind: str, detail: str) -> None:
        """``kind`` is the reason why the machine is not metered now. An endpoint that is lost is told once,
        however many machines are behind it.
        """
        before = self._ailing.get(machine)
        if before == kind:
            return
        self._ailing[machine] = kind
        if kind == Reason.LINK:
            behind = self._lost.setdefault(endpoint, set())
            if not behind:
                self._say_endpoint(logging.WARNING, endpoint, "lost", f"lost: {detail}")
            behind.add(machine)
            self._behind[machine] = endpoint
            return
        self._reached(machine)
        about = {"machine": machine, "endpoint": endpoint, "kind": kind}
        self._say(logging.WARNING, f"{machine}: {kind}: {detail}", about)

    def recovered(self, machine: str) -> None:
        kind = self._ailing.pop(machine, None)
        self._reached(machine)
        if kind is not None and kind != Reason.LINK:
            self._say(logging.INFO, f"{machine}: no longer {kind}", {"machine": machine, "kind": kind})

    def _reached(self, machine: str) -> None:
        """Over a connection that stands: so the others behind it will be."""
        endpoint = self._behind.pop(machine, "")
        if endpoint in self._lost:
            del self._lost[endpoint]
            self._say_endpoint(logging.INFO, endpoint, "back", f"back; {machine} is reached again")

    def _say_endpoint(self, level: int, endpoint: str, kind: str, what: str) -> None:
        self._say(level, f"endpoint {endpoint}: {what}", {"endpoint": endpoint, "kind": kind})

    def _say(self, level: int, text: str, about: dict[str, str]) -> None:
        if self.allowance.may(self._now()):
            _log.log(level, "%s", text, extra=about)

    def forget(self, machine: str) -> None:
        """It is not metered here any more, and nothing is wrong with that."""
        self._ailing.pop(machine, None)
        self._blurred.discard(machine)
        endpoint = self._behind.pop(machine, "")
        behind = self._lost.get(endpoint, set())
        behind.discard(machine)
        if not behind:
            self._lost.pop(endpoint, None)

    def blurred(self, machine: str, detail: str) -> None:
        """Its gauges cannot be read. It is metered all the same, so nothing is wrong that a bill hangs on."""
        if machine not in self._blurred:
            self._blurred.add(machine)
            about = {"machine": machine, "kind": "no gauges"}
            self._say(logging.WARNING, f"{machine}: no gauges: {detail}", about)

    def clear(self, machine: str) -> None:
        """Its gauges are read."""
        if machine in self._blurred:
            self._blurred.discard(machine)
            self._say(logging.INFO, f"{machine}: gauges again", {"machine": machine, "kind": "no gauges"})

    def ailing(self) -> dict[str, str]:
        """The machines that are not metered now, each with the reason."""
        return dict(self._ailing)
