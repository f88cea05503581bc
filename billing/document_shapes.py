"""What statements and adjustments look like as JSON: the shapes that their schemas are made from.

Money and exact numbers are text, because a JSON number loses digits. A field may be added; none is ever
renamed.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from billing.attribution import Doubt
from billing.clauses import Clause

Yuan = Annotated[str, Meta(pattern=r"^-?\d+\.\d\d$", description="An amount, with two places.")]
Number = Annotated[str, Meta(pattern=r"^-?\d+(\.\d+)?$", description="An exact decimal number.")]
Ms = Annotated[int, Meta(ge=0, description="Milliseconds; an instant is UTC.")]
Pieces = Annotated[int, Meta(description="Pieces; below zero where inspection found more than was made.")]
Ratio = Annotated[
    float, Meta(ge=0, description="Of 1, rounded to six places; null where it would not be true.")
]
Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$", description="SHA-256, hexadecimal.")]
Local = Annotated[str, Meta(description="ISO 8601, local time of the site with its offset.")]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", description="A local day.")]


class _Shape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class WordsShape(_Shape, frozen=True):
    """A thing in English and in Simplified Chinese."""

    en: str
    zh: str


class NamedShape(_Shape, frozen=True):
    """Somebody: the identifier, and what people call them."""

    id: str
    name_en: str
    name_zh: str


class PeriodShape(_Shape, frozen=True):
    """From ``start`` to before ``end``."""

    start: Local
    end: Local
    start_ms: Ms
    end_ms: Ms
    timezone: str


class TariffShape(_Shape, frozen=True):
    id: str
    version: str
    digest: Digest


class OfLineShape(_Shape, frozen=True):
    line: Annotated[str, Meta(description="The id of another line of the statement.")]
    amount: Annotated[str, Meta(description="What of it counts, in yuan.", pattern=r"^-?\d+\.\d{2}(\d{2})?$")]


class ChargeShape(_Shape, frozen=True):
    """A line: amount = quantity x price x times / over, rounded once to the fen, half away from zero."""

    id: Annotated[str, Meta(description="Names the line, also in another rating of the same period.")]
    order_id: Annotated[str, Meta(description="`none` for a line that is about no single order.")]
    kind: str
    clause: Clause
    clause_id: Annotated[str, Meta(description="The clause of the tariff that the line comes from.")]
    tariff: Annotated[str, Meta(description="`id@version` of the tariff that has the clause.")]
    label: WordsShape
    part: Annotated[WordsShape, Meta(description="What of the clause it is: a tier, a band, a day.")]
    note: Annotated[WordsShape, Meta(description="How price or quantity came about.")]
    metered: Annotated[int, Meta(description="What was counted, before grace, block rules and allowances.")]
    metered_unit: str
    quantity: Number
    unit: str
    price: Number
    price_per: str
    times: int
    over: Annotated[int, Meta(ge=1)]
    amount: Annotated[Yuan, Meta(description="Net or gross, as the tariff's prices are.")]
    net: Yuan
    vat: Annotated[str, Meta(description="The category of VAT; empty where the tariff has none.")]
    vat_percent: Number | None
    tax: Yuan
    gross: Yuan
    known_ms: Ms
    busy_ms: Ms
    coverage_percent: Annotated[Number | None, Meta(description="Of the busy time, how much was observed.")]
    machines: Annotated[dict[str, int], Meta(description="Of the quantity; of a fee or limit in fen.")]
    of_lines: Annotated[
        tuple[OfLineShape, ...], Meta(description="Of a limit, or a share: what it is made of.")
    ]
    records: Annotated[tuple[str, ...], Meta(description="Stored records, `machine/epoch/first-last`.")]


class TaxShape(_Shape, frozen=True):
    """What lines of one rate of VAT come to."""

    percent: Number
    net: Yuan
    tax: Yuan
    gross: Yuan


class _Use(_Shape, frozen=True):
    run_ms: Ms
    setup_ms: Annotated[Ms, Meta(description="Trial runs included.")]
    stop_ms: Ms
    stop_tenant_ms: Ms
    fault_ms: Ms
    idle_ms: Ms
    maint_ms: Ms
    off_ms: Ms
    unknown_ms: Ms
    total_ms: Ms
    busy_ms: Ms
    produced: Pieces | None
    scrap: Pieces | None
    good: Pieces | None
    energy_wh: int | None
    coverage: Ratio | None
    availability: float | None
    utilisation_efficiency: float | None
    allocation_efficiency: float | None
    quality_ratio: float | None


class MachineUseShape(_Use, frozen=True):
    """Time and yield of one machine, with key figures after ISO 22400-2."""

    machine: str


class TenantUseShape(_Use, frozen=True):
    """The same over all machines of the tenant."""

    tenant: str


class OpenItemShape(_Shape, frozen=True):
    """In suspense or disputed, perhaps the tenant's, and not charged."""

    place: Literal["suspense", "disputed"]
    doubt: Doubt
    machine: str
    epoch: str
    sequences: tuple[int, ...]
    start: Ms
    end: Ms
    tenant: str
    order_id: str
    lease_id: str
    tenant_before: str
    tenant_after: str
    order_before: str
    order_after: str
    candidates: tuple[str, ...]
    run_ms: Ms
    setup_ms: Ms
    test_ms: Ms
    stop_ms: Ms
    produced: int
    scrap: int
    rework: int
    tenants: tuple[str, ...]
    orders: tuple[str, ...]


class ScrapShape(_Shape, frozen=True):
    """Pieces by who caused it; what only a machine counted is of unknown cause."""

    tenant: int
    host: int
    utility: int
    unknown: int


class PiecesShape(_Shape, frozen=True):
    """What became of pieces: produced = good + unsorted + scrap of every cause."""

    produced: Pieces
    good: Pieces
    unsorted: Annotated[int, Meta(description="Made where nobody counts scrap.")]
    scrap: Annotated[ScrapShape, Meta(description="By cause.")]
    rework: int


class DayShape(_Shape, frozen=True):
    """A day of a machine, as the picture shows it. The seven times are all the time that was the tenant's."""

    machine: str
    day: Day
    start_ms: Ms
    end_ms: Ms
    run_ms: Ms
    setup_ms: Annotated[Ms, Meta(description="Trial runs included.")]
    stop_ms: Annotated[Ms, Meta(description="Stopped by the tenant.")]
    held_ms: Annotated[Ms, Meta(description="Stopped by anybody else, or in fault.")]
    idle_ms: Ms
    off_ms: Annotated[Ms, Meta(description="Off, or in maintenance.")]
    unknown_ms: Ms
    strip: Annotated[
        str,
        Meta(
            pattern=r"^(\d+[RSTHIOU.])*$",
            description="Cells of five minutes from midnight on: how many, and of what. R run, S setup,"
            " T stop, H held up, I idle, O off, U unknown, a point for time elsewhere. Empty where there are"
            " too many.",
        ),
    ]
    pieces: PiecesShape | None


class OrderShape(_Shape, frozen=True):
    order_id: str
    pieces: PiecesShape


class StatementShape(_Shape, frozen=True):
    """A statement of one tenant. ``total`` is the sum of the lines' ``gross``."""

    site: NamedShape
    period: PeriodShape
    tariff: TariffShape
    generated_ms: Ms
    preliminary: Annotated[bool, Meta(description="The period was not over when it was made.")]
    digest: Digest
    override: Annotated[str, Meta(description="Why it was closed with items open, and who said so.")]
    tenant: NamedShape
    formula: str
    charges: tuple[ChargeShape, ...]
    currency: Literal["CNY"]
    net: Yuan
    tax: Yuan
    total: Yuan
    taxes: tuple[TaxShape, ...]
    machines: tuple[MachineUseShape, ...]
    whole: TenantUseShape
    open_items: tuple[OpenItemShape, ...]
    days: tuple[DayShape, ...]
    orders: tuple[OrderShape, ...]


class ChangeShape(_Shape, frozen=True):
    """A line that came out differently; ``net``, ``tax`` and ``gross`` are the difference."""

    id: str
    order_id: str
    kind: str
    label: WordsShape
    part: WordsShape
    quantity_before: Number
    quantity: Number
    unit: str
    price: Number | None
    price_per: str
    times: int
    over: Annotated[int, Meta(ge=1)]
    vat_percent: Number | None
    gross_before: Yuan
    gross_now: Yuan
    net: Yuan
    tax: Yuan
    gross: Yuan
    machines: dict[str, int]


class NamedPeriodShape(_Shape, frozen=True):
    name: str
    start_ms: Ms
    end_ms: Ms
    timezone: str


class AdjustmentShape(_Shape, frozen=True):
    """An adjustment or a credit note: a fresh rating less what was booked."""

    document: Literal["adjustment", "credit_note"]
    site: str
    tenant: NamedShape
    period: NamedPeriodShape
    revision: int
    generated_ms: Ms
    against: Annotated[tuple[Digest, ...], Meta(description="Packs of the documents that it is against.")]
    override: str
    reasons: tuple[str, ...]
    charges: tuple[ChangeShape, ...]
    currency: Literal["CNY"]
    booked: Yuan
    net: Yuan
    tax: Yuan
    total: Yuan
