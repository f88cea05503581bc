"""Why a period comes to something else today: what the store knows that it did not know before. Pure.

A tenant is told what is about his own use, and no name of another firm, nor its orders.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.period import Period, shown
from billing.timeline import Timeline
from contract.facts import ABSENT, CorrectedField, Correction, Fact, LeaseFact, QualityResult
from contract.names import NONE
from contract.records import Record
from contract.series import CORRECTION, LEASE, QUALITY, STATE, USAGE, Row, fact_of

_NAMED = (CORRECTION.name, QUALITY.name, LEASE.name)
_COUNTED = (USAGE.name, STATE.name)


_Decided = Mapping[tuple[object, ...], Correction]
"""Who pays, by what it was decided of."""


class Whose(Struct, frozen=True, kw_only=True):
    """Whom it is told."""

    tenant: str
    period: Period
    zone: ZoneInfo
    plans: tuple[Mapping[str, Timeline], ...]
    """By machine, the leases as they were known before, and as they are today."""

    def held(self, machine: str, start: int, end: int) -> bool:
        """Whether he had the machine for a part of ``[start, end)``, by either of the plans."""
        return any(
            lease is not None and lease.tenant == self.tenant
            for plan in self.plans
            if machine in plan
            for _, _, lease in plan[machine].pieces(start, max(end, start + 1))
        )

    def named(self, tenant: str) -> str:
        return tenant if tenant in {self.tenant, NONE} else "another tenant"


def reasons(fresh: Iterable[Row], machines: frozenset[str], whose: Whose) -> Iterator[str]:
    """``fresh``: rows that were not in the evidence before. A line for each about one of ``machines``."""
    late: Counter[str] = Counter()
    facts = list[Record | Fact]()
    for row in fresh:
        if row.tags.get("machine") in machines:
            if row.series in _COUNTED:
                late[row.tags["machine"]] += _is_his(row, whose)
            elif row.series in _NAMED:
                facts.append(fact_of(row))
    decided = [fact for fact in facts if isinstance(fact, Correction)]
    payers = {_about(fact): fact for fact in decided if fact.field is CorrectedField.TENANT}
    for fact in facts:
        if text := _told(fact, payers, whose):
            yield text
    yield from (f"{machine}: {n} records that were stored since" for machine, n in sorted(late.items()) if n)


def _is_his(row: Row, whose: Whose) -> bool:
    tenant = row.tags.get("tenant", row.fields.get("span_tenant"))
    return tenant == whose.tenant or whose.held(row.tags["machine"], row.time, row.time)


def _told(fact: Record | Fact, payers: _Decided, whose: Whose) -> str:
    match fact:
        case Correction():
            return _corrected(fact, payers, whose)
        case QualityResult():
            return _inspected(fact, whose)
        case LeaseFact():
            return _leased(fact, whose)
    return ""


def _about(fact: Correction) -> tuple[object, ...]:
    """What a decision is about: its tenant and its order are two facts."""
    return (fact.machine, fact.target, fact.epoch, fact.sequence, fact.start, fact.end, fact.issued)


def _corrected(fact: Correction, payers: _Decided, whose: Whose) -> str:
    """A correction of one record has no time of its own."""
    is_one, period = fact.sequence != ABSENT, whose.period
    if not is_one and (fact.start >= period.end or fact.end <= period.start):
        return ""
    ends = (period.start, period.end) if is_one else (fact.start, fact.end)
    old, new = fact.old, fact.new
    if fact.field is CorrectedField.TENANT:
        if whose.tenant not in {old, new} and (is_one or not whose.held(fact.machine, *ends)):
            return ""
        old, new = whose.named(old), whose.named(new)
    elif payer := payers.get(_about(fact)):
        if payer.new != whose.tenant:
            return ""
        if payer.old != whose.tenant and fact.field is CorrectedField.ORDER_ID:
            old = NONE
    elif not whose.held(fact.machine, *ends):
        return ""
    what = f"{fact.epoch}/{fact.sequence}" if is_one else shown(fact.start, whose.zone)
    return f"{fact.machine}, {what}: {fact.field} {old} -> {new}, by {fact.by}: {fact.why}"


def _inspected(fact: QualityResult, whose: Whose) -> str:
    if not whose.period.start <= fact.produced_at < whose.period.end:
        return ""
    if whose.tenant != fact.tenant and (
        fact.tenant != NONE or not whose.held(fact.machine, fact.produced_at, fact.produced_at)
    ):
        return ""
    found = f"{fact.scrap} scrap, {fact.rework} rework, cause {fact.cause}"
    return f"{fact.machine}, inspection {fact.id} by {fact.by}: {found}"


def _leased(fact: LeaseFact, whose: Whose) -> str:
    """A lease that took the machine from him is his too."""
    if fact.effective >= whose.period.end:
        return ""
    if whose.tenant != fact.tenant and not whose.held(fact.machine, fact.effective, whose.period.end):
        return ""
    whom = "nobody" if fact.tenant == NONE else whose.named(fact.tenant)
    return f"{fact.machine}: lease {fact.id} to {whom} from {shown(fact.effective, whose.zone)}"
