"""The seam between polling and the wire: what a link does, and every way in which it can fail.

Two layers stand behind it. A ``Transport`` puts one request on one connection and judges its answer; there
is one per way to a machine (``modbus.py``: through pymodbus). An ``EndpointLink`` (``endpoint_link.py``)
holds one of them and knows the manners: whose turn it is, when to connect again. ``links.py`` puts the two
together.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final, Protocol

from msgspec import Struct

from edge_agent.block import Answer, Block, Key, Table, keys_of
from edge_agent.plan import ReadPlan


class LinkError(Exception):
    """Nothing is known about the machine."""


class LinkLostError(LinkError):
    """There is no connection, or it broke during the request. The link comes back by itself."""


class Unreached(StrEnum):
    """What an attempt to connect ran into."""

    REFUSED = "refused"
    NOBODY = "nobody"
    """Silence."""
    NO_WAY = "no_way"
    NO_NAME = "no_name"
    HUNG_UP = "hung_up"
    """The connection was taken, and closed at once."""
    CERTIFICATES = "certificates"
    NO_PORT = "no_port"
    """Of the serial kind, as in the others below."""
    NOT_ALLOWED = "not_allowed"
    TAKEN = "taken"
    OTHERWISE = "otherwise"


class NoConnectionError(LinkLostError):
    """None could be made."""

    def __init__(self, where: object, why: str, unreached: Unreached) -> None:
        super().__init__(f"no connection to {where}: {why}")
        self.unreached = unreached


class SilentError(LinkError):
    """Connected, and no answer in time. Back off this unit; its neighbours are not concerned."""


class RestingError(SilentError):
    """Not asked: it was silent, and is left alone for a while."""


class DesyncError(LinkError):
    """An answer to another question: late, cut or garbled. The connection was thrown away."""


class RefusedError(LinkError):
    """The machine answered with a Modbus exception. The link is fine."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code} ({EXCEPTIONS.get(code, 'of no standard meaning')})")
        self.code = code


EXCEPTIONS: Final = {
    1: "function not supported",
    2: "no such register",
    3: "too many registers",
    4: "device failure",
    5: "acknowledged, not done yet",
    6: "device busy",
    8: "memory parity",
    10: "gateway path unavailable",
    11: "no device behind the gateway answered",
}
"""Modbus Application Protocol 1.1b3, 7."""

NOBODY: Final = frozenset({10, 11})
"""By these a gateway says that there was no answer behind it."""

FUNCTIONS: Final = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
"""The function code that reads each table; there is no other that a transport can be asked for."""


def is_silence(error: LinkError) -> bool:
    """A gateway may say for a unit that it does not answer; its neighbours have waited all the same."""
    return isinstance(error, SilentError) or (isinstance(error, RefusedError) and error.code in NOBODY)


class LinkState(Struct, frozen=True, kw_only=True):
    """For who watches."""

    connected: bool
    silent: int
    """Units that are left alone for a while."""
    refused: int
    """Blocks that are asked again later."""


class Link(Protocol):
    """Reads from one endpoint, for all units behind it. Any number of tasks may ask at once."""

    async def read(self, block: Block, unit: int) -> Sequence[int]:
        """One value an address: words of 16 bits, or 0 and 1. Raises a LinkError."""

    @property
    def state(self) -> LinkState:
        """Now."""

    def close(self) -> None:
        """Drop the connection. A request under way fails with LinkLostError; the next one connects again."""


class Transport(Protocol):
    """One connection at a time, one request at a time, one attempt each: its owner has the patience.

    Nothing but the right answer to the latest request ever comes out of ``ask``. After an error other than
    RefusedError, and after a cancellation, the owner calls ``close``.
    """

    @property
    def connected(self) -> bool:
        """False also once the peer has hung up."""

    async def connect(self) -> None:
        """Called when not connected. Raises LinkLostError, within the time limit."""

    async def ask(self, block: Block, unit: int, limit_s: float | None = None) -> Sequence[int]:
        """As ``Link.read``, within the time limit, or ``limit_s`` if that is less. Called when connected."""

    def close(self) -> None:
        """As ``Link.close``. Does nothing when nothing is open."""


async def read_fast(link: Link, plan: ReadPlan, unit: int) -> list[Answer]:
    """What makes a sample. Raises a LinkError; what is not needed for it may be refused."""
    answers: list[Answer] = []
    for at, block in enumerate(plan.fast):
        try:
            answers.append(await link.read(block, unit))
        except RefusedError:
            if at in plan.needed:
                raise
            answers.append(None)
    return answers


async def read_slow(link: Link, plan: ReadPlan, unit: int) -> list[Answer]:
    """What people look at. Raises a LinkError; each request may be refused."""
    answers: list[Answer] = []
    for block in plan.slow:
        try:
            answers.append(await link.read(block, unit))
        except RefusedError:
            answers.append(None)
    return answers


async def read_blocks(link: Link, blocks: Iterable[Block], unit: int) -> dict[Key, int]:
    """The words of a read plan. Raises a LinkError: there is no half a read."""
    words: dict[Key, int] = {}
    for block in blocks:
        words.update(zip(keys_of(block), await link.read(block, unit), strict=True))
    return words
