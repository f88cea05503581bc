"""A connection that breaks is told by an exception, once: the library beneath leaves nothing in the log."""

import asyncio
import contextlib
import gc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from collector import mqtt as at_collector
from edge_agent import mqtt as at_agent
from tests.chaos.link import Link
from tests.chaos.schedule import Kind
from tests.conftest import unused_port

ROUNDS = 8


def agent(port: int) -> AbstractAsyncContextManager[Any]:
    address = at_agent.Address(host="127.0.0.1", port=port, client_id="quiet-agent")
    return at_agent.connected(address, will=("quiet/will", b"gone"), subscriptions=["quiet/#"])


def collector(port: int) -> AbstractAsyncContextManager[Any]:
    return at_collector.connected(
        at_collector.Address(host="127.0.0.1", port=port, client_id="quiet-collector")
    )


@pytest.mark.parametrize("connected", [agent, collector])
async def test_a_wire_that_breaks_in_the_middle_of_anything_leaves_nothing_in_the_log(
    mosquitto: Any,
    connected: Callable[[int], AbstractAsyncContextManager[Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    link = Link(unused_port(), mosquitto.port)
    await link.listen()
    for round_ in range(ROUNDS):
        with contextlib.suppress(at_agent.BrokerLostError):
            async with connected(link.port) as broker, asyncio.TaskGroup() as tasks:
                sending = [tasks.create_task(_send(broker)) for _ in range(3)]
                await asyncio.sleep(0.005 * round_)
                await link.fail(Kind.RESET)
                await asyncio.wait(sending, timeout=0.2)
                for task in sending:
                    task.cancel()
        await link.heal()
    await link.close()
    gc.collect()
    await asyncio.sleep(0)
    assert told == []
    assert [record.getMessage() for record in caplog.records if record.levelname != "DEBUG"] == []


async def _send(broker: Any) -> None:
    with contextlib.suppress(at_agent.BrokerLostError):
        while True:
            await broker.publish("quiet/please", bytes(1000), retain=False)
