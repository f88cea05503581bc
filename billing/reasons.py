"""Why a period comes to something else today: what the store knows that it did not know before. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from billing.period import Period, shown
from contract.facts import ABSENT, Correction, LeaseFact, QualityResult
from contract.names import NONE
from contract.records import Interval, Transition
from contract.series import CORRECTION, LEASE, QUALITY, STATE, USAGE, Row, fact_of

_NAMED = (CORRECTION.name, QUALITY.name, LEASE.name)
_COUNTED = {USAGE.name: Interval, STATE.name: Transition}


def reasons(fresh: Iterable[Row], machines: frozenset[str], period: Period, zone: ZoneInfo) -> Iterator[str]:
    """``fresh``: rows that were not in the evidence before. A line for each about one of ``machines``."""
    late: Counter[str] = Counter()
    for row in fresh:
        if row.tags.get("machine") not in machines:
            continue
        if row.series in _COUNTED:
            late[row.tags["machine"]] += 1
        elif row.series in _NAMED and (text := _reason(row, period, zone)):
            yield text
    for machine, records in sorted(late.items()):
        yield f"{machine}: {records} records that were stored since"


def _reason(row: Row, period: Period, zone: ZoneInfo) -> str:
    match fact_of(row):
        case Correction() as fact if _touches(fact, period):
            what = f"{fact.epoch}/{fact.sequence}" if fact.sequence != ABSENT else shown(fact.start, zone)
            return f"{fact.machine}, {what}: {fact.field} {fact.old} -> {fact.new}, by {fact.by}: {fact.why}"
        case QualityResult() as fact if period.start <= fact.produced_at < period.end:
            found = f"{fact.scrap} scrap, {fact.rework} rework, cause {fact.cause}"
            return f"{fact.machine}, inspection {fact.id} by {fact.by}: {found}"
        case LeaseFact() as fact if fact.effective < period.end:
            whose = "nobody" if fact.tenant == NONE else fact.tenant
            return f"{fact.machine}: lease {fact.id} to {whose} from {shown(fact.effective, zone)}"
    return ""


def _touches(fact: Correction, period: Period) -> bool:
    """A correction of one record has no time of its own."""
    return fact.sequence != ABSENT or (fact.start < period.end and fact.end > period.start)
