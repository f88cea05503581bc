"""What a profile file says wrongly of its registers, their bits and the machine's ranges."""

from typing import Final

from edge_agent.block import Block, Table, touch
from edge_agent.profile import Range, RangeRead
from edge_agent.profile_parts import BIT_TABLES, Parts, count_of, known, width_of
from edge_agent.profile_shape import RangeShape, RegisterShape
from edge_agent.register import RegisterType, held
from edge_agent.request import Limits, fused, objection
from edge_agent.toml_tables import Reading

_FIELDS: Final = ("u16", "u32", "u64")
_PARTS: Final = ("u8_high", "u8_low", "i8_high", "i8_low")


def check_registers(reading: Reading, parts: Parts) -> None:
    """Add every complaint about [[register]], [[range]] and [bits] to ``reading``."""
    named = ((i, register.name) for i, register in parts.registers.items())
    reading.unique("register", named, "name", "give each register its name")
    if not reading.file.data.get("register"):
        reading.complain(("register",), "names no register", "add [[register]] with name, address and type")
    for index, register in parts.registers.items():
        _check_type(reading, index, register, parts)
        _check_no_value(reading, index, register)
    _check_places(reading, parts)
    _check_ranges(reading, parts)
    _check_requests(reading, parts)
    _check_bits(reading, parts)


def _check_type(reading: Reading, index: int, register: RegisterShape, parts: Parts) -> None:
    type_, table = register.type, parts.table_of(register)

    def complain(key: str, problem: str, remedy: str) -> None:
        reading.complain(("register", index, key), problem, remedy)

    if (type_ == "bit") != (table in BIT_TABLES):
        remedy = "coils and discrete inputs are of type bit, registers of any other"
        complain("type", f"is {type_} in the table {table}", remedy)
    if (type_ == "ascii") != (register.length is not None):
        remedy = "a text says how many registers it takes (length = 4), other types do not"
        complain("length", "is missing" if register.length is None else f"is given for {type_}", remedy)
    if register.bits and type_ not in _FIELDS:
        complain("bits", f"takes bits of {type_}", "take them of u16, u32 or u64")
    elif register.bits and not register.bits[0] <= register.bits[1] < RegisterType(type_).bits:
        remedy = f"name the lowest and the highest, from 0 to {RegisterType(type_).bits - 1}: bits = [4, 7]"
        complain("bits", f"is {register.bits} of {type_}", remedy)
    if register.word_order and len(register.word_order) == 8 and count_of(register) != 4:
        complain("word_order", f"is one of 64 bits, {type_} has fewer", "take ABCD, DCBA, BADC or CDAB")


def _check_no_value(reading: Reading, index: int, register: RegisterShape) -> None:
    width = width_of(register) if register.bits else 0
    for value in register.no_value:
        if held(RegisterType(register.type), value, width) is None:
            remedy = "take it out, or mend the type" if register.type != "ascii" else "write a text in quotes"
            reading.complain(
                ("register", index, "no_value"), f"has {value!r}, which {register.type} never holds", remedy
            )


def _check_places(reading: Reading, parts: Parts) -> None:
    """Two registers share an address only where one of them is a part of a word."""
    limit = parts.top.max_registers if parts.top else 125
    taken: dict[tuple[str, int], int] = {}
    for index, register in parts.registers.items():
        table, end = parts.table_of(register), register.address + count_of(register)
        if count_of(register) > limit and table not in BIT_TABLES:
            remedy = "raise max_registers or take a shorter type"
            reading.complain(("register", index, "type"), f"takes more than {limit} registers", remedy)
        if end > 1 << 16:
            remedy = "addresses are zero-based and end at 65535"
            reading.complain(("register", index, "address"), "its last word is past the table's end", remedy)
        if register.bits or register.type in _PARTS:
            continue
        for address in range(register.address, end):
            earlier = taken.setdefault((table, address), index)
            if earlier != index:
                line = reading.file.line_of(("register", earlier))
                problem = f"{table} register {address} belongs to the one in line {line} already"
                remedy = "mend the address or the type; for a part of a register, give its bits"
                reading.complain(("register", index, "address"), problem, remedy)
                break


def _check_ranges(reading: Reading, parts: Parts) -> None:
    seen: list[tuple[int, Block]] = []
    for index, each in parts.ranges.items():
        if each.first > each.last:
            remedy = "give the lower address first"
            reading.complain(("range", index, "last"), f"is before first, which is {each.first}", remedy)
            continue
        block = _range(parts, each).block
        for earlier, other in seen:
            if touch(block, other):
                line = reading.file.line_of(("range", earlier))
                remedy = "a machine treats an address in one way: cut one of them short"
                reading.complain(("range", index), f"overlaps the one in line {line}", remedy)
        seen.append((index, block))
        most = _limits(parts).most(block)
        if each.read == "whole" and block.count > most:
            remedy = "raise the limit, or set read to apart"
            reading.complain(("range", index, "read"), f"takes {block.count} at once, {most} fit", remedy)


def _range(parts: Parts, each: RangeShape) -> Range:
    table = Table(parts.table_of(each))
    return Range(table=table, first=each.first, last=each.last, read=RangeRead(each.read))


def _limits(parts: Parts) -> Limits:
    top = parts.top
    good = (each for each in parts.ranges.values() if each.first <= each.last)
    return Limits(
        registers=top.max_registers if top else 125,
        coils=top.max_coils if top else 2000,
        gap=1 << 16,  # of a single register there is none
        ranges=tuple(_range(parts, each) for each in good),
    )


def _check_requests(reading: Reading, parts: Parts) -> None:
    """Whether each register can be read at all."""
    limits = _limits(parts)
    for index, register in parts.registers.items():
        block = Block(Table(parts.table_of(register)), register.address, count_of(register))
        ranges = [each for each in limits.ranges if touch(each.block, block)]
        if ranges and (problem := objection(fused([block], limits)[0], limits)):
            remedy = "leave the register out, or mend the [[range]]"
            reading.complain(("register", index, "address"), problem, remedy)


def _check_bits(reading: Reading, parts: Parts) -> None:
    shapes = {r.name: r for r in parts.registers.values()}
    first: dict[str, str] = {}
    for name, where in parts.bits.items():
        register, _, number = where.partition(".")
        if not known(reading, ("bits", name), register, reading.named("register"), "register"):
            continue
        shape = shapes.get(register)
        if name in shapes and shapes[name].type == "bit":
            remedy = "call it otherwise: a coil or discrete input is a bit by its own name"
            reading.complain(("bits", name), "is the name of a coil or discrete input", remedy)
        if shape and (not RegisterType(shape.type).integer or RegisterType(shape.type).digits):
            remedy = "take bits of an integer: u16, u32 or u64"
            reading.complain(("bits", name), f"{register} is {shape.type}, which has no bits", remedy)
        elif shape and int(number) >= width_of(shape):
            remedy = f"count from 0 (the least significant) to {width_of(shape) - 1}"
            reading.complain(("bits", name), f"{register} has no bit {number}", remedy)
        earlier = first.setdefault(f"{register}.{int(number)}", name)
        if earlier != name:
            reading.complain(("bits", name), f"is the same bit as {earlier}", "give each bit one name")
