"""What waits for a person: put together, and the command that decides it; and figures as people read them."""

from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from billing import figures
from billing.attribution import Attribution, Doubt, Place
from billing.suspense import Item, command, gathered


def item(start: int, end: int, **more: object) -> Item:
    fixed = {"place": Place.SUSPENSE, "doubt": Doubt.NO_PAYER, "machine": "knit-01", "epoch": "e1"}
    said = {"tenant": "none", "order_id": "A-1", "lease_id": "none", "sequences": (start,)}
    return Item(**{**fixed, **said, **more}, start=start, end=end)  # type: ignore[arg-type]


def test_touching_doubts_are_one_decision_and_others_are_not() -> None:
    items = [
        item(0, 5, produced=1),
        item(5, 9, produced=2),
        item(2, 7, stop_ms=5, run_ms=0),
        item(10, 11),
        item(5, 9, machine="knit-02"),
    ]
    found = gathered(reversed(items))
    assert [(one.machine, one.start, one.end) for one in found] == [
        ("knit-01", 0, 9),
        ("knit-01", 10, 11),
        ("knit-02", 5, 9),
    ]
    assert (found[0].produced, found[0].stop_ms, found[0].sequences) == (3, 5, (0, 5))


def test_the_command_names_the_only_candidate_or_leaves_a_gap_to_fill() -> None:
    zone = ZoneInfo("Asia/Shanghai")
    assert "--tenant <TENANT> --order A-1" in command(item(0, 1), zone)
    asked = command(item(0, 1, candidates=("hongye", "rongda")), zone, "my billing.toml")
    assert "--config 'my billing.toml'" in asked
    assert "--from 1970-01-01T08:00:00+08:00 --to 1970-01-01T08:00:00.001+08:00" in asked
    assert "--tenant <TENANT> --order A-1" in asked
    assert "--tenant rongda" in command(item(0, 1, candidates=("rongda",)), zone)
    gap = item(0, 1, order_id="disputed", order_before="A-1", order_after="B-1")
    assert "--order <ORDER>" in command(gap, zone)
    assert "--order none" in command(item(0, 1, order_id="none"), zone)


FIGURES = [
    (0, "0:00:00"),
    (499, "0:00:00"),
    (500, "0:00:01"),
    (3_599_500, "1:00:00"),
    (360_000_000, "100:00:00"),
]


@pytest.mark.parametrize(("ms", "shown"), FIGURES)
def test_hours_are_shown_to_the_nearest_second(ms: int, shown: str) -> None:
    assert figures.clock(ms) == shown


def test_a_figure_that_would_not_be_true_is_a_dash() -> None:
    assert figures.share(None) == figures.count(None) == figures.observed(None) == "–"
    assert figures.observed(Fraction(9999, 10_000)) == "99.9 %"
    assert Attribution(place=Place.UNALLOCATED).tenant == "none"
