"""An agent takes another configuration while it runs: over simulated machines whose time runs fast."""

import asyncio
import contextlib
import re
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from contract import topics
from contract.clock import ClockPair
from contract.messages import GatewayStatus, Lease, decode_record, encode
from contract.records import Interval, Loss, Meter, MeterReason, Reason, Record, Transition
from demo import files
from demo.files import Place
from edge_agent.agent import Agent, opened
from edge_agent.config import Settings, load
from edge_agent.mqtt import Broker
from edge_agent.outbox import Outbox
from simulators.modbus import serve
from simulators.script import build_scripts
from tests.demo.mini_plant import START_MS, TARIFF, forget, mini_plant
from tests.edge_agent.test_agent_broker import Office, eventually

SCALE = 10
"""Plant seconds in a real one: polled every 0.3 s, a gap after 2.6 s, intervals of a second."""


class Site:
    """An agent over the mini plant, and the file that it reads."""

    def __init__(self, directory: Path, agent: Agent, office: Office) -> None:
        self.directory, self.agent, self.office = directory, agent, office
        self.file = directory / "agent.toml"

    def edit(self, pattern: str, instead: str) -> None:
        text, times = re.subn(pattern, instead, self.file.read_text("utf-8"), flags=re.DOTALL)
        assert times == 1, f"{pattern} stands {times} times in the file"
        self.file.write_text(text, "utf-8")

    def without(self, machine: str) -> str:
        """Takes the machine out of the file, and returns what stood there."""
        found = re.search(rf'\n\[\[machine\]\]\nname = "{machine}"\n.*?(?=\n\[\[|\Z)', self.text, re.DOTALL)
        assert found
        self.file.write_text(self.text.replace(found[0], ""), "utf-8")
        return found[0]

    @property
    def text(self) -> str:
        return self.file.read_text("utf-8")

    async def reload(self) -> None:
        await self.agent.reloading.reload()

    def state_of(self, machine: str) -> bytes | None:
        """The latest message of its state topic."""
        said = [m.payload for m in self.office.heard if str(m.topic) == topics.state("qinghe", machine)]
        last = said[-1] if said else None
        return last if isinstance(last, bytes) else None


@asynccontextmanager
async def running(directory: Path, port: int) -> AsyncIterator[Site]:
    plant = mini_plant()
    pair = ClockPair(real_ms=time.time_ns() // 1_000_000, plant_ms=START_MS, scale=SCALE)
    place = Place(
        directory=directory, broker_port=port, embedded=False, store='kind = "sqlite"', tariff=TARIFF
    )
    clock = f"real_ms = {pair.real_ms}\nplant_ms = {START_MS}\nscale = {SCALE}"
    async with (
        aiomqtt.Client("127.0.0.1", port) as client,
        serve(build_scripts(plant, START_MS), lambda: pair.plant(time.time_ns() // 1_000_000)) as addresses,
        asyncio.TaskGroup() as tasks,
    ):
        await client.subscribe("gongfang/#", qos=1)
        office = Office(client)
        listening = tasks.create_task(office.listen())
        files.write(place, plant, addresses, clock)
        text = place.agent.read_text("utf-8").replace(f"period_ms = {plant.poll_ms}", "period_ms = 3000")
        place.agent.write_text(text.replace("[poll]\n", "[poll]\ngrid_ms = 10000\nhold_polls = 8\n"), "utf-8")
        async with opened(load(place.agent)) as agent:
            stop = asyncio.Event()
            metering = tasks.create_task(agent.run(stop))
            await eventually(lambda: len(agent.machines) == 3)
            yield Site(directory, agent, office)
            stop.set()
            await metering
        await asyncio.sleep(0.2)  # for what the agent said last
        listening.cancel()


@pytest.fixture
async def port(mosquitto: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("edge_agent.agent._GOODBYE_S", 0.1)  # nobody here answers with receipts
    await forget(mosquitto.port)
    found: int = mosquitto.port
    return found


async def retained(port: int, topic: str) -> bytes:
    """What a topic says to somebody who comes now."""
    async with aiomqtt.Client("127.0.0.1", port) as client:
        await client.subscribe(topic, qos=1)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                message = await anext(aiter(client.messages))
                return message.payload if isinstance(message.payload, bytes) else b""
    return b""


def records_of(directory: Path) -> dict[tuple[str, str], list[Record]]:
    """All that was ever made, by machine and epoch, in its order."""
    found: dict[tuple[str, str], list[Record]] = {}
    with sqlite3.connect(directory / "outbox.db") as db:
        for (body,) in db.execute("SELECT body FROM record ORDER BY row"):
            record = decode_record(msgspec.Raw(body))
            found.setdefault((record.machine, record.epoch), []).append(record)
    db.close()
    return found


def only(directory: Path, machine: str) -> list[Record]:
    """The records of a machine that had one epoch only."""
    [epoch] = [records for (name, _), records in records_of(directory).items() if name == machine]
    return epoch


def intervals(records: list[Record]) -> list[Interval]:
    return [record for record in records if isinstance(record, Interval)]


def is_whole(records: list[Record]) -> None:
    """Numbered without a hole, and every instant metered once: the first law, and that nothing is doubled."""
    assert [record.sequence for record in records] == list(range(len(records)))
    assert isinstance(records[0], Meter)
    assert not any(isinstance(record, Loss) for record in records)
    tiles = intervals(records)
    if tiles:
        assert tiles[0].start == records[0].at
    for one, other in pairwise(tiles):
        assert one.start + one.duration_ms == other.start


def unwatched_ms(records: list[Record]) -> int:
    return sum(one.unknown_ms for one in intervals(records) if one.reason is not Reason.RESTART)


async def test_machines_that_do_not_change_do_not_notice(tmp_path: Path, port: int) -> None:
    async with running(tmp_path, port) as site:
        await asyncio.sleep(2.5)
        left = site.without("weld-01")
        await site.reload()
        await asyncio.sleep(1.5)
        site.file.write_text(site.text + left, "utf-8")
        await site.reload()
        await asyncio.sleep(2.5)
        assert site.agent.watch._reloads().taken == 2
        watched = {name: machine.meter for name, machine in site.agent.machines.items()}
    for name in ("knit-01", "knit-02"):
        records = only(tmp_path, name)
        is_whole(records)
        assert [one.reason for one in intervals(records)] == [Reason.NONE] * len(intervals(records))
        assert len(intervals(records)) >= 3
    assert set(watched) == {"knit-01", "knit-02", "weld-01"}


async def test_a_removed_machine_closes_what_is_settled_and_goes_on_when_it_is_back(
    tmp_path: Path, port: int
) -> None:
    async with running(tmp_path, port) as site:
        await asyncio.sleep(2.5)
        await eventually(lambda: site.state_of("weld-01"))
        left = site.without("weld-01")
        await site.reload()
        assert "weld-01" not in site.agent.machines
        await eventually(lambda: site.state_of("weld-01") == b"")
        await site.agent.watch._parts.commit.flush()
        records = only(tmp_path, "weld-01")
        is_whole(records)
        assert isinstance(records[-1], Transition)
        assert (records[-1].state, records[-1].cause) == ("unknown", "gap")
        await asyncio.sleep(2)
        assert len(only(tmp_path, "weld-01")) == len(records), "nobody meters it meanwhile"
        site.file.write_text(site.text + left, "utf-8")
        await site.reload()
        await eventually(lambda: site.state_of("weld-01"))
        await asyncio.sleep(2.5)
    records = only(tmp_path, "weld-01")
    is_whole(records)
    gaps = [one for one in intervals(records) if one.reason is Reason.RESTART]
    assert sum(gap.duration_ms for gap in gaps) >= 18_000
    assert unwatched_ms(records) == 0


async def test_another_area_opens_an_epoch_where_the_one_before_it_ends(tmp_path: Path, port: int) -> None:
    async with running(tmp_path, port) as site:
        await asyncio.sleep(2.5)
        site.edit(r'name = "knit-01"\n', 'name = "knit-01"\narea = "hall-z"\n')
        await site.reload()
        await asyncio.sleep(2.5)
    epochs = [records for (name, _), records in records_of(tmp_path).items() if name == "knit-01"]
    follows(*epochs)
    assert (epochs[0][0].area, epochs[1][0].area) == (mini_plant().area, "hall-z")
    assert len(intervals(epochs[1])) >= 1


async def test_another_controller_is_another_meter_and_both_are_witnessed(tmp_path: Path, port: int) -> None:
    async with running(tmp_path, port) as site:
        await asyncio.sleep(2.5)
        site.edit(r'name = "knit-01"\n', 'name = "knit-01"\ncontroller = 2\n')
        await site.reload()
        await asyncio.sleep(2.5)
    first, second = (records for (name, _), records in records_of(tmp_path).items() if name == "knit-01")
    is_whole(first)
    is_whole(second)
    opened_ = second[0]
    assert isinstance(opened_, Meter)
    assert (opened_.reason, opened_.previous_epoch) == (MeterReason.REPLACED, first[0].epoch)
    assert opened_.previous_readings.keys() == opened_.readings.keys()
    assert opened_.previous_serial == opened_.serial


def follows(first: list[Record], second: list[Record]) -> None:
    """Nothing lies between the two epochs of a machine that was renamed: neither time nor a count."""
    is_whole(first)
    is_whole(second)
    opened_, last = second[0], intervals(first)[-1]
    assert isinstance(opened_, Meter)
    assert opened_.reason is MeterReason.RENAMED
    assert opened_.previous_epoch == first[0].epoch
    assert opened_.previous_readings == opened_.readings
    assert opened_.at == opened_.previous_end == last.start + last.duration_ms
    assert isinstance(first[-1], Transition)
    assert first[-1].cause == "epoch_end"
    assert intervals(second)[0].start == opened_.at


async def test_a_renamed_machine_hands_its_meter_over(tmp_path: Path, port: int) -> None:
    async with running(tmp_path, port) as site:
        await asyncio.sleep(2.5)
        await eventually(lambda: site.state_of("knit-01"))
        site.edit(r'name = "knit-01"\n', 'name = "knit-15"\nwas = "knit-01"\n')
        await site.reload()
        assert set(site.agent.machines) == {"knit-15", "knit-02", "weld-01"}
        await eventually(lambda: site.state_of("knit-01") == b"" and site.state_of("knit-15"))
        await asyncio.sleep(2)
        await site.reload()
        assert site.agent.watch._reloads().taken == 2, "was may stand in the file for ever"
        await asyncio.sleep(2)
    [first] = [records for (name, _), records in records_of(tmp_path).items() if name == "knit-01"]
    [second] = [records for (name, _), records in records_of(tmp_path).items() if name == "knit-15"]
    follows(first, second)
    with Outbox.open(
        tmp_path / "outbox.db", site="qinghe", gateway="gw1", limit_bytes=1 << 30, ring_bytes=0, ring_ms=0
    ) as outbox:
        left = msgspec.json.decode(outbox.checkpoints()["knit-01"])
    assert left["meter"] is None, "whoever gets the name begins anew"


async def test_a_machine_renamed_while_the_agent_was_away_hands_its_meter_over_too(
    tmp_path: Path, port: int
) -> None:
    async with running(tmp_path, port) as site:
        await asyncio.sleep(2.5)
    before = records_of(tmp_path)
    settings = load(tmp_path / "agent.toml")
    site.edit(r'name = "knit-01"\n', 'name = "knit-15"\nwas = "knit-01"\n')
    plant = mini_plant()
    pair = settings.clock
    async with (
        serve(build_scripts(plant, START_MS), lambda: pair.plant(time.time_ns() // 1_000_000)) as addresses,
        asyncio.TaskGroup() as tasks,
    ):
        moved = tmp_path.joinpath("agent.toml")
        text = moved.read_text("utf-8")
        for machine in settings.machines:
            old = next(one for one in settings.endpoints if one.name == machine.endpoint)
            text = text.replace(f"\nport = {old.address.port}\n", f"\nport = {addresses[machine.name][1]}\n")
        moved.write_text(text, "utf-8")
        async with opened(load(moved)) as agent:
            stop = asyncio.Event()
            metering = tasks.create_task(agent.run(stop))
            await eventually(lambda: agent.machines and agent.machines["knit-15"].meter)
            stop.set()
            await metering
    assert await retained(port, topics.state("qinghe", "knit-15"))
    assert await retained(port, topics.state("qinghe", "knit-01")) == b"", "nobody meters it any more"
    after = records_of(tmp_path)
    [old_epoch] = [key for key in before if key[0] == "knit-01"]
    [new_epoch] = [key for key in after if key[0] == "knit-15"]
    opened_ = after[new_epoch][0]
    assert isinstance(opened_, Meter)
    assert (opened_.reason, opened_.previous_epoch) == (MeterReason.RENAMED, old_epoch[1])
    is_whole(after[old_epoch])
    assert len(after[old_epoch]) > len(before[old_epoch])


async def test_a_machine_behind_another_port_goes_on_in_the_same_epoch(tmp_path: Path, port: int) -> None:
    """The cable was put into another serial gateway."""
    plant = mini_plant()
    async with running(tmp_path, port) as site:
        pair = load(site.file).clock
        async with serve(
            build_scripts(plant, START_MS), lambda: pair.plant(time.time_ns() // 1_000_000)
        ) as elsewhere:
            await asyncio.sleep(2.5)
            _, new_port, unit = elsewhere["weld-01"]
            extra = f'\n[[endpoint]]\nname = "new"\nhost = "127.0.0.1"\nport = {new_port}\n'
            block = site.without("weld-01")
            block = re.sub(r'endpoint = ".*?"', 'endpoint = "new"', block)
            site.file.write_text(site.text + extra + re.sub(r"unit = \d+", f"unit = {unit}", block), "utf-8")
            await site.reload()
            await asyncio.sleep(2.5)
            site.agent._roster._running["weld-01"].poll.cancel()  # its server goes before the agent does
    records = only(tmp_path, "weld-01")
    is_whole(records)
    assert [one.reason for one in intervals(records)] == [Reason.NONE] * len(intervals(records))
    assert len(intervals(records)) >= 2


@pytest.mark.parametrize(
    ("pattern", "instead", "says"),
    [
        (r'name = "knit-01"', 'name = "KNIT"', "name: is 'KNIT'"),
        (r'gateway = "gw1"', 'gateway = "gw2"', "gateway cannot change while the agent runs"),
        (r'path = "(.*?)"', r'path = "\1.other"', "[outbox] cannot change while the agent runs"),
        (r"site = ", "site == ", "mend the TOML"),
        (r'name = "knit-01"\n', 'name = "knit-15"\nwas = "knit-02"\n', "is the name of the machine in line"),
    ],
)
async def test_a_configuration_with_complaints_changes_nothing_and_says_so_each_time(  # noqa: PLR0917
    tmp_path: Path, port: int, caplog: pytest.LogCaptureFixture, pattern: str, instead: str, says: str
) -> None:
    async with running(tmp_path, port) as site:
        await asyncio.sleep(1)
        before, right = dict(site.agent.machines), site.text
        site.edit(pattern, instead)
        await site.reload()
        await site.reload()
        assert site.agent.machines == before
        assert caplog.text.count("configuration: refused: nothing is changed") == 2
        assert says in caplog.text
        health = await site.agent.watch.health()
        assert ("configuration", "refused") in {(one.subject, one.kind) for one in health.reasons}
        assert any(says in one.detail for one in health.reasons)
        assert health.status == "degraded"
        site.file.write_text(right, "utf-8")
        await site.reload()
        assert (await site.agent.watch.health()).status == "ok"
    is_whole(only(tmp_path, "knit-01"))


async def test_a_lease_that_was_announced_before_its_machine_came_is_heard_when_it_comes(
    tmp_path: Path, port: int
) -> None:
    async with running(tmp_path, port) as site:
        left = site.without("weld-01")
        await site.reload()
        lease = Lease(
            id="lease-9",
            machine="weld-01",
            by="office",
            tenant="hengxin",
            order_id=None,
            effective=START_MS,
            issued=START_MS,
        )
        topic = topics.lease("qinghe", "weld-01")
        await site.office.client.publish(topic, encode(lease), qos=1, retain=True)
        await asyncio.sleep(0.3)
        site.file.write_text(site.text + left, "utf-8")
        await site.reload()
        await eventually(lambda: [held.lease_id for held in site.agent.machines["weld-01"].leases])
        assert [held.lease_id for held in site.agent.machines["weld-01"].leases] == ["lease-9"]


async def test_while_files_are_read_the_loop_gets_its_turn_back_at_once(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading thousands of machines takes a thread half a second of computing, while thousands are polled."""
    usual, seen = sys.getswitchinterval(), []

    def noted(path: Path) -> Settings:
        seen.append(sys.getswitchinterval())
        return load(path)

    monkeypatch.setattr("edge_agent.reloading.load", noted)
    async with running(tmp_path, port) as site:
        await site.reload()
        site.file.write_text(f"{site.text}\ncolour = 1\n", "utf-8")
        await site.reload()
        assert site.agent.reloading.reloads.refused == 1
    assert len(seen) == 2
    assert max(seen) < usual / 10
    assert sys.getswitchinterval() == usual


async def test_leases_are_asked_for_again_only_when_a_machine_is_new(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plant has thousands of leases, and the broker would send them all between the polls."""
    asked: list[str] = []
    ask_again = Broker.ask_again

    async def noted(broker: Broker, subscription: str) -> None:
        asked.append(subscription)
        await ask_again(broker, subscription)

    monkeypatch.setattr(Broker, "ask_again", noted)
    async with running(tmp_path, port) as site:
        left = site.without("weld-01")
        for then, expected in ((site.text, []), (site.text + left, [topics.lease("qinghe", "+")])):
            said = len(site.office.payloads("/status"))
            site.file.write_text(then, "utf-8")
            await site.reload()
            await site.office.until("/status", said + 1)
            await asyncio.sleep(0.1)
            assert asked == expected


async def test_the_status_says_at_once_how_many_machines_there_are(tmp_path: Path, port: int) -> None:
    def status() -> GatewayStatus:
        return msgspec.json.decode(site.office.payloads("/status")[-1], type=GatewayStatus)

    async with running(tmp_path, port) as site:
        await eventually(lambda: site.office.payloads("/status"))
        before = status()
        site.without("weld-01")
        await site.reload()
        await eventually(lambda: status().machines == 2)
        assert status().machines_digest != before.machines_digest


async def test_another_broker_is_gone_to(
    tmp_path: Path, port: int, free_port: Callable[[], int], caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path, port) as site:
        await eventually(lambda: site.agent._hand_over.is_connected)
        site.edit(rf"port = {port}\n", f"port = {free_port()}\n")
        await site.reload()
        await eventually(lambda: not site.agent._hand_over.is_connected)
        site.edit(r"\[broker\]\nhost = .*?\nport = \d+\n", f'[broker]\nhost = "localhost"\nport = {port}\n')
        await site.reload()
        await eventually(lambda: site.agent._hand_over.is_connected)
    assert "another way to it" in caplog.text


async def test_files_that_change_are_reason_enough_where_the_configuration_says_so(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.reloading._LOOK_S", 0.05)
    async with running(tmp_path, port) as site:
        site.without("weld-01")
        await asyncio.sleep(0.5)
        assert "weld-01" in site.agent.machines, "not asked for"
        site.file.write_text("reload_on_change = true\n" + site.text, "utf-8")
        await site.reload()
        assert "weld-01" not in site.agent.machines
        site.edit(r'name = "knit-01"\n', 'name = "knit-15"\n')
        await eventually(lambda: "knit-15" in site.agent.machines)


async def test_too_many_endpoints_for_the_file_descriptors_are_refused(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.reloading.provide", lambda endpoints: f"{endpoints} are too many")
    async with running(tmp_path, port) as site:
        await site.reload()
        assert site.agent.watch._reloads().refused_why == "2 are too many"


async def test_an_endpoint_whose_certificate_cannot_be_read_changes_nothing(
    tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Found before the first machine is touched, not in the middle."""

    def unreadable(*_: object) -> dict[str, object]:
        raise PermissionError(13, "Permission denied", "agent.key")

    async with running(tmp_path, port) as site:
        before = dict(site.agent.machines)
        site.without("weld-01")
        monkeypatch.setattr(site.agent._roster, "links_to", unreadable)
        await site.reload()
        assert "agent.key" in site.agent.watch._reloads().refused_why
        assert site.agent.machines == before
