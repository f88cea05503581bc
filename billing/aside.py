"""Values put aside in a temporary file, by whose they are, and read back one owner at a time.

Little stays in memory, and more than a little goes to the directory of temporary files (``TMPDIR``).
"""

import os
from array import array
from collections.abc import Callable, Iterator
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

from billing.out import UnwritableError

T = TypeVar("T")
_IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes."""


class Aside(Generic[T]):
    def __init__(self, encode: Callable[[T], bytes], decode: Callable[[bytes], T]) -> None:
        self._encode, self._decode = encode, decode
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed by __exit__
        self._places: dict[str, array[int]] = {}
        """By owner, where each value begins and how long it is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def put(self, owner: str, value: T) -> None:
        """Raises UnwritableError when the disk takes no more."""
        data = self._encode(value)
        try:
            at = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        except OSError as error:
            raise UnwritableError(
                f"what is added up day by day cannot be put aside ({error}): make room where temporary files"
                " lie, or name another directory: TMPDIR=DIR"
            ) from None
        self._places.setdefault(owner, array("q")).extend((at, len(data)))

    def owners(self) -> list[str]:
        return sorted(self._places)

    def of(self, owner: str) -> Iterator[T]:
        """In the order in which they were put aside."""
        places = self._places.get(owner, ())
        for at, length in zip(places[::2], places[1::2], strict=True):
            self._file.seek(at)
            yield self._decode(self._file.read(length))
