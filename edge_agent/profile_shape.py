"""What may stand in a profile file: the shape of each of its tables."""

from typing import Annotated, Final, Literal

from pydantic import ConfigDict, Field, TypeAdapter, field_validator

from contract.names import LABEL, NAME, QUANTITY, RESERVED
from contract.series import is_quantity_name
from edge_agent.toml_tables import Shape

RegisterName = Annotated[str, Field(pattern=QUANTITY)]
BitName = Annotated[str, Field(pattern=QUANTITY)]
Order = Literal["ABCD", "DCBA", "BADC", "CDAB"]
TableName = Literal["holding", "input"]
Factor = Annotated[int, Field(ge=1, le=10**12)]

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
    }
)


class TopShape(Shape):
    name: Annotated[str, Field(pattern=NAME)]
    version: Annotated[str, Field(pattern=LABEL, max_length=60)]
    kind: Annotated[str, Field(pattern=NAME)]
    word_order: Order = "ABCD"
    table: TableName = "holding"
    max_registers: Annotated[int, Field(ge=1, le=125)] = 125
    max_gap: Annotated[int, Field(ge=0, le=124)] = 32

    @field_validator("kind")
    @classmethod
    def _not_reserved(cls, kind: str) -> str:
        if kind in RESERVED:
            raise ValueError("choose a name that is not reserved")
        return kind


class RegisterShape(Shape):
    name: RegisterName
    address: Annotated[int, Field(ge=0, le=65535)]
    type: Literal["u16", "i16", "u32", "i32", "u64", "i64"]
    word_order: Order | None = None
    table: TableName | None = None


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
    dict[RegisterName, list[int]], config=ConfigDict(strict=True, regex_engine="python-re")
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
    equals: dict[RegisterName, list[int]] = Field(default_factory=dict)

    @property
    def unconditional(self) -> bool:
        return not (self.all or self.any or self.none or self.equals)
