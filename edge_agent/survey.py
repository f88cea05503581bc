"""Which addresses of one table a unit lets be read, found by asking: what to ask next, from the answers.

A device refuses a request as a whole: because one of its addresses is not there (exception 2), or because it
asks for more than the device gives at once (3, and some say 2). So a refused request is halved, as long as
one half can be read; that narrows it down to the edge. Where neither half can be read, single addresses are
tried at a stride: an island at least as long as the stride is found, and from there its end. A request that
is refused although all of its parts can be read tells the device's limit, or a border that no request may
cross; the two addresses around the seam, asked for together, tell which.
"""

from collections.abc import Collection, Generator
from typing import Final

from msgspec import Struct

from edge_agent.block import Block, Table


class Answered(Struct, frozen=True):
    words: tuple[int, ...]


class Refused(Struct, frozen=True):
    code: int
    """Of the Modbus exception."""


class Silent(Struct, frozen=True):
    """No answer, although it was asked again."""


Answer = Answered | Refused | Silent

NO_SUCH_FUNCTION: Final = 1
_GIVES_UP: Final = 3
"""So many requests in a row without an answer, and the unit is left alone."""


_SINGLES: Final = 3


class Area(Struct, frozen=True):
    """Addresses to look at: ``[start, end)``."""

    start: int
    end: int


class Surveyed(Struct, kw_only=True):
    """What is known of one table. It grows as the survey goes on: one that is broken off has what it has."""

    table: Table
    words: dict[int, int] = {}
    """What each address held that can be read."""
    refused: dict[int, int] = {}
    """The exception that each other address got, alone or together with its neighbours."""
    alone: set[int] = set()
    """Those that were asked for alone."""
    borders: list[int] = []
    """Addresses that can be read, but not together with the one before."""
    most: int = 0
    """The most that one request was given."""
    limit: int | None = None
    """The most that one request is given; None where no limit was met."""
    supported: bool = True
    silences: int = 0
    """Requests in a row without an answer."""

    @property
    def over(self) -> bool:
        """Nothing more is to be had."""
        return not self.supported or self.silences >= _GIVES_UP


Asking = Generator[Block, Answer, bool]
"""Yields what to ask, is sent what was answered, and tells in the end whether all of it can be read."""


def survey(
    found: Surveyed, areas: Collection[Area], most: int, stride: int
) -> Generator[Block, Answer, None]:
    """Fills ``found``. ``most``: what one request asks for until a limit is met."""
    for area in areas:
        address = area.start
        while address < area.end and not found.over:
            small = found.limit is not None and found.limit <= 2 * stride
            count = min(most if small else found.limit or most, area.end - address)
            block = Block(found.table, address, count)
            # A limit so small makes one whole request no better than a few single ones.
            yield from _islands(found, block, stride) if small else _explore(found, block, stride)
            address += count
    yield from _left_out(found, areas, stride)


def _ask(found: Surveyed, block: Block) -> Asking:
    if found.over:
        return False
    answer = yield block
    found.silences = found.silences + 1 if isinstance(answer, Silent) else 0
    if isinstance(answer, Answered):
        found.words.update(zip(range(block.address, block.end), answer.words, strict=True))
        found.most = max(found.most, block.count)
        return True
    if block.count == 1:
        found.alone.add(block.address)
    if isinstance(answer, Refused):
        found.supported = answer.code != NO_SUCH_FUNCTION
        found.refused.update(dict.fromkeys(range(block.address, block.end), answer.code))
    return False


def _explore(found: Surveyed, block: Block, stride: int) -> Asking:
    return (yield from _ask(found, block)) or (yield from _halve(found, block, stride))


def _halve(found: Surveyed, refused: Block, stride: int) -> Asking:
    if refused.count == 1 or found.over:
        return False
    left, right = _halves(refused)
    left_read = yield from _ask(found, left)
    right_read = yield from _ask(found, right)
    if not left_read and not right_read:
        return (yield from _islands(found, refused, stride))
    left_read = left_read or (yield from _halve(found, left, stride))
    right_read = right_read or (yield from _halve(found, right, stride))
    if left_read and right_read:
        yield from _seam(found, refused, right.address)
    return left_read and right_read


def _halves(block: Block) -> tuple[Block, Block]:
    left = block.count // 2
    return (
        Block(block.table, block.address, left),
        Block(block.table, block.address + left, block.count - left),
    )


def _seam(found: Surveyed, refused: Block, seam: int) -> Asking:
    """Both sides of ``seam`` can be read, all of ``refused`` cannot: tells whether that is for its length."""
    torn = any(refused.address < border < refused.end for border in found.borders)
    if torn or found.limit is not None or found.most >= refused.count or found.over:
        return False
    if not (yield from _ask(found, Block(found.table, seam - 1, 2))):
        found.borders.append(seam)
        if found.most == 1 and len(found.borders) > _SINGLES:  # it gives one at a time
            found.limit = 1
            found.borders.clear()
        return found.limit is not None
    good, bad = found.most, refused.count
    while bad - good > 1 and not found.over:
        count = (good + bad) // 2
        if (yield from _ask(found, Block(found.table, refused.address, count))):
            good = count
        else:
            bad = count
    found.limit = good
    return True


def _islands(found: Surveyed, block: Block, stride: int) -> Asking:
    """Neither half of ``block`` can be read."""
    address, run, whole = block.address, block.address, True
    limit = found.limit
    while address < block.end and not found.over:
        if found.limit is not None and found.limit != limit:  # the block was refused for its length
            rest = Block(found.table, address, min(found.limit, block.end - address))
            whole = (yield from _explore(found, rest, stride)) and whole
            address = rest.end
        elif not (yield from _ask(found, Block(found.table, address, 1))):
            whole = False
            address += stride
            run = address
        elif run < address and (yield from _seam(found, Block(found.table, run, address + 1 - run), address)):
            continue
        else:
            run, address = address, (yield from _end_of_run(found, address, block.end))
    return whole and not found.over


def _left_out(found: Surveyed, areas: Collection[Area], stride: int) -> Generator[Block, Answer, None]:
    """What the stride left out before each island."""
    for address in [address for address in found.words if address - 1 not in found.words]:
        for before in range(address - 1, address - stride, -1):
            outside = not any(area.start <= before < area.end for area in areas)
            if (
                outside
                or before in found.alone
                or not (yield from _ask(found, Block(found.table, before, 1)))
            ):
                break


def _end_of_run(found: Surveyed, address: int, end: int) -> Generator[Block, Answer, int]:
    """Where what one request can read from ``address`` on comes to its end, at the latest ``end``."""
    most = min(end - address, found.limit or end - address)
    good, bad, count = 1, most + 1, 2
    while bad - good > 1 and not found.over:
        if (yield from _ask(found, Block(found.table, address, min(count, bad - 1)))):
            good = min(count, bad - 1)
        else:
            bad = min(count, bad - 1)
        count = 2 * good if bad > most else (good + bad) // 2
    return address + good
