"""The tables of the outbox file, and how a file of an earlier format comes to have them. Text only."""

from types import MappingProxyType
from typing import Final

APPLICATION: Final = 0x476F6678  # "Gofx": tells an outbox from any other SQLite file
VERSION: Final = 4

# `place` of a record: 0 in the queue, 1 in a batch, 2 accepted, 3 rejected (both in the ring). Literals in
# the partial indexes and in the queries alike, or SQLite would not use the indexes.
# `due` is 0 until a first receipt: so the queue's order is new records first, in the order they were put.
# AUTOINCREMENT, so that a row number never comes back.
# `stands`: for how many records that were put. `again`: 1 from `resend` until the next receipt; the tally has
# such records under place + 10, since what was receipted once and goes again is no pressure.
# `sealed` of a life: the last sequence that was ever in a batch; `fresh`: bytes of its records after that.
_TABLES: Final = """
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

_PRESSURE: Final = """
ALTER TABLE record ADD COLUMN stands INTEGER NOT NULL DEFAULT 1;
ALTER TABLE record ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE life ADD COLUMN sealed INTEGER NOT NULL DEFAULT -1;
ALTER TABLE life ADD COLUMN fresh INTEGER NOT NULL DEFAULT 0;
UPDATE life SET
    sealed = coalesce((
        SELECT max(sequence) FROM record WHERE (machine, epoch) = (life.machine, life.epoch) AND digest != ''
    ), -1),
    fresh = coalesce((
        SELECT sum(size) FROM record WHERE (machine, epoch) = (life.machine, life.epoch) AND digest = ''
    ), 0);
INSERT INTO tally VALUES (10, 0, 0), (11, 0, 0);
DROP TRIGGER record_out;
DROP TRIGGER record_moved;
CREATE TRIGGER record_out AFTER DELETE ON record BEGIN
    UPDATE tally SET records = records - 1, bytes = bytes - old.size WHERE place = old.place + 10 * old.again;
END;
CREATE TRIGGER record_moved AFTER UPDATE OF place, size, again ON record BEGIN
    UPDATE tally SET records = records - 1, bytes = bytes - old.size WHERE place = old.place + 10 * old.again;
    UPDATE tally SET records = records + 1, bytes = bytes + new.size WHERE place = new.place + 10 * new.again;
END;
"""

# From the first checkpoint on, `checkpoint` is empty (sheets.py). The newest sheet is never deleted, so the
# numbers of sheets rise.
_SHEETS: Final = """
CREATE TABLE sheet (row INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
"""

# `until` of a life: where its last sealed record ends (0: an earlier version sealed it); `signed`: the last
# sequence that was signed. `place` of a signature: 0 waits, 1 in a batch, 2 a collector has it.
_SIGNATURES: Final = """
ALTER TABLE life ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE life ADD COLUMN signed INTEGER NOT NULL DEFAULT -1;
CREATE TABLE signature (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    machine TEXT NOT NULL, epoch TEXT NOT NULL, sequence INTEGER NOT NULL, until INTEGER NOT NULL,
    place INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,
    batch INTEGER, body BLOB NOT NULL,
    UNIQUE (machine, epoch, sequence)
) STRICT;
CREATE INDEX unsent ON signature (row) WHERE place = 0;
CREATE INDEX travelling ON signature (batch) WHERE place = 1;
"""

STEPS: Final = MappingProxyType({0: _TABLES, 1: _PRESSURE, 2: _SHEETS, 3: _SIGNATURES})
"""What leads from each format to the next; format 0 is an empty file. Never changed once it is in use."""
