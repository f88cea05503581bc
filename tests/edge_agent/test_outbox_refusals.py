"""Files that are not this agent's outbox are refused, and stay as they were."""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent import outbox_file
from edge_agent.held import Put
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError
from tests.edge_agent.losses import loss


def open_at(path: Path, site: str = "s", gateway: str = "g") -> Outbox:
    return Outbox.open(path, site=site, gateway=gateway, limit_bytes=10**6, ring_bytes=10**6, ring_ms=10**9)


def fill(path: Path, count: int) -> None:
    records = tuple(loss(n) for n in range(count))
    with open_at(path) as outbox:
        outbox.commit([Put(machine="m", records=records, checkpoint=b"c" * 100)])


def text(path: Path) -> None:
    path.write_text("machines = 3\n" * 400)


def other_program(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE song (name TEXT)")
    db.close()


def later_format(path: Path) -> None:
    fill(path, 3)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 9")
    db.close()


def half(path: Path) -> None:
    fill(path, 400)
    os.truncate(path, path.stat().st_size // 2)


def scribbled(path: Path) -> None:
    fill(path, 400)
    with path.open("r+b") as file:
        file.seek(4096 + 8)
        file.write(os.urandom(4096))


DAMAGED = "damaged or not an outbox"
FILES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a text file": (text, DAMAGED),
    "another program's database": (other_program, "another program"),
    "a later format": (later_format, "format 9"),
    "a file cut in half": (half, DAMAGED),
    "a page of noise": (scribbled, DAMAGED),
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_not_a_sound_outbox_is_refused_and_not_changed(tmp_path: Path, name: str) -> None:
    path = tmp_path / "outbox.db"
    make, says = FILES[name]
    make(path)
    before = path.read_bytes()
    with pytest.raises(OutboxError, match=says) as refused:
        open_at(path)
    assert str(path) in str(refused.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("site", "gateway"), [("s", "other"), ("other", "g")])
def test_the_outbox_of_another_gateway_is_refused(tmp_path: Path, site: str, gateway: str) -> None:
    path = tmp_path / "outbox.db"
    fill(path, 1)
    with pytest.raises(OutboxError, match="belongs to gateway g of site s"):
        open_at(path, site, gateway)
    with open_at(path) as outbox:
        assert outbox.depth().records == 1


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match="folder must exist"):
        open_at(tmp_path / "none" / "outbox.db")


def test_a_folder_in_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(OutboxError, match=str(tmp_path)):
        open_at(tmp_path)


def test_an_empty_file_becomes_an_outbox(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    path.touch()
    with open_at(path) as outbox:
        assert outbox.depth().records == 0
    with open_at(path) as outbox:
        assert outbox.checkpoints() == {}


def test_of_a_large_file_only_what_the_agent_starts_from_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "outbox.db"
    fill(path, 400)
    monkeypatch.setattr(outbox_file, "_WHOLE_CHECK_BYTES", 0)
    with open_at(path) as outbox:
        assert outbox.depth().records == 400
    damage_table(path, "checkpoint")
    with pytest.raises(OutboxError, match=DAMAGED):
        open_at(path)


def damage_table(path: Path, table: str) -> None:
    db = sqlite3.connect(path)
    (page,) = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    db.close()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\x00" * 64)


@pytest.mark.parametrize("table", ["announcement", "life", "batch", "tally", "record"])
def test_damage_is_found_before_anything_is_metered(tmp_path: Path, table: str) -> None:
    """Also where nothing would have read the table at the start."""
    path = tmp_path / "outbox.db"
    fill(path, 400)
    damage_table(path, table)
    with pytest.raises(OutboxError, match=DAMAGED):
        open_at(path)


def test_one_thread_owns_the_outbox(tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with (
        open_at(tmp_path / "outbox.db") as outbox,
        ThreadPoolExecutor(1) as thread,
        pytest.raises(sqlite3.ProgrammingError, match="thread"),
    ):
        thread.submit(outbox.depth).result()
