"""Which leases and orders an agent follows: those that a collector would keep too."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from contract import topics
from contract.messages import Lease, Order, encode
from edge_agent.conditions import Conditions
from edge_agent.hearing import Hearing
from edge_agent.mqtt import Arrival
from tests.edge_agent.meter_bench import EIGHT, Bench

DAY = 86_400_000
SITE, MACHINE = "qinghe", "knit-01"


class Told:
    """What hears, with a real machine, on a clock that a test sets."""

    def __init__(self, now: int = EIGHT) -> None:
        self.now = now
        self.machine = Bench().machine
        self.conditions = Conditions()
        self.announced: dict[str, str] = {}
        clock = SimpleNamespace(wall_ms=lambda: self.now, mono_ms=lambda: 0)
        commit = SimpleNamespace(put=lambda *_: None, call=self._call)
        desk = SimpleNamespace(
            clock=clock, commit=commit, conditions=self.conditions, announced=self.announced
        )
        self.hearing = Hearing({MACHINE: self.machine}, cast("Any", desk), cast("Any", None), "s")

    async def _call(self, *_: object) -> None:
        """In place of the outbox."""

    async def lease(self, tenant: str, issued: int) -> None:
        message = Lease(
            id=f"l-{issued}",
            machine=MACHINE,
            by="Li",
            tenant=tenant,
            order_id=None,
            effective=1,
            issued=issued,
        )
        await self.hearing.hear(Arrival(topics.lease(SITE, MACHINE), encode(message), retained=True))

    async def order(self, tenant: str, issued: int) -> None:
        message = Order(
            id=f"o-{issued}",
            order_id="A-17",
            tenant=tenant,
            article="x",
            by="Li",
            wanted=3,
            due=None,
            closed=False,
            issued=issued,
        )
        await self.hearing.hear(Arrival(topics.order(SITE, "A-17"), encode(message), retained=True))

    @property
    def tenants(self) -> list[str | None]:
        return [held.tenant for held in self.machine.leases]


@pytest.fixture
def told() -> Told:
    return Told()


async def test_a_lease_of_next_week_is_not_followed_and_silences_no_other(told: Told) -> None:
    await told.lease("zhang", EIGHT + 7 * DAY)
    assert told.tenants == []
    assert "not followed" in told.conditions.now().values()
    await told.lease("li", EIGHT)
    assert told.tenants == ["li"]
    assert told.conditions.now() == {}


async def test_an_order_of_next_week_is_not_followed_either(told: Told) -> None:
    await told.order("zhang", EIGHT + 7 * DAY)
    await told.order("li", EIGHT)
    assert told.announced == {"A-17": "li"}


async def test_what_was_ahead_of_a_clock_that_lagged_is_followed_once_it_is_put_right() -> None:
    told = Told(now=EIGHT - 3 * DAY)
    await told.lease("zhang", EIGHT - 60_000)
    await told.order("zhang", EIGHT - 60_000)
    await told.hearing.hear_again()
    assert (told.tenants, told.announced) == ([], {})
    told.now = EIGHT
    await told.hearing.hear_again()
    assert (told.tenants, told.announced) == (["zhang"], {"A-17": "zhang"})
    assert told.conditions.now() == {}


async def test_what_is_flawed_otherwise_is_not_heard_again(told: Told) -> None:
    await told.lease("none", EIGHT + 7 * DAY)
    told.now = EIGHT + 30 * DAY
    before = dict(told.conditions.now())
    await told.hearing.hear_again()
    assert (told.tenants, told.conditions.now()) == ([], before)


async def test_a_clock_that_was_never_set_follows_what_it_hears() -> None:
    told = Told(now=60_000)
    await told.lease("zhang", EIGHT)
    assert told.tenants == ["zhang"]
