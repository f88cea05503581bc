"""Opens the SQLite file of a store, making sure first that it is one of ours."""

import sqlite3
from contextlib import closing
from pathlib import Path

from contract.series import ALL
from store import schema
from store.protocol import UnusableStoreError

BUSY_S = 10
"""How long a writer waits for another process that writes."""


def connect(path: Path, *, read_only: bool) -> sqlite3.Connection:
    """Raises UnusableStoreError. The connection commits only what is between BEGIN and COMMIT."""
    if read_only and not path.is_file():
        where = "" if path.is_absolute() else ", and a relative path counts from where a command is started"
        why = f"it is created by the first collector that runs{where}"
        raise UnusableStoreError(f"{path.absolute()} does not exist; {why}")
    if not path.parent.is_dir():
        raise UnusableStoreError(f"{path.parent} is not a directory; make it, or give another path")
    try:
        return _checked(path, read_only=read_only)
    except sqlite3.Error as error:
        raise UnusableStoreError(f"{path} cannot be opened as a store: {error}") from error


def _checked(path: Path, *, read_only: bool) -> sqlite3.Connection:
    uri = f"{path.resolve().as_uri()}?mode={'ro' if read_only else 'rwc'}"
    # check_same_thread: the connection belongs to one thread, which is not always the one that opens it.
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
    try:
        _identify(connection, path, empty_is_fine=not read_only)
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            _create(connection)
        else:
            _stand_in(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _identify(connection: sqlite3.Connection, path: Path, *, empty_is_fine: bool) -> None:
    """Raises UnusableStoreError."""
    application, version, tables = (
        _number(connection, "PRAGMA application_id"),
        _number(connection, "PRAGMA user_version"),
        _number(connection, "SELECT count(*) FROM sqlite_schema"),
    )
    if application == 0 and version == 0 and tables == 0:
        if empty_is_fine:
            return
        raise UnusableStoreError(f"{path} is empty; it is filled by the first collector that runs")
    if application != schema.APPLICATION_ID:
        raise UnusableStoreError(f"{path} belongs to another program; give the store a file of its own")
    if version not in schema.READABLE:
        raise UnusableStoreError(
            f"{path} has version {version} of the tables, this program knows version {schema.VERSION}; "
            "use the program that wrote it"
        )


def _number(connection: sqlite3.Connection, query: str) -> int:
    with closing(connection.execute(query)) as cursor:
        number: int = cursor.fetchone()[0]
        return number


def _stand_in(connection: sqlite3.Connection) -> None:
    """A file that an earlier version wrote has no table of a series that came later: it reads as empty."""
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema")}
    for series in ALL:
        if series.name not in tables:
            connection.execute(schema.create(series, temporary=True))


def _create(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    if _number(connection, "PRAGMA user_version") == 1:
        for statement in schema.FROM_1:
            connection.execute(statement)
    for series in ALL:
        connection.execute(schema.create(series))
    connection.execute(schema.NAME_TABLE)
    connection.execute(schema.TIME_INDEX)
    connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")
    connection.execute("COMMIT")
