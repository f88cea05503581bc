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

from billing.announcements import announcements, rushed
from billing.attribution import Books
from billing.bookings import bookings
from billing.config import Settings
from billing.corrections import corrections
from billing.days import Days
from billing.entries import Entries
from billing.entries_file import read_entries
from billing.fold import Fold
from billing.known import Begun, Known
from billing.needs import grain_of
from billing.period import Period
from billing.run import conclude
from billing.statement import Assessment, Heading, Named
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from billing.validity import check_tariffs
from contract.facts import ABSENT, CorrectedField, Correction, LeaseFact, OrderFact, QualityResult
from contract.records import Interval, Transition
from contract.states import TIME_FIELDS, Party
from store.config import SqliteConfig
from tests.billing.rows import (
    MIDNIGHT,
    SITE,
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
    before: dict[tuple[str, str], Decimal] = field(default_factory=dict)
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
    case.before[plain[0], plain[1]] = Decimal(plain[2])


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


def tariff_in(folder: Path) -> Tariff:
    """The tariff of a case; calendars are looked for beside it."""
    path = folder / "tariff.toml"
    return read_tariff(str(path), path.read_text("utf-8"), lambda name: (folder / name).read_text("utf-8"))


def assessed(folder: Path) -> tuple[Assessment, Case]:
    case = read_case((folder / "case.txt").read_text("utf-8"))
    entries = folder / "entries.toml"
    known = read_entries(str(entries), entries.read_text("utf-8")) if entries.exists() else Entries()
    return rated(case, tariff_in(folder), known), case


def rated(case: Case, tariff: Tariff, entries: Entries = Entries()) -> Assessment:  # noqa: B008  it is frozen
    """The pure line over the rows of a case."""
    orders = announcements(case.orders)
    books = Books(
        leases=timelines(case.leases),
        orders=orders,
        corrections=corrections(case.corrections),
        priced=tariff.priced,
    )
    start, end = case.period
    check_tariffs([tariff], *Period(start=start, end=end).days(ZONE), "")
    fold = Fold(books, start, end, grain=grain_of(tariff, ZONE), days=Days(ZONE))
    for interval in sorted(case.intervals, key=lambda interval: interval.start):
        fold.interval(interval)
    for transition in sorted(case.transitions, key=lambda transition: transition.at):
        fold.transition(transition)
    for result in case.qualities:
        fold.quality(result)
    settings = Settings(
        site=Named(id=SITE),
        timezone=ZONE.key,
        store=SqliteConfig(kind="sqlite", path=Path("unused.db")),
        tariff=tariff,
        tenants=(Named(id="hongye"), Named(id="rongda")),
    )
    period = Period(start=start, end=end)
    heading = Heading(
        site=settings.site,
        timezone=settings.timezone,
        period=period,
        generated=end,
        is_preliminary=False,
        tariff=tariff,
        digest=fold.seal.digest(),
    )
    folded = fold.finish()
    booked = [each for line in books.leases.values() for each in bookings(line.by_id.values())]
    known = Known(
        period=period,
        zone=ZONE,
        begun=frozenset(case.begun),
        before=case.before,
        bookings=tuple(booked),
        kinds=folded.kinds,
        rushed=rushed(orders),
        entries=entries,
    )
    return conclude(heading, settings, folded, [], known)
