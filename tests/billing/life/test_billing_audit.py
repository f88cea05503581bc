"""A pack by itself, copied into an empty directory: rated again it is the same bytes, and its chains hold."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.billing.life.conftest import Plant, month
from tests.billing.life.signing import days_signed
from tests.billing.life.tampering import BY, DAY, NAME, close, facts, told_plant
from tests.billing.life.test_billing_chain_walk import forged

ROOT = Path(__file__).parents[3]


def audited(pack: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """As another person would: by a process of its own, in a directory with nothing in it."""
    folder.mkdir(exist_ok=True)
    argv = [sys.executable, "-m", "billing", "verify", "--pack", str(pack)]
    env = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "LANG": "C.UTF-8"}
    return subprocess.run(argv, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture(scope="module")
def closed(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Plant:
    with pytest.MonkeyPatch.context() as monkeypatch:
        plant = told_plant(template / "stored", tmp_path_factory.mktemp("audited") / "plant", monkeypatch)
        plant.put(facts())
        close(plant)
        return plant


@pytest.fixture
def pack(closed: Plant, tmp_path: Path) -> Path:
    return Path(shutil.copytree(closed.books / NAME / "1", tmp_path / "usb" / "a pack"))


def test_a_pack_alone_comes_out_the_same_byte_for_byte(pack: Path, tmp_path: Path) -> None:
    done = audited(pack, tmp_path / "empty")
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert "whole, and comes out the same again" in done.stderr
    entry = json.loads((pack / "issued.json").read_bytes())
    assert f"digest {entry['pack']}" in done.stderr
    assert "signatures are by gw-1, key " in done.stderr
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize(
    "name", ["statements/hongye.html", "statements/hongye.xlsx", "accounts", "usage", "pack.json"]
)
def test_what_was_changed_in_it_is_named(name: str, pack: Path, tmp_path: Path) -> None:
    path = next(
        path for path in sorted(pack.rglob("*")) if path.is_file() and name in str(path.relative_to(pack))
    )
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    done = audited(pack, tmp_path / "empty")
    assert done.returncode == 1
    assert path.name in done.stdout + done.stderr


def test_a_pack_that_was_made_anew_from_other_rows_is_found_by_the_gateways_signature(
    closed: Plant, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever can write store and books can make a whole pack; he cannot sign the chain that it has."""
    folder = tmp_path / "forger"
    plant = told_plant(closed.folder, folder, monkeypatch)
    plant.config.write_text(closed.config.read_text("utf-8").split("[signatures]")[0], "utf-8")
    plant.config.write_text(f"{plant.config.read_text('utf-8')}[signatures]\nkeys = 'keys.toml'\n", "utf-8")
    others = [*forged(12)[:30], *(one for one in facts() if getattr(one, "machine", "") != "knit-01")]
    plant.put([*others, *days_signed(month())[:5]])
    assert plant.call("freeze", *DAY, *BY) == 1
    rules = '[validation.rules]\nsignature = "remark"\nsuspense = "remark"\nunsigned = "remark"\n'
    plant.config.write_text(f"{plant.config.read_text('utf-8')}{rules}", "utf-8")
    assert plant.call("freeze", *DAY, *BY, "--override", "x") == 0
    done = audited(plant.books / NAME / "1", tmp_path / "empty")
    assert done.returncode == 1
    assert "signature of knit-01 e1/15, 2026-11-03" in done.stdout
    assert "gw-1 signed another record in its place" in done.stdout


def test_an_adjustment_is_checked_where_its_books_are(closed: Plant, tmp_path: Path) -> None:
    assert audited(closed.books / NAME / "2", tmp_path / "empty").returncode == 0
    alone = shutil.copytree(closed.books / NAME / "2", tmp_path / "usb" / "pack")
    done = audited(Path(alone), tmp_path / "empty")
    assert done.returncode == 2
    assert "give it where it lies in the books" in done.stderr


def test_a_month_behind_a_month_is_whole_by_itself(plant: Plant, tmp_path: Path) -> None:
    """Its chains go on from heads that lie in another pack."""
    for day in ("2026-11-03", "2026-11-04"):
        assert plant.call("freeze", "--day", day, *BY) == 0
        done = audited(plant.books / day / "1", tmp_path / "empty")
        assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
    assert plant.call("freeze", "--day", "2026-11-07", *BY) == 0
    assert audited(plant.books / "2026-11-07" / "1", tmp_path / "empty").returncode == 0


def test_what_is_no_pack_is_told_so(tmp_path: Path) -> None:
    done = audited(tmp_path, tmp_path / "empty")
    assert done.returncode == 1
    assert "pack.json: cannot be read" in done.stderr
