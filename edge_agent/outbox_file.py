"""The outbox as a file: how it is opened, brought to the present format, and what is refused.

Nothing here deletes records. What is damaged is refused, or set aside where the caller says so.
"""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from edge_agent.clock import real_ms
from edge_agent.outbox_tables import APPLICATION, STEPS, VERSION
from edge_agent.setaside import set_aside, suspicion
from edge_agent.sheets import DamagedSheetError, Sheets

_SMALL: Final = ("owner", "checkpoint", "announcement", "life", "batch", "tally")
_WHOLE_CHECK_BYTES: Final = 16 * 1024 * 1024
"""Up to this a file is checked whole when opened (some 50 ms); of a larger one only the tables without which
the agent cannot start, since reading a ring of a gigabyte from a slow card would hold up metering."""

_AWAY: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_PERM,
    }
)
_DAMAGE: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})


class OutboxError(Exception):
    """The file cannot be used as this agent's outbox; says what a person can do."""


class DamagedError(OutboxError):
    """What stands there was an outbox, or never was one, and cannot be read."""


class OutboxAwayError(OutboxError):
    """The disk takes nothing now (full, read-only, failing). Nothing has changed in the file: try again."""


def is_away(error: BaseException) -> bool:
    """Whether the disk may take later what it does not take now."""
    return _code(error) in _AWAY


def is_damage(error: BaseException) -> bool:
    return _code(error) in _DAMAGE


def _code(error: BaseException) -> int | None:
    """SQLite's primary result code; the extended one has it in its low byte."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing. Takes the write lock at once, so that two processes wait instead of failing midway."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # On some errors SQLite has rolled back by itself, and a failing disk may not even let us ask.
        with contextlib.suppress(sqlite3.Error):
            db.rollback()
        raise


def open_file(
    path: Path, site: str, gateway: str, *, may_set_aside: bool
) -> tuple[sqlite3.Connection, Path | None]:
    """Opens the outbox, or makes an empty one where there is none or, if it may, in place of a damaged one.

    With the connection comes where the damaged file went. Raises OutboxError.
    """
    kept = None
    try:
        db = _open(path, site, gateway)
    except DamagedError as damaged:
        if not may_set_aside:
            raise
        try:
            kept = set_aside(path, real_ms())
        except OSError as error:
            raise OutboxError(f"{damaged}; it cannot be moved: {error}") from error
        db = _open(path, site, gateway)
    if may_set_aside:  # it is whole now
        with contextlib.suppress(OSError):
            suspicion(path).unlink(missing_ok=True)
    return db, kept


def _open(path: Path, site: str, gateway: str) -> sqlite3.Connection:
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
        raise DamagedError(f"{path}: {_DAMAGED.format(error)}") from error
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
    if owner is None:
        raise DamagedError(f"{path}: {_DAMAGED.format('it does not say whose it is')}")
    if owner != (site, gateway):
        raise OutboxError(
            f"{path}: belongs to gateway {owner[1]} of site {owner[0]}, not to {gateway} of {site};"
            " give this agent an outbox of its own, or correct its name"
        )
    _upgrade(db)
    try:
        Sheets(db)  # reads them all
    except DamagedSheetError as error:
        raise DamagedError(f"{path}: {_DAMAGED.format(error)}") from error


def _recognise(db: sqlite3.Connection, path: Path) -> None:
    """Before anything is written: another program's database must stay as it is."""
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise OutboxError(f"{path}: is a database of another program; nothing was changed")
    version = _version(db)
    if not 0 < version <= VERSION:
        raise OutboxError(
            f"{path}: has outbox format {version}, this agent knows {VERSION}; update the agent"
        )


def _version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def _create(db: sqlite3.Connection, site: str, gateway: str) -> None:
    with transaction(db):
        db.execute(f"PRAGMA application_id = {APPLICATION}")
        _step(db, 0)
        db.execute("INSERT INTO owner VALUES (?, ?)", (site, gateway))


def _upgrade(db: sqlite3.Connection) -> None:
    """Each step is one transaction, so an upgrade cut short goes on at the next start."""
    while _version(db) < VERSION:
        with transaction(db):
            version = _version(db)  # another process may have been faster
            if version < VERSION:
                _step(db, version)


def _step(db: sqlite3.Connection, version: int) -> None:
    for statement in _statements(STEPS[version]):
        db.execute(statement)
    db.execute(f"PRAGMA user_version = {version + 1}")


def _statements(script: str) -> Iterator[str]:
    """One at a time: ``executescript`` would commit in between."""
    statement = ""
    for part in script.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _check(db: sqlite3.Connection, path: Path) -> None:
    for check in _checks(path):
        found = db.execute(f"PRAGMA {check}").fetchone()[0]
        if found != "ok":
            raise DamagedError(f"{path}: {_DAMAGED.format(found)}")


def _checks(path: Path) -> list[str]:
    if suspicion(path).exists():
        return ["integrity_check(1)"]
    whole = path.stat().st_size <= _WHOLE_CHECK_BYTES
    return ["quick_check(1)"] if whole else [f"quick_check({table})" for table in _SMALL]
