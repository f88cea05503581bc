"""Checkpoints in the outbox file: those of one commit on one sheet, packed together.

4,500 machines put 450 checkpoints a second there. As a row each, every one dirtied two pages of its own, and
a card took 9 MB a second. Those of one commit are much alike: packed together they come to a tenth, and lie
on a few pages.
"""

import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

MOST: Final = 128
"""Sheets. When there would be more, what the oldest still holds moves to the newest."""

_ROWS: Final = 0
"""In place of a sheet's number: the table in which format 2 has a row for each machine."""
_decoder: Final = msgspec.msgpack.Decoder(dict[str, bytes])


class DamagedSheetError(Exception):
    """The bytes are not those that were written."""


class Sheets:
    """The latest checkpoint of each machine. A sheet goes when later ones have all that is on it.

    Where each checkpoint lies is read from the file when this is made, and known from then on, since nobody
    else writes any. Raises DamagedSheetError.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._places: dict[str, int] = {}
        """The sheet of each machine's checkpoint."""
        for row, sheet in self._sheets():
            self._places |= dict.fromkeys(sheet, row)
        self._next = self._places

    def write(self, checkpoints: Mapping[str, bytes]) -> None:
        """Within a transaction; ``written`` says that it has succeeded."""
        self._next = self._places
        if not checkpoints:
            return
        sheet = {**self._moving(), **checkpoints}
        row = self._db.execute("INSERT INTO sheet (body) VALUES (?)", (_packed(sheet),)).lastrowid
        assert row is not None  # noqa: S101  it was an insertion
        self._next = {**self._places, **dict.fromkeys(sheet, row)}
        spent = set(self._places.values()) - set(self._next.values())
        self._db.executemany("DELETE FROM sheet WHERE row = ?", ((old,) for old in spent))
        if _ROWS in spent:
            self._db.execute("DELETE FROM checkpoint")

    def written(self) -> None:
        self._places = self._next

    def read(self) -> dict[str, bytes]:
        """The latest checkpoint of each machine."""
        found: dict[str, bytes] = {}
        for _, sheet in self._sheets():
            found |= sheet
        return found

    def _moving(self) -> dict[str, bytes]:
        """What the oldest sheet still holds, if there are too many of them; and all of format 2."""
        rows = set(self._places.values())
        if len(rows) < MOST and _ROWS not in rows:
            return {}
        oldest = min(rows)
        sheet = self._legacy() if oldest == _ROWS else self._sheet(oldest)
        return {machine: body for machine, body in sheet.items() if self._places[machine] == oldest}

    def _sheets(self) -> Iterator[tuple[int, dict[str, bytes]]]:
        """Oldest first; by one statement, so that a reader beside the agent sees them all of one instant."""
        yield _ROWS, self._legacy()
        for row, body in self._db.execute("SELECT row, body FROM sheet ORDER BY row"):
            yield row, _unpacked(body)

    def _sheet(self, row: int) -> dict[str, bytes]:
        (body,) = self._db.execute("SELECT body FROM sheet WHERE row = ?", (row,)).fetchone()
        return _unpacked(body)

    def _legacy(self) -> dict[str, bytes]:
        return dict(self._db.execute("SELECT machine, body FROM checkpoint"))


def _packed(sheet: Mapping[str, bytes]) -> bytes:
    return zlib.compress(msgspec.msgpack.encode(sheet), 1)


def _unpacked(body: bytes) -> dict[str, bytes]:
    try:
        return _decoder.decode(zlib.decompress(body))
    except (zlib.error, msgspec.DecodeError) as error:
        raise DamagedSheetError(f"checkpoints cannot be read: {error}") from error
