"""What a session with a broker lets in, without a broker: bounded, and counted where it is not taken."""

import asyncio
import itertools
import logging
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.mqtt import ANNOUNCEMENTS, BATCHES, Arrival, BrokerAwayError, subscribe
from collector.session import ANNOUNCED_BYTES, HEARD_MOST, OF_ONE_GATEWAY, Bounds, Session, keep_hearing
from contract import topics
from contract.facts import LeaseFact
from contract.series import row_of
from contract.topics import Topic
from store.sqlite import SqliteStore

PLACES = 8


@pytest.fixture
def counts() -> Counter[str]:
    return Counter()


class Clock:
    """Stands until a test moves it."""

    def __init__(self, now: int) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock(plant: SimpleNamespace) -> Clock:
    return Clock(plant.NOW)


@pytest.fixture
def session(sqlite: SqliteStore, clock: Clock, counts: Counter[str]) -> Session:
    return Session(
        ingest=Ingest(sqlite, Quarantine(sqlite, clock), clock, "c1", counts),
        store=sqlite,
        counts=counts,
        bounds=Bounds(at_once=1, waiting=PLACES, restore_after_s=0),
        now=clock,
    )


def announced(number: int, payload: bytes = b"x") -> Arrival:
    return Arrival(Topic("order", "qinghe", f"A-{number}"), payload)


def test_all_that_a_broker_of_a_large_plant_retains_finds_a_place(
    session: Session, counts: Counter[str]
) -> None:
    """It says it all at once to each new connection, faster than any store takes it."""
    for number in range(20_000):
        session._admit(announced(number, b"a lease takes " + b"about as much " * 20))
    assert (len(session.announced), counts["announcements_dropped"]) == (20_000, 0)


async def test_announcements_beyond_what_may_wait_are_dropped_and_counted(
    session: Session, counts: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    large = b"x" * (ANNOUNCED_BYTES // 10)
    for number in range(15):
        session._admit(announced(number, large))
    assert (len(session.announced), counts["announcements_dropped"]) == (9, 6)
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 6, "each is named, since nobody says it again for now"
    first = await session.next_announced()
    assert first.arrival == announced(0, large)
    session._admit(announced(99, large))
    assert (len(session.announced), counts["announcements_dropped"]) == (9, 6)


class Slow:
    """In place of what keeps announcements: the store takes each at the third try."""

    def __init__(self, clock: Clock) -> None:
        self.tries: list[int | None] = []
        self._clock = clock

    async def hear(self, _topic: Topic, _payload: bytes, heard: int | None = None) -> bool:
        self.tries.append(heard)
        self._clock.now += 60_000
        return len(self.tries) % 3 == 0


async def test_an_announcement_was_heard_when_it_came_and_not_when_the_store_had_time_for_it(
    session: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("collector.session.waits", lambda _: itertools.repeat(0))
    came, slow = clock.now, Slow(clock)
    session._admit(announced(1))
    session._admit(announced(2))
    keeping = asyncio.create_task(keep_hearing(cast("Any", slow), session.next_announced))
    while len(slow.tries) < 6:  # noqa: ASYNC110  a list does not tell
        await asyncio.sleep(0)
    keeping.cancel()
    assert slow.tries == [came] * 6


def test_what_was_announced_is_remembered_within_bounds(session: Session) -> None:
    """Where not everything heard is remembered, nothing may be given back to the broker."""
    for number in range(HEARD_MOST + 5):
        session._admit(announced(number))
    assert session.remembered == HEARD_MOST


def test_batches_beyond_their_room_are_dropped_and_counted(session: Session, counts: Counter[str]) -> None:
    for gateway in range(10):
        for _ in range(10):
            session._admit(Arrival(Topic("batch", "qinghe", f"gw{gateway}"), b"x"))
    assert len(session.room) == PLACES
    assert max(session.room.waiting().values()) == PLACES // OF_ONE_GATEWAY
    assert counts["dropped"] == 100 - PLACES
    assert session.is_dropping


def test_what_is_on_no_topic_of_ours_is_counted_and_nothing_else(
    session: Session, counts: Counter[str]
) -> None:
    session._admit(None)
    assert (counts["foreign"], len(session.room), len(session.announced)) == (1, 0, 0)


class Broker:
    """Forgot everything, and takes what it is given."""

    def __init__(self) -> None:
        self.retained: list[str] = []

    async def publish(self, topic: str, _payload: bytes, *, qos: int, retain: bool) -> None:
        assert (qos, retain) == (1, True)
        self.retained.append(topic)


class Hears:
    """A broker that notes what it is asked for."""

    def __init__(self, *refuses: str) -> None:
        self.refuses = refuses
        self.asked: list[str] = []

    async def subscribe(self, topic: str, *, qos: int) -> tuple[int, ...]:
        self.asked.append(topic)
        return (0x80 if topic in self.refuses else qos,)


async def test_batches_are_divided_among_collectors_and_announcements_are_not() -> None:
    """A shared subscription is given nothing retained (MQTT 5.0, 4.8.2): a collector that hears
    of no lease would take each for forgotten, and publish the one it knows over a newer one.
    """
    broker = Hears()
    await subscribe(cast("Any", broker), "hall-1")
    assert broker.asked == [f"$share/hall-1/{BATCHES}", *ANNOUNCEMENTS]
    broker.asked.clear()
    await subscribe(cast("Any", broker))
    assert broker.asked == [BATCHES, *ANNOUNCEMENTS]


@pytest.mark.parametrize("topic", [BATCHES, *ANNOUNCEMENTS])
async def test_a_collector_that_may_not_hear_is_not_connected(topic: str) -> None:
    """The broker says no in its answer and leaves the connection as it is: a deaf collector looks well."""
    with pytest.raises(BrokerAwayError, match="access rules"):
        await subscribe(cast("Any", Hears(topic)))


async def test_what_the_broker_forgot_is_given_back_from_the_store(
    session: Session, sqlite: SqliteStore, counts: Counter[str]
) -> None:
    for machine in ("knit-01", "knit-02"):
        fact = LeaseFact(
            site="qinghe", machine=machine, issued=5, id=f"l-{machine}", tenant="zhang", order_id="none",
            by="Li", effective=5, heard=6,
        )  # fmt: skip
        await sqlite.write([row_of(fact)])
    session._admit(Arrival(Topic("lease", "qinghe", "knit-02"), b"x"))
    broker = Broker()
    await session._restore(cast("Any", broker))
    assert broker.retained == [topics.lease("qinghe", "knit-01")]
    assert counts["restored"] == 1
