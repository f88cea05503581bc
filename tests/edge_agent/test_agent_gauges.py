"""An agent that is asked to show gauges does, through a real broker and once; another does not read them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from contract import topics
from contract.gauges import Point, decode
from edge_agent.agent import Agent, opened
from edge_agent.block import Table
from edge_agent.config import load
from edge_agent.state import MeterState
from tests.edge_agent.odd_device import OddDevice, odd_device
from tests.edge_agent.odd_words import words_of

PATIENCE_S = 20
SITE = """\
site = "gaoyang"
gateway = "gw1"
area = "dye-house"

[broker]
host = "{host}"
port = {port}

[outbox]
path = "outbox.db"

[poll]
period_ms = 100

{gauges}

[[endpoint]]
name = "line"
host = "127.0.0.1"
port = {device}

[[machine]]
name = "point-1"
endpoint = "line"
profile = "odd"
"""


def device() -> contextlib.AbstractContextManager[OddDevice]:
    tables: dict[str, dict[int, int]] = {}
    for (table, address), word in words_of().items():
        tables.setdefault(str(table), {})[address] = word
    return odd_device({1: tables})


@asynccontextmanager
async def running(folder: Path, broker: Any, machine: OddDevice, gauges: str) -> AsyncIterator[Agent]:
    (folder / "profiles").mkdir(exist_ok=True)
    odd = Path(__file__).parent / "profiles" / "odd.toml"
    (folder / "profiles" / "odd.toml").write_text(odd.read_text("utf-8"), "utf-8")
    text = SITE.format(host=broker.host, port=broker.port, device=machine.port, gauges=gauges)
    (folder / "site.toml").write_text(text, "utf-8")
    async with opened(load(folder / "site.toml")) as agent:
        stop = asyncio.Event()
        task = asyncio.create_task(agent.run(stop))
        yield agent
        agent._hand_over.is_connected = False  # nobody gives receipts here: no long goodbye
        stop.set()
        await task


@asynccontextmanager
async def listening(broker: Any, *wanted: str) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(
        broker.host, broker.port, identifier="looker", protocol=aiomqtt.ProtocolVersion.V311
    ) as client:
        for topic in wanted:
            await client.subscribe(topic, qos=1)
        yield client


async def test_gauges_are_shown_once_and_not_retained(tmp_path: Path, mosquitto: Any) -> None:
    topic = topics.gauges("gaoyang", "point-1")
    with device() as machine:
        async with (
            listening(mosquitto, topic) as client,
            running(tmp_path, mosquitto, machine, "[gauges]\non = true\nslow_s = 1"),
            asyncio.timeout(PATIENCE_S),
        ):
            found = [await anext(client.messages), await anext(client.messages)]
    for message in found:
        assert isinstance(message.payload, bytes)
        point = decode("gaoyang", "point-1", message.payload)
        assert isinstance(point, Point)
        assert point.shown.values == {"flow_m3h": 12.5, "temperature_c": 25.5}
        assert (message.qos, message.retain) == (0, False)
    slow = [request for request in machine.requests if request[1:] == (4, 0, 4)]
    fast = [request for request in machine.requests if request[1:] == (1, 3, 1)]
    assert 2 <= len(slow) < len(fast) / 2


@pytest.mark.parametrize("gauges", ["", "[gauges]\non = false", "[gauges]"])
async def test_without_being_asked_an_agent_does_not_even_read_them(
    tmp_path: Path, mosquitto: Any, gauges: str
) -> None:
    with device() as machine:
        async with (
            listening(mosquitto, "gongfang/v1/gaoyang/#") as client,
            running(tmp_path, mosquitto, machine, gauges),
            asyncio.timeout(PATIENCE_S),
        ):
            heard = set()
            while "batch" not in heard:
                message = await anext(client.messages)
                heard.add(str(message.topic).rsplit("/", 1)[1])
    assert "gauges" not in heard
    assert not [request for request in machine.requests if request[1] == 4 or request[2] == 4112]


def meter_of(agent: Agent) -> MeterState | None:
    machine = agent.machines.get("point-1")
    return machine.meter if machine else None


async def test_gauges_are_turned_on_while_the_agent_runs_and_the_meter_goes_on(
    tmp_path: Path, mosquitto: Any
) -> None:
    with device() as machine:
        async with (
            listening(mosquitto, topics.gauges("gaoyang", "point-1")) as client,
            running(tmp_path, mosquitto, machine, "") as agent,
            asyncio.timeout(PATIENCE_S),
        ):
            while (before := meter_of(agent)) is None:  # noqa: ASYNC110  a machine sets no event
                await asyncio.sleep(0.02)
            file = tmp_path / "site.toml"
            file.write_text(file.read_text("utf-8") + "\n[gauges]\non = true\nslow_s = 1\n", "utf-8")
            await agent.reloading.reload()
            assert await anext(client.messages)
            after = meter_of(agent)
    assert after is not None
    assert after.epoch == before.epoch


async def test_a_machine_is_metered_while_its_gauges_are_refused(tmp_path: Path, mosquitto: Any) -> None:
    with device() as machine:
        machine.units[1] = {table: words for table, words in machine.units[1].items() if table != Table.INPUT}
        async with (
            listening(mosquitto, topics.gauges("gaoyang", "point-1")) as client,
            running(tmp_path, mosquitto, machine, "[gauges]\non = true\nslow_s = 1") as agent,
            asyncio.timeout(PATIENCE_S),
        ):
            message = await anext(client.messages)
            assert isinstance(message.payload, bytes)
            point = decode("gaoyang", "point-1", message.payload)
            assert isinstance(point, Point)
            assert point.shown.values == {"flow_m3h": 12.5}
            assert agent.machines["point-1"].meter is not None
            assert agent._conditions.ailing() == {}
