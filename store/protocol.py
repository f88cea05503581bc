"""The seam between those who keep facts and the place where facts rest."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, Protocol

from msgspec import Struct

from contract.messages import ExceptionReason, Outcome
from contract.series import Row, Series
from contract.stored import Stored

ANY: Final[Mapping[str, str]] = MappingProxyType({})
"""No tag is asked for: rows of everybody."""


class Machines(Struct, frozen=True):
    """Machines by their names, in the order of code points: from ``first`` on, and before ``until``."""

    first: str = ""
    until: str | None = None
    """None: to the last."""

    def __contains__(self, name: str) -> bool:
        return self.first <= name and (self.until is None or name < self.until)


ALL_MACHINES: Final = Machines()


class Written(Struct, frozen=True, kw_only=True):
    """What became of one row."""

    outcome: Outcome
    reason: ExceptionReason | None = None
    """None when accepted."""
    detail: str = ""
    """One line, in the store's own words where it said some."""


ACCEPTED: Final = Written(outcome=Outcome.ACCEPTED)
OTHER_CONTENT: Final = "its key is stored with other content"


def rejected(reason: ExceptionReason, detail: str) -> Written:
    """A row that can never be stored."""
    return Written(outcome=Outcome.REJECTED, reason=reason, detail=one_line(detail))


def kept(detail: str) -> Written:
    """The store could not take the row now; whoever has it keeps it and tries again."""
    return Written(outcome=Outcome.KEPT, reason=ExceptionReason.STORE, detail=one_line(detail))


DETAIL_CHARACTERS: Final = 500


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters, short enough for a receipt."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.split())[:DETAIL_CHARACTERS]


class StoreAwayError(Exception):
    """The store cannot be read now; later it may."""


class UnusableStoreError(Exception):
    """The store can never be used as configured. The text says what a person has to do."""


class Readable(Protocol):
    def pages(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        """The rows with all these tags and time in ``[start, end)``, some at a time and as they lie there.

        In the order of ``Store.read``; for who reads millions. Raises StoreAwayError, also in the middle.
        """


class Store(Readable, Protocol):
    @property
    def retry_after_ms(self) -> int:
        """How long the store asked to be left alone in its answer to the latest write; 0 if it did not."""

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        """What became of each row, in order. Trouble with the store is `kept`, never an exception.

        A row whose key is stored with the same content is accepted and changes nothing; with other content
        it is rejected (conflict), unless the series may be overwritten. The rows are durable when this
        returns.
        """

    def read(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> AsyncIterator[Row]:
        """The rows with all these tags and time in ``[start, end)`` (UTC ms), by time, then by tags.

        Raises StoreAwayError, also in the middle.
        """

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        """How many rows ``read`` would give, without their contents. Raises StoreAwayError."""


class DividedStore(Store, Protocol):
    """One whose rows several processes can share out among them."""

    def pages(
        self,
        series: Series,
        start: int,
        end: int,
        tags: Mapping[str, str] = ANY,
        among: Machines = ALL_MACHINES,
    ) -> AsyncIterator[Sequence[Stored]]:
        """``among``: of these alone, where the series is of machines (else ValueError)."""


class Share:
    """Of a divided store what is of some machines, and what is of none."""

    def __init__(self, store: DividedStore, machines: Machines) -> None:
        self._store, self._machines = store, machines

    def pages(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Sequence[Stored]]:
        among = self._machines if "machine" in series.tags else ALL_MACHINES
        return self._store.pages(series, start, end, tags, among)
