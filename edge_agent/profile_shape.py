"""What may stand in a profile file: the shape of each of its tables."""

import math
from typing import Annotated, Final, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainValidator,
    TypeAdapter,
    WithJsonSchema,
    field_validator,
)

from contract.gauges import RESERVED as RESERVED_FOR_GAUGES
from contract.names import LABEL, NAME, QUANTITY, RESERVED
from contract.series import is_quantity_name
from edge_agent.toml_tables import Shape

RegisterName = Annotated[str, Field(pattern=QUANTITY)]
BitName = Annotated[str, Field(pattern=QUANTITY)]
Order = Literal["ABCD", "DCBA", "BADC", "CDAB"]
AnyOrder = Literal[
    "ABCD",
    "DCBA",
    "BADC",
    "CDAB",
    "ABCDEFGH",
    "HGFEDCBA",
    "BADCFEHG",
    "GHEFCDAB",
    "CDABGHEF",
    "EFGHABCD",
    "DCBAHGFE",
    "FEHGBADC",
]
"""The long ones for values of 64 bits."""
TableName = Literal["holding", "input", "coil", "discrete"]
TypeName = Literal[
    "u16",
    "i16",
    "u32",
    "i32",
    "u64",
    "i64",
    "f32",
    "f64",
    "u8_high",
    "u8_low",
    "i8_high",
    "i8_low",
    "bcd4",
    "bcd8",
    "bcd16",
    "ascii",
    "bit",
]
Factor = Annotated[int, Field(ge=1, le=10**12)]
Address = Annotated[int, Field(ge=0, le=65535)]
Decimal = Annotated[float, Field(ge=-(10**9), le=10**9, allow_inf_nan=False)]


def _word(value: object) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write a whole number, or a text in quotes for an ascii register")  # noqa: TRY004  pydantic takes ValueError
    return value


def _blank(value: object) -> int | float | str:
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("write a number, or a text in quotes for an ascii register")  # noqa: TRY004  pydantic takes ValueError
    return value


def _no_column(name: str) -> str:
    if name in RESERVED_FOR_GAUGES:
        raise ValueError("choose another: the column beside the gauges is called so")
    return name


# One complaint about each, where a union has one for every member of it.
Word = Annotated[int | str, PlainValidator(_word), WithJsonSchema({"type": ["integer", "string"]})]
Blank = Annotated[int | float | str, PlainValidator(_blank), WithJsonSchema({"type": ["number", "string"]})]

TABLES = frozenset(
    {
        "register",
        "roles",
        "counter",
        "quantity",
        "run_time",
        "stop_time",
        "bits",
        "state",
        "stop_codes",
        "expect",
        "range",
        "gauge",
    }
)


class TopShape(Shape):
    name: Annotated[str, Field(pattern=NAME)]
    version: Annotated[str, Field(pattern=LABEL, max_length=60)]
    kind: Annotated[str, Field(pattern=NAME)]
    word_order: Order = "ABCD"
    table: TableName = "holding"
    max_registers: Annotated[int, Field(ge=1, le=125)] = 125
    max_coils: Annotated[int, Field(ge=1, le=2000)] = 2000
    max_gap: Annotated[int, Field(ge=0, le=124)] = 32
    state_read: Literal["with_counts", "around_counts"] = "with_counts"

    @field_validator("kind")
    @classmethod
    def _not_reserved(cls, kind: str) -> str:
        if kind in RESERVED:
            raise ValueError("choose a name that is not reserved")
        return kind


class RegisterShape(Shape):
    name: RegisterName
    address: Address
    type: TypeName
    word_order: AnyOrder | None = None
    table: TableName | None = None
    length: Annotated[int, Field(ge=1, le=125)] | None = None
    bits: Annotated[list[Annotated[int, Field(ge=0, le=63)]], Field(min_length=2, max_length=2)] | None = None
    no_value: list[Blank] = Field(default_factory=list)


class RangeShape(Shape):
    first: Address
    last: Address
    read: Literal["forbidden", "apart", "whole"]
    table: TableName | None = None


class GaugeShape(Shape):
    name: Annotated[str, Field(pattern=QUANTITY), AfterValidator(_no_column)]
    register_: Annotated[RegisterName, Field(alias="register")]
    unit: Annotated[str, Field(max_length=20)] = ""
    scale: Decimal = 1
    offset: Decimal = 0
    when: dict[RegisterName, list[Word]] = Field(default_factory=dict)


BITS: Final = TypeAdapter(
    dict[BitName, Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]*\.\d{1,2}\Z")]],
    config=ConfigDict(strict=True, regex_engine="python-re"),
)
"""Names of bits: ``running = "status.2"`` is bit 2 (from 0, the least significant) of register status."""

STOP_CODES: Final = TypeAdapter(
    dict[Annotated[str, Field(pattern=r"\A[1-9]\d{0,8}\Z")], Annotated[int, Field(ge=1)]],
    config=ConfigDict(strict=True, regex_engine="python-re"),
)
"""The machine's own stop codes to canonical ones."""

EXPECT: Final = TypeAdapter(
    dict[RegisterName, list[Word]], config=ConfigDict(strict=True, regex_engine="python-re")
)


class RolesShape(Shape):
    serial: RegisterName | None = None
    boot_count: RegisterName | None = None
    uptime_s: RegisterName | None = None
    order: RegisterName | None = None
    stop_code: RegisterName | None = None
    vendor_code: RegisterName | None = None
    heartbeat: RegisterName | None = None
    valid: BitName | None = None


class CounterShape(Shape):
    register_: Annotated[RegisterName, Field(alias="register")]
    keeps: Literal["retained", "volatile"]
    max_per_hour: Factor
    width: Annotated[int, Field(ge=1, le=64)] | None = None
    wraps_at: Annotated[int, Field(ge=2, le=2**63)] | None = None
    fraction: RegisterName | None = None
    resolution: Annotated[float, Field(gt=0, le=10**9, allow_inf_nan=False)] | None = None


class QuantityShape(Shape):
    name: Annotated[str, Field(pattern=QUANTITY)]
    counter: RegisterName
    multiply: Factor = 1
    divide: Factor = 1

    @field_validator("name")
    @classmethod
    def _free(cls, name: str) -> str:
        if not is_quantity_name(name):
            raise ValueError("choose another: it is a fixed field of a record, or ends in _total or _raw")
        return name


class TimeShape(Shape):
    counter: RegisterName
    unit_ms: Factor


class StateShape(Shape):
    state: Literal["unknown", "run", "setup", "stop", "fault", "idle", "maint", "off", "test"]
    all: list[BitName] = Field(default_factory=list)
    any: list[BitName] = Field(default_factory=list)
    none: list[BitName] = Field(default_factory=list)
    equals: dict[RegisterName, list[Word]] = Field(default_factory=dict)

    @property
    def unconditional(self) -> bool:
        return not (self.all or self.any or self.none or self.equals)
