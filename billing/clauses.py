"""The clauses of a tariff: frozen, with exact prices. Read from a file by ``tariff_file``.

Every clause has an id, the machines it is about, its own words if it has some, and a category of VAT.
"""

from datetime import date
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from typing import Final

from msgspec import Struct

from billing.block import PLAIN, Block
from billing.tiers import Tier, Tiers
from billing.where import EVERYWHERE, Where
from billing.words import NO_WORDS, Unit, Words
from contract.states import Party

GRACE_MS: Final = 300_000
"""Five minutes: shorter stops are part of the work (the usual limit of a micro-stop)."""
HOUR_MS: Final = 3_600_000


class Clause(StrEnum):
    """What a line of a statement charges, in the order of the page."""

    RUN = "run"
    SETUP = "setup"
    TEST = "test"
    STOP_TENANT = "stop_tenant"
    RESERVED = "reserved"
    RESERVED_OFF = "reserved_off"
    GOOD = "good"
    PRODUCED = "produced"
    REWORK = "rework"
    QUANTITY = "quantity"
    ENERGY = "energy"
    POLLUTION = "pollution"
    SETUP_FEE = "setup_fee"
    BASE = "base"
    UNUSED = "unused"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    SCRAP_CREDIT = "scrap_credit"
    SURCHARGE = "surcharge"
    DISCOUNT = "discount"
    MINIMUM = "minimum"
    CAP = "cap"
    MANUAL = "manual"


HOURLY: Final = (
    Clause.RUN,
    Clause.SETUP,
    Clause.TEST,
    Clause.STOP_TENANT,
    Clause.RESERVED,
    Clause.RESERVED_OFF,
)
"""Charged by the hour. Host, utility and unknown stops are in no clause: nobody can price them by mistake."""
PIECES: Final = (Clause.GOOD, Clause.PRODUCED)


class _Clause(Struct, frozen=True, kw_only=True):
    id: str
    """Unique in its tariff; every line that comes from the clause names it."""
    where: Where = EVERYWHERE
    label: Words = NO_WORDS
    """What the tariff calls it; without, it is called as its kind of clause is."""
    vat: str = ""
    """The category of VAT; empty where the tariff has none."""


class _Counted(_Clause, frozen=True, kw_only=True):
    """Charged by a quantity: after its block rule, at the price of its tier."""

    tiers: Tiers
    block: Block = PLAIN
    first: Decimal | None = None
    """The price of the block's minimum as a whole; without, it costs what so much costs."""


class Rate(_Counted, frozen=True, kw_only=True):
    """Time in one class of state."""

    clause: Clause
    calendar: str = ""
    band: str = ""
    """Only time in this band of the calendar; empty: at any time that no banded rate covers."""
    grace_ms: int = 0
    """Free at the start of each unbroken stop, whoever caused the start of it."""
    is_per_block: bool = False
    """The price is for a step of the block rule, not for an hour."""

    @property
    def per(self) -> Fraction:
        """So many milliseconds has the price."""
        return Fraction(self.block.step if self.is_per_block else HOUR_MS)


class Piece(_Counted, frozen=True, kw_only=True):
    basis: Clause
    per: Fraction = Fraction(1)
    """So many pieces has the price."""
    allowance: Fraction = Fraction(0)
    """Planned scrap, as a share of the pieces produced."""
    paid_beyond: frozenset[Party] | None = None
    """Whose scrap beyond the allowance the tenant pays; None: the tariff has no scrap rule."""
    is_rework_once: bool = False
    """A piece that went through the machine again was counted again, and is charged once."""


class QuantityPrice(_Counted, frozen=True, kw_only=True):
    """Whatever a machine counts: weld metres, picks, area, water, gas, wire, steam."""

    name: str
    less: str = ""
    """A quantity that is taken off first: what of it is scrap."""
    per: Fraction = Fraction(1)
    """So many counted units has the price."""
    times: Fraction = Fraction(1)
    """What the quantity is multiplied with first: a width, where a length is metered."""
    unit: Unit | None = None
    """What ``per`` units are called; None: as the quantity's own unit."""


class Adder(Struct, frozen=True, kw_only=True):
    """A part of the price of a kWh that does not float: transmission, line loss, government funds."""

    price: Decimal
    label: Words


class Energy(_Clause, frozen=True, kw_only=True):
    """price x factor of the band + adders, per kWh; multiplying the adders too would be wrong."""

    price: Decimal
    adders: tuple[Adder, ...] = ()
    calendar: str = ""
    loss_percent: Decimal = Decimal(0)
    """Line loss between the host's meter and the machine's, on top of what the machine's shows."""

    @property
    def fixed(self) -> Decimal:
        return sum((adder.price for adder in self.adders), Decimal(0))


class SetupFee(_Clause, frozen=True, kw_only=True):
    """Once in the life of an order, for each kind of machine on which it was set up or produced."""

    price: Decimal


class Span(StrEnum):
    ORDER = "order"
    DAY = "day"
    MONTH = "month"


class Whose(StrEnum):
    TENANT = "tenant"
    MACHINE = "machine"


class Base(_Clause, frozen=True, kw_only=True):
    """A fee for having machines at all, by the day or the calendar month."""

    price: Decimal
    per: Span
    each: Whose = Whose.TENANT
    tenants: tuple[str, ...] = ()
    """Who pays it whether or not they used anything; empty: who had a machine."""


class Reservation(_Clause, frozen=True, kw_only=True):
    """What is booked and not used. Percentages are of ``per_hour``."""

    per_hour: Decimal = Decimal(0)
    unused_percent: Decimal = Decimal(0)
    no_show_percent: Decimal = Decimal(0)
    cancelled_percent: Decimal = Decimal(0)
    no_show_fee: Decimal = Decimal(0)
    cancelled_fee: Decimal = Decimal(0)
    notice_ms: int = 0
    """Who gives a machine back so long before costs nothing."""
    is_same_day_late: bool = False
    """Who gives it back on the local day from which it was booked is late, however long before."""
    is_waived_when_reused: bool = True
    """Nothing is charged for time in which somebody else had the machine."""


class Step(Struct, frozen=True, kw_only=True):
    """A surcharge on a unit of effluent: ``price`` for each step begun beyond the limit."""

    substance: str
    limit: Decimal
    is_below: bool
    """Whether it is charged below the limit (an acid) instead of above."""
    size: Decimal
    price: Decimal
    unit: str
    label: Words
    counted: str = ""
    """A quantity of the machine: so much of the substance was in the effluent. Then no test has to say it."""


class Pollution(_Clause, frozen=True, kw_only=True):
    name: str
    per: Fraction
    price: Decimal
    unit: Unit
    steps: tuple[Step, ...]
    tests: int = 1
    """So many tests a mean is made of at least; with fewer somebody is told."""


class ScrapCredit(_Clause, frozen=True, kw_only=True):
    """The time that bad pieces took is given back: of the order's time as its bad pieces are of all."""

    causes: frozenset[Party] = frozenset({Party.HOST})
    of: tuple[str, ...] = (Clause.RUN,)


class AmountStep(Struct, frozen=True, kw_only=True):
    above: Decimal
    """Of an amount beyond this."""
    percent: Decimal


class Surcharge(_Clause, frozen=True, kw_only=True):
    """A share of other lines, or a price per order; a discount is less than nothing."""

    clause: Clause
    of: tuple[str, ...]
    """Kinds of clause (``run``) or ids of clauses."""
    percent: Decimal | None = None
    price: Decimal | None = None
    calendar: str = ""
    band: str = ""
    due_within_ms: int = 0
    """Only orders that were wanted so soon after they were announced (rush); 0: all."""
    per: Span = Span.ORDER
    steps: tuple[AmountStep, ...] = ()
    is_graduated: bool = False
    tenants: tuple[str, ...] = ()

    @property
    def is_by_quantity(self) -> bool:
        """Whether it is about a part of a line: some hours, some machines."""
        return bool(self.band) or self.where != EVERYWHERE


class Limit(_Clause, frozen=True, kw_only=True):
    """A minimum or a cap of what an order, a day or a month costs."""

    clause: Clause
    amount: Decimal
    per: Span
    each: Whose = Whose.TENANT
    tenants: tuple[str, ...] = ()
    """Who pays a minimum even without any line; empty: who has one."""


class VatRate(Struct, frozen=True, kw_only=True):
    category: str
    percent: Decimal
    valid_from: date


def flat(price: Decimal) -> Tiers:
    return Tiers(steps=(Tier(up_to=None, price=price),))
