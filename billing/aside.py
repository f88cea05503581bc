"""Values put aside in a temporary file, by whose they are, and read back one owner at a time.

Little stays in memory, and more than a little goes to the directory of temporary files (``TMPDIR``). What
another process is to read goes into a file that has a name.
"""

import os
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import TracebackType
from typing import IO, Final, Generic, Self, TypeVar

from billing.out import UnwritableError

T = TypeVar("T")
Places = dict[str, "array[int]"]
"""By owner, where each value begins and how long it is."""
_IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes."""


class Aside(Generic[T]):
    def __init__(
        self,
        encode: Callable[[T], bytes],
        decode: Callable[[bytes], T],
        path: Path | None = None,
        places: Places | None = None,
    ) -> None:
        """``path``: of a file that another process reads, or (with ``places``) has written.

        Raises UnwritableError.
        """
        self._encode, self._decode = encode, decode
        self.places: Places = places or {}
        try:
            self._file: IO[bytes] = (
                SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  closed by __exit__
                if path is None
                else path.open("w+b" if places is None else "rb")
            )
        except OSError as error:
            raise unwritable(error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """What waits to be written is written. Raises UnwritableError."""
        try:
            self._file.close()
        except OSError as full:
            raise unwritable(full) from None

    def put(self, owner: str, value: T) -> None:
        """Raises UnwritableError when the disk takes no more."""
        data = self._encode(value)
        try:
            at = self._file.seek(0, os.SEEK_END)
            self._file.write(data)
        except OSError as error:
            raise unwritable(error) from None
        self.places.setdefault(owner, array("q")).extend((at, len(data)))

    def owners(self) -> list[str]:
        return sorted(self.places)

    def of(self, owner: str) -> Iterator[T]:
        """In the order in which they were put aside."""
        places = self.places.get(owner, ())
        for at, length in zip(places[::2], places[1::2], strict=True):
            self._file.seek(at)
            yield self._decode(self._file.read(length))


def unwritable(error: OSError) -> UnwritableError:
    return UnwritableError(
        f"what is added up day by day cannot be put aside ({error}): make room where temporary files lie, or"
        " name another directory: TMPDIR=DIR"
    )
