"""The SQLite file: its tables and the statements on them, as text.

One table per series. The time leads its primary key, so that reading a stretch of time follows the key. The
fields are one JSON object in ``fields``; `json_extract(fields, '$.produced')` reads one exactly.
"""

from collections.abc import Collection
from typing import Final

from contract.series import Series
from store.naming import RANGED

APPLICATION_ID: Final = 0x676F6E67
"""Marks a SQLite file as ours: "gong"."""
VERSION: Final = 2
"""Of the tables below; kept in the file's user_version."""
READABLE: Final = frozenset({1, VERSION})
"""What a reader reads is the same in all of them."""
PAGE_ROWS: Final = 1000

NAME_TABLE: Final = """\
CREATE TABLE IF NOT EXISTS record_name (
    machine TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL,
    series TEXT NOT NULL, time INTEGER NOT NULL, sequence_first INTEGER NOT NULL,
    PRIMARY KEY (machine, epoch, sequence)) WITHOUT ROWID, STRICT"""
# Not unique: a file of version 1 may hold what is refused now.
TIME_INDEX: Final = """\
CREATE INDEX IF NOT EXISTS record_time
ON record_name (machine, epoch, series, time, sequence, sequence_first)"""
PUT_NAME: Final = """\
INSERT INTO record_name (machine, epoch, sequence, series, time, sequence_first) VALUES (?, ?, ?, ?, ?, ?)"""

_CLAIM: Final = (
    "SELECT series, time, sequence_first, sequence FROM record_name "
    "WHERE machine = :machine AND epoch = :epoch "
)
_RANGED: Final = f"series IN {tuple(sorted(RANGED))}"
NEAR_CLAIMS: Final = (
    f"{_CLAIM} AND sequence = :last",
    f"{_CLAIM} AND sequence >= :first AND {_RANGED} ORDER BY sequence LIMIT 1",
    f"{_CLAIM} AND series = :series AND time = :time",
    f"{_CLAIM} AND series = :series ORDER BY time DESC LIMIT 1",
)
"""The stored claims that another claim may quarrel with: by its name, its range, its time, and the newest."""

FROM_1: Final = (
    "ALTER TABLE record_name RENAME TO record_name_1",
    NAME_TABLE,
    "INSERT INTO record_name SELECT machine, epoch, sequence, series, time, sequence FROM record_name_1",
    "DROP TABLE record_name_1",
    *(
        "UPDATE record_name SET sequence_first = ranged.first FROM ("  # noqa: S608  names are constants
        "SELECT machine, epoch, json_extract(fields, '$.sequence') AS last, "
        f"json_extract(fields, '$.sequence_first') AS first FROM {name}) AS ranged "
        "WHERE record_name.machine = ranged.machine AND record_name.epoch = ranged.epoch "
        "AND record_name.sequence = ranged.last AND ranged.first < ranged.last"
        for name in sorted(RANGED)
    ),
)
"""Brings the tables of version 1 to version 2."""


def key(series: Series) -> tuple[str, ...]:
    return ("time", *series.tags)


def create(series: Series, *, temporary: bool = False) -> str:
    tags = "".join(f"{tag} TEXT NOT NULL, " for tag in series.tags)
    columns = f"time INTEGER NOT NULL, {tags}fields TEXT NOT NULL, PRIMARY KEY ({', '.join(key(series))})"
    table = "TEMP TABLE" if temporary else "TABLE"
    return f'CREATE {table} IF NOT EXISTS "{series.name}" ({columns}) STRICT'


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


def page(series: Series, tags: Collection[str], bounds: Collection[str] = ()) -> str:
    """The next rows by key.

    Parameters: end, the key before the first row wanted, the values of ``tags``, and what the machine is
    compared with by ``bounds``.
    """
    columns = ", ".join(key(series))
    # The plus keeps a tag out of the choice of an index: without it the rows of each instant are sorted anew.
    match = "".join(f" AND +{tag} = ?" for tag in tags) + "".join(f" AND +machine {b} ?" for b in bounds)
    return (
        f'SELECT {columns}, fields FROM "{series.name}" '  # noqa: S608  names are constants
        f"WHERE time < ? AND ({columns}) > ({', '.join('?' * len(key(series)))}){match} "
        f"ORDER BY {columns} LIMIT {PAGE_ROWS}"
    )


def count(series: Series, tags: Collection[str]) -> str:
    """Parameters: start, end, the values of ``tags``."""
    match = "".join(f" AND {tag} = ?" for tag in tags)
    return f'SELECT count(*) FROM "{series.name}" WHERE time >= ? AND time < ?{match}'  # noqa: S608  names are constants
