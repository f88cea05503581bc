"""The SQLite file: its tables and the statements on them, as text.

One table per series. The time leads its primary key, so that reading a stretch of time follows the key. The
fields are one JSON object in ``fields``; `json_extract(fields, '$.produced')` reads one exactly.
"""

from collections.abc import Collection
from typing import Final

from contract.series import Series

APPLICATION_ID: Final = 0x676F6E67
"""Marks a SQLite file as ours: "gong"."""
VERSION: Final = 1
"""Of the tables below; kept in the file's user_version."""
PAGE_ROWS: Final = 500

NAME_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS record_name (
    machine TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL,
    series TEXT NOT NULL, time INTEGER NOT NULL,
    PRIMARY KEY (machine, epoch, sequence)) WITHOUT ROWID, STRICT"""
FIND_NAME: Final = "SELECT series, time FROM record_name WHERE machine = ? AND epoch = ? AND sequence = ?"
FIND_INSIDE: Final = """\
SELECT sequence FROM record_name
WHERE machine = ? AND epoch = ? AND series = 'usage' AND sequence >= ? AND sequence < ? LIMIT 1"""
"""An interval that is stored under a name which a merged one stands for too."""
FIND_ABOVE: Final = """\
SELECT sequence, (
    SELECT json_extract(fields, '$.sequence_first') FROM usage
    WHERE usage.time = record_name.time AND usage.machine = record_name.machine
    AND usage.epoch = record_name.epoch)
FROM record_name WHERE machine = ? AND epoch = ? AND series = 'usage' AND sequence > ?
ORDER BY sequence LIMIT 1"""
"""The next interval by sequence, and the first sequence that it stands for."""
PUT_NAME: Final = "INSERT INTO record_name (machine, epoch, sequence, series, time) VALUES (?, ?, ?, ?, ?)"


def key(series: Series) -> tuple[str, ...]:
    return ("time", *series.tags)


def create(series: Series) -> str:
    tags = "".join(f"{tag} TEXT NOT NULL, " for tag in series.tags)
    columns = f"time INTEGER NOT NULL, {tags}fields TEXT NOT NULL, PRIMARY KEY ({', '.join(key(series))})"
    return f'CREATE TABLE IF NOT EXISTS "{series.name}" ({columns}) STRICT'


def find(series: Series) -> str:
    """Parameters: time, tags."""
    match = " AND ".join(f"{column} = ?" for column in key(series))
    return f'SELECT fields FROM "{series.name}" WHERE {match}'  # noqa: S608  names are constants


def put(series: Series) -> str:
    """Parameters: time, tags, fields. Replaces the fields of a stored key."""
    columns = (*key(series), "fields")
    marks = ", ".join("?" * len(columns))
    return (
        f'INSERT INTO "{series.name}" ({", ".join(columns)}) VALUES ({marks}) '  # noqa: S608  names are constants
        f"ON CONFLICT ({', '.join(key(series))}) DO UPDATE SET fields = excluded.fields"
    )


def page(series: Series, tags: Collection[str]) -> str:
    """The next rows by key. Parameters: end, the key before the first row wanted, the values of ``tags``."""
    columns = ", ".join(key(series))
    match = "".join(f" AND {tag} = ?" for tag in tags)
    return (
        f'SELECT {columns}, fields FROM "{series.name}" '  # noqa: S608  names are constants
        f"WHERE time < ? AND ({columns}) > ({', '.join('?' * len(key(series)))}){match} "
        f"ORDER BY {columns} LIMIT {PAGE_ROWS}"
    )
