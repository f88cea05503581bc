"""A damaged outbox is put out of the way with all that belongs to it, kept, and said; nothing else is."""

import os
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from edge_agent.held import Put
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError
from edge_agent.setaside import set_aside
from tests.edge_agent.losses import loss


def open_at(path: Path, gateway: str = "g", *, may_set_aside: bool = True) -> Outbox:
    return Outbox.open(
        path,
        site="s",
        gateway=gateway,
        limit_bytes=10**6,
        ring_bytes=10**6,
        ring_ms=10**9,
        may_set_aside=may_set_aside,
    )


def fill(path: Path) -> None:
    records = tuple(loss(n) for n in range(400))
    with open_at(path) as outbox:
        outbox.commit([Put(machine="m", records=records, checkpoint=b"before")])


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(20_000))


def half(path: Path) -> None:
    fill(path)
    os.truncate(path, path.stat().st_size // 2)


def scribbled(path: Path) -> None:
    fill(path)
    with path.open("r+b") as file:
        file.seek(4096 + 8)
        file.write(os.urandom(4096))


def first_page_gone(path: Path) -> None:
    fill(path)
    with path.open("r+b") as file:
        file.write(b"\x00" * 100)


def nobodys(path: Path) -> None:
    fill(path)
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("DELETE FROM owner")
    db.close()


DAMAGES: dict[str, Callable[[Path], None]] = {
    "noise": noise,
    "a file cut in half": half,
    "a page of noise": scribbled,
    "a first page of zeros": first_page_gone,
    "an outbox that is nobody's": nobodys,
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_kept_and_a_new_one_begun(tmp_path: Path, name: str) -> None:
    path = tmp_path / "outbox.db"
    DAMAGES[name](path)
    before = path.read_bytes()
    with open_at(path) as outbox:
        kept = outbox.set_aside
        assert kept is not None
        assert re.fullmatch(r"outbox\.db-corrupt-\d{8}T\d{6}Z", kept.name)
        assert kept.read_bytes() == before
        assert outbox.checkpoints() == {}
        outbox.commit([Put(machine="m", checkpoint=b"anew")])
    with open_at(path) as outbox:
        assert outbox.set_aside is None
        assert outbox.checkpoints() == {"m": b"anew"}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_command_only_complains(tmp_path: Path, name: str) -> None:
    """It must not move the file away under an agent that runs."""
    path = tmp_path / "outbox.db"
    DAMAGES[name](path)
    before = path.read_bytes()
    with pytest.raises(OutboxError, match="keep it for rescue"):
        open_at(path, may_set_aside=False)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if "corrupt" in one.name] == []


def other_program(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE song (name TEXT)")
    db.close()


def later_format(path: Path) -> None:
    fill(path)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 99")
    db.close()


def other_gateway(path: Path) -> None:
    open_at(path, gateway="other").close()


SOUND: dict[str, tuple[Callable[[Path], None], str]] = {
    "another program's database": (other_program, "another program"),
    "a later format": (later_format, "format 99"),
    "another gateway's outbox": (other_gateway, "belongs to gateway other"),
}


@pytest.mark.parametrize("name", SOUND)
def test_what_is_sound_and_not_ours_is_refused_where_it_stands(tmp_path: Path, name: str) -> None:
    path = tmp_path / "outbox.db"
    make, says = SOUND[name]
    make(path)
    with pytest.raises(OutboxError, match=says):
        open_at(path)
    assert [one.name for one in tmp_path.iterdir() if "corrupt" in one.name] == []


def test_the_log_goes_with_its_file(tmp_path: Path) -> None:
    """A log without its file, or beside a new one, would be applied to the wrong pages or thrown away."""
    path = tmp_path / "outbox.db"
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).write_text(f"content{ending}")
    kept = set_aside(path, 1_795_305_600_000)
    assert kept.name == "outbox.db-corrupt-20261122T000000Z"
    assert {one.name: one.read_text() for one in tmp_path.iterdir()} == {
        kept.name: "content",
        f"{kept.name}-wal": "content-wal",
        f"{kept.name}-shm": "content-shm",
    }


def test_two_within_a_second_are_both_kept(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    for content in ("one", "two", "three"):
        path.write_text(content)
        set_aside(path, 1_795_305_600_000)
    assert sorted(one.read_text() for one in tmp_path.iterdir()) == ["one", "three", "two"]


def test_a_suspicion_that_proves_wrong_is_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    fill(path)
    with open_at(path) as outbox:
        outbox.suspect()
    with open_at(path, may_set_aside=False) as outbox:
        assert outbox.depth().records == 400
    assert path.with_name("outbox.db-suspect").exists()
    with open_at(path) as outbox:
        assert outbox.set_aside is None
        assert outbox.depth().records == 400
    assert [one.name for one in tmp_path.iterdir()] == ["outbox.db"]


def test_what_is_set_aside_can_be_looked_into(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    nobodys(path)
    with open_at(path) as outbox:
        kept = outbox.set_aside
    assert kept is not None
    db = sqlite3.connect(kept)
    assert db.execute("SELECT count(*) FROM record").fetchone() == (400,)
    db.close()
