"""What words that nobody knows may mean: the types and word orders that a profile could name, decoded as a
profile would. Pure.

Most readings of most words are nonsense, and nonsense can often be told: a float of 1e-41, a number whose
high word is larger than any count, a byte order that makes a number 256 times as large as another does. What
is left is *likely*, and a person compares it with the panel.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Final

from msgspec import Struct

from edge_agent.block import Table
from edge_agent.decode import Decode, Value, decoder
from edge_agent.dump import runs
from edge_agent.register import Register, RegisterType, WordOrder

ORDERS: Final = (WordOrder.ABCD, WordOrder.CDAB, WordOrder.BADC, WordOrder.DCBA)
_PLAIN: Final = frozenset({WordOrder.ABCD, WordOrder.CDAB})
"""By far the most machines have one of these."""
_WIDE: Final = (
    *(RegisterType.U32, RegisterType.I32, RegisterType.F32, RegisterType.BCD8),
    *(RegisterType.U64, RegisterType.I64, RegisterType.F64, RegisterType.BCD16),
)
_NARROW: Final = (RegisterType.U16, RegisterType.I16, RegisterType.BCD4)
_SHARE: Final = 4
"""A word order that makes a number more than so many times as large as another is the wrong one."""
_MOST: Final[Mapping[RegisterType, int]] = {
    RegisterType.U16: (1 << 16) - 1, RegisterType.U32: 1 << 28, RegisterType.U64: 1 << 40,
}  # fmt: skip
"""Counts beyond are not likely: a piece a second makes 2**28 in eight years."""
_LEAST: Final[Mapping[RegisterType, int]] = {
    RegisterType.U16: 0, RegisterType.U32: 1 << 16, RegisterType.U64: 1 << 32,
}  # fmt: skip
"""Below, the high part is empty, and a narrower type says the same."""
_BELOW_ZERO: Final[Mapping[RegisterType, int]] = {
    RegisterType.I16: 1_000, RegisterType.I32: 1 << 20, RegisterType.I64: 1 << 32,
}  # fmt: skip
_COLDEST: Final = 273.15
_MEASURED: Final = (0.01, 1e7)
"""What machines measure lies between, unless it is 0."""
_LETTERS: Final = 4
"""So many characters in a row are a text."""


class Reading(Struct, frozen=True, kw_only=True):
    register: Register
    value: Value

    @property
    def label(self) -> str:
        """As a profile would name it."""
        register = self.register
        order = "" if register.count == 1 and not register.word_order.swapped else f" {register.word_order}"
        return f"{register.type}{order}"


def readings(table: Table, words: Mapping[int, int]) -> Iterator[Reading]:
    """Every one there is, by address."""
    for start, end in runs(words):
        for address in range(start, end):
            for register in _registers(table, address, end):
                yield Reading(register=register, value=value_of(register, words))


def _registers(table: Table, address: int, end: int) -> Iterator[Register]:
    kinds: list[tuple[RegisterType, tuple[WordOrder, ...]]] = [(RegisterType.BIT, ORDERS[:1])]
    if not table.bits:
        kinds = [(type_, ORDERS[::2]) for type_ in _NARROW] + [(type_, ORDERS) for type_ in _WIDE]
    for type_, orders in kinds:
        for order in orders:
            register = Register(name="any", table=table, address=address, type=type_, word_order=order)
            if register.end <= end:
                yield register


def value_of(register: Register, words: Mapping[int, int]) -> Value:
    """``words`` has all of its addresses."""
    decode = _decoder(register.type, register.word_order)
    (value,) = decode([words[address] for address in range(register.address, register.end)])
    return value


@cache
def _decoder(type_: RegisterType, order: WordOrder) -> Decode:
    """As a profile would read it, for the words of one register."""
    register = Register(name="any", table=Table.HOLDING, address=0, type=type_, word_order=order)
    return decoder(register.block, [register])


def likely(
    table: Table, words: Mapping[int, int], *, order: WordOrder | None = None, empty_high: bool = False
) -> list[Reading]:
    """Those that a person should look at: of one word order where it is known, else of each.

    ``empty_high``: also wide numbers that a narrow type says too.
    """
    alike: dict[tuple[int, RegisterType], list[Reading]] = {}
    for reading in readings(table, words):
        if order is None or reading.register.word_order is _as_read(reading.register, order):
            alike.setdefault((reading.register.address, reading.register.type), []).append(reading)
    known = order is not None
    return [
        reading for group in alike.values() for reading in _likely(group, known=known, empty_high=empty_high)
    ]


def _as_read(register: Register, order: WordOrder) -> WordOrder:
    """In one register there is only the order of its bytes; a coil has none."""
    if register.type is RegisterType.BIT:
        return WordOrder.ABCD
    return order if register.count > 1 else WordOrder.BADC if order.swapped else WordOrder.ABCD


def _likely(group: list[Reading], *, known: bool, empty_high: bool) -> list[Reading]:
    """Of the readings of one type at one address, which differ in their word order unless it is ``known``."""
    type_ = group[0].register.type
    numbers = [(reading, reading.value) for reading in group if isinstance(reading.value, int | float)]
    if type_.floating:
        found = [reading for reading, value in numbers if _is_measured(value)]
        plain = [reading for reading in found if known or reading.register.word_order in _PLAIN]
        return plain if type_ is RegisterType.F64 else plain or found
    if type_.digits:
        if type_ is RegisterType.BCD16:  # any four words with a few digits look so
            return []
        return [reading for reading, value in numbers if _is_decimal(reading, int(value), known=known)]
    if type_.signed:
        nearest = min((-value for _, value in numbers if value < 0), default=0)
        least = -min(_BELOW_ZERO[type_], _SHARE * nearest)
        return [
            r for r, value in numbers if least <= value < 0 and (known or r.register.word_order in _PLAIN)
        ]
    if type_ in {RegisterType.U16, RegisterType.BIT}:
        return [r for r, _ in numbers if known or not r.register.word_order.swapped]
    least, most = 1 if empty_high else _LEAST[type_], _MOST[type_]
    smallest = min((value for _, value in numbers if value >= 1), default=0)
    return [
        reading
        for reading, value in numbers
        if least <= value <= min(most, _SHARE * smallest) and value % 65_536
    ]


def _is_measured(value: float) -> bool:
    """What is below 0 is a temperature, if it is anything."""
    return 1 <= -value <= _COLDEST if value < 0 else _MEASURED[0] <= value <= _MEASURED[1]


def _is_decimal(reading: Reading, value: int, *, known: bool) -> bool:
    """All digits in use: small decimals look like any other small number."""
    return (known or reading.register.word_order in _PLAIN) and value >= 10 ** (
        reading.register.type.digits - 1
    )


class Text(Struct, frozen=True, kw_only=True):
    address: int
    count: int
    text: str
    swapped: str
    """The same where the low byte of each register comes first."""


def texts(words: Mapping[int, int]) -> Iterator[Text]:
    """Registers in a row that hold two characters each."""
    for start, end in runs(address for address, word in words.items() if _is_lettered(word)):
        pairs = [words[address].to_bytes(2, "big").decode("ascii") for address in range(start, end)]
        text = "".join(pairs)
        if len(text) >= _LETTERS and any(map(str.isalpha, text)):
            swapped = "".join(pair[::-1] for pair in pairs)
            yield Text(address=start, count=end - start, text=text, swapped=swapped)


def _is_lettered(word: int) -> bool:
    return all(0x20 <= byte <= 0x7E for byte in word.to_bytes(2, "big"))
