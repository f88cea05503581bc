"""The read plan on the wire: exactly its requests go out, and what may be refused is refused without harm."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edge_agent.block import Block, Table
from edge_agent.gauge_values import gauges
from edge_agent.interpret import Reader
from edge_agent.link import RefusedError, read_fast, read_slow
from edge_agent.profile import Profile, StopTable
from edge_agent.profile_file import load_profile
from edge_agent.sample import Sample
from tests.edge_agent.odd_device import OddDevice, odd_device
from tests.edge_agent.odd_words import words_of
from tests.edge_agent.wired import tcp_link

pytestmark = pytest.mark.usefixtures("either")
FUNCTIONS = {Table.COIL: 1, Table.DISCRETE: 2, Table.HOLDING: 3, Table.INPUT: 4}
TABLE = StopTable(label="t@1", codes=())


def odd(folder: Path, *changes: tuple[str, str]) -> Profile:
    text = (Path(__file__).parent / "profiles" / "odd.toml").read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "odd.toml").write_text(text, "utf-8")
    return load_profile(folder / "odd.toml", TABLE)


@contextmanager
def machine(*missing: tuple[Table, int]) -> Iterator[OddDevice]:
    """It refuses every address that no register of the odd profile has, and those ``missing``."""
    tables: dict[str, dict[int, int]] = {}
    for (table, address), word in words_of().items():
        if (table, address) not in missing:
            tables.setdefault(str(table), {})[address] = word
    with odd_device({1: tables}) as device:
        yield device


def asked(device: OddDevice) -> list[tuple[int, int, int]]:
    return [request[1:] for request in device.requests]


def as_asked(blocks: tuple[Block, ...]) -> list[tuple[int, int, int]]:
    return [(FUNCTIONS[block.table], block.address, block.count) for block in blocks]


async def test_exactly_the_plan_goes_out_and_comes_back_as_a_sample(tmp_path: Path) -> None:
    reader = Reader(odd(tmp_path))
    with machine() as device:
        link = tcp_link(device.port)
        answers = await read_fast(link, reader.plan, 1)
        sample = reader.sample(answers, 0)
        assert asked(device) == as_asked(reader.plan.fast)
        slow = await read_slow(link, reader.plan, 1)
        link.close()
    assert asked(device) == as_asked((*reader.plan.fast, *reader.plan.slow))
    assert isinstance(sample, Sample)
    assert sample.readings == {"total_m3": 1_234_875, "energy_kwh": 67_891}
    shown = gauges(reader.profile.gauges, reader.values([*answers, *slow]))
    assert shown == {"flow_m3h": 12.5, "temperature_c": 25.5}


async def test_a_machine_that_refuses_a_gauge_shows_the_others_and_is_metered(tmp_path: Path) -> None:
    reader = Reader(odd(tmp_path))
    with machine((Table.HOLDING, 4112)) as device:
        link = tcp_link(device.port)
        answers = await read_fast(link, reader.plan, 1)
        slow = await read_slow(link, reader.plan, 1)
        link.close()
    assert isinstance(reader.sample(answers, 0), Sample)
    assert slow[0] is None
    assert gauges(reader.profile.gauges, reader.values([*answers, *slow])) == {"temperature_c": 25.5}


async def test_a_machine_that_refuses_what_a_bill_hangs_on_is_not_read(tmp_path: Path) -> None:
    reader = Reader(odd(tmp_path))
    for missing in ((Table.COIL, 3), (Table.HOLDING, 4122)):
        with machine(missing) as device:
            link = tcp_link(device.port)
            with pytest.raises(RefusedError):
                await read_fast(link, reader.plan, 1)
            link.close()


async def test_a_machine_without_the_vendors_code_is_metered(tmp_path: Path) -> None:
    change: tuple[Any, Any] = ("[roles]\n", '[roles]\nvendor_code = "alarm"\n')
    alarm = '[[register]]\nname = "alarm"\naddress = 9000\ntype = "u16"\n\n[[register]]\nname = "flow"'
    reader = Reader(odd(tmp_path, change, ('[[register]]\nname = "flow"', alarm)))
    with machine() as device:
        link = tcp_link(device.port)
        answers = await read_fast(link, reader.plan, 1)
        link.close()
    assert answers.count(None) == 1
    sample = reader.sample(answers, 0)
    assert isinstance(sample, Sample)
    assert sample.vendor_code == 0
