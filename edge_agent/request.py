"""What a machine allows of one request, and the fewest requests that obey it."""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from itertools import pairwise

from msgspec import Struct

from edge_agent.block import Block, holds, hull, merged, touch
from edge_agent.profile import Profile, Range, RangeRead


class Limits(Struct, frozen=True, kw_only=True):
    """What a machine allows."""

    registers: int = 125
    """The most registers in one request."""
    coils: int = 2000
    """The most coils or discrete inputs in one request."""
    gap: int = 32
    """The most addresses in a row that are read although nothing is known to stand there."""
    ranges: tuple[Range, ...] = ()
    known: tuple[Block, ...] = ()
    """Where something stands."""

    @classmethod
    def of(cls, profile: Profile) -> "Limits":
        whole = (each.block for each in profile.ranges if each.read is RangeRead.WHOLE)
        return cls(
            registers=profile.max_registers,
            coils=profile.max_coils,
            gap=profile.max_gap,
            ranges=profile.ranges,
            known=tuple(merged((*(register.block for register in profile.registers), *whole))),
        )

    def most(self, block: Block) -> int:
        return self.coils if block.table.bits else self.registers


def objection(block: Block, limits: Limits) -> str:
    """Why the machine would not answer this request, or should not be asked; empty when it may be."""
    if block.count > limits.most(block):
        return f"{block.count} {what(block)} from {block.address}, {limits.most(block)} fit"
    for each in limits.ranges:
        if touch(block, each.block) and (problem := _trespass(block, each)):
            return problem
    for left, right in pairwise(_inside(block, limits.known)):
        unused = right.address - left.end
        if unused > limits.gap:
            return f"{unused} unused {what(block)} before {right.address}, max_gap is {limits.gap}"
    return ""


def _inside(block: Block, known: tuple[Block, ...]) -> tuple[Block, ...]:
    """Those of ``known``, which are merged, that the block touches."""
    first = bisect_right(known, Block(block.table, block.address, 0))
    if first and touch(known[first - 1], block):
        first -= 1
    return known[first : bisect_left(known, Block(block.table, block.end, 0))]


def _trespass(block: Block, limit: Range) -> str:
    place = f"{limit.table} {limit.first} to {limit.last}"
    if limit.read is RangeRead.FORBIDDEN:
        return f"{place} may not be read"
    if not holds(limit.block, block):
        return f"{place} is read {'as a whole and ' * (limit.read is RangeRead.WHOLE)}apart from others"
    if limit.read is RangeRead.WHOLE and block != limit.block:
        return f"{place} is read as a whole"
    return ""


def pack(spans: Iterable[Block], limits: Limits, twice: Collection[Block] = ()) -> tuple[Block, ...]:
    """The fewest requests that hold each of ``spans``, none of which may be torn; of equals the shortest.

    One that holds any of ``twice`` counts as two, because it is sent so.
    """
    items = fused(spans, limits)
    best: list[tuple[tuple[int, int], tuple[Block, ...]]] = [((0, 0), ())]
    for end in range(1, len(items) + 1):
        ways = []
        for begin in range(end - 1, -1, -1):
            if items[begin].table is not items[end - 1].table:
                break
            block = hull(*items[begin:end])
            if objection(block, limits) and end - begin > 1:
                break  # and so would any longer one
            sent = 2 if any(touch(block, each) for each in twice) else 1
            (requests, length), before = best[begin]
            ways.append(((requests + sent, length + sent * block.count), (*before, block)))
        best.append(min(ways, key=lambda way: way[0]))
    return best[-1][1]


def fused(spans: Iterable[Block], limits: Limits) -> list[Block]:
    """Spans without overlaps, ascending; what is read as a whole takes in what lies in it."""
    wholes = [each.block for each in limits.ranges if each.read is RangeRead.WHOLE]
    found = merged(spans)
    while True:
        wider = merged(hull(span, *(each for each in wholes if touch(span, each))) for span in found)
        if wider == found:
            return found
        found = wider


def what(block: Block) -> str:
    return {"coil": "coils", "discrete": "inputs"}.get(block.table, "registers")
