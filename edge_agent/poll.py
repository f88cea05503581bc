"""Polling one machine: read, meter, keep. One task a machine, at a fixed rate from a phase of its own."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from msgspec import Struct

from contract.gauges import Gauges
from contract.records import Clock as ClockQuality
from contract.records import Reason, Record
from edge_agent.block import Answers
from edge_agent.clock import Clock
from edge_agent.commit import GroupCommit
from edge_agent.conditions import Conditions
from edge_agent.counts import DESYNC, GOOD, PAUSED, SKIPPED, Counts, Tally
from edge_agent.interpret import Reader
from edge_agent.link import DesyncError, LinkError, RefusedError, RestingError, is_silence
from edge_agent.machine import Machine
from edge_agent.sample import Fault, Sample
from edge_agent.schedule import next_due, skipped

LEAVE_S: Final = 10.0
"""How long a read under way is waited for: it has its own time limits, and a hung one none."""

Read = Callable[[], Awaitable[Answers]]
"""Sends a machine the fast requests of its plan. Raises LinkError."""


def _nobody_looks(_: Gauges) -> None:
    pass


class Desk(Struct, frozen=True):
    """What the pollers of one agent share."""

    clock: Clock
    commit: GroupCommit
    conditions: Conditions
    announced: dict[str, str]
    """The tenant of each announced order; filled in as announcements are heard."""
    show: Callable[[Machine], None]
    """Tells that the machine may look different now."""
    wake: Callable[[], None]
    """Tells that there are records to hand over."""
    checkpoint_ms: int
    counts: Counts
    show_gauges: Callable[[Gauges], None] = _nobody_looks
    """Tells what a machine shows now."""


class Poller:
    """``reader`` knows what answers mean; ``tally`` counts what the polls behind the endpoint come to.

    ``phase_ms`` is the machine's place within the period. ``look`` is called with the answers of each good
    poll.
    """

    def __init__(
        self,
        machine: Machine,
        reader: Reader,
        read: Read,
        desk: Desk,
        tally: Tally,
        *,
        phase_ms: int = 0,
        look: Callable[[Answers], Awaitable[None]] | None = None,
    ) -> None:
        self._machine, self._reader, self._read, self._look = machine, reader, read, look
        self._desk, self._tally = desk, tally
        self._phase_ms, self._kept_at = phase_ms, 0
        self._is_reading = False
        self.has_asked = False
        """Whether a read has ended, in whatever way."""
        self._read_ended = asyncio.Event()

    @property
    def is_reading(self) -> bool:
        """Whether a read is under way, or waits for its turn."""
        return self._is_reading

    def leave_now(self, poll: asyncio.Task[None]) -> bool:
        """Ends ``poll`` unless a read is under way; whether it did."""
        return not self._is_reading and poll.cancel()

    async def leave(self, poll: asyncio.Task[None]) -> None:
        """Ends ``poll``, in which this runs, when no read is under way: cut off in the middle, one would cost
        its neighbours the connection.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                while self._is_reading:
                    self._read_ended.clear()
                    await self._read_ended.wait()
        poll.cancel()
        await asyncio.wait([poll])

    async def run(self) -> None:
        """For ever: poll at each slot; slots that went by meanwhile are counted, not made up for."""
        clock, counts, period = self._desk.clock, self._desk.counts, self._machine.scheme.poll_ms
        slot = next_due(clock.mono_ms(), period, self._phase_ms)
        while True:
            await clock.sleep_until(slot)
            counts.begin(clock.mono_ms() - slot)
            self._tally.came_to(await self._poll())
            following = next_due(clock.mono_ms(), period, self._phase_ms)
            if gone_by := skipped(slot, following, period):
                # In one go: after a night asleep they are tens of thousands, of each machine.
                self._tally.came_to(SKIPPED, gone_by)
                self._miss(Reason.LINK, gone_by)
            slot = following

    async def _poll(self) -> str:
        """What it came to."""
        self._is_reading = True
        try:
            return await self._met()
        finally:
            self._is_reading, self.has_asked = False, True
            self._read_ended.set()

    async def _met(self) -> str:
        try:
            answers = await self._read()
        except LinkError as error:
            reason = _reason(error)
            self._desk.conditions.ails(self._machine.name, self._tally.endpoint, reason, str(error))
            self._miss(reason)
            return _outcome(error, reason)
        records, outcome = self._sampled(answers)
        self.keep(records)
        if self._look and outcome is GOOD:
            await self._look(answers)
        return outcome

    def _sampled(self, answers: Answers) -> tuple[list[Record], str]:
        desk, machine = self._desk, self._machine
        seen: list[Sample | Fault] = []

        def sense(at: int) -> Sample | Fault:
            seen.append(self._reader.sample(answers, at))
            return seen[0]

        records = machine.sampled(sense, desk.announced, *both(desk.clock))
        wrong = _wrong(machine, seen[0])
        if wrong is None:
            desk.conditions.recovered(machine.name)
            return records, GOOD
        desk.conditions.ails(machine.name, self._tally.endpoint, *wrong)
        return records, wrong[0]

    def _miss(self, reason: Reason, polls: int = 1) -> None:
        self.keep(self._machine.missed(reason, *both(self._desk.clock), polls))

    def keep(self, records: list[Record]) -> None:
        """Records and the checkpoint after them are one transaction; a checkpoint alone goes now and then."""
        now = self._desk.clock.mono_ms()
        if self._machine.clock is ClockQuality.FREE:
            self._desk.conditions.wrong("clock", "never set", "records are held until it is")
        else:
            self._desk.conditions.well("clock")
        if records or now - self._kept_at >= self._desk.checkpoint_ms:
            self._kept_at = now
            self._desk.commit.put(self._machine.name, tuple(records), self._machine.checkpoint())
        if records:
            self._desk.counts.metered(records)
            self._desk.wake()
        self._desk.show(self._machine)


_APART_MS: Final = 1_000
_LOOKS: Final = 5


def both(clock: Clock) -> tuple[int, int]:
    """Wall and monotonic time of one instant.

    A process that is stopped between the two readings would take the pause for a step of the wall clock.
    """
    looks: list[tuple[int, int, int]] = []
    while len(looks) < _LOOKS:
        before, wall, mono = clock.mono_ms(), clock.wall_ms(), clock.mono_ms()
        if mono - before <= _APART_MS:
            return wall, mono
        looks.append((mono - before, wall, mono))
    _, wall, mono = min(looks)
    return wall, mono


def _wrong(machine: Machine, seen: Sample | Fault) -> tuple[Reason, str] | None:
    """Why an answer is not a sample of this machine, and the words for it."""
    if isinstance(seen, Fault):
        return seen.reason, seen.detail
    if machine.stranger(seen):
        return Reason.IDENTITY, f"serial {seen.serial} is another machine's"
    if machine.is_stuck(seen):
        return Reason.STALE, "its heartbeat rests: the registers are old"
    return None


def _outcome(error: LinkError, reason: Reason) -> str:
    """What is counted: an answer to another question tells of something else than a lost connection."""
    if isinstance(error, RestingError):
        return PAUSED
    return DESYNC if isinstance(error, DesyncError) else reason


def _reason(error: LinkError) -> Reason:
    if is_silence(error):
        return Reason.SILENT
    return Reason.REFUSED if isinstance(error, RefusedError) else Reason.LINK
