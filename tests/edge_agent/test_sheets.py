"""Checkpoints packed on sheets: the latest of each machine is there, whatever failed, and others soon go."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent import sheets
from edge_agent.held import Put
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import DamagedError
from edge_agent.outbox_tables import STEPS
from edge_agent.sheets import DamagedSheetError, Sheets

machines = st.sampled_from([f"m{n}" for n in range(12)])
commits = st.lists(
    st.tuples(
        st.dictionaries(machines, st.binary(max_size=5)), st.sampled_from(["done", "failed", "reopened"])
    ),
    max_size=40,
)


def database() -> sqlite3.Connection:
    db = sqlite3.connect(":memory:", isolation_level=None)
    for step in STEPS.values():
        db.executescript(step)
    return db


@contextmanager
def at_most(most: int) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sheets, "MOST", most)
        yield


@given(commits, st.integers(1, 6), st.booleans())
@settings(max_examples=300, deadline=None)
def test_what_is_read_is_what_was_written_last_and_succeeded(
    history: list[tuple[dict[str, bytes], str]],
    most: int,
    has_rows: bool,  # noqa: FBT001  a drawn value
) -> None:
    db, known = database(), dict[str, bytes]()
    if has_rows:
        known = {"m0": b"old", "m1": b"older"}
        db.executemany("INSERT INTO checkpoint VALUES (?, ?)", known.items())
    kept = Sheets(db)
    with at_most(most):
        for checkpoints, end in history:
            db.execute("BEGIN")
            kept.write(checkpoints)
            db.execute("ROLLBACK" if end == "failed" else "COMMIT")
            if end != "failed":
                kept.written()
                known |= checkpoints
            if end == "reopened":
                kept = Sheets(db)
            assert kept.read() == known
            assert db.execute("SELECT count(*) FROM sheet").fetchone()[0] <= most


def test_a_sheet_goes_when_nothing_on_it_is_the_latest() -> None:
    db = database()
    kept = Sheets(db)
    for turn in range(30):
        kept.write({f"m{turn % 3}": b"%d" % turn})
        kept.written()
    assert db.execute("SELECT count(*) FROM sheet").fetchone() == (3,)


def test_machines_of_one_kind_pack_well() -> None:
    """A row each, as before, 225 of them took 450 pages."""
    db = database()
    kept = Sheets(db)
    body = (Path(__file__).parent / "checkpoint.json").read_bytes()
    for turn in range(10):
        changed = {f"m{n}": body.replace(b"50002", b"%05d" % (turn * 1000 + n)) for n in range(225)}
        kept.write(changed)
        kept.written()
    assert sum(size for (size,) in db.execute("SELECT length(body) FROM sheet")) < 225 * len(body) / 10


def test_a_damaged_sheet_is_told(tmp_path: Path) -> None:
    path, limits = tmp_path / "outbox.db", {"limit_bytes": 1, "ring_bytes": 1, "ring_ms": 1}
    with Outbox.open(path, site="s", gateway="g", **limits) as outbox:
        outbox.commit([Put(machine="m", checkpoint=os.urandom(100))])
    db = sqlite3.connect(path)
    (body,) = db.execute("SELECT body FROM sheet").fetchone()
    db.execute("UPDATE sheet SET body = ?", (body[:20] + bytes([body[20] ^ 1]) + body[21:],))
    db.commit()
    with pytest.raises(DamagedSheetError):
        Sheets(db)
    db.close()
    with pytest.raises(DamagedError, match="checkpoints cannot be read"):
        Outbox.open(path, site="s", gateway="g", **limits)
    with Outbox.open(path, site="s", gateway="g", may_set_aside=True, **limits) as outbox:
        assert outbox.set_aside is not None
        assert outbox.checkpoints() == {}
