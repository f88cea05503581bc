"""Plants made for a test, and a decoder of both register maps that shares nothing with the simulator."""

import itertools
import struct
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import strategies as st

from simulators.plant import Plant, load_plant, parse_plant

HEADER = "HHIIIHHIHHHHIHH"
HEADER_NAMES = """
    map_id map_ver serial boot_count uptime_s heartbeat status device_epoch_s vendor_state stop_code
    alarm_code mode order_no shift_no operator_no
"""
KNIT = "IIIIIHHIHHHHIIHHHHHHHHHHIhH"
KNIT_NAMES = """
    run_s stop_s power_on_s pieces_total pieces_ng_total target remaining courses_total course
    courses_per_piece speed programmed last_piece_ds pattern gauge width yarn_break knot yarn_out needle
    fabric_drop racking manual other energy_total temperature watts
"""
WELD = "IIIIIIIIHHIHHHHHHHHIIIHH"
WELD_NAMES = """
    cycle_s arc_on_ds power_on_s parts_total parts_ok parts_ng parts_rework weld_starts arc_fail bits
    weld_length current voltage wire_feed gas_flow travel program jig last_cycle_ds wire_used gas_used
    energy_total judgement ng_cause
"""


def decode(registers: Sequence[int]) -> dict[str, int]:
    """Which map it is shows in register 0, which has one word in either order.

    Packed big-endian, the words of map A lie as on the wire, and ABCD is a big-endian u32. Packed
    little-endian word by word, CDAB is a little-endian u32. So each map is one format string.
    """
    knit = registers[0] == 0x4B4E
    order, body, names = (">", KNIT, KNIT_NAMES) if knit else ("<", WELD, WELD_NAMES)
    packed = struct.pack(f"{order}56H", *registers)
    values = struct.unpack(f"{order}{HEADER}{body}", packed)
    return dict(zip(f"{HEADER_NAMES} {names}".split(), values, strict=True))


@pytest.fixture(scope="session")
def decoded() -> Callable[[Sequence[int]], dict[str, int]]:
    return decode


@pytest.fixture(scope="session")
def plants() -> Path:
    return Path(__file__).parents[2] / "configs" / "plants"


@pytest.fixture(scope="session")
def mini(plants: Path) -> Plant:
    return load_plant(plants / "mini.toml")


@pytest.fixture(scope="session")
def demo(plants: Path) -> Plant:
    return load_plant(plants / "demo.toml")


@pytest.fixture(scope="session")
def cluster(plants: Path) -> Plant:
    return load_plant(plants / "cluster.toml")


PLANT = """
name = "Any"
site = "any"
area = "hall"
timezone = "Asia/Shanghai"
seed = {seed}
duration = "{minutes}m"
quiet_s = {quiet_s}
poll_s = {poll_s}

[[tenant]]
id = "red"
name_en = "Red"
name_zh = "红"

[[tenant]]
id = "blue"
name_en = "Blue"
name_zh = "蓝"

[[machines]]
kind = "knit"
name = "knit-{{n}}"
count = 2
units = "shared"
behaviour = {behaviour}

[[machines]]
kind = "weld"
name = "weld-{{n}}"
behaviour = {behaviour}
"""
ORDER = """
[[order]]
id = "{number}"
tenant = "{tenant}"
article = "article {number}"
pieces = {pieces}
piece_s = {piece_s}
machines = ["*"]
"""
LEASE = """
[[lease]]
machines = ["{machine}"]
tenant = "{tenant}"
from = "{start}m"
until = "{end}m"
"""


@st.composite
def any_plant(draw: st.DrawFn) -> Plant:
    """Three machines, two tenants, one to five orders, leases anywhere, behaviour from calm to awful."""
    minutes, poll_s = draw(st.integers(20, 600)), draw(st.sampled_from([1, 5, 10]))
    rates = {
        "stops_per_hour": draw(st.sampled_from([0, 2.5, 20])),
        "faults_per_hour": draw(st.sampled_from([0, 0.5, 5])),
        "maint_per_hour": draw(st.sampled_from([0, 0.1, 3])),
        "restarts_per_hour": draw(st.sampled_from([0, 1])),
        "scrap_share": draw(st.sampled_from([0, 0.05, 0.5])),
        "rework_share": draw(st.sampled_from([0, 0.05, 0.5])),
        "setup_s": draw(st.integers(0, 600)),
        "test_share": draw(st.sampled_from([0, 0.5, 1])),
        "jitter": draw(st.sampled_from([0, 0.05, 0.3])),
    }
    behaviour = "{ " + ", ".join(f"{key} = {value}" for key, value in rates.items()) + " }"
    text = PLANT.format(
        seed=draw(st.integers(0, 2**32)),
        minutes=minutes,
        quiet_s=draw(st.integers(2 * poll_s, 90)),
        poll_s=poll_s,
        behaviour=behaviour,
    )
    for number in range(1, draw(st.integers(1, 5)) + 1):
        tenant, pieces = draw(st.sampled_from(["red", "blue"])), draw(st.integers(1, 60))
        piece_s = draw(st.sampled_from([1, 30, 150, 840]))
        text += ORDER.format(number=number, tenant=tenant, pieces=pieces, piece_s=piece_s)
    for machine in ("knit-1", "knit-2", "weld-1"):
        cuts = sorted(draw(st.sets(st.integers(0, minutes), max_size=5)))
        for start, end in itertools.pairwise(cuts):
            tenant = draw(st.sampled_from(["red", "blue", ""]))
            if tenant:
                text += LEASE.format(machine=machine, tenant=tenant, start=start, end=end)
    return parse_plant(text)


@pytest.fixture(scope="session")
def plant_strategy() -> st.SearchStrategy[Plant]:
    return any_plant()
