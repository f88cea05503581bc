"""RTU on a serial line whose other end is libmodbus: settings, framing and checksum of another make."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from contract.states import Party, State
from edge_agent.block import Block, Table
from edge_agent.interpret import Reader
from edge_agent.link import RefusedError, SilentError, read_fast
from edge_agent.profile_file import load_profile
from edge_agent.sample import Sample
from edge_agent.stop_codes import load_stop_table
from tests.edge_agent.peer.cable import Cable
from tests.edge_agent.wired import linked

Serve = Callable[[Mapping[int, int]], str]


@pytest.fixture
def line(libmodbus: Any) -> Iterator[Serve]:
    """``line({address: word})`` serves these words and returns the URL of the agent's end."""
    cable = Cable()

    def serve(words: Mapping[int, int]) -> str:
        assert libmodbus(words, cable.one) == 0
        return f"rtu://{cable.other}?baud=115200&parity=N"

    yield serve
    cable.close()


async def test_a_knitting_machine(configs: Path, line: Serve, maps: Any) -> None:
    table = load_stop_table(configs / "stop-codes.toml")
    reader = Reader(load_profile(configs / "profiles" / "knit-flat.toml", table))
    async with linked(line(maps.knit("stopped", "order_active", stop=12))) as link:
        sample = reader.sample(await read_fast(link, reader.plan, 1), 5)
    assert isinstance(sample, Sample)
    assert (sample.state, sample.party, sample.stop_code) == (State.STOP, Party.TENANT, 12)
    assert (sample.readings["pieces"], sample.readings["courses"]) == (81_250, 58_500_000)


async def test_all_tables_a_refusal_and_a_unit_that_is_not_there(line: Serve) -> None:
    url = line({0: 1, 1: 2, 8: 5, 124: 0xFFFF, 399: 7})
    async with linked(url, timeout_s=1.0) as link:
        for table in (Table.HOLDING, Table.INPUT):
            assert list(await link.read(Block(table, 0, 125), 1))[::124] == [1, 0xFFFF]
        for table in (Table.COIL, Table.DISCRETE):
            assert list(await link.read(Block(table, 0, 10), 1)) == [1, 0, 0, 0, 0, 0, 0, 0, 1, 0]
        with pytest.raises(RefusedError, match="no such register"):
            await link.read(Block(Table.HOLDING, 399, 2), 1)
        with pytest.raises(SilentError):
            await link.read(Block(Table.HOLDING, 0, 2), 9)
        assert list(await link.read(Block(Table.HOLDING, 399, 1), 1)) == [7]


async def test_the_port_is_found_again_after_it_was_given_back(line: Serve) -> None:
    url = line({5: 55})
    for _ in range(3):
        async with linked(url) as link:
            assert list(await link.read(Block(Table.INPUT, 5, 1), 1)) == [55]
