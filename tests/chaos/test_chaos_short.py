"""A short run of the chaos harness: real processes, a dozen faults, and the truth at the end."""

import os
import shutil
from pathlib import Path

import pytest

from tests.chaos import report
from tests.chaos.__main__ import command
from tests.chaos.run import Options, drawn, live

SEED = 2830
SECONDS = 45.0
FAULTS = 12
_LIMIT_S = 120
_DRAIN_S = 45.0


@pytest.fixture(autouse=True)
def _needs_peers() -> None:
    for name in ("mosquitto", "influxd"):
        if shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin"):
            continue
        if os.environ.get("CI"):
            pytest.fail(f"{name} is not installed")
        pytest.skip(f"{name} is not installed")


@pytest.mark.slow
@pytest.mark.timeout(_LIMIT_S)
async def test_a_site_under_a_dozen_faults_stores_what_its_machines_did(tmp_path: Path) -> None:
    options = Options(
        seconds=SECONDS, faults=FAULTS, seed=SEED, store="influx", directory=tmp_path, drain_s=_DRAIN_S
    )
    faults = drawn(options, may_fill=os.geteuid() == 0)
    told = await live(options, faults)
    found = report.wrong(told)
    schedule = "\n".join(map(str, faults))
    assert not found, "\n".join((*found, schedule, report.table(told), command(options), str(tmp_path)))
    assert len(told.outages) == FAULTS
    assert told.judgement.verdict.machines == 10
    assert told.judgement.verdict.pieces["produced"] > 20
