"""A poller that has to go waits for the read under way."""

import asyncio
from typing import Any, cast

import pytest

from edge_agent.block import Answers
from edge_agent.clock import SystemClock
from edge_agent.conditions import Conditions
from edge_agent.counts import Counts, Tally
from edge_agent.link import DesyncError, LinkError, LinkLostError, RefusedError, RestingError, SilentError
from edge_agent.poll import Desk, Poller, _outcome, _reason
from tests.edge_agent.meter_bench import SCHEME, Bench
from tests.edge_agent.test_batches_disk import REAL


class Nowhere:
    def put(self, *_: object) -> None:
        pass


class Wire:
    """A read that takes until it is let go."""

    def __init__(self) -> None:
        self.began, self.let_go, self.cut = asyncio.Event(), asyncio.Event(), 0

    async def read(self) -> Answers:
        self.began.set()
        try:
            await self.let_go.wait()
        except asyncio.CancelledError:
            self.cut += 1
            raise
        raise SilentError("nobody is there")


def started(wire: Wire) -> tuple[Poller, asyncio.Task[None]]:
    desk = Desk(
        clock=SystemClock(REAL),
        commit=cast("Any", Nowhere()),
        conditions=Conditions(),
        announced={},
        show=lambda _: None,
        wake=lambda: None,
        checkpoint_ms=10_000,
        counts=Counts(),
    )
    bench = Bench(SCHEME)
    poller = Poller(bench.machine, cast("Any", None), wire.read, desk, Tally("bus"))
    return poller, asyncio.create_task(poller.run())


async def test_a_read_under_way_ends_before_its_poller_goes() -> None:
    """Cut off in the middle, it would cost everybody behind the endpoint the connection."""
    wire = Wire()
    poller, poll = started(wire)
    await wire.began.wait()
    leaving = asyncio.create_task(poller.leave(poll))
    await asyncio.sleep(0.05)
    assert not poll.done()
    wire.let_go.set()
    await leaving
    assert (poll.cancelled(), wire.cut) == (True, 0)


async def test_who_waits_for_his_slot_goes_at_once_and_who_reads_does_not() -> None:
    wire = Wire()
    poller, poll = started(wire)
    await asyncio.sleep(0)
    assert poller.leave_now(poll)
    await asyncio.wait([poll])
    assert (poll.cancelled(), wire.began.is_set()) == (True, False)
    poller, poll = started(wire)
    await wire.began.wait()
    assert not poller.leave_now(poll)
    await asyncio.sleep(0.05)
    assert not poll.done()
    wire.let_go.set()
    await poller.leave(poll)
    assert wire.cut == 0


async def test_a_read_that_never_ends_is_not_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_agent.poll.LEAVE_S", 0.05)
    wire = Wire()
    poller, poll = started(wire)
    await wire.began.wait()
    await poller.leave(poll)
    assert (poll.cancelled(), wire.cut) == (True, 1)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (SilentError("no answer"), "silent"),
        (RestingError("left alone"), "paused"),
        (LinkLostError("hung up"), "link"),
        (DesyncError("late"), "desync"),
        (RefusedError(2), "refused"),
        (RefusedError(11), "silent"),
    ],
)
def test_what_went_wrong_is_counted_by_its_kind(error: LinkError, outcome: str) -> None:
    assert _outcome(error, _reason(error)) == outcome
