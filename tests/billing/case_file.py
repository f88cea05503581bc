"""Cases: a folder with a tariff and a table of rows and expected lines. ``cases/README.md`` shows every row.

A row is its kind, what it is about, and ``key=value`` words. Times are local (Asia/Shanghai) on the date of
the case, 22 November 2026 unless a ``date`` row says otherwise; 25:00 is one o'clock of the next day.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from billing import words
from billing.charge import Charge
from billing.clauses import Clause
from billing.known import Begun
from billing.terms import charged, plainly
from billing.wording import CLAUSES
from contract.facts import ABSENT, CorrectedField, Correction, LeaseFact, OrderFact, QualityResult
from contract.records import Interval, Transition
from contract.states import TIME_FIELDS, Party
from tests.billing.rows import (
    MIDNIGHT,
    clock_ms,
    make_correction,
    make_interval,
    make_lease,
    make_order,
    make_quality,
    make_span,
)

ZONE = ZoneInfo("Asia/Shanghai")


@dataclass
class Case:
    """What a case file says."""

    midnight: int = MIDNIGHT
    period: tuple[int, int] = (MIDNIGHT, MIDNIGHT + 86_400_000)
    intervals: list[Interval] = field(default_factory=list)
    transitions: list[Transition] = field(default_factory=list)
    leases: list[LeaseFact] = field(default_factory=list)
    orders: list[OrderFact] = field(default_factory=list)
    corrections: list[Correction] = field(default_factory=list)
    qualities: list[QualityResult] = field(default_factory=list)
    begun: set[Begun] = field(default_factory=set)
    before: list[Charge] = field(default_factory=list)
    expected: dict[str, list[str]] = field(default_factory=dict)
    """By kind of expectation: charge, total, suspense, disputed, finding."""
    totals: dict[str, dict[str, int]] = field(default_factory=dict)
    counted: dict[str, set[str]] = field(default_factory=dict)
    """By machine: the quantities beside pieces that it counts."""

    def at(self, text: str) -> int:
        return self.midnight + clock_ms(text)

    def facts(self) -> list[Any]:
        records = [*self.intervals, *self.transitions, *self.leases, *self.orders]
        return [*records, *self.corrections, *self.qualities]


_EXPECTED = {"charge", "total", "tax", "suspense", "disputed", "finding"}


def read_case(text: str) -> Case:
    case = Case()
    for sequence, line in enumerate(text.splitlines()):
        words = line.split("#")[0].split()
        if not words:
            continue
        plain = [word for word in words[1:] if "=" not in word]
        named = dict(word.split("=") for word in words[1:] if "=" in word)
        if words[0] in _EXPECTED:
            case.expected.setdefault(words[0], []).append(" ".join(words[1:]))
        else:
            _ROWS[words[0]](case, sequence, plain, named)
    case.intervals = [_measured(case, interval) for interval in case.intervals]
    return case


def _measured(case: Case, interval: Interval) -> Interval:
    """A machine counts in every interval what it counts in one of them."""
    extra = case.counted.get(interval.machine, set())
    names = sorted({*interval.measured.split(","), *extra})
    return msgspec.structs.replace(interval, measured=",".join(names))


Row = Callable[[Case, int, list[str], dict[str, str]], None]


def _date(case: Case, _: int, plain: list[str], __: dict[str, str]) -> None:
    day = date.fromisoformat(plain[0])
    start = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    case.midnight = int(start.timestamp() * 1000)
    case.period = (case.midnight, case.midnight + 86_400_000)


def _period(case: Case, _: int, plain: list[str], __: dict[str, str]) -> None:
    case.period = (case.at(plain[0]), case.at(plain[1]))


def _month(case: Case, _: int, __: list[str], ___: dict[str, str]) -> None:
    """The whole month of the date."""
    day = datetime.fromtimestamp(case.midnight / 1000, ZONE).replace(day=1)
    after = (day + timedelta(days=31)).replace(day=1)
    case.period = (int(day.timestamp() * 1000), int(after.timestamp() * 1000))


_STATES = {name.removesuffix("_ms"): name for name in TIME_FIELDS}
_STANDING = ("produced", "scrap", "rework", "energy_wh")
_FIELDS = frozenset(Interval.__struct_fields__)


def _whose(plain: list[str]) -> dict[str, str]:
    return dict(zip(("tenant", "order_id", "lease_id"), plain, strict=False))


def _interval(case: Case, sequence: int, plain: list[str], named: dict[str, str]) -> None:
    machine, first, last, *whose = plain
    times = {_STATES[name]: clock_ms(named.pop(name)) for name in list(named) if name in _STATES}
    counted = {name: int(named.pop(name)) for name in list(named) if name not in _FIELDS}
    case.counted.setdefault(machine, set()).update(set(counted) - {"produced", "scrap", "rework"})
    totals = case.totals.setdefault(machine, dict.fromkeys(_STANDING, 0))
    totals |= {name: totals.get(name, 0) + step for name, step in counted.items()}
    more = {"totals": dict(totals), "quantities": counted, **_whose(whose), **times, **named}
    made = make_interval(case.at(first), case.at(last), machine=machine, sequence=sequence, **more)
    case.intervals.append(msgspec.convert(msgspec.to_builtins(made), Interval, strict=False))


def _stop(case: Case, sequence: int, plain: list[str], named: dict[str, str]) -> None:
    machine, first, last, *whose = plain
    since = case.at(named.pop("since", first))
    party = Party(named.pop("party", "tenant"))
    fields = {"machine": machine, "sequence": sequence, "since": since, "party": party}
    case.transitions.append(make_span(case.at(first), case.at(last), **fields, **_whose(whose)))


def _lease(case: Case, _: int, plain: list[str], named: dict[str, str]) -> None:
    machine, effective, name, *whose = plain
    issued, heard = case.at(named.get("issued", effective)), case.at(named.get("heard", effective))
    lease = make_lease(case.at(effective), name, *whose, machine=machine, issued=issued, heard=heard)
    case.leases.append(lease)


def _order(case: Case, _: int, plain: list[str], named: dict[str, str]) -> None:
    issued = case.at(named["issued"]) if "issued" in named else case.midnight
    due = case.at(named["due"]) if "due" in named else ABSENT
    case.orders.append(make_order(*plain, issued=issued, due=due))


def _assign(case: Case, sequence: int, plain: list[str], named: dict[str, str]) -> None:
    machine, first, last = plain
    for index, (name, new) in enumerate(named.items()):
        issued = MIDNIGHT + 2 * sequence + index
        more = {"machine": machine, "field": CorrectedField(name), "issued": issued, "id": f"C-{issued}"}
        case.corrections.append(make_correction(case.at(first), case.at(last), new, **more))


def _quality(case: Case, sequence: int, plain: list[str], named: dict[str, str]) -> None:
    machine, at, *whose = plain
    counts = {name: int(named[name]) for name in ("scrap", "rework") if name in named}
    more = {"machine": machine, "cause": named.get("cause", "unknown"), **_whose(whose), **counts}
    issued = case.at(named.get("issued", at)) + sequence
    case.qualities.append(make_quality(case.at(at), f"Q-{sequence}", **{**more, "issued": issued}))


def _begun(case: Case, _: int, plain: list[str], __: dict[str, str]) -> None:
    tenant, order_id, kind = plain
    case.begun.add((tenant, order_id, kind))


def _before(case: Case, _: int, plain: list[str], __: dict[str, str]) -> None:
    tenant, order_id, amount, *kind = plain
    about = {
        "tenant": tenant,
        "order_id": order_id,
        "clause_id": "before",
        "kind": kind[0] if kind else "none",
    }
    terms = plainly(Clause.RUN, CLAUSES[Clause.RUN], words.TIME)
    case.before.append(charged(terms, 1, Decimal(amount), id=f"{tenant}/{order_id}", **about))


_ROWS: dict[str, Row] = {
    "date": _date,
    "period": _period,
    "month": _month,
    "interval": _interval,
    "stop": _stop,
    "lease": _lease,
    "order": _order,
    "assign": _assign,
    "quality": _quality,
    "begun": _begun,
    "before": _before,
}

CASES = Path(__file__).parent / "cases"
