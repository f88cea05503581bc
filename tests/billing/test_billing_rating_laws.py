"""Laws of a rating over random tariffs and use: money, added clauses, split intervals, shuffled records."""

from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from billing import figures, money
from billing.charge import Charge
from billing.known import Known
from billing.ownership import HOST, Owner, Ownership, revenue
from billing.period import Period
from billing.statement import taxes
from billing.words import NO_WORDS
from contract.records import Interval
from tests.billing.random_use import (
    DEPEND,
    LEASES,
    PERIOD,
    POOL,
    TENANT,
    ZONE,
    Slot,
    days,
    in_order,
    intervals_of,
    names,
    rated,
    stops,
    tariff,
)


def said(line: Charge) -> tuple[object, ...]:
    """All of a line but how its records are numbered."""
    return (line.id, line.metered, line.quantity, line.price, line.amount, line.gross, dict(line.machines))


@settings(deadline=None)
@given(day=days, clauses=names)
def test_a_total_is_the_sum_of_lines_and_each_line_is_rounded_once(
    day: list[Slot], clauses: list[str]
) -> None:
    lines = rated(tariff(clauses), intervals_of(day), stops(day))
    for line in lines:
        exact = money.exact(line.quantity, line.price, line.times, line.over)
        assert line.amount == money.fen(exact)
        assert Fraction(figures.quantity(line)) * Fraction(line.price) * line.factor == exact
        assert line.amount + line.tax == line.gross
        rate = Fraction(line.vat_percent or 0) / 100
        assert abs(Fraction(line.tax) - Fraction(line.amount) * rate) <= Fraction(1, 200)
    assert len({line.id for line in lines}) == len(lines)
    whole = money.total([line.gross for line in lines])
    assert whole == sum((line.net for line in lines), Decimal(0)) + sum(
        (line.tax for line in lines), Decimal(0)
    )


@settings(deadline=None)
@given(day=days, clauses=names, added=st.sampled_from(sorted(POOL)))
def test_a_clause_that_is_added_changes_no_line_that_it_does_not_touch(
    day: list[Slot], clauses: list[str], added: str
) -> None:
    before = [name for name in clauses if name != added]
    of = (intervals_of(day), stops(day))
    old, new = rated(tariff(before), *of), {line.id: line for line in rated(tariff([*before, added]), *of)}
    for line in old:
        if line.clause_id not in DEPEND:
            assert new[line.id] == line
    known = {line.id for line in old}
    assert {line.clause_id for line in new.values() if line.id not in known} <= {added, "surcharge", *DEPEND}


@settings(deadline=None)
@given(day=days, clauses=names, shares=st.lists(st.integers(0, 100), min_size=12, max_size=12))
def test_splitting_intervals_never_changes_a_bill(
    day: list[Slot], clauses: list[str], shares: list[int]
) -> None:
    of, split = tariff(clauses), list[Interval]()
    for number, slot in enumerate(in_order(day)):
        split += slot.halves(shares[number], 2 * number)
    whole = rated(of, intervals_of(day), stops(day))
    assert list(map(said, rated(of, split, stops(day)))) == list(map(said, whole))


@settings(max_examples=50, deadline=None)
@given(day=days, clauses=names, random=st.randoms(use_true_random=False))
def test_the_order_in_which_records_come_never_changes_a_bill(
    day: list[Slot], clauses: list[str], random: object
) -> None:
    """Machines in any order, as stores list them; the records of one machine keep theirs."""
    of, records = tariff(clauses), intervals_of(day)
    by_machine = [[r for r in records if r.machine == machine] for machine in sorted(TENANT)]
    random.shuffle(by_machine)  # type: ignore[attr-defined]
    shuffled = [record for own in by_machine for record in own]
    leases = list(LEASES)
    random.shuffle(leases)  # type: ignore[attr-defined]
    assert rated(of, shuffled, stops(day), leases) == rated(of, records, stops(day))


@settings(deadline=None)
@given(day=days, clauses=names)
def test_the_totals_of_each_rate_of_tax_are_those_of_its_lines(day: list[Slot], clauses: list[str]) -> None:
    lines = rated(tariff(clauses), intervals_of(day), stops(day))
    found = taxes(lines)
    assert money.total([each.gross for each in found]) == money.total([line.gross for line in lines])
    for each in found:
        own = [line for line in lines if line.vat_percent == each.percent]
        sums = [money.total([getattr(line, name) for line in own]) for name in ("net", "tax", "gross")]
        assert [each.net, each.tax, each.gross] == sums
        assert each.net + each.tax == each.gross


THIRDS = tuple(Owner(id=name, label=NO_WORDS, share=1) for name in ("a", "b", "c"))


@settings(deadline=None)
@given(day=days, clauses=names, percent=st.integers(0, 1000), fee=st.integers(0, 9999))
def test_owners_fees_and_the_host_sum_to_the_lines(
    day: list[Slot], clauses: list[str], percent: int, fee: int
) -> None:
    lines = rated(tariff(clauses), intervals_of(day), stops(day))
    owned = Ownership(
        id="knit",
        machines=("knit-*",),
        owners=THIRDS,
        fee_percent=Decimal(percent) / 10,
        fee_a_month=Decimal(fee) / 100,
    )
    found = revenue(lines, [owned], Known(period=PERIOD, zone=ZONE))
    (split,) = found.splits
    assert found.total == money.total([line.net for line in lines])
    assert split.revenue + found.host == found.total
    assert money.total([share.amount for share in split.shares]) + split.fee == split.revenue
    assert money.total([part.amount for part in split.parts]) == split.revenue
    amounts = [share.amount for share in split.shares]
    assert max(amounts) - min(amounts) <= Decimal("0.01")
    assert HOST not in {share.owner.id for share in split.shares}


WHOLE = {"run", "piece", "quantity", "blocks", "start", "lot", "scrap_rule", "rate"}
"""Clauses that an order or a lease is charged by as a whole, whatever bills it is on."""


def exactly(lines: list[Charge]) -> dict[tuple[str, str], Fraction]:
    """By tenant and clause: what its lines come to before they are rounded.

    What is of no order goes on under its lease, not as an order.
    """
    found: dict[tuple[str, str], Fraction] = {}
    for line in lines:
        if line.clause_id in WHOLE and (line.order_id != "none" or line.clause_id == "blocks"):
            key = (line.tenant, line.clause_id)
            exact = money.exact(line.quantity, line.price, line.times, line.over)
            found[key] = found.get(key, Fraction(0)) + exact
    return {key: amount for key, amount in found.items() if amount}


@settings(max_examples=50, deadline=None)
@given(day=days, clauses=names, cut=st.integers(1, 2 * 288 - 1))
def test_two_bills_of_an_order_come_to_what_one_would(day: list[Slot], clauses: list[str], cut: int) -> None:
    """But for the rounding of lines: to the exact amounts. Leases last for all of it, orders go on."""
    of, records, spans = tariff(clauses), intervals_of(day), stops(day)
    middle = PERIOD.start + cut * 300_000
    first = rated(of, records, spans, period=Period(start=PERIOD.start, end=middle))
    second = rated(of, records, spans, period=Period(start=middle, end=PERIOD.end))
    whole = exactly(rated(of, records, spans))
    assert exactly([*first, *second]) == whole


ABOUT_ORDERS = ("fee", "minimum", "piece", "scrap_rule", "topmost", "welding")


@settings(max_examples=50, deadline=None)
@given(day=days, clauses=st.lists(st.sampled_from(ABOUT_ORDERS), unique=True), cut=st.integers(1, 575))
def test_limits_of_an_order_hold_over_all_its_bills(day: list[Slot], clauses: list[str], cut: int) -> None:
    of, records = tariff(clauses), intervals_of(day)
    middle = PERIOD.start + cut * 300_000
    bills = [
        *rated(of, records, [], period=Period(start=PERIOD.start, end=middle)),
        *rated(of, records, [], period=Period(start=middle, end=PERIOD.end)),
    ]
    totals: dict[tuple[str, str], Decimal] = {}
    for line in bills:
        if line.order_id != "none":
            key = (line.tenant, line.order_id)
            totals[key] = totals.get(key, Decimal(0)) + line.amount
    # Lines before the period are compared as one bill would print them: apart by their roundings.
    slack = Decimal("0.03")
    for total in totals.values():
        assert total >= Decimal(40) - slack if "minimum" in clauses else True
        assert total <= Decimal(70) + slack if "topmost" in clauses else True
