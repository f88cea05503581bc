"""A look at one machine's gauges now and then, after a poll that was good: for people, never for a bill."""

from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from contract.gauges import Gauges
from edge_agent.block import Answer, Answers
from edge_agent.clock import Clock
from edge_agent.conditions import Conditions
from edge_agent.gauge_values import gauges
from edge_agent.interpret import Reader
from edge_agent.link import LinkError
from edge_agent.schedule import next_due, phase
from edge_agent.scheme import Identity

ReadSlow = Callable[[], Awaitable[list[Answer]]]
"""Sends a machine the slow requests of its plan. Raises LinkError."""

_LONGEST: Final = 64
"""So many periods at most from one look that failed to the next."""


class Terms(Struct, frozen=True):
    """What the looks at all machines share."""

    clock: Clock
    conditions: Conditions
    show: Callable[[Gauges], None]
    period_ms: int
    """From one look to the next, in plant time."""


class Gaze:
    """Each machine is looked at in a phase of its own, so that a bus does not have them all at once."""

    def __init__(self, identity: Identity, reader: Reader, read: ReadSlow, terms: Terms) -> None:
        self._identity, self._reader, self._read, self._terms = identity, reader, read, terms
        self._phase = phase(f"{identity.machine} gauges", terms.period_ms)
        self._failures = 0
        self._due = self._next()

    async def look(self, answers: Answers) -> None:
        """``answers`` are those of the poll just made. Does nothing while the next look is not due."""
        terms, machine = self._terms, self._identity.machine
        if terms.clock.mono_ms() < self._due:
            return
        try:
            slow = await self._read() if self._reader.plan.slow else []
        except LinkError as error:
            self._failures += 1
            terms.conditions.blurred(machine, str(error))
        else:
            self._failures = 0
            terms.conditions.clear(machine)
            self._show([*answers, *slow])
        self._due = self._next()

    def _show(self, answers: Answers) -> None:
        shown = gauges(self._reader.profile.gauges, self._reader.values(answers))
        if shown:
            identity = self._identity
            self._terms.show(
                Gauges(
                    machine=identity.machine,
                    area=identity.area,
                    kind=identity.kind,
                    at=self._terms.clock.wall_ms(),
                    values=shown,
                )
            )

    def _next(self) -> int:
        """A machine that does not answer is looked at more and more seldom: its polls come first."""
        period = self._terms.period_ms
        pause = min(1 << min(self._failures, 16), _LONGEST) - 1
        return next_due(self._terms.clock.mono_ms(), period, self._phase) + pause * period
