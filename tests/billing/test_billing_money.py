"""Law 3 of the design: exact until the line, rounded once, half away from zero, and the page adds up."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import figures, money
from billing.attribution import Attribution, Books, Place
from billing.clauses import Clause
from billing.fold import Fold
from billing.known import Known
from billing.period import Period
from billing.rating import charges
from billing.stops import Stop
from billing.tally import Tally
from billing.tariff_file import read_tariff
from contract.states import Party

HOUR = 3_600_000
ROUNDED = [
    ("0.125", "0.13"),
    ("-0.125", "-0.13"),
    ("0.115", "0.12"),
    ("0.135", "0.14"),
    ("2.675", "2.68"),
    ("1.005", "1.01"),
    ("0.0049999", "0.00"),
    ("0.005", "0.01"),
    ("-0.005", "-0.01"),
    ("0", "0.00"),
    ("12345678901234567.895", "12345678901234567.90"),
]


@pytest.mark.parametrize(("exact", "rounded"), ROUNDED)
def test_half_a_fen_goes_away_from_zero(exact: str, rounded: str) -> None:
    assert str(money.fen(Fraction(exact))) == rounded


@given(st.fractions(max_denominator=10**9))
def test_rounding_moves_at_most_half_a_fen_and_mirrors_a_credit(amount: Fraction) -> None:
    assert abs(Fraction(money.fen(amount)) - amount) <= Fraction(1, 200)
    assert money.fen(-amount) == money.fen(amount).copy_negate()


@given(st.lists(st.integers(-(10**9), 10**9)))
def test_a_total_is_the_sum_of_its_rounded_lines(fens: list[int]) -> None:
    amounts = [Decimal(amount).scaleb(-2) for amount in fens]
    assert money.total(amounts) * 100 == sum(fens)
    assert money.total(amounts).as_tuple().exponent == -2


def test_a_third_of_a_yuan_is_kept_exactly_until_the_line() -> None:
    assert money.per_hour(20 * 60_000, Decimal("1.00")) * 3 == 1


def test_almost_everything_is_not_shown_as_everything() -> None:
    assert str(money.shown_down(Fraction(99_999, 1000), 2)) == "99.99"
    assert str(money.shown(Fraction(99_999, 1000), 2)) == "100.00"


TARIFF = """
id = "t"
version = "1"
currency = "CNY"
valid_from = 2026-01-01
rate = [
  { kind = "*", class = "run", per_hour = "11.37" },
  { kind = "*", class = "setup", per_hour = "7.13" },
  { kind = "*", class = "stop_tenant", per_hour = "5.01" },
]
piece = [{ kind = "*", basis = "good", price = "0.333" }]
"""
KNOWN = Known(period=Period(start=0, end=86_400_000), zone=ZoneInfo("Asia/Shanghai"))
PAID = Attribution(place=Place.TENANT, tenant="hongye", order_id="A-1")


def lines(tally: Tally) -> list[tuple[Clause, int, Decimal]]:
    tariff = read_tariff("t.toml", TARIFF)
    return [(line.clause, line.quantity, line.amount) for line in charges(tally.usages(), tariff, KNOWN)]


@given(
    parts=st.lists(st.tuples(st.integers(1, 400_000), st.integers(0, 9)), min_size=1, max_size=20),
    data=st.data(),
)
def test_splitting_intervals_anywhere_changes_nothing(
    parts: list[tuple[int, int]], data: st.DataObject, make: SimpleNamespace
) -> None:
    """One interval per order, or the same time and pieces in many intervals: the same lines."""
    whole, split, at = Tally(), Tally(), make.midnight
    for sequence, (ms, pieces) in enumerate(parts):
        setup = data.draw(st.integers(0, ms))
        quantities = {"produced": pieces, "scrap": pieces // 3}
        fields = {"setup_ms": setup, "quantities": quantities, "sequence": sequence}
        split.add_interval(make.interval(at, at + ms, **fields), PAID)
        at += ms
    together = {
        name: sum(n // 3 if name == "scrap" else n for _, n in parts) for name in ("produced", "scrap")
    }
    setup_ms = next(usage.time["setup_ms"] for usage in split.usages())
    whole.add_interval(make.interval(make.midnight, at, setup_ms=setup_ms, quantities=together), PAID)
    assert lines(split) == lines(whole)


@given(
    start=st.integers(0, 10**7),
    lasts=st.integers(1, 10**7),
    grace=st.integers(0, 10**6),
    cuts=st.lists(st.integers(1, 10**7), max_size=6),
)
def test_however_a_stop_is_cut_its_grace_is_given_once(
    start: int, lasts: int, grace: int, cuts: list[int]
) -> None:
    ends = sorted({start + cut % lasts for cut in cuts} | {start, start + lasts})
    spans = [Stop(start=first, end=last, since=start, record="r") for first, last in pairwise(ends)]
    assert sum(span.beyond(grace) for span in spans) == max(0, lasts - grace)


CUTS = [
    ("the cause changes: the host's hour has used the grace up", [("host", 0, 60), ("tenant", 60, 64)], 4),
    (
        "the machine ran in between: another stop, another grace",
        [("tenant", 0, 4), ("run", 4, 5), ("tenant", 5, 9)],
        0,
    ),
    ("within the grace of the whole stop", [("host", 0, 2), ("tenant", 2, 5)], 0),
    ("partly within it", [("host", 0, 2), ("tenant", 2, 9)], 4),
]


@pytest.mark.parametrize(("why", "parts", "minutes"), CUTS)
def test_grace_is_counted_from_when_the_machine_stopped_whatever_its_cause(
    why: str, parts: list[tuple[str, int, int]], minutes: int, make: SimpleNamespace
) -> None:
    fold, since = Fold(Books(), make.midnight, make.midnight + 2 * HOUR), 0
    for sequence, (party, first, last) in enumerate(parts):
        ends = (make.midnight + first * 60_000, make.midnight + last * 60_000)
        if party == "run":
            since = last
            continue
        more = {"since": make.midnight + since * 60_000, "party": Party(party), "sequence": sequence}
        fold.transition(make.span(*ends, tenant="hongye", **more))
    stops = [stop for usage in fold.finish().usages for stop in usage.stops]
    assert sum(stop.beyond(5 * 60_000) for stop in stops) == minutes * 60_000, why


def test_a_line_says_how_much_of_the_planned_busy_time_was_observed(make: SimpleNamespace) -> None:
    tally = Tally()
    tally.add_interval(make.interval(0, 24 * HOUR, off_ms=20 * HOUR, unknown_ms=HOUR), PAID)
    (line,) = charges(tally.usages(), read_tariff("t.toml", TARIFF), KNOWN)
    assert (line.known_ms, line.busy_ms, figures.coverage(line)) == (3 * HOUR, 4 * HOUR, Decimal("75.00"))
