"""The agent beside a real broker: what it says, what it hears, and what it does until it has a receipt."""

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiomqtt
import msgspec
import pytest

from contract import topics
from contract.messages import (
    Batch,
    ExceptionReason,
    GatewayStatus,
    Lease,
    MachineState,
    Order,
    Outcome,
    Receipt,
    RecordException,
    batch_id,
    decode_record,
    encode,
)
from contract.records import Interval, Meter, Record
from demo import files
from demo.driven import DrivenClock
from demo.files import Place
from edge_agent.agent import Agent, opened
from edge_agent.config import load
from edge_agent.mqtt import Broker
from edge_agent.outbox_file import OutboxError
from simulators.modbus import serve
from simulators.script import build_scripts
from tests.demo.mini_plant import START_MS, TARIFF, forget, mini_plant

MINUTE = 60_000


class Office:
    """The other side of the broker: what a collector and a person would see and say."""

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.heard: list[aiomqtt.Message] = []

    async def listen(self) -> None:
        with contextlib.suppress(aiomqtt.MqttError):  # some tests stop the broker
            async for message in self.client.messages:
                self.heard.append(message)

    def payloads(self, kind: str) -> list[bytes]:
        return [m.payload for m in self.heard if str(m.topic).endswith(kind) and isinstance(m.payload, bytes)]

    def batches(self) -> list[bytes]:
        return self.payloads("/batch")

    async def until(self, kind: str, count: int) -> list[bytes]:
        await eventually(lambda: len(self.payloads(kind)) >= count)
        return self.payloads(kind)

    async def answer(
        self, payload: bytes, *exceptions: RecordException, unreadable: str | None = None
    ) -> None:
        batch = msgspec.json.decode(payload, type=Batch)
        receipt = Receipt(
            batch=batch_id(payload),
            collector="office",
            at=START_MS,
            records=len(batch.records),
            accepted=0 if unreadable else len(batch.records) - len(exceptions),
            unreadable=unreadable,
            retry_after_ms=0,
            exceptions=list(exceptions),
        )
        await self.client.publish(topics.receipt(batch.site, batch.gateway), encode(receipt), qos=1)


async def eventually(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  peers are watched from outside
            await asyncio.sleep(0.01)


async def eventually_one(some: Callable[[], set[bytes]]) -> bytes:
    await eventually(some)
    return next(iter(some()))


def records(payload: bytes) -> list[Record]:
    return [decode_record(raw) for raw in msgspec.json.decode(payload, type=Batch).records]


class Site:
    """An agent over the mini plant, whose plant time moves only when the test says so."""

    def __init__(self, agent: Agent, clock: DrivenClock, office: Office, stop: asyncio.Event) -> None:
        self.agent, self.clock, self.office, self.stop = agent, clock, office, stop

    async def pass_minutes(self, minutes: float) -> None:
        await self.clock.sleep_until(self.clock.mono_ms() + round(minutes * MINUTE))


@asynccontextmanager
async def running(directory: Path, port: int) -> AsyncIterator[Site]:
    plant = mini_plant()
    clock = DrivenClock(START_MS, workers=len(plant.machines) + 1)
    place = Place(
        directory=directory, broker_port=port, embedded=False, store='kind = "sqlite"', tariff=TARIFF
    )
    async with (
        aiomqtt.Client("127.0.0.1", port) as client,
        serve(build_scripts(plant, START_MS), clock.wall_ms) as addresses,
        asyncio.TaskGroup() as tasks,
    ):
        await client.subscribe("gongfang/#", qos=1)
        office = Office(client)
        listening = tasks.create_task(office.listen())
        files.write(place, plant, addresses)
        async with opened(load(place.agent), clock) as agent:
            stop = asyncio.Event()
            metering = tasks.create_task(agent.run(stop))
            try:
                yield Site(agent, clock, office, stop)
            finally:
                metering.cancel()
                await asyncio.wait([metering])
        listening.cancel()


@pytest.fixture
async def site(tmp_path: Path, mosquitto: object) -> AsyncIterator[Site]:
    port: int = mosquitto.port  # type: ignore[attr-defined]  # a peer of conftest.py
    await forget(port)
    async with running(tmp_path, port) as it:
        yield it


async def test_a_batch_goes_again_with_the_same_bytes_until_its_receipt(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.batches.resend_after_ms", lambda _attempt: 300)
    await site.pass_minutes(6)
    first = (await site.office.until("/batch", 1))[0]
    await eventually(lambda: site.office.batches().count(first) >= 3)
    for payload in set(site.office.batches()):
        await site.office.answer(payload)
    await site.agent.handed_over()
    sent = site.office.batches().count(first)
    await asyncio.sleep(0.8)
    assert site.office.batches().count(first) == sent


async def test_batches_that_no_collector_can_read_do_not_stop_the_others(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    refused: set[bytes] = set()
    for minute in range(1, 7):
        await site.pass_minutes(5)
        fresh = await eventually_one(lambda: set(site.office.batches()) - refused)
        await site.office.answer(fresh, unreadable="no JSON")
        refused.add(fresh)
        assert len(refused) == minute
    assert "6 are kept" in caplog.text or "unreadable to the collector" in caplog.text


async def test_records_arrive_sealed_and_in_sequence(site: Site) -> None:
    await site.pass_minutes(6)

    def chains() -> dict[str, list[Record]]:
        own: dict[str, list[Record]] = {}
        for record in (r for payload in site.office.batches() for r in records(payload)):
            own.setdefault(record.machine, []).append(record)
        return own

    await eventually(lambda: len(chains()) == 3)
    for chain in chains().values():
        assert isinstance(chain[0], Meter)
        assert [record.sequence for record in chain] == list(range(len(chain)))
        assert all(len(record.digest) == 64 for record in chain)


async def test_a_conflict_opens_a_new_epoch(site: Site) -> None:
    await site.pass_minutes(6)
    (payload,) = (await site.office.until("/batch", 1))[:1]
    victim = records(payload)[0]
    told = RecordException(
        machine=victim.machine,
        epoch=victim.epoch,
        sequence=victim.sequence,
        outcome=Outcome.REJECTED,
        reason=ExceptionReason.CONFLICT,
        detail="another fact has this name",
    )
    await site.office.answer(payload, told)
    machine = site.agent.machines[victim.machine]
    await eventually(lambda: machine._renewal is not None)
    await site.pass_minutes(1)

    def reopened() -> list[tuple[str, str, str]]:
        opened = [r for sent in set(site.office.batches()) for r in records(sent) if isinstance(r, Meter)]
        return [(r.machine, r.reason, r.previous_epoch) for r in opened if r.epoch != victim.epoch]

    await eventually(lambda: (victim.machine, "conflict", victim.epoch) in reopened())


async def test_status_is_birth_and_goodbye_and_the_states_are_shown(site: Site) -> None:
    await site.pass_minutes(1)
    (born,) = (await site.office.until("/status", 1))[:1]
    status = msgspec.json.decode(born, type=GatewayStatus)
    assert (status.online, status.reason, status.machines, status.gateway) == (True, "start", 3, "gw1")
    states = [msgspec.json.decode(p, type=MachineState) for p in await site.office.until("/state", 3)]
    assert {state.machine for state in states} == {"knit-01", "knit-02", "weld-01"}
    assert {state.session for state in states} == {status.session}


async def test_another_agent_under_the_same_name_is_told(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await site.pass_minutes(1)
    (born,) = (await site.office.until("/status", 1))[:1]
    ours = msgspec.json.decode(born, type=GatewayStatus)
    other = msgspec.structs.replace(ours, session="somebody-else")
    await site.office.client.publish(topics.status("qinghe", "gw1"), encode(other), qos=1)
    await eventually(lambda: "somebody-else" in caplog.text)
    assert "give each gateway a name of its own" in caplog.text


async def test_leases_and_orders_heard_are_applied_and_survive_a_restart(site: Site, tmp_path: Path) -> None:
    await site.pass_minutes(1)
    client = site.office.client
    order = Order(
        id="o1",
        order_id="1001",
        tenant="hengxin",
        article="swatch",
        by="office",
        wanted=8,
        due=None,
        closed=False,
        issued=START_MS,
    )
    lease = Lease(
        id="l1",
        machine="knit-01",
        by="office",
        tenant="ruifeng",
        order_id=None,
        effective=START_MS + 2 * MINUTE,
        issued=START_MS,
    )
    await client.publish(topics.order("qinghe", "1001"), encode(order), qos=1, retain=True)
    await client.publish(topics.lease("qinghe", "knit-01"), encode(lease), qos=1, retain=True)
    await eventually(lambda: site.agent.announced and site.agent.machines["knit-01"].leases)
    await site.pass_minutes(5)

    def own() -> list[Interval]:
        sent = (r for payload in site.office.batches() for r in records(payload))
        return [r for r in sent if isinstance(r, Interval) and r.machine == "knit-01"]

    await eventually(lambda: own() and own()[-1].end >= START_MS + 5 * MINUTE)
    takes_effect = START_MS + 2 * MINUTE
    assert takes_effect in {interval.start for interval in own()}
    for interval in own():
        expected = ("ruifeng", "l1") if interval.start >= takes_effect else ("none", "none")
        if interval.order_id == "none" or interval.start >= takes_effect:
            assert (interval.tenant, interval.lease_id) == expected
    checkpoint = site.agent.machines["knit-01"].checkpoint()
    assert b'"lease_id":"l1"' in checkpoint


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("gongfang/v1/qinghe/gateway/gw1/receipt", b"\xff not json"),
        ("gongfang/v1/qinghe/gateway/gw1/receipt", b'{"batch": "' + b"0" * 64 + b'"}'),
        ("gongfang/v1/qinghe/machine/knit-01/lease", b"{}"),
        ("gongfang/v1/qinghe/machine/knit-01/lease", b""),
        ("gongfang/v1/qinghe/machine/knit-01/lease", b"\xc3\x28"),
        ("gongfang/v1/qinghe/machine/nobody/lease", b"{}"),
        ("gongfang/v1/qinghe/order/1001", b"[1, 2"),
        ("gongfang/v1/qinghe/order/1001", b""),
    ],
)
async def test_nothing_that_is_said_on_a_topic_can_stop_the_agent(
    site: Site, topic: str, payload: bytes
) -> None:
    await site.pass_minutes(1)
    await site.office.client.publish(topic, payload, qos=1)
    await site.pass_minutes(6)
    await site.office.until("/batch", 1)
    assert site.agent.machines["knit-01"].leases == ()


async def test_an_agent_that_is_stopped_as_it_connects_stops(tmp_path: Path, mosquitto: object) -> None:
    port: int = mosquitto.port  # type: ignore[attr-defined]  # a peer of conftest.py
    await forget(port)
    for turns in range(0, 60, 3):
        async with asyncio.timeout(20), running(tmp_path, port):
            for _ in range(turns):
                await asyncio.sleep(0.0005)


async def test_the_log_tells_of_the_way_from_start_to_stop(
    tmp_path: Path, mosquitto: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gongfang.agent")
    monkeypatch.setattr("edge_agent.muster._LOOK_S", 0.02)
    monkeypatch.setattr("edge_agent.agent._GOODBYE_S", 0.5)
    port: int = mosquitto.port  # type: ignore[attr-defined]  # a peer of conftest.py
    await forget(port)
    async with running(tmp_path, port) as site:
        await site.pass_minutes(6)
        await site.office.until("/batch", 1)
        await eventually(lambda: "of 3 metered" in caplog.text)
        site.stop.set()
        await site.office.until("/status", 2)
        await eventually(lambda: "stopped" in caplog.text)
    said = [record.getMessage() for record in caplog.records if record.name == "gongfang.agent"]
    assert said[0] == f"broker: connected: 127.0.0.1:{port}, without TLS"
    assert "machines: 3 of 3 metered" in said
    assert said[-3] == "stopping: 3 machines close what is settled"
    waiting = re.fullmatch(r"handed over 0 records; (\d+) wait for the next start", said[-2])
    assert waiting
    assert int(waiting[1]) > 0
    assert said[-1] == "stopped"


async def test_an_agent_that_hands_over_as_it_stops_is_not_stuck(
    tmp_path: Path, mosquitto: object, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its polls have ended, which is nothing to tell a person of, nor to withhold systemd's watchdog for."""
    monkeypatch.setattr("edge_agent.watchdog._LOOK_S", 0.02)
    monkeypatch.setattr("edge_agent.agent._GOODBYE_S", 0.5)
    port: int = mosquitto.port  # type: ignore[attr-defined]  # a peer of conftest.py
    await forget(port)
    async with running(tmp_path, port) as site:
        await site.pass_minutes(6)
        await site.office.until("/batch", 1)  # and nobody answers with a receipt
        site.stop.set()
        await site.office.until("/status", 2)
    assert "stuck" not in caplog.text


async def test_a_publish_that_is_cancelled_as_it_is_acknowledged_is_cancelled() -> None:
    acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    class Client:
        async def publish(self, *_: object, **__: object) -> None:
            await asyncio.wait_for(acknowledged, 10)

    sending = asyncio.create_task(Broker(Client()).publish("topic", b""))  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    acknowledged.set_result(None)
    sending.cancel()
    await asyncio.wait([sending])
    assert sending.cancelled()


async def test_a_damaged_outbox_is_set_aside_and_said(
    tmp_path: Path, mosquitto: object, caplog: pytest.LogCaptureFixture
) -> None:
    port: int = mosquitto.port  # type: ignore[attr-defined]  # a peer of conftest.py
    await forget(port)
    (tmp_path / "outbox.db").write_bytes(b"SQLite format 3\0" + b"\xa5" * 8_192)
    async with running(tmp_path, port) as site:
        await site.pass_minutes(1)
        payloads = await site.office.until("/batch", 1)
        reasons = {r.reason for payload in payloads for r in records(payload) if isinstance(r, Meter)}
    assert reasons == {"state_lost"}
    assert "set aside as" in caplog.text


async def test_a_broker_that_comes_late_finds_everything(tmp_path: Path, mosquitto: object) -> None:
    broker = mosquitto
    port: int = broker.port  # type: ignore[attr-defined]  # a peer of conftest.py
    async with running(tmp_path, port) as site:
        await site.pass_minutes(1)
        broker.stop()  # type: ignore[attr-defined]
        site.office.heard.clear()
        # The office's own connection is gone with the broker; a new one listens.
        await site.pass_minutes(12)
        broker.start()  # type: ignore[attr-defined]
        async with aiomqtt.Client("127.0.0.1", port) as client:
            await client.subscribe("gongfang/#", qos=1)
            async with asyncio.timeout(20):
                async for message in client.messages:
                    is_batch = str(message.topic).endswith("/batch") and isinstance(message.payload, bytes)
                    if is_batch and any(isinstance(r, Interval) for r in records(message.payload)):
                        return


async def test_a_second_agent_on_one_outbox_is_refused(tmp_path: Path, mosquitto: object) -> None:
    port: int = mosquitto.port  # type: ignore[attr-defined]  # a peer of conftest.py
    await forget(port)
    async with running(tmp_path, port) as site:
        await site.pass_minutes(1)
        with pytest.raises(OutboxError, match="in use by another agent"):
            async with opened(load(tmp_path / "agent.toml"), site.clock):
                pass
