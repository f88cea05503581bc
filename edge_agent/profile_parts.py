"""The tables of a profile file as they stand there, each well formed on its own."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from msgspec import Struct

from edge_agent.profile_shape import (
    CounterShape,
    GaugeShape,
    QuantityShape,
    RangeShape,
    RegisterShape,
    RolesShape,
    StateShape,
    TimeShape,
    TopShape,
)
from edge_agent.register import RegisterType
from edge_agent.toml_tables import Reading

BIT_TABLES: Final = frozenset({"coil", "discrete"})


class Parts(Struct, kw_only=True):
    """What is ill-formed is missing or None."""

    top: TopShape | None
    registers: dict[int, RegisterShape]
    ranges: dict[int, RangeShape]
    roles: RolesShape | None
    bits: dict[str, str]
    states: dict[int, StateShape]
    counters: dict[int, CounterShape]
    quantities: dict[int, QuantityShape]
    gauges: dict[int, GaugeShape]
    run_time: TimeShape | None
    stop_time: TimeShape | None
    stop_codes: dict[str, int]
    expect: dict[str, list[int | str]]

    def table_of(self, part: RegisterShape | RangeShape) -> str:
        return part.table or (self.top.table if self.top else "holding")

    def types(self) -> dict[str, RegisterType]:
        """Of each register, by name."""
        return {register.name: RegisterType(register.type) for register in self.registers.values()}


def width_of(register: RegisterShape) -> int:
    """The bits of its number; 0 for a text."""
    return register.bits[1] - register.bits[0] + 1 if register.bits else RegisterType(register.type).bits


def count_of(register: RegisterShape) -> int:
    """How many registers, coils or inputs it takes."""
    return register.length or -(-RegisterType(register.type).bits // 16)


def resolution(counter: CounterShape) -> Fraction | None:
    """What one count is worth, in the register's unit, as the file's digits say it."""
    return None if counter.resolution is None else Fraction(str(counter.resolution))


def known(reading: Reading, path: tuple[str | int, ...], name: str, names: Iterable[str], what: str) -> bool:
    """Whether ``name`` is one of ``names``; complains when it is not."""
    those = sorted(names)
    if name in those:
        return True
    remedy = f"name one of: {', '.join(those)}" if those else f"add a [[{what}]] first"
    reading.complain(path, f"names {name!r}, which is no {what} of this file", remedy)
    return False


def unsigned(
    reading: Reading, path: tuple[str | int, ...], name: str, parts: Parts, *, text: bool = False
) -> bool:
    """Whether the register holds whole numbers from 0, or a text where that will do."""
    type_ = parts.types().get(name)
    if type_ is None or type_.whole or (text and type_ is RegisterType.ASCII):
        return True
    if type_.signed:
        remedy = "make it u16, u32 or u64: it cannot be negative"
        reading.complain(path, f"{name} is a signed register", remedy)
    else:
        remedy = "take a register of whole numbers" + (" or a text" if text else "")
        reading.complain(path, f"{name} is {type_}, which is no whole number", remedy)
    return False
