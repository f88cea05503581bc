"""What is kept of what is read: each row once, and enough of them to rate again."""

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.evidence import DamagedError, PackStore, Recorder, stored_in
from billing.stretches import Stretch, cut, without
from contract.series import USAGE, row_of
from store.config import SqliteConfig
from store.opening import open_store
from tests.billing.life.conftest import Plant
from tests.billing.rows import make_interval

DAY = ("--day", "2026-11-05")
MORE = """
[[setup_fee]]
kind = "*"
price = "20.00"

[[minimum]]
per = "order"
amount = "300.00"
"""
STRETCHES = st.tuples(st.integers(0, 60), st.integers(1, 30)).map(lambda t: Stretch(t[0], t[0] + t[1]))


@given(STRETCHES, st.lists(STRETCHES, max_size=5))
def test_what_was_read_before_is_left_out_and_nothing_else(whole: Stretch, known: list[Stretch]) -> None:
    parts = list(without(whole, known))
    have = [at for part in parts for at in range(*part)]
    read = {at for each in known for at in range(*each)}
    assert have == [at for at in range(*whole) if at not in read]


@given(st.integers(0, 2**40), st.integers(1, 10 * 86_400_000))
def test_days_tile_a_stretch(start: int, length: int) -> None:
    whole = Stretch(start, start + length)
    parts = list(cut(whole, dense=True))
    assert [parts[0].start, *(part.end for part in parts)] == [
        *(part.start for part in parts),
        whole.end,
    ]
    assert all(part.start // 86_400_000 == (part.end - 1) // 86_400_000 for part in parts)
    assert list(cut(whole, dense=False)) == [whole]


def test_a_day_whose_orders_began_before_it_is_rated_again_from_its_evidence(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """Setup fees and minimums of orders read backwards, some of it twice."""
    tariff = plant.folder / "tariff.toml"
    tariff.write_text(tariff.read_text("utf-8") + MORE, "utf-8")
    assert plant.call("freeze", *DAY, "--by", "Li Na") == 0
    assert plant.call("verify", *DAY) == 0
    place = plant.books / "2026-11-05" / "1"
    names = [path for path in place.iterdir() if path.name.startswith("usage-")]
    rows = [row for path in names for row in stored_in(path)]
    assert len({row[:-1] for row in rows}) == len(rows) == 4 * 5
    assert min(row[0] for row in rows) < max(row[0] for row in rows) - 4 * 86_400_000
    capsys.readouterr()


def test_what_is_read_up_to_the_damage_is_named(plant: Plant, tmp_path: Path) -> None:
    assert plant.call("freeze", *DAY, "--by", "Li Na") == 0
    path = max((plant.books / "2026-11-05" / "1").glob("usage-*"))
    lines = gzip.decompress(path.read_bytes()).splitlines(keepends=True)
    broken = tmp_path / path.name
    broken.write_bytes(gzip.compress(lines[0] + b"{" + lines[1]))
    with pytest.raises(DamagedError, match="cannot be read after usage knit-01/e1/"):
        list(stored_in(broken))


async def test_what_is_asked_of_one_kind_is_kept_of_all_so_that_the_next_kind_finds_its_own(
    tmp_path: Path,
) -> None:
    rows = [
        row_of(make_interval(at, at + 5, machine=name, sequence=at + 1))
        for at in (0, 5)
        for name in ("knit-01", "weld-01")
    ]
    async with open_store(SqliteConfig(kind="sqlite", path=tmp_path / "store.db")) as store:
        await store.write(rows)
        recorder = Recorder(store, tmp_path)
        for kind in ("knit", "weld", "knit"):
            asked = {"site": "qinghe", "kind": kind}
            assert [row.tags["kind"] async for row in recorder.read(USAGE, 0, 10, asked)] == [kind] * 2
    again = PackStore(tmp_path, recorder.files)
    found = [row async for row in again.read(USAGE, 0, 10)]
    assert sorted(found, key=str) == sorted(rows, key=str)
    assert [len(page) async for page in again.pages(USAGE, 5, 10, {"kind": "weld"})] == [1]
