"""What a machine type's registers mean: frozen records that a profile file is read into."""

from collections.abc import Mapping
from enum import StrEnum
from functools import cached_property

from msgspec import Struct

from contract.states import Party, State
from edge_agent.block import Block, Table
from edge_agent.register import Register


class StopCode(Struct, frozen=True, kw_only=True):
    code: int
    party: Party
    en: str
    zh: str


class StopTable(Struct, frozen=True, kw_only=True, dict=True):
    """Who answers for which stop. Versioned, because bills rest on it."""

    label: str
    codes: tuple[StopCode, ...]

    @cached_property
    def by_code(self) -> Mapping[int, StopCode]:
        return {entry.code: entry for entry in self.codes}

    def party_of(self, code: int) -> Party:
        """``unknown`` for 0 and for a code that the table does not list."""
        entry = self.by_code.get(code)
        return entry.party if entry else Party.UNKNOWN


class Mask(Struct, frozen=True, kw_only=True):
    """Some bits of one register."""

    register: str
    mask: int


class Equals(Struct, frozen=True, kw_only=True):
    register: str
    values: tuple[int | str, ...]


class Rule(Struct, frozen=True, kw_only=True):
    """A state, and all that must hold for it; without conditions it always holds."""

    state: State
    """``unknown`` makes the read invalid."""
    all: tuple[Mask, ...] = ()
    any: tuple[Mask, ...] = ()
    none: tuple[Mask, ...] = ()
    equals: tuple[Equals, ...] = ()

    @property
    def registers(self) -> set[str]:
        masks = (*self.all, *self.any, *self.none)
        return {mask.register for mask in masks} | {equal.register for equal in self.equals}


class Counter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    name: str
    """Also the name of its register."""
    width_bits: int
    retained: bool
    """Whether it survives a power cut of the machine."""
    max_per_hour: int
    """The most it can count in an hour, in raw units: what tells a wrap from a restart."""
    wraps_at: int = 0
    """How far it counts before it begins again at 0, where that is no power of two."""
    fraction: str | None = None
    """Register of the part of a unit above the whole ones that its own register holds."""
    counts: int = 1
    units: int = 1
    """So many raw counts stand in so many units of its registers; other than 1 for floats and fractions."""

    @property
    def modulus(self) -> int:
        return self.wraps_at or 1 << self.width_bits

    @property
    def registers(self) -> tuple[str, ...]:
        return (self.name, self.fraction) if self.fraction else (self.name,)


class Quantity(Struct, frozen=True, kw_only=True):
    """Stored integer = raw total * multiply // divide."""

    name: str
    counter: str
    multiply: int = 1
    divide: int = 1


class DeviceTime(Struct, frozen=True, kw_only=True):
    """A counter of the machine's own that measures time in a state."""

    counter: str
    unit_ms: int


class Roles(Struct, frozen=True, kw_only=True):
    """Registers with a meaning of their own, by name; None where the machine has none."""

    serial: str | None = None
    boot_count: str | None = None
    uptime_s: str | None = None
    order: str | None = None
    """0 is no order; else the order id is its decimal digits."""
    stop_code: str | None = None
    vendor_code: str | None = None
    heartbeat: str | None = None
    valid: Mask | None = None
    """The bit that the machine sets while its data can be trusted."""


class Gauge(Struct, frozen=True, kw_only=True):
    """Something that people look at: (value * multiply + add) / divide, never metered and never billed."""

    name: str
    register: str
    unit: str
    multiply: int = 1
    add: int = 0
    divide: int = 1
    when: tuple[Equals, ...] = ()
    """What must hold for the value to be one: the flag that an instrument sets beside it."""

    @property
    def registers(self) -> set[str]:
        return {self.register} | {equal.register for equal in self.when}


class RangeRead(StrEnum):
    """What a machine demands of requests that come near some of its addresses."""

    FORBIDDEN = "forbidden"
    """No request may touch them."""
    APART = "apart"
    """No request takes some of them together with others."""
    WHOLE = "whole"
    """A request takes all of them and nothing else."""


class Range(Struct, frozen=True, kw_only=True):
    """Addresses that the machine treats differently."""

    table: Table
    first: int
    last: int
    read: RangeRead

    @property
    def block(self) -> Block:
        return Block(self.table, self.first, self.last + 1 - self.first)


class StateRead(StrEnum):
    """How it is made sure that a count belongs to the state that it is booked to."""

    WITH_COUNTS = "with_counts"
    """One request reads both."""
    AROUND_COUNTS = "around_counts"
    """The state is read before and after the counts, and must not have changed."""


class Profile(Struct, frozen=True, kw_only=True, dict=True):
    name: str
    version: str
    kind: str
    digest: str
    """SHA-256 (hex) of everything here but itself, the stop table, the gauges and what only they read."""
    stop_table: StopTable
    max_registers: int
    """The most registers the machine answers in one request."""
    max_gap: int
    """Unwanted registers that a request may read over."""
    registers: tuple[Register, ...]
    """Those that are read, by table and address."""
    roles: Roles
    bits: Mapping[str, Mask]
    """Names of single bits, for people. A coil or discrete input is called as its register is."""
    rules: tuple[Rule, ...]
    """In order; the first that matches wins."""
    counters: tuple[Counter, ...]
    quantities: tuple[Quantity, ...]
    run_time: DeviceTime | None = None
    stop_time: DeviceTime | None = None
    stop_codes: Mapping[int, int] = {}
    """Machine's stop codes to canonical ones; empty when the machine uses the canonical ones itself."""
    expect: tuple[Equals, ...] = ()
    """What registers must hold on a machine that this profile fits; looked at by ``probe``."""
    max_coils: int = 2000
    """The most coils or discrete inputs the machine answers in one request."""
    ranges: tuple[Range, ...] = ()
    state_read: StateRead = StateRead.WITH_COUNTS
    gauges: tuple[Gauge, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.name}@{self.version}"

    @property
    def has_order(self) -> bool:
        return self.roles.order is not None
