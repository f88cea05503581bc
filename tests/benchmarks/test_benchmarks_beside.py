"""Every poller of the comparison does its work: machines are asked, and on time is a share of slots."""

from pathlib import Path

import pytest

from benchmarks.beside import compare, row, telegraf_configuration
from benchmarks.factory import Child, Factory, Plan

PLAN = Plan(
    machines=5,
    units=1,
    profile="knit-flat",
    period_ms=500,
    grid_ms=300_000,
    seconds=4,
    settle_s=7,
    boundary_s=2,
)


@pytest.mark.slow
@pytest.mark.parametrize("poller", ["agent", "pymodbus"])
def test_a_poller_asks_every_machine_once_a_period(poller: str, tmp_path: Path) -> None:
    found = compare(poller, PLAN, tmp_path)
    assert found.machines == 5
    assert found.polls == pytest.approx(5 * 4 / 0.5, rel=0.25)
    assert found.late.asked >= 0.75 * found.late.slots
    assert found.us_per_poll > 0
    assert row(found).split()[0] == poller


def test_telegraf_reads_what_a_profile_reads_in_one_request(tmp_path: Path) -> None:
    child = Child("true", ["true"], tmp_path)
    factory = Factory(
        directory=tmp_path,
        broker=child,
        servers=(),
        receiver=child,
        broker_port=1883,
        machines_port=1502,
        boundary_ms=0,
        ahead_ms=0,
    )
    text = telegraf_configuration(factory, PLAN)
    assert text.count("[[inputs.modbus]]") == 5
    assert text.count("[[inputs.modbus.request]]") == 5
    one = text.split("[[inputs.modbus]]")[1]
    covered = sum(2 if '"UINT32"' in line else 1 for line in one.splitlines() if "address =" in line)
    assert covered == 54
    child.stop()
