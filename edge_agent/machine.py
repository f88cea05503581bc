"""One machine's meter with its clocks, its leases and its checkpoint: everything about it that is not I/O.

Each method takes both clocks, wall (UTC ms) and monotonic (ms), and returns the records that are now facts.
They must be committed in one transaction with the checkpoint taken after them.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from contract.clock import PLAUSIBLE_MS
from contract.messages import Lease
from contract.names import NONE
from contract.records import Clock, MeterReason, Reason, Record
from edge_agent import meter as metering
from edge_agent.attribution import Leases, forget, hear
from edge_agent.checkpoint import Checkpoint, decode, encode
from edge_agent.free_run import RECORDS, FreeRun
from edge_agent.line import Jump, Line, begin, follow, instant
from edge_agent.meter import Turned
from edge_agent.quantities import Told
from edge_agent.redate import redated, redated_meter
from edge_agent.sample import Fault, Sample
from edge_agent.scheme import Scheme
from edge_agent.state import MeterState

STUCK_MS: Final = 10_000
"""A heartbeat that rests for longer is stuck (domain reference 3.6)."""

_PATIENCE_MS: Final = 600_000
_LONGEST_STEP_MS: Final = 7 * 86_400_000
"""A clock set forward by more was wrong before: no gap, but another epoch."""


class Machine:
    """``serial`` is the number that the site expects; None pins the first one seen.

    ``lost``: there was a checkpoint, and it could not be read.
    """

    def __init__(
        self,
        scheme: Scheme,
        *,
        serial: int | None,
        name_epoch: Callable[[], str],
        checkpoint: bytes | None = None,
        lost: bool = False,
        most_held: int = RECORDS,
    ) -> None:
        """``most_held``: records in memory while the clock was never set."""
        self.scheme = scheme
        self.name = scheme.identity.machine
        self._serial = serial
        self._name_epoch = name_epoch
        self._state = decode(checkpoint, lost=lost)
        self._renewal: MeterReason | None = None
        self._line: Line | None = None
        self._free: FreeRun | None = None
        self._most_held = most_held
        self._beat: tuple[int, int] | None = None
        """The last heartbeat, and when it was first seen."""

    @property
    def meter(self) -> MeterState | None:
        return self._state.meter

    @property
    def leases(self) -> Leases:
        return self._state.leases

    @property
    def clock(self) -> Clock:
        return Clock.SYNCED if self._free is None else Clock.FREE

    @property
    def held(self) -> int:
        """Records that wait for the clock to be set."""
        return self._free.count if self._free is not None else 0

    def checkpoint(self) -> bytes | None:
        """None while nothing that happens is a fact yet."""
        if self._free is not None:
            return None
        meter = self._state.meter
        told = Told.of(self.scheme.profile, meter.raw) if meter else None
        return encode(msgspec.structs.replace(self._state, told=told))

    def start(self, wall: int, mono: int) -> list[Record]:
        """The agent was away: what has passed since the checkpoint is a gap, or the end of an epoch."""
        if wall < PLAUSIBLE_MS:
            before = self._state.meter.epoch if self._state.meter else NONE
            self._free = FreeRun(mono, before, self._most_held)
            self._line = Line(wall=wall, mono=mono)
            return []
        meter = self._state.meter
        self._line, jump = begin(wall, mono, meter.settled.at if meter else None)
        if meter is None:
            return []
        if jump is Jump.BACK:
            return self.renew(MeterReason.CLOCK_BACK, meter.settled.at)
        if (reason := meter.identity.ends_by(self.scheme.identity)) is not None:
            return self.renew(reason, meter.settled.at)
        meter = self._identified(meter)
        return self._take(metering.open_gap(self.scheme, meter, Reason.RESTART))

    def configure(self, scheme: Scheme, serial: int | None) -> None:
        """Another configuration under the same meter: one that does not end the epoch."""
        self.scheme, self._serial = scheme, serial
        if self._state.meter:
            meter = self._identified(self._state.meter)
            self._state = msgspec.structs.replace(self._state, meter=meter)

    def _identified(self, meter: MeterState) -> MeterState:
        """What an identity has beside its epoch, such as the version of the stop codes, is that of today."""
        return msgspec.structs.replace(meter, identity=self.scheme.identity)

    def rename(self, scheme: Scheme, serial: int | None, announced: Mapping[str, str]) -> list[Record]:
        """Another name, area or kind for a machine that is read as before.

        The last settled sample ends the one epoch and opens the other, so that nothing lies between them.
        While there is no such sample, or the time is not certain, nothing changes and nothing is returned.
        """
        meter = self._state.meter
        if self._free is not None or meter is None or meter.gap is not None:
            return []
        was, now = meter.identity, scheme.identity
        if (was.profile_digest, was.controller) != (now.profile_digest, now.controller):
            return []
        records = self.renew(MeterReason.RENAMED, meter.settled.at)
        self.configure(scheme, serial)
        self.name = scheme.identity.machine
        return records + self._begin(meter.settled, self._state.leases, announced)

    def hear(self, lease: Lease, wall: int, mono: int) -> bool:
        """A lease message; whether it said anything new. It takes effect when the time before it settles."""
        line = self._line or Line(wall=wall, mono=mono)
        heard = instant(line, mono)
        if self._state.meter:  # what is settled is settled: a lease is never applied before it
            heard = max(heard, self._state.meter.settled.at + 1)
        leases = hear(self._state.leases, lease, heard)
        news = leases != self._state.leases
        self._state = msgspec.structs.replace(self._state, leases=leases)
        return news

    def sampled(
        self, sense: Callable[[int], Sample | Fault], announced: Mapping[str, str], wall: int, mono: int
    ) -> list[Record]:
        """A read that was answered. ``sense`` makes the sample, given its instant on the meter's line."""
        put_right, at = self._advance(wall, mono)
        sample = sense(at)
        if self._waits(mono):
            return []
        return put_right + self._hold(self._sampled(sample, announced, at))

    def _sampled(self, sample: Sample | Fault, announced: Mapping[str, str], at: int) -> list[Record]:
        records: list[Record] = []
        if isinstance(sample, Fault):
            return records + self._missed(at, sample.reason)
        if self.stranger(sample):
            return records + self._missed(at, Reason.IDENTITY)
        if self.is_stuck(sample):
            return records + self._missed(at, Reason.STALE)
        meter, leases = self._state.meter, self._state.leases
        if meter is not None and sample.serial != meter.settled.serial:  # the one now declared
            records += self.renew(MeterReason.REPLACED, at)
            meter = None
        if meter is None:
            return records + self._begin(sample, leases, announced)
        records += self._take(metering.observe(self.scheme, meter, sample, leases, announced))
        if self._renewal is not None and self._state.meter and self._state.meter.settled is sample:
            records += self.renew(self._renewal, at)
            records += self._begin(sample, self._state.leases, announced)
        return records

    def renew_when_seen(self, reason: MeterReason) -> None:
        """Another epoch from the next good sample on: what the machine has counted till then is not lost."""
        self._renewal = reason

    def stranger(self, sample: Sample) -> bool:
        """Whether another machine answers at this address: neither the one metered nor the one expected."""
        pinned = self._state.meter.settled.serial if self._state.meter else self._state.serial
        wanted = pinned if self._serial is None else self._serial
        return wanted is not None and sample.serial != wanted

    def is_stuck(self, sample: Sample) -> bool:
        """Whether the controller shows the same heartbeat for too long: its registers are a photograph."""
        if sample.heartbeat is None:
            return False
        if self._beat is None or self._beat[0] != sample.heartbeat:
            self._beat = (sample.heartbeat, sample.at)
        return sample.at - self._beat[1] > STUCK_MS

    def missed(self, reason: Reason, wall: int, mono: int, polls: int = 1) -> list[Record]:
        """A poll without an answer, or so many slots that were skipped."""
        put_right, at = self._advance(wall, mono)
        return [] if self._waits(mono) else put_right + self._hold(self._missed(at, reason, polls))

    def renew(self, reason: MeterReason, at: int) -> list[Record]:
        """Ends the epoch; the next good sample opens another."""
        meter = self._state.meter
        if meter is None:
            return []
        counted_here = meter.identity.profile_digest == self.scheme.identity.profile_digest
        told = self._state.told or Told(totals=meter.open.totals, measured=NONE)
        ended = metering.finish(self.scheme, meter, at, None if counted_here else told)
        self._renewal = None
        self._state = Checkpoint(
            leases=self._state.leases,
            reason=reason,
            previous_epoch=meter.epoch,
            previous_end=metering.ends_at(meter, at),
            previous_machine=meter.identity.machine,
            previous_readings=meter.settled.readings,
            serial=meter.settled.serial,
        )
        return list(ended.records)

    def stop(self) -> list[Record]:
        """The agent is about to go: closes the open interval at the last settled sample."""
        meter = self._state.meter if self._free is None else None
        return self._take(metering.open_gap(self.scheme, meter, Reason.RESTART)) if meter else []

    def _begin(self, sample: Sample, leases: Leases, announced: Mapping[str, str]) -> list[Record]:
        opened = metering.begin(
            self.scheme,
            sample,
            leases,
            announced,
            epoch=self._name_epoch(),
            reason=self._state.reason,
            previous=self._state.previous,
        )
        return self._take(opened)

    def _advance(self, wall: int, mono: int) -> tuple[list[Record], int]:
        """Looks at both clocks. A jump ends what was certain: a gap forward, a new epoch back."""
        line = self._line or Line(wall=wall, mono=mono)
        was = instant(line, mono)
        if wall < PLAUSIBLE_MS:  # not a time to follow: the line goes on by itself
            self._line = line
            return [], was
        if self._free is not None:
            return self._put_right(self._free, wall - was, wall, mono), wall
        self._line, jump = follow(line, wall, mono)
        meter = self._state.meter
        records: list[Record] = []
        if meter is not None and wall - was > _LONGEST_STEP_MS:
            records = self.renew(MeterReason.CLOCK_BACK, was)
        elif meter is not None and jump is Jump.FORWARD:
            records = self._take(metering.step_forward(self.scheme, meter, was))
        elif meter is not None and jump is Jump.BACK:
            records = self.renew(MeterReason.CLOCK_BACK, was)
        return records, instant(self._line, mono)

    def _waits(self, mono: int) -> bool:
        """Whether there is a checkpoint from the future that the clock may still come back to.

        After ten minutes it is given up: the old epoch ends where it was settled, and a free one begins.
        """
        if self._free is None or self._state.meter is None or self._free.count:
            return False
        if mono - self._free.since < _PATIENCE_MS:
            return self._line is not None and self._state.meter.settled.at >= instant(self._line, mono)
        self._hold(self.renew(MeterReason.CLOCK_BACK, self._state.meter.settled.at))
        return False

    def _hold(self, records: list[Record]) -> list[Record]:
        if self._free is None:
            return records
        self._free.hold(records, self.scheme.identity.timezone)
        return []

    def _put_right(self, free: FreeRun, by: int, wall: int, mono: int) -> list[Record]:
        """Somebody has set the clock: what was held is dated anew, and is a fact."""
        self._free, meter = None, self._state.meter
        if meter is not None and not free.count:  # still waiting: the checkpoint's epoch simply goes on
            return self.start(wall, mono)
        self._line = Line(wall=wall, mono=mono)
        if meter is not None:
            self._state = msgspec.structs.replace(self._state, meter=redated_meter(meter, by))
        return [record if record.epoch == free.ended else redated(record, by) for record in free.held]

    def _missed(self, at: int, reason: Reason, polls: int = 1) -> list[Record]:
        meter = self._state.meter
        return self._take(metering.miss(self.scheme, meter, at, reason, polls)) if meter else []

    def _take(self, turned: Turned) -> list[Record]:
        """Keeps the meter, and of the leases what can still matter to it."""
        meter, leases = turned.meter, self._state.leases
        if leases:
            leases = forget(leases, meter.gap.start if meter.gap else meter.settled.at)
        self._state = msgspec.structs.replace(self._state, meter=meter, leases=leases)
        return list(turned.records)
