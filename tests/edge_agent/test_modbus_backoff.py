"""When the link tries again: soon, then later and later, never in step with others. Silence is no reason."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from edge_agent.block import Block, Table
from edge_agent.endpoint_link import EndpointLink
from edge_agent.link import LinkLostError, SilentError
from tests.edge_agent.wired import tcp_link

pytestmark = pytest.mark.usefixtures("either")


@contextmanager
def link_to(port: int, **more: Any) -> Iterator[EndpointLink]:
    link = tcp_link(port, **more)
    yield link
    link.close()


async def test_a_refused_connection_is_tried_again_later_and_later(free_port: Callable[[], int]) -> None:
    now = 100.0
    link = tcp_link(free_port(), backoff_s=(1.0, 4.0), random=lambda: 0.5, monotonic=lambda: now)
    waits = []
    for _ in range(5):
        with pytest.raises(LinkLostError, match="no connection to"):
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        with pytest.raises(LinkLostError, match="next attempt in"):
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        waits.append(link._not_before - now)
        now = link._not_before
    assert waits == [0.75, 1.5, 3.0, 3.0, 3.0]


@pytest.mark.parametrize(("drawn", "wait"), [(0.0, 8.0), (0.999999, 4.0)])
async def test_jitter_takes_at_most_half_of_the_wait(
    free_port: Callable[[], int], drawn: float, wait: float
) -> None:
    link = tcp_link(free_port(), backoff_s=(8.0, 8.0), random=lambda: drawn, monotonic=lambda: 0.0)
    with pytest.raises(LinkLostError):
        await link.read(Block(Table.HOLDING, 0, 1), 1)
    assert link._not_before == pytest.approx(wait, rel=1e-3)


async def test_a_peer_that_only_ever_hangs_up_is_backed_off(hub: Any) -> None:
    now = 0.0
    hub.faults.extend([lambda _q, _a: None] * 3)
    with link_to(hub.port, backoff_s=(1.0, 8.0), random=lambda: 0.0, monotonic=lambda: now) as link:
        for wait in (1.0, 2.0, 4.0):
            with pytest.raises(LinkLostError):
                await link.read(Block(Table.HOLDING, 0, 1), 1)
            with pytest.raises(LinkLostError, match="next attempt"):
                await link.read(Block(Table.HOLDING, 0, 1), 1)
            assert link._not_before == now + wait
            now += wait
        assert [*await link.read(Block(Table.HOLDING, 0, 1), 1)] == [0]
        hub.faults.append(lambda _q, _a: None)
        with pytest.raises(LinkLostError):
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        assert [*await link.read(Block(Table.HOLDING, 0, 1), 1)] == [0], "an answer takes the back-off back"


async def test_a_silent_unit_costs_its_neighbours_nothing_but_its_time(hub: Any) -> None:
    """Silence is no reason to back off the link, also when several units in a row are silent."""
    hub.silent = {1, 2, 3}
    with link_to(hub.port, timeout_s=0.02, backoff_s=(60, 60)) as link:
        for unit in (1, 2, 3, 1, 2, 3):
            with pytest.raises(SilentError):
                await link.read(Block(Table.HOLDING, 0, 1), unit)
        assert [*await link.read(Block(Table.HOLDING, 0, 1), 4)] == [0]


async def test_half_an_answer_is_silence(hub: Any) -> None:
    hub.faults.append(lambda _, answer: answer[:-1])
    with link_to(hub.port, timeout_s=0.05) as link, pytest.raises(SilentError):
        await link.read(Block(Table.HOLDING, 0, 1), 1)


async def test_an_answer_that_lay_unread_while_the_agent_was_stopped_says_nothing_of_now(hub: Any) -> None:
    now = [0.0]

    def meanwhile(_request: bytes, answer: bytes) -> bytes:
        now[0] += 9.0
        return answer

    hub.faults.append(meanwhile)
    with link_to(hub.port, timeout_s=1.0, monotonic=lambda: now[0]) as link:
        with pytest.raises(SilentError, match="lay unread"):
            await link.read(Block(Table.HOLDING, 0, 1), 1)
        assert await link.read(Block(Table.HOLDING, 0, 1), 1)
