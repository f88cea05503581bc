"""What a session with a broker lets in, without a broker: bounded, and counted where it is not taken."""

import logging
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from collector.ingest import Ingest
from collector.isolate import Quarantine
from collector.mqtt import ANNOUNCEMENTS, BATCHES, Arrival, subscribe
from collector.session import ANNOUNCED_WAITING, HEARD_MOST, OF_ONE_GATEWAY, Bounds, Session
from contract import topics
from contract.facts import LeaseFact
from contract.series import row_of
from contract.topics import Topic
from store.sqlite import SqliteStore

PLACES = 8


@pytest.fixture
def counts() -> Counter[str]:
    return Counter()


@pytest.fixture
def session(sqlite: SqliteStore, plant: SimpleNamespace, counts: Counter[str]) -> Session:
    now: Callable[[], int] = lambda: plant.NOW  # noqa: E731  a clock that stands
    return Session(
        ingest=Ingest(sqlite, Quarantine(sqlite, now), now, "c1", counts),
        store=sqlite,
        counts=counts,
        bounds=Bounds(at_once=1, waiting=PLACES, restore_after_s=0),
    )


def announced(number: int) -> Arrival:
    return Arrival(Topic("order", "qinghe", f"A-{number}"), b"x")


def test_announcements_beyond_what_may_wait_are_dropped_and_counted(
    session: Session, counts: Counter[str], caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(ANNOUNCED_WAITING + 5):
        session._admit(announced(number))
    assert (session.announced.qsize(), counts["announcements_dropped"]) == (ANNOUNCED_WAITING, 5)
    told = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert len(told) == 5, "each is named, since nobody sends it again"


def test_what_was_announced_is_remembered_within_bounds(session: Session) -> None:
    """Where not everything heard is remembered, nothing may be given back to the broker."""
    topics = range(HEARD_MOST + 5)
    session.announced = SimpleNamespace(full=lambda: False, put_nowait=lambda _: None)  # type: ignore[assignment]
    for number in topics:
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
    assert (counts["foreign"], len(session.room), session.announced.qsize()) == (1, 0, 0)


class Broker:
    """Forgot everything, and takes what it is given."""

    def __init__(self) -> None:
        self.retained: list[str] = []

    async def publish(self, topic: str, _payload: bytes, *, qos: int, retain: bool) -> None:
        assert (qos, retain) == (1, True)
        self.retained.append(topic)


class Hears:
    """A broker that notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def subscribe(self, topic: str, *, qos: int) -> None:
        assert qos == 1
        self.asked.append(topic)


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
