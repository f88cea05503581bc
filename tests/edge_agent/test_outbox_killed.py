"""A torn write cannot happen: the agent is killed, and the power fails, at any moment."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contract.chain import GENESIS, canonical, link
from contract.messages import batch_id, decode_record
from edge_agent.held import Put
from edge_agent.outbox import Outbox
from tests.edge_agent.losses import loss

ROOT = Path(__file__).parent.parent.parent
CHILD = Path(__file__).parent / "outbox_child.py"
KILLS = 24


def open_at(path: Path) -> Outbox:
    return Outbox.open(path, site="s", gateway="g", limit_bytes=10**6, ring_bytes=10**9, ring_ms=10**15)


def killed(path: Path, seed: int, after_lines: int) -> list[list[str]]:
    """What the child was promised before it died, some while after its ``after_lines``-th promise."""
    child = subprocess.Popen(
        [sys.executable, str(CHILD), str(path), str(seed)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert child.stdout is not None
    with child.stdout:
        lines = [child.stdout.readline() for _ in range(after_lines)]
        child.kill()
        lines += child.stdout.readlines()
    assert child.wait() == -9
    return [line.decode().split() for line in lines]


def assert_whole(outbox: Outbox) -> dict[str, int]:
    """No record half there, no hole, chain and heads agree. Returns the next sequence of each machine."""
    heads: dict[str, str] = {}
    count: dict[str, int] = {}
    rows = outbox._db.execute("SELECT machine, sequence, digest, body FROM record ORDER BY row")
    for machine, sequence, digest, body in rows:
        record = decode_record(body)
        assert canonical(record) == body
        assert (record.machine, record.sequence) == (machine, sequence)
        assert sequence == count.get(machine, 0)
        count[machine] = sequence + 1
        if digest:
            assert digest == link(heads.get(machine, GENESIS), body)
            heads[machine] = digest
    held = dict(outbox._db.execute("SELECT machine, head FROM life"))
    assert held == {machine: heads.get(machine, GENESIS) for machine in count}
    for sealed in outbox.waiting():
        assert sealed.id == batch_id(sealed.payload)
        members = outbox._db.execute(
            "SELECT digest FROM record WHERE batch = (SELECT row FROM batch WHERE id = ?)", (sealed.id,)
        ).fetchall()
        assert members
        assert all(digest.encode() in sealed.payload for (digest,) in members)
        assert sealed.payload.count(b'"digest"') == len(members)
    return count


def test_a_killed_agent_finds_everything_it_was_promised(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    dice = random.Random(2)
    promised: dict[str, int] = {}
    settled: set[str] = set()
    for kill in range(KILLS):
        said = killed(path, kill, dice.randint(0, 60))
        promised |= {words[1]: int(words[2]) for words in said if words[0] == "put"}
        settled |= {words[1] for words in said if words[0] == "settled"}
        with open_at(path) as outbox:
            count = assert_whole(outbox)
            assert all(count[machine] >= after for machine, after in promised.items())
            assert {machine: int(after) for machine, after in outbox.checkpoints().items()} == count
            waiting = {sealed.id for sealed in outbox.waiting()}
            assert not waiting & settled
            sealed = {words[1] for words in said if words[0] == "sealed"}
            assert len(sealed - settled - waiting) <= 1  # settled, and killed before it could say so
    assert sum(promised.values()) > KILLS


@pytest.mark.parametrize("tail", ["missing", "noise"])
def test_after_a_power_cut_whole_commits_are_there_up_to_some_moment(tmp_path: Path, tail: str) -> None:
    """The disk may have kept any front of the log; what was acknowledged stands before that."""
    path, log = tmp_path / "outbox.db", tmp_path / "outbox.db-wal"
    acknowledged = []
    with open_at(path) as outbox:
        for commit in range(12):
            records = tuple(loss(3 * commit + n) for n in range(3))
            outbox.commit([Put(machine="m", records=records, checkpoint=str(3 * commit + 3).encode())])
            outbox.seal(10**12, "s-1", in_flight=commit + 1, limit=10_000)
            acknowledged.append(log.stat().st_size)
        shutil.copy(path, tmp_path / "cut.db")
        whole = log.read_bytes()
    dice = random.Random(5)
    for cut in sorted(dice.sample(range(acknowledged[0], len(whole)), 40)):
        noise = dice.randbytes(len(whole) - cut) if tail == "noise" else b""
        (tmp_path / "cut.db-wal").write_bytes(whole[:cut] + noise)
        (tmp_path / "cut.db-shm").unlink(missing_ok=True)
        shutil.copy(tmp_path / "cut.db", tmp_path / "try.db")
        shutil.copy(tmp_path / "cut.db-wal", tmp_path / "try.db-wal")
        with open_at(tmp_path / "try.db") as outbox:
            count = assert_whole(outbox)["m"]
            assert count % 3 == 0
            assert outbox.checkpoints() == {"m": str(count).encode()}
            assert count // 3 >= sum(size <= cut for size in acknowledged)
