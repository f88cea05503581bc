"""A machine served by libmodbus, an implementation that shares nothing with ours, is read and understood."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.states import Party, State
from edge_agent.block import Block, Table
from edge_agent.interpret import interpret
from edge_agent.link import RefusedError, read_blocks
from edge_agent.plan import plan
from edge_agent.profile_file import load_profile
from edge_agent.sample import Sample
from edge_agent.stop_codes import load_stop_table
from tests.edge_agent.wired import tcp_link

pytestmark = pytest.mark.usefixtures("either")

Serve = Callable[[Mapping[int, int]], int]


async def read(configs: Path, profile_name: str, port: int) -> Sample:
    """Through link, plan and interpret, twice: the second read uses the same connection."""
    table = load_stop_table(configs / "stop-codes.toml")
    profile = load_profile(configs / "profiles" / f"{profile_name}.toml", table)
    link = tcp_link(port)
    try:
        first = interpret(profile, await read_blocks(link, plan(profile), 1), 5)
        assert interpret(profile, await read_blocks(link, plan(profile), 1), 5) == first
    finally:
        link.close()
    assert isinstance(first, Sample)
    return first


async def test_a_knitting_machine(configs: Path, libmodbus: Serve, maps: Any) -> None:
    sample = await read(configs, "knit-flat", libmodbus(maps.knit("stopped", "order_active", stop=12)))
    assert (sample.state, sample.party, sample.stop_code) == (State.STOP, Party.TENANT, 12)
    assert (sample.serial, sample.boot_count, sample.order_id) == (240101, 7, "4711")
    assert (sample.readings["pieces"], sample.readings["courses"]) == (81_250, 58_500_000)


async def test_a_welding_cell(configs: Path, libmodbus: Serve, maps: Any) -> None:
    sample = await read(configs, "weld-cell", libmodbus(maps.weld("ready", weld_bits=0b11)))
    assert (sample.state, sample.party, sample.stop_code) == (State.RUN, Party.NONE, 0)
    assert (sample.serial, sample.boot_count, sample.order_id) == (240101, 7, "4711")
    assert (sample.readings["parts"], sample.readings["arc_ds"]) == (70_000, 3_000_001)


async def test_both_tables_a_refusal_and_a_new_connection(libmodbus: Serve) -> None:
    port = libmodbus({0: 1, 124: 0xFFFF, 399: 7})
    for _ in range(2):
        link = tcp_link(port)
        for table in (Table.HOLDING, Table.INPUT):
            assert [*await link.read(Block(table, 0, 125), 9)][::124] == [1, 0xFFFF]
        with pytest.raises(RefusedError, match="no such register"):
            await link.read(Block(Table.HOLDING, 399, 2), 1)
        assert [*await link.read(Block(Table.HOLDING, 399, 1), 1)] == [7]
        link.close()


async def test_a_profile_for_input_registers_reads_those(libmodbus: Serve) -> None:
    link = tcp_link(libmodbus({5: 55}))
    assert await read_blocks(link, [Block(Table.INPUT, 5, 1)], 1) == {(Table.INPUT, 5): 55}
    link.close()
