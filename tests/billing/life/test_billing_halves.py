"""Who was ended in the middle, or found no room, left nothing by halves: the next command goes on there."""

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from billing.ledger import Event
from billing.shelf import Shelf
from tests.billing.life.conftest import LATER, MONTH, Plant

BY = ("--by", "Li Na")
ROOT = Path(__file__).parents[3]
ENDED = """
import os, sys
from billing import clock
from billing.__main__ import main
from billing.shelf import Shelf
clock.now = lambda: {now}
Shelf.append = lambda *_: os._exit(9)
main({arguments})
"""
"""Ends a command between what it laid down and the ledger's word for it."""


def ended(plant: Plant, *arguments: str) -> None:
    text = ENDED.format(now=LATER, arguments=[arguments[0], "--config", "billing.toml", *arguments[1:]])
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", text], cwd=plant.folder, env=environment, check=False)
    assert done.returncode == 9


def said(plant: Plant) -> list[tuple[str, int]]:
    path = plant.books / "ledger.jsonl"
    return [(entry.event, entry.revision) for entry in plant.ledger.entries] if path.exists() else []


def test_a_freezing_that_was_ended_before_its_entry_gets_it_from_the_next_command(plant: Plant) -> None:
    ended(plant, "freeze", *MONTH, *BY)
    assert (said(plant), plant.call("verify", *MONTH)) == ([], 1)
    assert plant.call("issue", *MONTH, "--by", "Wang") == 0
    assert said(plant) == [(Event.FROZEN, 1), (Event.ISSUED, 1)]
    assert [entry.by for entry in plant.ledger.entries] == ["Li Na", "Wang"]
    assert plant.call("verify", *MONTH) == 0


def test_freezing_again_after_that_is_another_revision(plant: Plant) -> None:
    ended(plant, "freeze", *MONTH, *BY)
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert said(plant) == [(Event.FROZEN, 1), (Event.FROZEN, 2)]
    assert plant.call("verify", *MONTH) == 0


def test_an_issue_that_was_ended_before_its_entry_is_an_issue(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    ended(plant, "issue", *MONTH, *BY)
    assert plant.call("verify", *MONTH) == 1
    capsys.readouterr()
    assert plant.call("freeze", *MONTH, *BY) == 1
    assert "is issued (by Li Na, revision 1) and never changes" in capsys.readouterr().err
    assert said(plant) == [(Event.FROZEN, 1), (Event.ISSUED, 1)]
    assert plant.call("verify", *MONTH) == 0


def test_a_pack_that_is_not_whole_gets_no_entry(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    ended(plant, "freeze", *MONTH, *BY)
    next((plant.books / "2026-11" / "1").glob("usage-*")).unlink()
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert said(plant) == [(Event.FROZEN, 2)]
    capsys.readouterr()
    assert plant.call("verify", *MONTH) == 1
    assert "2026-11/1: no entry of the ledger knows this pack" in capsys.readouterr().out


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    """As a full disk: what is written beyond it fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def test_where_there_is_no_room_for_an_entry_the_ledger_is_as_it_was(plant: Plant) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    ledger, shelf = plant.books / "ledger.jsonl", Shelf(plant.books)
    before = ledger.read_bytes()
    pack = ("2026-11", 2, "0" * 64)
    with no_file_longer_than(len(before) + 100), pytest.raises(OSError, match="too large"):
        shelf.add(Event.FROZEN, LATER, pack, "Li Na")
    assert ledger.read_bytes() == before
    assert plant.call("issue", *MONTH, *BY) == 0
    assert plant.ledger.breaks == ()


def test_an_entry_that_the_power_cut_off_is_told_of_and_the_next_takes_its_place(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    ledger = plant.books / "ledger.jsonl"
    whole = ledger.read_bytes()
    ledger.write_bytes(whole + whole[: len(whole) // 2])
    capsys.readouterr()
    assert plant.call("verify", *MONTH) == 1
    assert "what stands at its end is no whole entry" in capsys.readouterr().out
    assert plant.call("issue", *MONTH, *BY) == 0
    assert ledger.read_bytes().startswith(whole)
    assert said(plant) == [(Event.FROZEN, 1), (Event.ISSUED, 1)]
    assert plant.call("verify", *MONTH) == 0


@pytest.mark.parametrize(("books", "told"), [("store.db", "store.db"), ("/proc/no/books", "/proc/no")])
def test_books_that_cannot_be_there_are_told_of(
    plant: Plant, books: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = plant.folder / "billing.toml"
    config.write_text(f'books = "{books}"\n' + config.read_text("utf-8"), "utf-8")
    assert plant.call("freeze", *MONTH, *BY) == 1
    assert f"{told}'" in capsys.readouterr().err
