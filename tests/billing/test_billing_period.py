"""Days and months are the site's, also where its clocks are changed."""

from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from billing.period import (
    Period,
    by_day,
    day_period,
    label,
    local,
    midnight_from,
    midnight_to,
    month_period,
    range_period,
    read_instant,
    shown,
)

SHANGHAI, BERLIN = ZoneInfo("Asia/Shanghai"), ZoneInfo("Europe/Berlin")
HOUR = 3_600_000


def test_a_day_is_from_midnight_to_midnight_of_the_site() -> None:
    day = day_period("2026-11-22", SHANGHAI)
    assert shown(day.start, SHANGHAI) == "2026-11-22T00:00:00+08:00"
    assert day.end - day.start == 24 * HOUR
    assert label(day, SHANGHAI) == "2026-11-22"


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25)])
def test_a_day_on_which_clocks_change_is_as_long_as_it_is(day: str, hours: int) -> None:
    period = day_period(day, BERLIN)
    assert period.end - period.start == hours * HOUR


@pytest.mark.parametrize(("month", "days"), [("2026-02", 28), ("2028-02", 29), ("2026-12", 31)])
def test_a_month_has_its_days(month: str, days: int) -> None:
    period = month_period(month, SHANGHAI)
    assert period.end - period.start == days * 24 * HOUR
    assert label(period, SHANGHAI) == month


def test_an_instant_without_an_offset_is_local() -> None:
    assert read_instant("2026-11-22T08:00", SHANGHAI) == read_instant("2026-11-22T00:00+00:00", SHANGHAI)


def test_a_stretch_is_named_by_its_ends() -> None:
    stretch = range_period("2026-11-22T08:00", "2026-11-22T16:00", SHANGHAI)
    assert label(stretch, SHANGHAI) == "20261122T080000-20261122T160000"


def test_midnights_around_an_instant_and_at_one() -> None:
    noon = read_instant("2026-11-22T12:00", SHANGHAI)
    day = day_period("2026-11-22", SHANGHAI)
    assert (midnight_to(noon, SHANGHAI), midnight_from(noon, SHANGHAI)) == (day.start, day.end)
    assert midnight_to(day.start, SHANGHAI) == midnight_from(day.start, SHANGHAI) == day.start


def test_a_period_touches_its_last_day_only_if_it_reaches_into_it() -> None:
    day = day_period("2026-11-22", SHANGHAI)
    assert [d.isoformat() for d in day.days(SHANGHAI)] == ["2026-11-22", "2026-11-22"]
    later = Period(start=day.start, end=day.end + 1)
    assert later.days(SHANGHAI)[1].isoformat() == "2026-11-23"


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "Europe/Berlin"])
def test_a_period_is_cut_at_each_of_its_midnights(zone: str) -> None:
    place = ZoneInfo(zone)
    month = month_period("2026-10", place)
    days = by_day(month, place)
    assert (days[0].start, days[-1].end, len(days)) == (month.start, month.end, 31)
    assert all(one.end == other.start for one, other in pairwise(days))
    assert {local(day.start, place).hour for day in days} == {0}
    middle = Period(start=month.start + 5, end=month.start + 86_400_000 + 5)
    assert [day.end - day.start for day in by_day(middle, place)] == [86_400_000 - 5, 5]
