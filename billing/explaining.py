"""A line of a statement, down to the second on the machine: what it rests on, in words. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing import figures, money
from billing.charge import Charge
from billing.clause_text import ClauseText
from billing.clauses import PIECES
from billing.grain import STOP
from billing.needs import MEASURES
from billing.period import shown
from contract.names import NONE
from contract.records import Interval, Method, Transition
from contract.states import TIME_FIELDS


class Span(Struct, frozen=True, kw_only=True):
    """Records ``first`` to ``last`` of an epoch."""

    machine: str
    epoch: str
    first: int
    last: int

    def has(self, record: Interval | Transition) -> bool:
        is_its = (record.machine, record.epoch) == (self.machine, self.epoch)
        return is_its and self.first <= record.sequence <= self.last

    def is_one(self, record: Transition) -> bool:
        """Whether it is named itself: a range is of intervals."""
        return self.first == self.last and self.has(record)


def spans_of(charge: Charge) -> list[Span]:
    """The stored records that a line names, as ranges of sequences."""
    named = [name.split("/") for name in charge.records]
    return [_span(*parts) for parts in named if len(parts) == len(("machine", "epoch", "sequence"))]


def _span(machine: str, epoch: str, sequences: str) -> Span:
    first, _, last = sequences.partition("-")
    return Span(machine=machine, epoch=epoch, first=int(first), last=int(last or first))


class Behind(Struct, frozen=True, kw_only=True):
    """The stored rows behind a line."""

    intervals: tuple[Interval, ...]
    stops: tuple[Transition, ...]


def explained(charge: Charge, clause: ClauseText | None, behind: Behind, zone: ZoneInfo) -> Iterator[str]:
    yield from _head(charge)
    yield from _clause(charge, clause)
    if charge.of:
        yield from _lines(charge)
        return
    yield from _intervals(charge, behind.intervals, zone)
    yield from _stops(behind.stops, zone)
    if others := [name for name in charge.records if name.count("/") == 1]:
        yield f"and {', '.join(others)}"


def _lines(charge: Charge) -> Iterator[str]:
    """What is made of other lines: those have the records."""
    yield f"made of {len(charge.of)} lines; `explain` each for its intervals"
    together = Fraction(0)
    for each in charge.of:
        yield f"  {each.amount}  {each.line}"
        together += Fraction(each.amount)
    yield f"  {money.shown_plainly(together)}  together"


def _head(charge: Charge) -> Iterator[str]:
    who = f"tenant {charge.tenant}, order {charge.order_id}, kind {charge.kind}"
    yield f"line {charge.id}: {charge.label.en} {charge.label.zh}{_more(charge.part.en)} ({who})"
    times = "" if charge.factor.numerator == 1 else f" × {charge.factor.numerator}"
    over = "" if charge.factor.denominator == 1 else f" ÷ {charge.factor.denominator}"
    quantity = f"{figures.quantity(charge)} {charge.counted.en}"
    exact = Fraction(figures.quantity(charge)) * Fraction(charge.price) * charge.factor
    yield (
        f"  {quantity} × {charge.price} per {charge.priced.en}{times}{over} = {figures.yuan(charge.amount)}"
        f" (exactly {_decimal(exact)}, rounded once)"
    )
    if charge.vat_percent is not None:
        yield f"  net {charge.net}, VAT {charge.vat_percent} % {charge.tax}, gross {charge.gross}"
    if charge.note:
        yield f"  {charge.note.en}"
    unit = charge.base.en
    yield f"  counted {charge.metered} {unit}, charged {charge.quantity} {unit}"
    for machine, share in charge.machines.items():
        own = figures.yuan(money.yuan(share)) if charge.is_shared_by_amount else f"{share} {unit}"
        yield f"  of it {machine}: {own}"
    if charge.busy_ms:
        yield f"  observed: {figures.coverage(charge)} % of the planned busy time of its machines"


def _more(text: str) -> str:
    return f", {text}" if text else ""


def _decimal(exact: Fraction) -> str:
    places = f"{float(exact):.6f}".rstrip("0")
    return f"{places}0" if places.endswith(".") else places


def _clause(charge: Charge, clause: ClauseText | None) -> Iterator[str]:
    if clause is None:
        yield f"clause {charge.clause_id}: no clause of the tariff"
        return
    yield f"clause {charge.clause_id}, {clause.file}:{clause.line}"
    yield from (f"  | {line}" for line in clause.text.splitlines())


def _intervals(charge: Charge, intervals: Iterable[Interval], zone: ZoneInfo) -> Iterator[str]:
    found = sorted(intervals, key=lambda each: (each.machine, each.start))
    shares = [(each, _share(charge, each)) for each in found]
    having = [(each, share) for each, share in shares if share]
    if found:
        yield f"{len(found)} stored intervals, {len(having)} of them with a part of it"
    for each, _ in having:
        name = f"{each.machine} {each.epoch}/{each.sequence}"
        yield f"  {name}  {_when(each, zone)}  {_what(each)}{_doubt(each)}"
    measure = MEASURES.get(charge.clause, "")
    if measure in TIME_FIELDS:
        total = sum(share for _, share in having)
        yield f"  {measure.removesuffix('_ms')} in them: {figures.duration(total)} ({total} ms)"


def _share(charge: Charge, interval: Interval) -> int:
    """What the interval has of what the clause counts; 1 where that is not one figure."""
    measure = MEASURES.get(charge.clause, "")
    if measure == STOP:
        return interval.stop_tenant_ms
    if measure in TIME_FIELDS:
        share: int = getattr(interval, measure)
        return share
    if charge.clause in PIECES:
        return interval.quantities.get("produced", 0) + interval.quantities.get("scrap", 0)
    return 1


def _when(each: Interval, zone: ZoneInfo) -> str:
    return f"{shown(each.start, zone)} to {shown(each.end, zone)}"


def _what(each: Interval) -> str:
    times: Mapping[str, int] = {name: getattr(each, name) for name in TIME_FIELDS}
    parts = [f"{name.removesuffix('_ms')} {figures.duration(ms)}" for name, ms in times.items() if ms]
    counts = [f"{name} {number}" for name, number in sorted(each.quantities.items()) if number]
    return ", ".join([*parts, *counts])


def _doubt(each: Interval) -> str:
    """Its quality, where it is not plainly observed."""
    words = [str(each.quality)]
    if each.method is not Method.POLLED:
        words.append(f"by {each.method}")
    if each.polls_missed:
        words.append(f"{each.polls_missed} polls missed")
    if each.lease_id != NONE:
        words.append(f"lease {each.lease_id}")
    return f"  [{', '.join(words)}]"


def _stops(stops: Iterable[Transition], zone: ZoneInfo) -> Iterator[str]:
    found = sorted(stops, key=lambda each: (each.machine, each.at))
    if found:
        yield f"{len(found)} stops"
    for each in found:
        is_part = each.span_since != each.span_start
        whole = f", of a stop since {shown(each.span_since, zone)}" if is_part else ""
        yield (
            f"  {each.machine} {each.epoch}/{each.sequence}  {shown(each.span_start, zone)} to"
            f" {shown(each.at, zone)}  {figures.duration(each.span_ms)}, by {each.span_party},"
            f" code {each.span_stop_code} of {each.stop_table}{whole}"
        )
