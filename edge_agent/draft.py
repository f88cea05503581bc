"""What dumps tell of a machine that nobody knows, as far as it goes into a profile. Pure.

Registers that hold something, in the word order that makes most sense of them; of two dumps or more also
which of them counted, and how fast.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from msgspec import Struct

from edge_agent.block import Table
from edge_agent.dump import TableDump, UnitDump, runs
from edge_agent.motion import Kind, Look, Motion, motions
from edge_agent.probe_view import said
from edge_agent.readings import Reading, likely, texts
from edge_agent.register import RegisterType, WordOrder

_SAME = 0.7
"""Such a share of its words, and a table is the other one again."""
_PREFIX = {Table.HOLDING: "r", Table.INPUT: "i", Table.COIL: "c", Table.DISCRETE: "d"}


class Taken(Struct, frozen=True):
    """One unit, as a dump has it."""

    at_ms: int
    """UTC."""
    unit: UnitDump


class Found(Struct, frozen=True, kw_only=True):
    """A register that holds something."""

    name: str
    table: Table
    address: int
    type: RegisterType
    order: WordOrder
    count: int
    held: str
    """In the last dump, for people."""
    per_hour: float = 0
    """How fast it counted from the first dump to the last; 0 where it did not."""


class LeftOut(Struct, frozen=True):
    """Neighbours that held 0 in the last dump, and so tell nothing of what they are."""

    table: Table
    first: int
    last: int
    fell: bool
    """They held something in an earlier dump."""


class Draft(Struct, frozen=True, kw_only=True):
    main: TableDump | None
    """The table with the most in it; None where nothing can be read."""
    order: WordOrder
    """That of most numbers of 32 bits."""
    votes: tuple[int, int]
    """How many of them speak for it, and how many there are."""
    rival: WordOrder | None
    """Another order that some of them speak for."""
    is_known: bool
    """Somebody said so."""
    tables: tuple[TableDump, ...]
    registers: tuple[Found, ...]
    left_out: tuple[LeftOut, ...]
    watched_ms: int
    """From the first dump to the last; 0 of a single one."""


def draft(dumps: Sequence[Taken], known: WordOrder | None = None) -> Draft:
    """``dumps`` of one unit, one or more, in any sequence. ``known`` is its word order, if somebody knows."""
    taken = sorted(dumps, key=lambda each: each.at_ms)
    tables = _apart(taken[-1].unit.tables)
    registers = [table for table in tables if not table.table.bits]
    main = max(registers or tables, key=_weight, default=None)
    votes = Counter[WordOrder]()
    for table in registers:
        votes += _votes(table.table, taken)
    best = votes.most_common(2)
    order = known or (best[0][0] if best else WordOrder.ABCD)
    found = tuple(found for table in tables for found in _registers(table.table, taken, order))
    return Draft(
        main=main,
        order=order,
        votes=(votes[order], votes.total()),
        rival=next((each for each, _ in best if each is not order), None),
        is_known=known is not None,
        tables=tables,
        registers=found,
        left_out=tuple(left for table in tables for left in _left_out(table, taken, found)),
        watched_ms=taken[-1].at_ms - taken[0].at_ms,
    )


def _apart(tables: Sequence[TableDump]) -> tuple[TableDump, ...]:
    """Those with something in them. Many machines show the same registers in both tables: once is enough."""
    found: list[TableDump] = []
    for table in tables:
        same = [other for other in found if other.table.bits is table.table.bits and _alike(other, table)]
        if table.ranges and not same:
            found.append(table)
    return tuple(found)


def _alike(one: TableDump, other: TableDump) -> bool:
    """But for what moved while they were read one after the other."""
    left, right = _words(one), _words(other)
    return set(left) == set(right) and sum(left[at] == right[at] for at in left) >= _SAME * len(left)


def _words(table: TableDump) -> dict[int, int]:
    return {
        range_.address + place: word for range_ in table.ranges for place, word in enumerate(range_.words)
    }


def _weight(table: TableDump) -> int:
    return sum(word != 0 for word in _words(table).values())


def _votes(table: Table, taken: Sequence[Taken]) -> Counter[WordOrder]:
    """What counts tells best: every order in which it does. Else numbers that make sense in one order."""
    looks = _looks(table, taken)
    counting = Counter(
        order
        for motion in _counting(table, looks, None)
        for order in {way.order for way in motion.ways if way.reading.register.type is RegisterType.U32}
        if order is not None
    )
    best = counting.most_common(2)
    if best and (len(best) == 1 or best[0][1] > best[1][1]):
        return counting
    orders: dict[int, set[WordOrder]] = {}
    for reading in likely(table, looks[-1].words):
        if reading.register.type in {RegisterType.U32, RegisterType.F32}:
            orders.setdefault(reading.register.address, set()).add(reading.register.word_order)
    return counting + Counter(next(iter(them)) for them in orders.values() if len(them) == 1)


def _looks(table: Table, taken: Sequence[Taken]) -> list[Look]:
    """Of two dumps or more those that have the same addresses; else the last alone."""
    looks = [Look(each.at_ms, _words_of(each.unit, table)) for each in taken]
    return looks if len({frozenset(look.words) for look in looks}) == 1 else looks[-1:]


def _words_of(unit: UnitDump, table: Table) -> dict[int, int]:
    return next((_words(dump) for dump in unit.tables if dump.table is table), {})


def _counting(table: Table, looks: Sequence[Look], order: WordOrder | None) -> list[Motion]:
    if len(looks) < 2:
        return []
    return [motion for motion in motions(table, looks, order=order) if motion.kind is Kind.UP]


def _registers(table: Table, taken: Sequence[Taken], order: WordOrder) -> list[Found]:
    """What counts, then texts, then wide numbers, then what is left; none takes what another has."""
    looks = _looks(table, taken)
    words, found = looks[-1].words, list[Found]()
    free = set(words)

    def take(made: Found) -> None:
        span = range(made.address, made.address + made.count)
        if free.issuperset(span):
            free.difference_update(span)
            found.append(made)

    floats = {r.register.address for r in likely(table, words, order=order) if r.register.type in _FLOATS}
    for motion in _counting(table, looks, order):
        if any(at in floats or at - 1 in floats for at in motion.moved) and motion.ways[0].order is None:
            continue  # a float that rises, seen by its high word
        way = min(motion.ways, key=lambda way: way.reading.register.count != 2)
        take(_of_reading(way.reading, motion.per_minute * 60))
    for text in texts({address: words[address] for address in free}):
        take(_of_text(table, text.address, text.count, text.swapped if order.swapped else text.text))
    for reading in _preferred(table, words, order, {made.address % 2 for made in found if made.count == 2}):
        if any(words[at] for at in range(reading.register.address, reading.register.end)):
            take(_of_reading(reading, 0))
    return sorted(found, key=lambda each: each.address)


def _left_out(table: TableDump, taken: Sequence[Taken], found: Sequence[Found]) -> Iterator[LeftOut]:
    drafted = {
        address
        for each in found
        if each.table is table.table
        for address in range(each.address, each.address + each.count)
    }
    rest = [address for address in _words(table) if address not in drafted]
    once = {at for each in taken for at, word in _words_of(each.unit, table.table).items() if word}
    for fell in (False, True):
        for start, end in runs(address for address in rest if (address in once) is fell):
            yield LeftOut(table.table, start, end - 1, fell)


def _preferred(
    table: Table, words: Mapping[int, int], order: WordOrder, aligned: Collection[int]
) -> Iterator[Reading]:
    """Wide numbers; those with an empty high part where wide ones stand (even or odd); single words."""
    sure = [r for r in likely(table, words, order=order) if r.register.type in _WIDE]
    yield from sure
    parities = {r.register.address % 2 for r in sure} | set(aligned)
    for reading in likely(table, words, order=order, empty_high=True):
        register = reading.register
        if register.type is RegisterType.U32 and parities == {register.address % 2}:
            yield reading
    yield from (r for r in likely(table, words, order=order) if r.register.type in _NARROW)


_FLOATS = {RegisterType.F32}
_WIDE = {RegisterType.U32, RegisterType.F32}
_NARROW = {RegisterType.U16, RegisterType.BIT}


def _of_reading(reading: Reading, per_hour: float) -> Found:
    register = reading.register
    return Found(
        name=f"{_PREFIX[register.table]}{register.address}",
        table=register.table,
        address=register.address,
        type=register.type,
        order=register.word_order,
        count=register.count,
        held=said(reading.value),
        per_hour=per_hour,
    )


def _of_text(table: Table, address: int, count: int, text: str) -> Found:
    return Found(
        name=f"{_PREFIX[table]}{address}",
        table=table,
        address=address,
        type=RegisterType.ASCII,
        order=WordOrder.ABCD,
        count=count,
        held=repr(text),
    )
