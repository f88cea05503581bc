"""The picture on the statement: what it shows is what is billed, in letters that a person can read."""

import re
from datetime import datetime
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as ET
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from billing import svg
from billing.attribution import Attribution, Place
from billing.days import Days
from billing.machine_day import MOST_STRIPS, MachineDay
from billing.phases import CALLED, ELSEWHERE, OF_FIELD, OPEN, PHASES, Phase
from billing.picture import MOST_MACHINES, picture
from billing.picture_time import CELL, LEFT
from billing.picture_yield import MOST_ORDERS, REWORK, SORTS
from billing.render_html import statement_html
from billing.statement import Assessment, OrderYield, Statement
from billing.strip import CELL_MS, runs
from billing.yields import Yield
from tests.billing.case_file import CASES, ZONE
from tests.billing.case_rating import assessed

GOLDEN = sorted(path.parent.name for path in CASES.glob("*/picture.txt"))
DAY_MS = 86_400_000


def told(assessment: Assessment) -> str:
    """The pictures of all tenants in letters: a line an hour, twelve cells of five minutes."""
    lines: list[str] = []
    for statement in assessment.statements:
        for day in statement.days:
            sums = [f"{CALLED[p].en} {day.ms(p) // 1000} s" for p in PHASES if day.ms(p)]
            lines.append(f"{statement.tenant.id} {day.machine} {day.day.name}: {', '.join(sums)}")
            cells = "".join(letter * n for n, letter in _runs(day.strip)).ljust(288, ELSEWHERE)
            hours = {hour: cells[hour * 12 : hour * 12 + 12] for hour in range(24)}
            lines += [f"    {hour:02} {row}" for hour, row in hours.items() if row.strip(ELSEWHERE)]
        lines += [
            f"{statement.tenant.id} {order.order_id}: {pieces(order.pieces)}" for order in statement.orders
        ]
    return "\n".join(lines) + "\n"


def _runs(strip: str) -> list[tuple[int, str]]:
    return [(int(n), letter) for n, letter in re.findall(r"(\d+)(\D)", strip)]


def pieces(made: Yield) -> str:
    scrap = ", ".join(f"{n} scrap by {cause}" for cause, n in made.scrap.items())
    unsorted = f"{made.unsorted} of which nobody knows" if made.unsorted else ""
    return ", ".join(filter(None, (f"{made.good} good", unsorted, scrap, f"{made.rework} rework")))


@pytest.mark.parametrize("name", GOLDEN)
def test_the_picture_is_the_one_in_the_file(name: str) -> None:
    assessment, _ = assessed(CASES / name)
    assert told(assessment) == (CASES / name / "picture.txt").read_text("utf-8")


def sums(days: tuple[MachineDay, ...], phase: Phase) -> int:
    return sum(day.ms(phase) for day in days)


def test_the_bars_of_every_case_add_up_to_the_time_on_the_page(case_folder: Path) -> None:
    for statement in assessed(case_folder)[0].statements:
        whole, days = statement.whole, statement.days
        assert sums(days, Phase.RUN) == whole.run_ms
        assert sums(days, Phase.SETUP) == whole.setup_ms
        assert sums(days, Phase.STOP) == whole.stop_tenant_ms
        assert sums(days, Phase.HELD) == whole.stop_ms - whole.stop_tenant_ms + whole.fault_ms
        assert sums(days, Phase.IDLE) == whole.idle_ms
        assert sums(days, Phase.OFF) == whole.off_ms + whole.maint_ms
        assert sums(days, Phase.UNKNOWN) == whole.unknown_ms


def test_what_is_billed_as_run_is_what_is_drawn_as_run() -> None:
    (hongye, rongda) = assessed(CASES / "a_day_on_the_picture")[0].statements
    for statement in (hongye, rongda):
        billed = sum(line.metered for line in statement.charges if line.clause == "run")
        assert billed == sums(statement.days, Phase.RUN)
        assert abs(CELL_MS * drawn_cells(statement)["R"] - billed) <= CELL_MS


def drawn_cells(statement: Statement) -> dict[str, float]:
    """By letter: how many cells wide the boxes of all strips are."""
    found: dict[str, float] = {}
    for figure in picture(statement).time:
        for look, boxes in boxes_of(figure).items():
            found[look] = found.get(look, 0) + sum(width for _, _, width, _ in boxes) / CELL
    return found


def boxes_of(figure: str) -> dict[str, list[svg.Box]]:
    found: dict[str, list[svg.Box]] = {}
    for path in ET.fromstring(figure).iter("path"):
        look = (path.get("class") or "").removeprefix("is-")
        if look != "grid":
            drawn = re.findall(r"M([\d.]+) ([\d.]+)h([\d.]+)v([\d.]+)h-", path.get("d") or "")
            found[look] = [tuple(map(float, box)) for box in drawn]  # type: ignore[misc]
    return found


def a_day(make: SimpleNamespace, parts: list[tuple[str, int]]) -> Days:
    days = Days(ZONE)
    put(days, make, parts, "knit-01", make.midnight)
    return days


def put(days: Days, make: SimpleNamespace, parts: list[tuple[str, int]], machine: str, at: int) -> None:
    mine = Attribution(place=Place.TENANT, tenant="hongye", order_id="A-1")
    for field, ms in parts:
        days.interval(make.interval(at, at + ms, machine=machine, **{field: ms}), mine)
        at += ms


PARTS = st.lists(st.tuples(st.sampled_from(sorted(OF_FIELD)), st.integers(1, 900_000)), max_size=90)


@settings(max_examples=60)
@given(parts=PARTS)
def test_a_strip_has_of_every_phase_as_many_cells_as_its_time_comes_to(
    make: SimpleNamespace, parts: list[tuple[str, int]]
) -> None:
    found = a_day(make, parts).finish().get("hongye", ())
    for day in found:
        cells = dict.fromkeys(PHASES, 0)
        for _, n, letter in runs(day.strip):
            cells[Phase(letter)] += n
        for phase in PHASES:
            assert abs(cells[phase] * CELL_MS - day.ms(phase)) < 3 * CELL_MS
        assert sum(n for n, _ in _runs(day.strip)) <= 288
    assert sum(sum(day.time) for day in found) == sum(ms for _, ms in parts)


def test_short_stops_are_drawn_as_often_as_they_come_to_a_cell(make: SimpleNamespace) -> None:
    """Two minutes of every five, for five hours: two hours of stop, wherever they stand."""
    ((day,),) = a_day(make, [("run_ms", 180_000), ("stop_tenant_ms", 120_000)] * 60).finish().values()
    cells = dict.fromkeys("RT", 0)
    for _, n, letter in runs(day.strip):
        cells[letter] += n
    assert cells == {"R": 36, "T": 24}


def test_time_before_and_between_is_left_empty(make: SimpleNamespace) -> None:
    days = Days(ZONE)
    put(days, make, [("run_ms", 600_000)], "knit-01", make.at("8:00"))
    put(days, make, [("setup_ms", 600_000)], "knit-01", make.at("9:00"))
    ((day,),) = days.finish().values()
    assert day.strip == "96.2R10.2S"


def test_a_day_of_25_hours_is_as_long_as_it_is(make: SimpleNamespace) -> None:
    """New York, 1 November 2026."""
    zone = ZoneInfo("America/New_York")
    start = int(datetime(2026, 11, 1, tzinfo=zone).timestamp() * 1000)
    days = Days(zone)
    put(days, make, [("run_ms", 25 * 3_600_000)], "knit-01", start)
    ((day,),) = days.finish().values()
    assert (day.strip, day.day.end - day.day.start) == ("300R", 25 * 3_600_000)


def statement_of(days: Days) -> Statement:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    return replace(hongye, days=days.finish()["hongye"], open_items=())


def crowd(make: SimpleNamespace, machines: int, days: int) -> Statement:
    found = Days(ZONE)
    for day in range(days):
        for number in range(machines):
            at = make.midnight + day * DAY_MS
            put(found, make, [("run_ms", 7_200_000), ("idle_ms", 3_600_000)], f"knit-{number:03}", at)
    return statement_of(found)


@pytest.mark.parametrize(
    ("machines", "days", "figures", "look"),
    [(6, 31, 6, "strips"), (7, 31, 7, "bars"), (MOST_MACHINES, 9, MOST_MACHINES, "bars"), (25, 9, 1, "bars")],
)
def test_what_a_page_cannot_hold_is_shown_more_coarsely(
    make: SimpleNamespace, machines: int, days: int, figures: int, look: str
) -> None:
    """Six machines a month are strips; more are bars; more than two dozen are one row of bars."""
    statement = crowd(make, machines, days)
    found = picture(statement)
    assert (len(found.time), found.has_strips) == (figures, look == "strips")
    assert (machines * days <= MOST_STRIPS) == found.has_strips
    if look == "bars":
        assert not any(day.strip for day in statement.days)
        boxes = [boxes_of(figure) for figure in found.time]
        assert sum(len(each["R"]) for each in boxes) == (machines if figures > 1 else 1) * days
        for each in boxes:
            high = {look: sum(height for *_, height in of) for look, of in each.items()}
            assert high["R"] == pytest.approx(2 * high["I"], rel=0.01)


def test_the_height_of_a_bar_is_its_hours(make: SimpleNamespace) -> None:
    statement = statement_of(a_day(make, [("run_ms", 1)]))
    bare = replace(statement.days[0], strip="")
    of = [replace(bare, time=(hours * 3_600_000, *[0] * 6)) for hours in (6, 12, 24)]
    heights = []
    for each in of:
        (figure,) = picture(replace(statement, days=(each,))).time
        heights.append(boxes_of(figure)["R"][0][3])
    assert heights == [21.0, 42.0, 84.0]


def test_what_waits_for_a_person_is_hatched_where_it_lies() -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    (figure,) = picture(hongye).time
    ((x, _, width, _),) = boxes_of(figure)[OPEN]
    assert (x, width) == (LEFT + 11 * 12 * CELL, 6 * CELL)
    legend = {swatch.look for swatch in picture(hongye).time_legend}
    assert OPEN in legend


def test_the_bars_of_an_order_are_its_pieces() -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    (figure,) = picture(hongye).pieces
    boxes = boxes_of(figure)
    unit = boxes["good"][0][2] / 24
    assert boxes["host"][0][2] == pytest.approx(3 * unit, abs=0.02)
    assert boxes["unknown"][0][2] == pytest.approx(2 * unit, abs=0.02)
    assert boxes["rework"][0][2] == pytest.approx(2 * unit, abs=0.02)


def test_many_orders_leave_room_for_the_largest_and_lose_no_piece(make: SimpleNamespace) -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    many = tuple(OrderYield(order_id=f"A-{n}", pieces=Yield(good=n)) for n in range(1, 101))
    found = picture(replace(hongye, orders=many))
    (figure,) = found.pieces
    assert len(boxes_of(figure)["good"]) == MOST_ORDERS + 1
    assert "其余 76 单" in figure
    assert "良品 5,050" in figure


EVIL = '<script>alert("1")</script>&<b>'


def test_every_figure_is_an_image_with_a_title_and_a_description_in_both_languages() -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    evil = replace(hongye, orders=(OrderYield(order_id=EVIL, pieces=Yield(good=2)),))
    found = picture(evil)
    assert len(found.time) == len(found.pieces) == 1
    for figure in (*found.time, *found.pieces):
        root = ET.fromstring(figure)
        names = (root.get("aria-labelledby") or "").split()
        parts = {each.get("id"): each.text or "" for each in root if each.tag in {"title", "desc"}}
        assert root.get("role") == "img"
        assert sorted(parts) == sorted(names)
        assert any("运行" in text or "良品" in text for text in parts.values())
        assert any("run" in text or "good" in text for text in parts.values())
        assert "<script" not in figure


class Ids(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [value for name, value in attrs if name == "id" and value]


def test_the_page_fetches_nothing_names_everything_once_and_knows_every_look() -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    html = statement_html(hongye)
    assert "<script" not in html
    assert set(re.findall(r"url\((.)", html)) == {"#"}
    assert set(re.findall(r"url\(#([\w-]+)\)", html)) == {f"hatch-{name}" for name in svg.HATCHES}
    ids = Ids(html).ids
    assert len(ids) == len(set(ids))
    css = files("billing").joinpath("templates/statement.css").read_text("utf-8")
    looks = [*(phase.value for phase in PHASES), OPEN, *(sort.look for sort in (*SORTS, REWORK))]
    assert [look for look in looks if f".is-{look} {{" not in css] == []


def test_a_tenant_without_pieces_or_time_has_no_empty_picture() -> None:
    (hongye, _) = assessed(CASES / "a_day_on_the_picture")[0].statements
    bare = replace(hongye, days=(), orders=(), open_items=())
    assert "<figure" not in statement_html(bare)


def test_of_one_day_each_machine_is_a_row_of_one_figure(make: SimpleNamespace) -> None:
    found = picture(crowd(make, 3, 1))
    (figure,) = found.time
    assert len(boxes_of(figure)["R"]) == 3
    assert all(f">knit-{number:03}<" in figure for number in range(3))


def test_what_was_not_cut_at_midnight_lies_on_its_days(make: SimpleNamespace) -> None:
    days = Days(ZONE)
    mine = Attribution(place=Place.TENANT, tenant="hongye", order_id="A-1")
    start, end = make.at("22:00"), make.at("22:00") + 2 * DAY_MS
    made = {"produced": 7}
    days.interval(make.interval(start, end, idle_ms=DAY_MS, quantities=made), mine)
    days.interval(make.interval(end, end + 3_600_000, setup_ms=3_600_000, sequence=2), mine)
    (found,) = days.finish().values()
    assert [day.strip for day in found] == ["264.24R", "264R24I", "264I12S"]
    assert [day.pieces.produced for day in found if day.pieces] == [7, 0, 0]
