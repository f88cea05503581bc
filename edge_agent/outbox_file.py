"""The outbox as a file: SQLite tables, how it is opened, and what is refused. Nothing here deletes a file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

APPLICATION: Final = 0x476F6678  # "Gofx": tells an outbox from any other SQLite file
VERSION: Final = 1

# `place` of a record: 0 in the queue, 1 in a batch, 2 accepted, 3 rejected (both in the ring). Literals in
# the partial indexes and in the queries alike, or SQLite would not use the indexes.
# `due` is 0 until a first receipt: so the queue's order is new records first, in the order they were put.
# AUTOINCREMENT, so that a row number never comes back.
_SCHEMA: Final = """
CREATE TABLE owner (site TEXT NOT NULL, gateway TEXT NOT NULL) STRICT;
CREATE TABLE checkpoint (machine TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE announcement (
    order_id TEXT PRIMARY KEY, issued INTEGER NOT NULL, body BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE life (
    machine TEXT NOT NULL, epoch TEXT NOT NULL, last INTEGER NOT NULL, head TEXT NOT NULL,
    PRIMARY KEY (machine, epoch)
) STRICT, WITHOUT ROWID;
CREATE TABLE batch (
    row INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, payload BLOB NOT NULL
) STRICT;
CREATE TABLE record (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    machine TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL,
    instant INTEGER NOT NULL, size INTEGER NOT NULL,
    place INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
    batch INTEGER, reason TEXT, detail TEXT,
    digest TEXT NOT NULL DEFAULT '', body BLOB NOT NULL,
    UNIQUE (machine, epoch, sequence)
) STRICT;
CREATE INDEX queue ON record (due, row) WHERE place = 0;
CREATE INDEX member ON record (batch) WHERE place = 1;
CREATE INDEX held ON record (instant) WHERE place < 2;
CREATE INDEX ring ON record (instant) WHERE place >= 2;
CREATE INDEX rejected ON record (instant) WHERE place = 3;
CREATE TABLE tally (place INTEGER PRIMARY KEY, records INTEGER NOT NULL, bytes INTEGER NOT NULL) STRICT;
INSERT INTO tally VALUES (0, 0, 0), (1, 0, 0), (2, 0, 0), (3, 0, 0);
CREATE TRIGGER record_in AFTER INSERT ON record BEGIN
    UPDATE tally SET records = records + 1, bytes = bytes + new.size WHERE place = new.place;
END;
CREATE TRIGGER record_out AFTER DELETE ON record BEGIN
    UPDATE tally SET records = records - 1, bytes = bytes - old.size WHERE place = old.place;
END;
CREATE TRIGGER record_moved AFTER UPDATE OF place, size ON record BEGIN
    UPDATE tally SET records = records - 1, bytes = bytes - old.size WHERE place = old.place;
    UPDATE tally SET records = records + 1, bytes = bytes + new.size WHERE place = new.place;
END;
"""

_SMALL: Final = ("owner", "checkpoint", "announcement", "life", "batch", "tally")
_WHOLE_CHECK_BYTES: Final = 16 * 1024 * 1024
"""Up to this a file is checked whole when opened (some 50 ms); of a larger one only the tables without which
the agent cannot start, since reading a ring of a gigabyte from a slow card would hold up metering."""


class OutboxError(Exception):
    """The file cannot be used as this agent's outbox; says what a person can do."""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Takes the write lock at once, so that two processes wait instead of failing midway."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.rollback()
        raise
    db.execute("COMMIT")


def open_file(path: Path, site: str, gateway: str) -> sqlite3.Connection:
    """Opens the outbox, or makes an empty one where there is none. Raises OutboxError."""
    try:
        db = sqlite3.connect(path, isolation_level=None, timeout=10)
    except sqlite3.Error as error:
        raise OutboxError(f"{path}: {error}; the folder must exist and be writable") from error
    try:
        _prepare(db, path, site, gateway)
    except sqlite3.OperationalError as error:
        db.close()
        raise OutboxError(f"{path}: {error}; check permissions, free space and other users of it") from error
    except sqlite3.DatabaseError as error:
        db.close()
        raise OutboxError(f"{path}: {_DAMAGED.format(error)}") from error
    except BaseException:
        db.close()
        raise
    return db


_DAMAGED: Final = (
    "is damaged or not an outbox ({}); nothing was changed: move it aside and keep it for rescue"
)


def _prepare(db: sqlite3.Connection, path: Path, site: str, gateway: str) -> None:
    is_new = not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if not is_new:
        _recognise(db, path)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("PRAGMA journal_size_limit = 16777216")
    if is_new:
        _create(db, site, gateway)
    _check(db, path)
    owner = db.execute("SELECT site, gateway FROM owner").fetchone()
    if owner != (site, gateway):
        raise OutboxError(
            f"{path}: belongs to gateway {owner[1]} of site {owner[0]}, not to {gateway} of {site};"
            " give this agent an outbox of its own, or correct its name"
        )


def _recognise(db: sqlite3.Connection, path: Path) -> None:
    """Before anything is written: another program's database must stay as it is."""
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise OutboxError(f"{path}: is a database of another program; nothing was changed")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version != VERSION:
        raise OutboxError(
            f"{path}: has outbox format {version}, this agent knows {VERSION}; update the agent"
        )


def _create(db: sqlite3.Connection, site: str, gateway: str) -> None:
    script = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}; {_SCHEMA}"
    with transaction(db):
        for statement in _statements(script):
            db.execute(statement)
        db.execute("INSERT INTO owner VALUES (?, ?)", (site, gateway))


def _statements(script: str) -> Iterator[str]:
    """One at a time: ``executescript`` would commit in between."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _check(db: sqlite3.Connection, path: Path) -> None:
    whole = path.stat().st_size <= _WHOLE_CHECK_BYTES
    checks = ["quick_check(1)"] if whole else [f"quick_check({table})" for table in _SMALL]
    for check in checks:
        found = db.execute(f"PRAGMA {check}").fetchone()[0]
        if found != "ok":
            raise OutboxError(f"{path}: {_DAMAGED.format(found)}")
