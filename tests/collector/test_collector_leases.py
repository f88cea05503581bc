"""Tables of leases: what is read, what is complained about, and what is announced of it."""

from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.lease_plan import Plan, Said, in_force, plan, steps
from collector.lease_rows import COLUMNS, Table, Wanted, read_rows
from contract.announcements import flaw
from contract.facts import LeaseFact, lease_fact
from contract.sheet import read_sheet

ZONE = ZoneInfo("Asia/Shanghai")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = 1_795_305_600_000
SAID = Said(file="leases.csv", site="qinghe", by="office", now=NOW, zone=SHANGHAI)
HEAD = "machine,tenant,order,start,end\n"
EIGHT = 1_795_305_600_000
"""2026-11-22 08:00 in Shanghai."""
HOUR = 3_600_000


def table(text: str, zone: ZoneInfo | None = ZONE, encoding: str = "utf-8") -> Table:
    return read_rows(read_sheet("leases.csv", text.encode(encoding), COLUMNS), zone)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (HEAD + "knit-01,zhang,A-17,2026-11-22 08:00,2026-11-22 12:00\n", "utf-8"),
        (HEAD + "knit-01,zhang,A-17,2026/11/22 8:00,2026/11/22 12:00:00\n", "utf-8-sig"),
        (
            "机台;承租方;订单;开始;结束\nknit-01;zhang;A-17;2026-11-22T00:00+00:00;2026-11-22T13:00+09:00\n",
            "gb18030",
        ),
    ],
)
def test_a_row_is_read_as_spreadsheets_write_it(text: str, encoding: str) -> None:
    found = table(text, encoding=encoding)
    assert found.complaints == ()
    (row,) = found.rows
    assert (row.machine, row.tenant, row.order_id) == ("knit-01", "zhang", "A-17")
    assert (row.start, row.end) == (EIGHT, EIGHT + 4 * HOUR)


def test_every_mistake_is_told_at_once_with_its_row_and_column() -> None:
    found = table(
        "机台,承租方,订单,开始,结束\n"
        "Knit-01,zhang,A 17,2026-11-22 08:00,\n"
        "knit-02,none,,tomorrow,2026-11-22 12:00\n"
        ",zhang,,2026-11-22 08:00,2026-11-22 07:00\n"
        "knit-04,zhang,,,2026-02-30 07:00\n"
    )
    told = [(one.line, one.key) for one in found.complaints]
    assert told == [
        (2, "机台"),
        (2, "订单"),
        (3, "承租方"),
        (3, "开始"),
        (4, "机台"),
        (4, "结束"),
        (5, "开始"),
        (5, "结束"),
    ]
    assert found.rows == ()
    assert all(one.remedy for one in found.complaints)


def test_a_column_that_is_not_there_is_told_once() -> None:
    found = table("machine,start\nknit-01,2026-11-22 08:00\nknit-02,2026-11-22 08:00\n")
    assert [(one.line, one.key) for one in found.complaints] == [(1, "tenant")]


def test_an_instant_without_a_zone_is_not_guessed() -> None:
    text = HEAD + "knit-01,zhang,,2026-11-22 08:00,\n"
    (told,) = table(text, zone=None).complaints
    assert "--timezone" in told.remedy
    assert table(text.replace("08:00", "08:00+08:00"), zone=None).rows[0].start == EIGHT


OVERLAPS = {
    "in the middle": ("08:00,2026-11-22 12:00", "11:00,2026-11-22 13:00", 1),
    "without an end": ("08:00,", "11:00,", 1),
    "the same instant": ("08:00,2026-11-22 12:00", "08:00,2026-11-22 12:00", 1),
    "one after the other": ("08:00,2026-11-22 11:00", "11:00,", 0),
}


@pytest.mark.parametrize(("one", "other", "told"), OVERLAPS.values(), ids=OVERLAPS)
def test_two_rows_that_overlap_are_refused(one: str, other: str, told: int) -> None:
    found = table(f"{HEAD}knit-01,zhang,,2026-11-22 {one}\nknit-01,li,,2026-11-22 {other}\n")
    assert len(found.complaints) == told
    apart = table(f"{HEAD}knit-01,zhang,,2026-11-22 {one}\nknit-02,li,,2026-11-22 {other}\n")
    assert apart.complaints == ()


def row(machine: str, tenant: str, start: int, end: int | None, line: int = 2) -> Wanted:
    ends = None if end is None else EIGHT + end * HOUR
    return Wanted(
        line=line, machine=machine, tenant=tenant, order_id=None, start=EIGHT + start * HOUR, end=ends
    )


def heard(made: Plan, *stored: LeaseFact) -> list[LeaseFact]:
    """What a collector keeps of it."""
    return [*stored, *(lease_fact("qinghe", lease, NOW) for lease in made.leases)]


def test_leases_and_their_ends_are_announced_in_order_and_an_end_only_where_nobody_follows() -> None:
    made = plan([row("knit-01", "li", 4, 8), row("knit-01", "zhang", 0, 4)], [], SAID)
    assert [(one.tenant, one.effective) for one in made.leases] == [
        ("zhang", EIGHT),
        ("li", EIGHT + 4 * HOUR),
        (None, EIGHT + 8 * HOUR),
    ]
    assert [one.issued for one in made.leases] == [NOW, NOW + 1, NOW + 2]
    assert {one.by for one in made.leases} == {"office"}
    assert {flaw(one, "knit-01", NOW) for one in made.leases} == {""}


def test_the_same_table_again_announces_nothing() -> None:
    rows = [row("knit-01", "zhang", 0, 4), row("knit-02", "li", 0, None)]
    first = plan(rows, [], SAID)
    again = plan(rows, heard(first), msgspec.structs.replace(SAID, now=NOW + 1000))
    assert (again.leases, again.known, again.complaints) == ((), 3, ())


def test_the_same_table_gives_the_same_names_whoever_imports_it_and_when() -> None:
    rows = [row("knit-01", "zhang", 0, 4)]
    other = Said(file="other.csv", site="qinghe", by="wu", now=NOW + 5, zone=SHANGHAI)
    assert [one.id for one in plan(rows, [], SAID).leases] == [one.id for one in plan(rows, [], other).leases]


def test_what_a_collector_missed_is_announced_again() -> None:
    rows = [row("knit-01", "zhang", 0, 4), row("knit-01", "li", 6, 8)]
    all_heard = heard(plan(rows, [], SAID))
    made = plan(rows, all_heard[:2], msgspec.structs.replace(SAID, now=NOW + 1000))
    assert [one.effective for one in made.leases] == [EIGHT + 6 * HOUR, EIGHT + 8 * HOUR]
    assert in_force(heard(made, *all_heard[:2])) == steps(rows)


def test_a_row_in_the_middle_takes_those_after_it_along_under_new_names() -> None:
    rows = [row("knit-01", "zhang", 0, 4), row("knit-01", "li", 6, 8)]
    stored = heard(plan(rows, [], SAID))
    more = [rows[0], row("knit-01", "wu", 4, 5), rows[1]]
    made = plan(more, stored, msgspec.structs.replace(SAID, now=NOW + 1000))
    assert [one.tenant for one in made.leases] == ["wu", None, "li", None]
    assert not {one.id for one in made.leases} & {fact.id for fact in stored}
    assert in_force(heard(made, *stored)) == steps(more)


def fact(tenant: str | None, start: int, issued: int = NOW - 10) -> LeaseFact:
    whose = tenant or "none"
    return LeaseFact(
        site="qinghe",
        machine="knit-01",
        issued=issued,
        id=f"L-{issued}",
        tenant=whose,
        order_id="none",
        by="wu",
        effective=EIGHT + start * HOUR,
        heard=issued,
    )


QUARRELS = {
    "it is held, and nobody said until when": ([fact("wu", -2)], True),
    "it was held, and given back": ([fact("wu", -2), fact(None, -1, NOW - 9)], False),
    "it is planned for somebody later": ([fact("wu", 9)], True),
    "a lease begins at the same instant": ([fact("wu", 0)], True),
    "a lease begins in the middle": ([fact("wu", 1)], True),
    "it is another machine's": ([msgspec.structs.replace(fact("wu", -2), machine="knit-02")], False),
    "an end that is overruled harms nobody": ([fact("wu", -2), fact(None, 0, NOW - 9)], False),
}


@pytest.mark.parametrize(("stored", "refused"), QUARRELS.values(), ids=QUARRELS)
def test_a_table_does_not_take_a_machine_from_somebody(stored: list[LeaseFact], *, refused: bool) -> None:
    made = plan([row("knit-01", "zhang", 0, 4, line=7)], stored, SAID)
    assert bool(made.complaints) == refused
    for one in made.complaints:
        assert (one.line, one.key) == (7, "knit-01")
        assert "wu" in one.problem


def test_nothing_is_issued_before_what_was_issued_already() -> None:
    """A clock that is behind: agents would not follow an older word."""
    ahead = fact(None, -1, NOW + 500)
    assert [one.issued for one in plan([row("knit-01", "zhang", 0, 4)], [ahead], SAID).leases] == [
        NOW + 501,
        NOW + 502,
    ]


def laid_out(gaps: list[tuple[int, int]]) -> list[Wanted]:
    """Stretches one after the other, some touching."""
    rows, at = [], 0
    for number, (pause, length) in enumerate(gaps):
        rows.append(row("knit-01", f"t{number % 3}", at + pause, at + pause + length, line=number + 2))
        at += pause + length
    return rows


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=6).map(laid_out), st.data()
)
def test_whatever_part_was_imported_before_the_table_is_in_force_afterwards(
    rows: list[Wanted], data: st.DataObject
) -> None:
    part = data.draw(st.lists(st.sampled_from(rows), unique_by=lambda each: each.line))
    stored = heard(plan(part, [], SAID))
    made = plan(rows, stored, msgspec.structs.replace(SAID, now=NOW + 1000))
    after = heard(made, *stored)
    assert made.complaints == ()
    assert [step for step in in_force(after) if step in set(steps(rows))] == steps(rows)
    assert all(step.ends for step in in_force(after) if step not in steps(rows))
    assert len({each.id for each in after}) == len(after)
    assert plan(rows, after, msgspec.structs.replace(SAID, now=NOW + 2000)).leases == ()
