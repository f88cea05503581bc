"""What plainly goes on is taken together, and comes to the very same as record by record."""

from collections.abc import Sequence
from datetime import date
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.attribution import Books
from billing.calendars import Band, Calendar, DayHours, DayKind
from billing.corrections import corrections
from billing.course import Course
from billing.days import Days
from billing.feasible import Frozen, Limits
from billing.findings import Rule
from billing.fold import Fold, Folded
from billing.grain import RESERVED_MS, STOP, Dims, Grain
from billing.reading import Reader
from billing.spell import Spell
from billing.spelling import Spelling
from billing.timeline import timelines
from contract.records import Clock, Interval, Method, Quality, Reason
from contract.series import USAGE, row_of
from contract.states import TIME_FIELDS
from contract.stored import stored_of
from tests.billing.rows import MIDNIGHT, make_correction, make_interval, make_lease, make_meter

MINUTE, DAY = 60_000, 86_400_000
STEP = 15 * MINUTE
ZONE = ZoneInfo("Asia/Shanghai")
LIMITS = Limits(
    feasible={("knit", "produced"): 60},
    frozen={"knit": Frozen(quantities=frozenset({"produced"}), after_ms=STEP)},
    estimated_ms=STEP,
)
SHIFT = Calendar(
    name="shift",
    key="t",
    id="t",
    version="1",
    valid_from=date(2026, 1, 1),
    valid_to=None,
    bands=(Band(name="night"), Band(name="day")),
    hours=(
        DayHours(
            months=frozenset(range(1, 13)),
            days=frozenset(DayKind),
            starts=(0, 6 * 60 + 10, 22 * 60),
            bands=("night", "day", "night"),
        ),
    ),
)
FINE = Grain(
    measures={
        "run_ms": Dims(day=True),
        "produced": Dims(calendars=frozenset({"t"})),
        RESERVED_MS: Dims(lease=True),
        STOP: Dims(day=True),
    },
    calendars=(SHIFT,),
    zone=ZONE,
    has_days=True,
)
ODDITIES: dict[str, dict[str, Any]] = {
    "idle": {"idle_ms": STEP, "run_ms": 0},
    "stopped": {"stop_tenant_ms": 7 * MINUTE, "run_ms": STEP - 7 * MINUTE},
    "dark": {"unknown_ms": STEP, "run_ms": 0, "quality": Quality.UNKNOWN, "method": Method.NONE},
    "recovered": {"quality": Quality.RECOVERED, "method": Method.COUNTERS},
    "set back": {"clock": Clock.STEPPED},
    "too long": {"run_ms": STEP + 1},
    "unplaced": {"unplaced_run_ms": 5},
    "another lease": {"lease_id": "L2"},
    "another order": {"order_id": "A-2"},
    "nobody's": {"tenant": "none", "lease_id": "none", "order_id": "none"},
    "disputed": {"tenant": "disputed"},
    "other counters": {"measured": "produced"},
    "missed polls": {"polls_missed": 3},
    "another epoch": {"epoch": "e2"},
    "elsewhere": {"area": "hall-2"},
    "later": {"start": 5 * MINUTE},
    "earlier": {"start": -5 * MINUTE},
    "reaching back": {"span_start": -MINUTE},
    "of a short span": {"span_start": 14 * MINUTE},
    "of several": {"sequence_first": 0},
    "for a reason": {"reason": Reason.IDENTITY},
    "of another gateway": {"gateway": "gw-9"},
    "changed hands": {"tenant_before": "hongye", "tenant_after": "rongda"},
}


def history(oddities: Sequence[str], made: Sequence[int], machine: str) -> list[Interval]:
    """A day of quarters of an hour; ``made``: pieces of each, and one of them whose total is not the step."""
    found, total = list[Interval](), 0
    for number, oddity in enumerate(oddities):
        start, pieces = MIDNIGHT + number * STEP, abs(made[number % len(made)])
        total += pieces if made[number % len(made)] >= 0 else pieces + 1
        interval = make_interval(
            start,
            start + STEP,
            machine=machine,
            sequence=number,
            tenant="hongye",
            order_id="A-1",
            lease_id="L1",
            quantities={"produced": pieces},
            totals={"produced": total, "scrap": 0, "rework": 0, "energy_wh": 0},
        )
        more = dict(ODDITIES.get(oddity, {}))
        for name in ("start", "span_start"):
            if name in more:
                more[name] += start
        found.append(msgspec.structs.replace(interval, digest=f"{number:064}", **more))
    return found


def folded(intervals: Sequence[Interval], *, plainly: bool, grain: Grain, decided: bool = False) -> Any:
    leases = [make_lease(MIDNIGHT - DAY, "L1", "hongye", machine=name) for name in ("knit-01", "knit-02")]
    leases.append(make_lease(MIDNIGHT + 3 * STEP, "L2", "rongda", machine="knit-02"))
    named = [make_correction(MIDNIGHT, MIDNIGHT + DAY, "rongda")] if decided else []
    books = Books(leases=timelines(leases), corrections=corrections(named))
    fold = Fold(
        books, MIDNIGHT, MIDNIGHT + DAY, now=MIDNIGHT + DAY, grain=grain, limits=LIMITS, days=Days(ZONE)
    )
    fold.meter(make_meter(MIDNIGHT))
    if plainly:
        reader = Reader(None, "qinghe")  # type: ignore[arg-type]  # nothing is read from it
        spelling = Spelling(reader.reading(USAGE), reader.interval, fold, LIMITS)
        rows = sorted(stored_of(row_of(interval), USAGE) for interval in intervals)
        for at in range(0, len(rows), 7):
            spelling.rows(rows[at : at + 7])
        spelling.settle()
    else:
        for interval in sorted(intervals, key=lambda each: stored_of(row_of(each), USAGE)):
            fold.interval(interval)
    return fold.finish(), fold.seal.sealed().digest()


QUARTERS = st.lists(st.sampled_from(["plain"] * 30 + sorted(ODDITIES)), min_size=1, max_size=60)
MADE = st.lists(st.sampled_from([3, 3, 3, 3, 0, 40, -3]), min_size=1, max_size=9)


@given(QUARTERS, QUARTERS, MADE, st.sampled_from([Grain(), FINE]), st.booleans())
def test_it_comes_to_the_same_as_record_by_record(
    one: list[str],
    other: list[str],
    made: list[int],
    grain: Grain,
    decided: bool,  # noqa: FBT001
) -> None:
    intervals = [*history(one, made, "knit-01"), *history(other, made, "knit-02")]
    short = folded(intervals, plainly=True, grain=grain, decided=decided)
    assert short == folded(intervals, plainly=False, grain=grain, decided=decided)


@pytest.mark.parametrize("oddity", sorted(ODDITIES))
def test_each_oddity_among_plain_intervals_is_seen(oddity: str) -> None:
    around = history([*["plain"] * 9, oddity, *["plain"] * 9], [3], "knit-01")
    short = folded(around, plainly=True, grain=FINE)
    assert short == folded(around, plainly=False, grain=FINE)


def test_a_total_that_rose_by_something_else_ends_a_spell_and_is_found() -> None:
    intervals = history(["plain"] * 12, [3, 3, 3, -3], "knit-01")
    short = folded(intervals, plainly=True, grain=FINE)
    assert short == folded(intervals, plainly=False, grain=FINE)
    assert [finding.rule for finding in short[0].findings].count(Rule.SUM) == 3


def test_who_holds_the_machine_next_ends_a_spell() -> None:
    """Though the records still name the lease before."""
    intervals = history(["plain"] * 9, [3], "knit-02")
    found, digest = folded(intervals, plainly=True, grain=FINE)
    assert (found, digest) == folded(intervals, plainly=False, grain=FINE)
    assert {usage.place for usage in found.usages} == {"tenant", "suspense"}


def test_an_interval_that_was_not_cut_at_midnight_lies_on_both_days() -> None:
    late = [
        msgspec.structs.replace(each, start=each.start + 7 * MINUTE, span_start=each.start + 7 * MINUTE)
        for each in history(["plain"] * 96, [3], "knit-01")
    ]
    found, digest = folded(late, plainly=True, grain=FINE)
    assert (found, digest) == folded(late, plainly=False, grain=FINE)
    assert [len(days) for days in found.days.values()] == [2]


def test_plain_intervals_are_taken_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or nothing would be gained: of a day of one machine two are looked at, each beginning of a lease."""
    looked: list[int] = []
    taken: list[int] = []
    interval, spell = Fold.interval, Fold.spell
    monkeypatch.setattr(Fold, "interval", lambda *args: (looked.append(1), interval(*args))[1])
    monkeypatch.setattr(Fold, "spell", lambda *args: (taken.append(len(args[1].starts)), spell(*args))[1])
    folded(history(["plain"] * 96, [3], "knit-01"), plainly=True, grain=Grain())
    assert (len(looked), sum(taken)) == (1, 95)


NUMBERS = {
    "start",
    "duration_ms",
    "span_start",
    "sequence",
    "sequence_first",
    "digest",
    "quantities",
    "totals",
    "polls_missed",
}
SAME = sorted({each.name for each in msgspec.structs.fields(Interval)} - NUMBERS - {*TIME_FIELDS})


@pytest.mark.parametrize("field", SAME)
def test_what_is_no_number_is_the_same_all_through_a_spell(
    monkeypatch: pytest.MonkeyPatch, field: str
) -> None:
    """Whatever else the row of an interval says, it is looked at when it says it for the first time."""
    looked: list[Interval] = []
    interval = Fold.interval
    monkeypatch.setattr(Fold, "interval", lambda *args: (looked.append(args[1]), interval(*args))[1])
    rows = history(["plain"] * 9, [3], "knit-01")
    before = getattr(rows[4], field)
    others = list(type(before)) if isinstance(before, Enum) else [f"{before}x"]
    other = before + 1 if isinstance(before, int) else next(each for each in others if each != before)
    rows[4] = msgspec.structs.replace(rows[4], **{field: other})
    folded(rows, plainly=True, grain=Grain())
    assert other in {getattr(each, field) for each in looked}


def test_polls_that_were_missed_end_no_spell(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a poor line each interval misses some: no reason to look at each, and the last one tells its own."""
    looked: list[int] = []
    last: list[Interval] = []
    interval, spell = Fold.interval, Fold.spell
    monkeypatch.setattr(Fold, "interval", lambda *args: (looked.append(1), interval(*args))[1])
    monkeypatch.setattr(Fold, "spell", lambda *args: (last.append(args[1].last), spell(*args))[1])
    rows = [
        msgspec.structs.replace(each, polls_missed=number % 7)
        for number, each in enumerate(history(["plain"] * 20, [3], "knit-01"))
    ]
    folded(rows, plainly=True, grain=Grain())
    assert (len(looked), last[-1]) == (1, rows[-1])


def test_where_every_other_interval_is_odd_little_is_tried_in_vain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine counts a piece in each second interval: each row is decoded a few times at most."""
    tried: list[int] = []
    taken = Course.take
    monkeypatch.setattr(Course, "take", lambda *args: (tried.append(len(args[1])), taken(*args))[1])
    rows = history(["plain"] * 96, [1, 0], "knit-01")
    assert folded(rows, plainly=True, grain=Grain()) == folded(rows, plainly=False, grain=Grain())
    assert sum(tried) < 96 * 6


def test_a_row_that_cannot_be_read_ends_a_spell_and_is_named() -> None:
    fold = Fold(Books(), MIDNIGHT, MIDNIGHT + DAY, limits=LIMITS)
    reader = Reader(None, "qinghe")  # type: ignore[arg-type]  # nothing is read from it
    spelling = Spelling(reader.reading(USAGE), reader.interval, fold, LIMITS)
    rows = [stored_of(row_of(each), USAGE) for each in history(["plain"] * 6, [3], "knit-01")]
    rows[3] = (*rows[3][:-1], rows[3][-1].replace('"run_ms":', '"ran_ms":'))
    spelling.rows(rows)
    spelling.settle()
    found: Folded = fold.finish()
    assert [finding.rule for finding in reader.findings] == ["unreadable"]
    assert "hole" in {finding.rule for finding in found.findings}
    assert found.usages[0].total_ms == 5 * STEP


def test_a_spell_says_what_its_intervals_have() -> None:
    last = make_interval(30, 40, quantities={"produced": 30, "scrap": 1})
    times, counts = [(10, 20, 30), *[(0, 0, 0)] * 11], {"produced": (10, 20, 30), "scrap": (1, 1, 1)}
    last = msgspec.structs.replace(last, quantities=dict.fromkeys(counts, 1))
    spell = Spell(last, (10, 20, 30), (1, 2, 3), ("", "", ""), times, [*counts.values()])
    assert [*spell.alike()] == [(row, 1) for row in spell.times]
    assert (spell.starts, spell.ends) == ((10, 20, 30), [20, 30, 40])
    assert spell.summed_counts == {"produced": 60, "scrap": 3}
    assert (spell.summed_times[0], spell.column("run_ms")) == (60, (10, 20, 30))
    assert (spell.column("scrap"), spell.column("picks")) == ((1, 1, 1), [0, 0, 0])
