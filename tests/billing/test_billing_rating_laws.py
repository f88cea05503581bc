"""Laws of a rating over random tariffs and use: money, added clauses, split intervals, shuffled records."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from billing import figures, money
from billing.attribution import Books
from billing.bookings import bookings
from billing.charge import Charge
from billing.fold import Fold
from billing.known import Known
from billing.needs import grain_of
from billing.period import Period
from billing.rating import charges
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from contract.facts import LeaseFact
from contract.records import Interval, Transition
from contract.states import Party, State
from tests.billing.rows import MIDNIGHT, make_interval, make_lease, make_span

ZONE = ZoneInfo("Asia/Shanghai")
GRID_MS = 300_000
HEAD = """
id = "t"
version = "1"
currency = "CNY"
valid_from = 2026-01-01
prices = "net"
vat_category = "all"
vat = [{ name = "all", percent = "13", valid_from = 2026-01-01 }]

[[calendar]]
name = "night"
band = [{ name = "day", factor = "1" }, { name = "night", factor = "0.37" }]
day = [{ hours = ["0-6 night", "6-22 day", "22-24 night"] }]
"""
BASE = """
[[rate]]
id = "run"
kind = "*"
class = "run"
per_hour = "11.37"
"""
CLAUSES = {
    "piece": 'kind = "*"\nbasis = "good"\nprice = "0.333"',
    "quantity": 'kind = "*"\nname = "gas_l"\nprice = "0.0417"\nfree = 3',
    "energy": 'kind = "*"\nprice = "0.41"\ncalendar = "night"\nadders = [{ price = "0.1777", en = "grid" }]',
    "setup_fee": 'kind = "knit"\nprice = "25.55"',
    "base": 'per = "day"\neach = "machine"\nprice = "1.11"',
    "scrap_credit": 'kind = "*"',
    "surcharge": 'of = ["run", "setup"]\ncalendar = "night"\nband = "night"\npercent = "33.3"',
    "discount": 'of = ["run"]\nper = "month"\nsteps = [{ above = "5.00", percent = "7" }]',
    "minimum": 'per = "order"\namount = "40.00"',
    "cap": 'per = "month"\namount = "55.00"',
    "rate": 'kind = "knit"\nclass = "stop_tenant"\nper_hour = "5.01"\nblock_s = 61',
    "reservation": 'kind = "*"\nper_hour = "3.33"\nunused_percent = "50"',
}
MORE = {
    "daily": """
[[minimum]]
id = "daily"
per = "day"
amount = "20.00"
""",
    "blocks": """
[[rate]]
id = "blocks"
kind = "weld"
class = "setup"
per_hour = "7.77"
minimum_s = 700
block_s = 77
each = "lease"
""",
    "tiers": """
[[rate]]
id = "tiers"
kind = "*"
class = "test"
tiers = [{ up_to = "0.1", price = "9" }, { price = "7.7" }]
over = "tenant"
""",
}
POOL = {name: f'[[{name}]]\nid = "{name}"\n{body}\n' for name, body in CLAUSES.items()} | MORE
DEPEND = {"discount", "minimum", "cap", "daily", "scrap_credit"}
"""Clauses that are about the lines of others: what they come to changes with those lines."""


def tariff(names: Sequence[str]) -> Tariff:
    return read_tariff("t.toml", HEAD + BASE + "".join(f"\n{POOL[name]}\n" for name in names))


@dataclass(frozen=True)
class Slot:
    """Five minutes of one machine, which do not cross a band."""

    machine: str
    at: int
    tenant: str
    order_id: str
    run: int
    setup: int
    test: int
    idle: int
    counts: tuple[int, int, int, int]

    def interval(self, sequence: int) -> Interval:
        return self._made(0, GRID_MS, sequence, (self.run, self.setup, self.test, self.idle), self.counts)

    def halves(self, share: int, sequence: int) -> list[Interval]:
        """Cut somewhere, with the time and the counts of each part."""
        first = [part * share // 100 for part in (self.run, self.setup, self.test, self.idle)]
        rest = [
            part - one for part, one in zip((self.run, self.setup, self.test, self.idle), first, strict=True)
        ]
        counts = [count * share // 100 for count in self.counts]
        left = [count - one for count, one in zip(self.counts, counts, strict=True)]
        cut = sum(first) + (GRID_MS - sum((self.run, self.setup, self.test, self.idle))) // 2
        if not 0 < cut < GRID_MS:
            return [self.interval(sequence)]
        return [
            self._made(0, cut, sequence, tuple(first), tuple(counts)),
            self._made(cut, GRID_MS, sequence + 1, tuple(rest), tuple(left)),
        ]

    def _made(
        self, first: int, last: int, sequence: int, times: tuple[int, ...], counts: tuple[int, ...]
    ) -> Interval:
        run, setup, test, idle = times
        start = MIDNIGHT + self.at * GRID_MS
        names = ("produced", "scrap", "energy_wh", "gas_l")
        return make_interval(
            start + first,
            start + last,
            machine=self.machine,
            sequence=sequence,
            tenant=self.tenant,
            order_id=self.order_id,
            lease_id=f"L-{self.machine}",
            setup_ms=setup,
            test_ms=test,
            idle_ms=idle,
            unknown_ms=last - first - run - setup - test - idle,
            quantities=dict(zip(names, counts, strict=True)),
            measured="energy_wh,gas_l,produced,rework,scrap",
        )


TENANT = {"knit-01": "hongye", "knit-02": "hongye", "weld-01": "rongda"}
slots = st.builds(
    Slot,
    machine=st.sampled_from(sorted(TENANT)),
    at=st.integers(0, 2 * 288 - 1),
    tenant=st.just("none"),
    order_id=st.sampled_from(["A-1", "B-7", "none"]),
    run=st.integers(0, 200_000),
    setup=st.integers(0, 50_000),
    test=st.integers(0, 30_000),
    idle=st.integers(0, 20_000),
    counts=st.tuples(st.integers(0, 9), st.integers(0, 3), st.integers(0, 5000), st.integers(0, 40)),
)
days = st.lists(slots, min_size=1, max_size=12, unique_by=lambda slot: (slot.machine, slot.at))
names = st.lists(st.sampled_from(sorted(POOL)), unique=True)
PERIOD = Period(start=MIDNIGHT, end=MIDNIGHT + 2 * 86_400_000)
LEASES = [make_lease(MIDNIGHT - 1, f"L-{name}", tenant, machine=name) for name, tenant in TENANT.items()]


def stops(day: Sequence[Slot]) -> list[Transition]:
    """A stop of four minutes and a second in the slot after the first."""
    start = MIDNIGHT + (day[0].at + 1) * GRID_MS
    fields = {"machine": day[0].machine, "state": State.STOP, "party": Party.TENANT, "sequence": 9_000}
    return [make_span(start, start + 241_000, lease_id=f"L-{day[0].machine}", order_id="A-1", **fields)]


def rated(
    of: Tariff,
    intervals: Sequence[Interval],
    spans: Sequence[Transition],
    leases: Sequence[LeaseFact] = LEASES,
) -> list[Charge]:
    books = Books(leases=timelines(leases), priced=of.priced)
    fold = Fold(books, PERIOD.start, PERIOD.end, grain=grain_of(of, ZONE))
    for interval in intervals:
        fold.interval(interval)
    for span in spans:
        fold.transition(span)
    folded = fold.finish()
    booked = tuple(each for lease in leases for each in bookings([lease]))
    known = Known(period=PERIOD, zone=ZONE, kinds=folded.kinds, bookings=booked)
    return charges(folded.usages, of, known)


def in_order(day: Sequence[Slot]) -> list[Slot]:
    return sorted(day, key=lambda slot: (slot.at, slot.machine))


def intervals_of(day: Sequence[Slot]) -> list[Interval]:
    return [slot.interval(2 * number) for number, slot in enumerate(in_order(day))]


def said(line: Charge) -> tuple[object, ...]:
    """All of a line but how its records are numbered."""
    return (line.id, line.metered, line.quantity, line.price, line.amount, line.gross, dict(line.machines))


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
        assert abs(Fraction(line.tax) - Fraction(line.amount) * 13 / 100) <= Fraction(1, 200)
    assert len({line.id for line in lines}) == len(lines)
    whole = money.total([line.gross for line in lines])
    assert whole == sum((line.net for line in lines), Decimal(0)) + sum(
        (line.tax for line in lines), Decimal(0)
    )


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


@given(day=days, clauses=names, shares=st.lists(st.integers(0, 100), min_size=12, max_size=12))
def test_splitting_intervals_never_changes_a_bill(
    day: list[Slot], clauses: list[str], shares: list[int]
) -> None:
    of, split = tariff(clauses), list[Interval]()
    for number, slot in enumerate(in_order(day)):
        split += slot.halves(shares[number], 2 * number)
    whole = rated(of, intervals_of(day), stops(day))
    assert list(map(said, rated(of, split, stops(day)))) == list(map(said, whole))


@settings(max_examples=50)
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
