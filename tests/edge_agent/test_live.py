"""The live state: told again when a person would see something new, and only then."""

from collections.abc import Callable
from itertools import pairwise, product
from typing import Any

import pytest
from hypothesis import given, settings
from msgspec.structs import asdict, replace

from contract.records import Reason
from contract.states import Party, State
from edge_agent.live import is_as, now_showing
from edge_agent.state import Gap, MeterState
from tests.edge_agent.meter_bench import SCHEME, Bench
from tests.edge_agent.test_meter_laws import HISTORIES, Moment, live

UNSEEN = {"at", "since", "totals"}
"""Of a state message: what goes on by itself, or cannot change alone."""


def seen(meter: MeterState | None) -> dict[str, object]:
    shown = asdict(now_showing(SCHEME, meter, "session", 5))
    return {name: value for name, value in shown.items() if name not in UNSEEN}


def states(history: list[Moment]) -> list[MeterState | None]:
    """The meter after each prefix of a history, and before it."""
    bench_at = [live(history[:length]).machine.meter for length in range(len(history) + 1)]
    return [None, *bench_at[-6:]]


@given(HISTORIES)
@settings(max_examples=100, deadline=None)
def test_a_state_is_new_exactly_when_its_message_would_be(history: list[Moment]) -> None:
    for shown, meter in product(states(history), repeat=2):
        message = now_showing(SCHEME, shown, "session", 5)
        assert is_as(message, meter) == (seen(shown) == seen(meter))


def a_stop() -> MeterState:
    bench = Bench()
    bench.see_every_second(0, 10, state="stop", code=12)
    assert bench.machine.meter is not None
    return bench.machine.meter


def otherwise(meter: MeterState, **posture: Any) -> MeterState:
    return replace(meter, span=replace(meter.span, posture=replace(meter.span.posture, **posture)))


NEW: dict[str, Callable[[MeterState], MeterState]] = {
    "the state": lambda meter: otherwise(meter, state=State.RUN),
    "the party": lambda meter: otherwise(meter, party=Party.HOST),
    "the stop code": lambda meter: otherwise(meter, stop_code=13),
    "the tenant": lambda meter: otherwise(meter, tenant="hengxin"),
    "the order": lambda meter: otherwise(meter, order_id="20001"),
    "the lease": lambda meter: otherwise(meter, lease_id="lease-1"),
    "the epoch": lambda meter: replace(meter, epoch="e9"),
    "the vendor's code": lambda meter: replace(meter, settled=replace(meter.settled, vendor_code=3)),
    "a missed poll": lambda meter: replace(meter, missed=1),
}


@pytest.mark.parametrize("change", NEW.values(), ids=NEW)
def test_each_thing_that_a_person_sees_is_new(change: Callable[[MeterState], MeterState]) -> None:
    before = a_stop()
    assert is_as(now_showing(SCHEME, before, "session", 5), before)
    assert not is_as(now_showing(SCHEME, before, "session", 5), change(before))


def test_in_a_gap_neither_the_vendors_code_nor_another_missed_poll_is_new() -> None:
    gap = replace(a_stop(), gap=Gap(start=5, reason=Reason.SILENT), missed=4)
    later = replace(gap, missed=5, settled=replace(gap.settled, vendor_code=3))
    assert is_as(now_showing(SCHEME, gap, "session", 5), later)


@pytest.mark.parametrize("missed", [1, 4])
def test_missed_polls_and_a_gap_are_new(missed: int) -> None:
    bench = Bench()
    bench.see_every_second(0, 10)
    before = bench.machine.meter
    for at in range(11, 11 + missed):
        bench.miss(at)
    assert not is_as(now_showing(SCHEME, before, "session", 5), bench.machine.meter)


def test_counting_on_is_not_new() -> None:
    bench, meters = Bench(), []
    for at in range(20):
        bench.see(at, pieces=1)
        meters.append(bench.machine.meter)
    for before, after in pairwise(meters):
        assert is_as(now_showing(SCHEME, before, "session", 5), after)
