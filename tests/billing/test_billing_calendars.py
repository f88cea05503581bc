"""Calendars: the shipped one tiles every day and gives the prices of its notice; wrong ones are refused."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.calendar_file import read_calendar
from billing.calendars import Calendar, DayKind, Dial
from billing.period import instant
from contract.complaint import BadConfigurationError

SHIPPED = Path(__file__).parents[2] / "configs/tariffs/calendars/hebei-south-2025-11.toml"
ZONE = ZoneInfo("Asia/Shanghai")


def shipped(customer: str = "") -> Calendar:
    return read_calendar("hebei.toml", SHIPPED.read_text("utf-8"), "tou", customer)


GOLDEN = [
    ("deep_valley", "0.346"),
    ("valley", "0.37"),
    ("flat", "0.65"),
    ("peak", "0.93"),
    ("sharp", "1.066"),
]


@pytest.mark.parametrize(("band", "price"), GOLDEN)
def test_factors_are_on_the_energy_price_alone(band: str, price: str) -> None:
    """0.40 of energy floats; 0.25 of line loss, transmission, system operation and funds does not."""
    factor = shipped().band(band).factor
    assert Decimal("0.40") * factor + Decimal("0.25") == Decimal(price)


LETTERS = {"deep_valley": "D", "valley": "V", "flat": "F", "peak": "P", "sharp": "S"}
DAYS = [
    ("2026-04-15", "FFFVVVVFFFFVDDDFPPPPPPPP"),
    ("2026-07-15", "FVVVVVVFFFFFVVFFPPPSSSPP"),
    ("2026-10-15", "FFVVVVFFFFFVDDVFPPPPPPPP"),
    ("2026-01-15", "FFVVVVFPPFFVVVVFFSSPPPPF"),
    ("2025-12-31", "FFVVVVFPPFFVVVVFFSSPPPPF"),
]


@pytest.mark.parametrize(("day", "hours"), DAYS)
def test_the_hours_of_each_season_are_those_of_the_notice(day: str, hours: str) -> None:
    """A letter for each local hour: deep valley, valley, flat, peak, critical peak (sharp)."""
    dial, start = Dial(shipped(), ZONE), datetime.fromisoformat(day).replace(tzinfo=ZONE)
    at = [instant(start + timedelta(hours=hour)) for hour in range(25)]
    bands = [dial.bands(first, last) for first, last in pairwise(at)]
    assert "".join(LETTERS[band] for band in bands) == hours


def test_below_1_kv_the_extremes_are_peak_and_valley() -> None:
    low = shipped("below_1kv")
    assert {band.name for band in low.bands} == {"peak", "flat", "valley"}
    noon = datetime(2026, 4, 15, 12, tzinfo=ZONE)
    assert Dial(low, ZONE).bands(instant(noon), instant(noon) + 3_600_000) == "valley"
    assert low.key != shipped().key


@given(
    start=st.datetimes(datetime(2025, 11, 1), datetime(2027, 1, 1)),  # noqa: DTZ001  local, the zone comes below
    minutes=st.integers(1, 4000),
)
def test_pieces_of_a_stretch_tile_it_and_lie_in_one_band_each(start: datetime, minutes: int) -> None:
    dial, first = Dial(shipped(), ZONE), instant(start.replace(tzinfo=ZONE))
    pieces = list(dial.pieces(first, first + minutes * 60_000))
    assert pieces[0][0] == first
    assert pieces[-1][1] == first + minutes * 60_000
    assert all(one[1] == other[0] for one, other in pairwise(pieces))
    assert all("|" not in dial.bands(start, end) for start, end, _ in pieces)


def test_a_day_of_a_zone_that_changes_its_clock_is_tiled_too() -> None:
    """Half past two does not exist in Berlin on that night."""
    text = WEEK.replace("0-8 night", "0-2:30 night", 1).replace("8-20 day", "2:30-20 day")
    dial = Dial(read_calendar("c.toml", text, "shift", ""), ZoneInfo("Europe/Berlin"))
    start = int(datetime(2026, 3, 28, 22, tzinfo=UTC).timestamp() * 1000)
    pieces = list(dial.pieces(start, start + 86_400_000 * 2))
    assert pieces[-1][1] == start + 86_400_000 * 2
    assert all(one[1] == other[0] for one, other in pairwise(pieces))


WEEK = """
id = "shift"
version = "1"
valid_from = 2026-01-01
holidays = [2026-10-01, 2026-10-02]
workdays = [2026-10-10]

[[band]]
name = "day"

[[band]]
name = "night"

[[day]]
days = ["workday"]
hours = ["0-8 night", "8-20 day", "20-24 night"]

[[day]]
days = ["restday", "holiday"]
hours = ["0-24 night"]
"""
KINDS = [
    ("2026-10-01", DayKind.HOLIDAY),
    ("2026-10-03", DayKind.RESTDAY),
    ("2026-10-08", DayKind.WORKDAY),
    ("2026-10-10", DayKind.WORKDAY),
    ("2026-10-11", DayKind.RESTDAY),
]


@pytest.mark.parametrize(("day", "kind"), KINDS)
def test_a_rest_day_that_is_worked_is_a_workday(day: str, kind: DayKind) -> None:
    assert read_calendar("c.toml", WEEK, "shift", "").kind(date.fromisoformat(day)) is kind


WRONG = {
    "an hour is missing": (
        WEEK.replace("8-20 day", "9-20 day"),
        "c.toml:16: day.0.hours",
        "8:00 to 9:00 is in no band",
    ),
    "an hour is there twice": (
        WEEK.replace("8-20 day", "7-20 day"),
        "c.toml:16: day.0.hours",
        "7:00 to 8:00 is in two",
    ),
    "the day ends early": (
        WEEK.replace("20-24", "20-23"),
        "c.toml:16: day.0.hours",
        "23:00 to 24:00 is in no band",
    ),
    "out of order": (
        WEEK.replace('"0-8 night", "8-20 day"', '"8-20 day", "0-8 night"'),
        "c.toml:16",
        "out of order",
    ),
    "a band nobody has": (
        WEEK.replace("8-20 day", "8-20 peak"),
        "c.toml:16: day.0.hours",
        "name one of day, night",
    ),
    "a holiday has no hours": (
        WEEK.replace('"restday", "holiday"', '"restday"'),
        "c.toml",
        "a holiday in month 1, 2",
    ),
    "a workday has hours twice": (
        WEEK.replace('"restday", ', '"workday", "restday", '),
        "c.toml",
        "has hours twice",
    ),
    "both holiday and worked": (
        WEEK.replace("[2026-10-10]", "[2026-10-01]"),
        "c.toml:6: workdays",
        "2026-10-01",
    ),
    "no hours at all": (
        WEEK.replace("0-24 night", "always night"),
        "c.toml:20: day.1.hours.0",
        "write hours",
    ),
    "a band twice": (WEEK.replace('name = "day"', 'name = "night"'), "c.toml:11: band.1", "keep one"),
    "a typo": (WEEK.replace("holidays", "hollidays"), "c.toml:5: hollidays", "spelling"),
}


@pytest.mark.parametrize(("text", "where", "what"), WRONG.values(), ids=WRONG)
def test_a_wrong_calendar_is_refused_with_line_and_remedy(text: str, where: str, what: str) -> None:
    with pytest.raises(BadConfigurationError) as raised:
        read_calendar("c.toml", text, "shift", "")
    said = [str(complaint) for complaint in raised.value.complaints]
    assert any(complaint.startswith(where) and what in complaint for complaint in said), said


def test_a_class_of_customer_that_is_not_there_is_complained_about() -> None:
    with pytest.raises(BadConfigurationError, match="name one of below_1kv"):
        shipped("below_2kv")
