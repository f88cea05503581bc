"""Random tariffs of all kinds of clauses, and random use of three machines by two tenants, for laws."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st

from billing.attribution import Books
from billing.bookings import bookings
from billing.charge import Charge
from billing.earlier import Earlier
from billing.fold import Fold
from billing.gathering import Gathering, Wanted
from billing.going_on import Stretch, earlier
from billing.known import Known
from billing.needs import grain_of
from billing.period import Period
from billing.rating import charges
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from billing.usage import Usage
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
vat = [
  { name = "all", percent = "13", valid_from = 2026-01-01 },
  { name = "water", percent = "6", valid_from = 2026-01-01 },
]

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
    "piece": 'kind = "knit"\nbasis = "good"\nprice = "0.333"',
    "quantity": 'kind = "*"\nname = "gas_l"\nprice = "0.0417"\nfree = 3\nvat = "water"',
    "energy": 'kind = "*"\nprice = "0.41"\ncalendar = "night"\nadders = [{ price = "0.1777", en = "grid" }]',
    "pollution": """kind = "*"
name = "gas_l"
price = "1.95"
vat = "water"
step = [{ substance = "cod", above = "300", step = "100", price = "0.3" }]""",
    "setup_fee": 'kind = "knit"\nprice = "25.55"',
    "base": 'per = "day"\neach = "machine"\nprice = "1.11"',
    "scrap_credit": 'kind = "*"\nof = ["run", "test"]',
    "surcharge": 'of = ["run", "setup"]\ncalendar = "night"\nband = "night"\npercent = "33.3"',
    "discount": 'of = ["run", "quantity"]\nper = "month"\nsteps = [{ above = "5.00", percent = "7" }]',
    "minimum": 'per = "order"\namount = "40.00"',
    "cap": 'per = "month"\namount = "55.00"',
    "rate": 'kind = "knit"\nclass = "stop_tenant"\nper_hour = "5.01"\nblock_s = 61',
    "reservation": 'kind = "*"\nper_hour = "3.33"\nunused_percent = "50"\nno_show_fee = "7.77"',
}
MORE = {
    "daily": 'per = "day"\namount = "20.00"',
    "contract": 'per = "month"\namount = "600.00"\ntenants = ["absent"]',
    "topmost": 'per = "order"\namount = "70.00"',
    "welding": 'kind = "weld"\nper = "order"\namount = "30.00"',
    "blocks": """kind = "weld"
class = "setup"
per_hour = "7.77"
minimum_s = 700
block_s = 77
each = "lease\"""",
    "start": """kind = "knit"
name = "scrap"
price = "0.31"
minimum = 2
minimum_price = "2.22"
block = 3""",
    "tiers": """kind = "*"
class = "test"
tiers = [{ up_to = "0.1", price = "9" }, { price = "7.7" }]
over = "tenant\"""",
    "lot": """kind = "*"
name = "wire_g"
per = "10"
tiered = "volume"
tiers = [{ up_to = "50", price = "0.3" }, { up_to = "90", price = "0.21" }, { price = "0.17" }]""",
    "scrap_rule": """kind = "weld"
basis = "produced"
price = "0.71"
allowance_percent = "7"
tenant_pays = ["tenant"]
rework = "once\"""",
    "lot_discount": """of = ["run"]
stepped = "graduated"
steps = [{ above = "0.50", percent = "3" }, { above = "1.00", percent = "9" }]""",
    "fee": 'of = ["run"]\nprice = "3.21"',
    "agreed": 'of = ["run"]\nper = "month"\npercent = "4"\ntenants = ["hongye"]',
}
TABLES = {
    "daily": "minimum",
    "contract": "minimum",
    "topmost": "cap",
    "welding": "minimum",
    "blocks": "rate",
    "start": "quantity",
    "tiers": "rate",
    "lot": "quantity",
    "scrap_rule": "piece",
    "lot_discount": "discount",
    "fee": "surcharge",
    "agreed": "discount",
}
POOL = {
    name: f'[[{TABLES.get(name, name)}]]\nid = "{name}"\n{body}\n' for name, body in (CLAUSES | MORE).items()
}
DEPEND = {"discount", "minimum", "cap", "daily", "scrap_credit", "contract", "topmost", "welding", "agreed"}
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
    counts: tuple[int, ...]

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
        names = ("produced", "scrap", "energy_wh", "gas_l", "wire_g", "rework")
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
            measured="energy_wh,gas_l,produced,rework,scrap,wire_g",
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
    counts=st.tuples(
        st.integers(0, 9),
        st.integers(0, 3),
        st.integers(0, 5000),
        st.integers(0, 40),
        st.integers(0, 300),
        st.integers(0, 2),
    ),
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
    period: Period = PERIOD,
) -> list[Charge]:
    """What lies before ``period`` is what its orders and leases go on from."""
    usages, known = basis(of, intervals, spans, leases, period)
    return charges(usages, of, known)


def basis(
    of: Tariff,
    intervals: Sequence[Interval],
    spans: Sequence[Transition],
    leases: Sequence[LeaseFact] = LEASES,
    period: Period = PERIOD,
) -> tuple[list[Usage], Known]:
    """What is rated, and what is known."""
    books = Books(leases=timelines(leases), priced=of.priced)
    fold = Fold(books, period.start, period.end, grain=grain_of(of, ZONE))
    for interval in intervals:
        if period.start <= interval.start < period.end:
            fold.interval(interval)
    for span in spans:
        fold.transition(span)
    folded = fold.finish()
    booked = tuple(each for lease in leases for each in bookings([lease]))
    known = Known(period=period, zone=ZONE, kinds=folded.kinds, bookings=booked)
    before = [interval for interval in intervals if interval.start < period.start]
    known = msgspec.structs.replace(known, earlier=_earlier(of, books, known, before, spans))
    return list(folded.usages), known


def _earlier(
    of: Tariff, books: Books, known: Known, intervals: Sequence[Interval], spans: Sequence[Transition]
) -> Earlier:
    start = known.period.start
    if not intervals and start == PERIOD.start:
        return Earlier()
    orders = {(tenant, order): 0 for tenant in set(TENANT.values()) for order in ("A-1", "B-7")}
    leases = {(machine, f"L-{machine}"): 0 for machine in TENANT}
    gathering = Gathering(Wanted(orders=orders, leases=leases, kinds=None), books, grain_of(of, ZONE), start)
    for interval in intervals:
        gathering.interval(interval)
    for span in spans:
        gathering.transition(span)
    before = msgspec.structs.replace(known, period=Period(start=PERIOD.start, end=start))
    tariffs = dict.fromkeys(TENANT.values(), of)
    stretch = Stretch(before.period, gathering.orders(), gathering.leases())
    return earlier([stretch], lambda *_: of, tariffs, before)


def in_order(day: Sequence[Slot]) -> list[Slot]:
    return sorted(day, key=lambda slot: (slot.at, slot.machine))


def intervals_of(day: Sequence[Slot]) -> list[Interval]:
    return [slot.interval(2 * number) for number, slot in enumerate(in_order(day))]
