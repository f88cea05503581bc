"""A midnight over real processes: each day is signed at the gateway and verified where it is billed.

From `key new` to `verify`, with the commands that a person would type.
"""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from contract.clock import ClockPair
from contract.series import SIGNATURE, fact_of
from contract.signature import Signature
from demo import files
from demo.files import Place
from simulators.modbus import serve
from simulators.plant import Plant
from simulators.script import build_scripts
from store.config import SqliteConfig
from store.opening import open_store
from tests.demo.mini_plant import START_MS, embedded, mini_plant
from tests.e2e.test_e2e_kill import LEAD_S, now_ms, opened, until_handed_over

SCALE: Final = 120
MIDNIGHT: Final = START_MS + 16 * 3_600_000
"""2026-09-27 00:00 in Shanghai."""
START: Final = MIDNIGHT - 20 * 60_000


def command(module: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", module, *map(str, words)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)


def with_a_key(place: Place) -> None:
    key = place.directory / "gateway.key"
    made = command("edge_agent", "key", "new", key, "--gateway", "gw1")
    assert made.returncode == 0, made.stderr
    trusted = made.stdout[made.stdout.index("[[key]]") :]
    (place.directory / "gateway-keys.toml").write_text(trusted, "utf-8")
    site, billing = place.agent.read_text("utf-8"), place.billing.read_text("utf-8")
    place.agent.write_text(f'{site}\n[signing]\nkey_file = "gateway.key"\n', "utf-8")
    table = '[signatures]\nkeys = "gateway-keys.toml"\nrequired = true\n'
    place.billing.write_text(f"{billing}\n{table}", "utf-8")


async def live_through(plant: Plant, place: Place) -> None:
    clock = ClockPair(real_ms=now_ms(), plant_ms=START - LEAD_S * SCALE * 1000, scale=SCALE)
    table = f"real_ms = {clock.real_ms}\nplant_ms = {clock.plant_ms}\nscale = {SCALE}"
    async with (
        serve(build_scripts(plant, START), lambda: clock.plant(now_ms())) as addresses,
        opened(place) as site,
    ):
        files.write(place, plant, addresses, table)
        with_a_key(place)
        await site.start("collector")
        await site.start("agent")
        left = MIDNIGHT + 12 * 60_000 - clock.plant(now_ms())
        await asyncio.sleep(left / SCALE / 1000)
        await site.stop("agent")
        await until_handed_over(place)
        await site.stop("collector")
        assert "Traceback" not in site.log("agent") + site.log("collector")


@pytest.mark.slow
async def test_a_day_is_signed_at_the_gateway_and_verified_where_it_is_billed(tmp_path: Path) -> None:
    plant, place = replace(mini_plant(), quiet_ms=60_000), embedded(tmp_path)
    await live_through(plant, place)
    config = SqliteConfig(kind="sqlite", path=tmp_path / "store.db")
    async with open_store(config, read_only=True) as store:
        signed = [fact_of(row) async for row in store.read(SIGNATURE, 0, 2**53)]
    assert {one.machine for one in signed if isinstance(one, Signature)} == {
        machine.name for machine in plant.machines
    }
    assert all(isinstance(one, Signature) and one.until <= MIDNIGHT for one in signed)

    day = ("--config", place.billing, "--day", "2026-09-26")
    frozen = command("billing", "freeze", *day, "--by", "Li Na", "--override", "an evening only")
    assert frozen.returncode == 0, frozen.stderr
    pack = (tmp_path / "books" / "2026-09-26" / "1" / "pack.json").read_text("utf-8")
    assert "unsigned" not in pack
    assert "signature " not in pack
    verified = command("billing", "verify", *day)
    assert (verified.returncode, verified.stdout) == (0, ""), verified.stdout + verified.stderr
    alone = command("billing", "verify", "--pack", tmp_path / "books" / "2026-09-26" / "1")
    assert (alone.returncode, alone.stdout) == (0, ""), alone.stdout + alone.stderr

    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        change = "UPDATE usage SET fields = json_set(fields, '$.poll_ms', 7) WHERE rowid = 4"
        assert connection.execute(change).rowcount == 1
    assert command("billing", "verify", *day).returncode == 1
