"""An outbox written by the agent before this one goes on as if nothing had been: an upgrade loses nothing.

``outbox_format_1.sql`` is the dump of such a file, with a record in every place; a later format's is the same
file, opened by the agents in between.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from contract.chain import is_linked
from contract.messages import Batch, Receipt, batch_id, decode_record
from contract.records import Interval, Record
from edge_agent import outbox_file
from edge_agent.held import Put, Relief, Sealed
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError
from edge_agent.outbox_tables import STEPS, VERSION

LATER = 2 * 10**13
DUMPS = {number: f"outbox_format_{number}.sql" for number in (1, 2, 3)}


@pytest.fixture
def old(tmp_path: Path) -> Callable[[int], Path]:
    def restored(version: int) -> Path:
        path = tmp_path / "outbox.db"
        db = sqlite3.connect(path)
        db.executescript((Path(__file__).parent / DUMPS[version]).read_text("utf-8"))
        db.close()
        return path

    return restored


def opened(path: Path, gateway: str = "gw-1", limit_bytes: int = 10**6) -> Outbox:
    return Outbox.open(
        path, site="dongguan-3", gateway=gateway, limit_bytes=limit_bytes, ring_bytes=10**6, ring_ms=10**15
    )


def records_of(sealed: Sealed) -> list[Record]:
    return [decode_record(raw) for raw in msgspec.json.decode(sealed.payload, type=Batch).records]


def accepted(sealed: Sealed) -> Receipt:
    count = len(records_of(sealed))
    return Receipt(
        batch=sealed.id,
        collector="c",
        at=0,
        records=count,
        accepted=count,
        unreadable=None,
        retry_after_ms=0,
        exceptions=[],
    )


def test_every_format_before_this_one_is_tried_here() -> None:
    assert list(DUMPS) == list(range(1, VERSION))
    assert list(STEPS) == list(range(VERSION))


@pytest.mark.parametrize("version", DUMPS)
def test_an_old_outbox_goes_on(old: Callable[[int], Path], version: int) -> None:
    path = old(version)
    with opened(path) as outbox:
        depth = outbox.depth()
        assert (depth.records, depth.batches, depth.ring_records, depth.rejected) == (5, 1, 3, 1)
        assert outbox.checkpoints() == {"cnc-07": b"three", "cnc-08": b"other"}
        outbox.commit([Put(machine="cnc-07", checkpoint=b"four")])
        assert outbox.checkpoints() == {"cnc-07": b"four", "cnc-08": b"other"}
        assert list(outbox.orders()) == ["4711"]
        (waiting,) = outbox.waiting()
        assert waiting.id == batch_id(waiting.payload)
        (head,) = records_of(waiting)
        assert outbox.settle(accepted(waiting), LATER).accepted == 1
        (again,) = outbox.seal(LATER, "s-2")
        new = [record for record in records_of(again) if record.machine == "cnc-07"]
        assert [record.sequence for record in new] == [5, 6, 2]
        assert is_linked(new[0], head.digest)
        assert is_linked(new[1], new[0].digest)
        assert outbox.settle(accepted(again), LATER).accepted == 4
        assert outbox.resend(0, LATER) == 8


@pytest.mark.parametrize("version", DUMPS)
def test_in_an_old_outbox_only_what_was_never_offered_merges(
    old: Callable[[int], Path], version: int
) -> None:
    path = old(version)
    with opened(path, limit_bytes=3600) as outbox:
        assert outbox.relieve() == Relief(ring_dropped=3)
        assert outbox.depth().records == 5
    db = sqlite3.connect(path)
    lives = db.execute("SELECT machine, sealed, fresh FROM life ORDER BY machine").fetchall()
    assert lives == [("cnc-07", 4, 2 * 889), ("cnc-08", -1, 889)]
    bodies = db.execute("SELECT body FROM record WHERE sequence > 4").fetchall()
    db.close()
    assert [type(decode_record(body)) for (body,) in bodies] == [Interval] * 2


def test_an_upgrade_is_done_once_and_whole(
    old: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old(1)
    monkeypatch.setattr(outbox_file, "STEPS", {1: STEPS[1] + "INSERT INTO nowhere VALUES (1);"})
    with pytest.raises(OutboxError, match="nowhere"):
        opened(path)
    monkeypatch.undo()
    with opened(path) as outbox:
        assert outbox.depth().records == 5
    with opened(path) as outbox:
        assert outbox.depth().records == 5


def test_an_upgraded_file_has_the_tables_of_a_new_one(old: Callable[[int], Path], tmp_path: Path) -> None:
    opened(old(1)).close()
    opened(tmp_path / "new.db").close()
    tables = []
    for name in ("outbox.db", "new.db"):
        db = sqlite3.connect(tmp_path / name)
        tables.append(sorted(db.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")))
        db.close()
    assert tables[0] == tables[1]


def test_the_old_outbox_of_another_gateway_is_refused_and_keeps_its_format(
    old: Callable[[int], Path],
) -> None:
    path = old(1)
    with pytest.raises(OutboxError, match="belongs to gateway gw-1"):
        opened(path, gateway="gw-2")
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    db.close()
