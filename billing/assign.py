"""A person's decision becomes correction facts. Nothing stored is changed; the next run bills it."""

from collections.abc import Sequence

from msgspec import Struct

from billing.announcements import announcements
from billing.claims import is_stop
from billing.period import Period
from billing.reading import Reader
from billing.writing import Refusal
from contract.facts import CorrectedField, Correction, OrderFact, Target
from contract.names import DISPUTED, NONE, is_name, is_order_id
from contract.records import Interval, Meter, Transition
from contract.series import METER, ORDER, STATE, USAGE
from contract.states import Party
from store.protocol import Store

_SPAN_MS = 25 * 3_600_000
"""A span is cut at local midnight, and the longest local day has 25 hours."""


class Decision(Struct, frozen=True, kw_only=True):
    """Either a record (epoch and sequence) or a stretch of time of one machine, and whose it is."""

    machine: str
    tenant: str | None
    """``none``: the host's own, charged to nobody. None: whoever announced the order."""
    order_id: str | None
    """None leaves the order as it is stored."""
    party: Party | None = None
    """Who caused the stops, instead of whose they are: tenant and order stay as they are."""
    by: str
    why: str
    epoch: str = NONE
    sequence: int = -1
    period: Period = Period(start=0, end=0)


def complaints_about(decision: Decision) -> list[str]:
    """Everything wrong with what was typed."""
    found = []
    if decision.tenant not in {None, NONE} and not is_name(str(decision.tenant)):
        found.append(
            f"--tenant {decision.tenant!r}: lower case letters, digits, . _ - (or none: the host's own)"
        )
    order_id = decision.order_id
    if order_id is not None and order_id != NONE and not is_order_id(order_id):
        found.append(f"--order {order_id!r}: letters, digits, . _ - (or none)")
    if not is_name(decision.machine):
        found.append(f"--machine {decision.machine!r} is no name of a machine")
    for option, text in (("--by", decision.by), ("--why", decision.why)):
        if not text.strip() or not text.isprintable() or len(text) > 512:
            found.append(f"{option}: say it in one line of at most 512 characters")
    return found


class Found(Struct, frozen=True, kw_only=True):
    """What a decision is about, as it is stored."""

    target: Target
    records: tuple[Interval | Transition, ...]

    @property
    def start(self) -> int:
        """When the first of them began, UTC ms."""
        return min(r.start if isinstance(r, Interval) else r.span_start for r in self.records)

    def old(self, field: str) -> str:
        """What the records say, when they agree."""
        values = {_stored(record, field) for record in self.records}
        return values.pop() if len(values) == 1 else "various"


def _stored(record: Interval | Transition, field: str) -> str:
    """A transition names the tenant and order of the span that it closes in fields of their own."""
    return str(getattr(record, field if isinstance(record, Interval) else f"span_{field}"))


async def announced_tenant(store: Store, site: str, order_id: str, at: int, now: int) -> str | None:
    """Whose the order was at ``at`` (UTC ms), or None."""
    orders = Reader(store, site).facts(ORDER, OrderFact, 0, now + 1)
    announced = announcements([fact async for fact in orders]).at(order_id, at)
    return announced.tenant if announced else None


async def find(store: Store, site: str, decision: Decision, now: int) -> Found:
    """The records a decision is about. Raises Refusal when there are none, or when a question stays open."""
    finder = _Finder(store, site, decision)
    found = await finder.stretch() if decision.sequence < 0 else await finder.record(now)
    if (
        decision.party is None
        and decision.order_id is None
        and DISPUTED in {_stored(record, "order_id") for record in found.records}
    ):
        raise Refusal("the order is disputed too: add --order ORDER (or --order none)")
    return found


class _Finder:
    def __init__(self, store: Store, site: str, decision: Decision) -> None:
        self._reader = Reader(store, site)
        self._decision = decision
        self._tags = {"machine": decision.machine}

    async def stretch(self) -> Found:
        """Intervals that begin in it, and stops that reach into it: those are billed to the millisecond."""
        period, machine = self._decision.period, self._decision.machine
        if self._decision.party is not None:
            return self._stops(await self._spans(), f"no stop of {machine} reaches into this time")
        rows = self._reader.facts(USAGE, Interval, period.start, period.end, self._tags)
        intervals = [interval async for interval in rows]
        records: tuple[Interval | Transition, ...] = (*intervals, *await self._spans())
        if not records:
            raise Refusal(
                f"no record of {machine} begins in this time, and no stop reaches into it;"
                " `suspense` shows the times"
            )
        return Found(target=Target.LEASE, records=records)

    async def _spans(self) -> list[Transition]:
        """The stops that reach into the stretch."""
        period = self._decision.period
        ends = self._reader.facts(STATE, Transition, period.start, period.end + _SPAN_MS, self._tags)
        return [t async for t in ends if period.start < t.at and t.span_start < period.end and is_stop(t)]

    @staticmethod
    def _stops(spans: Sequence[Transition], nothing: str) -> Found:
        """Only a stop has a party that can be decided. An interval has none: its stops are spans."""
        if not spans:
            raise Refusal(f"{nothing}; a stop that still lasts is decided once it has ended")
        return Found(target=Target.STATE, records=tuple(spans))

    async def record(self, now: int) -> Found:
        decision = self._decision
        begun = await self._epoch_start(now)
        tags = {**self._tags, "epoch": decision.epoch}
        async for interval in self._reader.facts(USAGE, Interval, begun, now + 1, tags):
            if interval.sequence == decision.sequence:
                if decision.party is not None:
                    return self._stops(
                        [], f"record {decision.sequence} is an interval, not the end of a stop"
                    )
                return Found(target=Target.USAGE, records=(interval,))
        async for transition in self._reader.facts(STATE, Transition, begun, now + 1, tags):
            if transition.sequence == decision.sequence:
                if decision.party is not None:
                    ended = [transition] if is_stop(transition) else []
                    return self._stops(ended, f"record {decision.sequence} does not end a stop")
                return Found(target=Target.STATE, records=(transition,))
        raise Refusal(f"epoch {decision.epoch} of {decision.machine} has no record {decision.sequence}")

    async def _epoch_start(self, now: int) -> int:
        """Dense series are read by the day, so it matters where to begin."""
        async for meter in self._reader.facts(METER, Meter, 0, now + 1, self._tags):
            if meter.epoch == self._decision.epoch:
                return meter.at
        raise Refusal(
            f"{self._decision.machine} has no epoch {self._decision.epoch}; `suspense` shows its name"
        )


def corrections_of(
    decision: Decision, tenant: str, found: Found, site: str, now: int
) -> tuple[Correction, ...]:
    """One fact for the tenant and one for the order, if it was said, issued a millisecond apart.

    Of a decision about the party one fact, for the party.
    """
    fields = [(CorrectedField.TENANT, tenant)]
    if decision.party is not None:
        fields = [(CorrectedField.PARTY, decision.party.value)]
    elif decision.order_id is not None:
        fields.append((CorrectedField.ORDER_ID, decision.order_id))
    return tuple(
        Correction(
            site=site,
            machine=decision.machine,
            issued=now + index,
            id=f"{decision.machine}-{now + index}",
            by=decision.by,
            why=decision.why,
            target=found.target,
            epoch=decision.epoch,
            sequence=decision.sequence,
            start=decision.period.start,
            end=decision.period.end,
            field=field,
            old=found.old(field),
            new=new,
            supersedes=NONE,
        )
        for index, (field, new) in enumerate(fields)
    )
