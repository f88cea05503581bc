"""The whole site as real processes, its wires, and what each fault does to them."""

import asyncio
import contextlib
import sqlite3
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec import Struct

from contract.clock import ClockPair
from simulators.plant import Plant, load_plant
from store.config import InfluxConfig, SqliteConfig
from tests.chaos import disk, layout, peers
from tests.chaos.child import Child, Fall
from tests.chaos.link import Link
from tests.chaos.schedule import Fault, Kind

DATABASE: Final = "chaos"


class Outage(Struct, frozen=True, kw_only=True):
    """A fault as it really was, real UTC ms."""

    fault: Fault
    began: int
    ended: int


def now_ms() -> int:
    return time.time_ns() // 1_000_000


class Site:
    def __init__(self, directory: Path, clock: ClockPair, store: str) -> None:
        self.directory, self.clock, self.store = directory, clock, store
        self.links: dict[str, Link] = {}
        self.children: dict[str, Child] = {}
        self.falls: list[Fall] = []
        self.outages: list[Outage] = []
        self.disks: dict[str, Path] = {name: directory / f"disk-{name}" for name in layout.GATEWAYS}
        self.ports: dict[str, int] = {}
        self.store_host = "127.0.0.1"
        self.bucket = f"{DATABASE}-{clock.real_ms}"
        """Of an InfluxDB 2.x that others use too."""

    @property
    def config(self) -> SqliteConfig | InfluxConfig:
        """The store without any link of ours in between."""
        if self.store == "sqlite":
            return SqliteConfig(kind="sqlite", path=self.directory / "store.db")
        url = f"http://{self.store_host}:{self.ports['store']}"
        if self.store == "influx":
            return InfluxConfig(kind="influx", url=url, database=DATABASE, timeout_s=15)
        token = self.directory / "token"
        return InfluxConfig(
            kind="influx", url=url, database=self.bucket, org=peers.influx2().org, token_file=token
        )

    def outbox(self, gateway: str) -> Path:
        return self.disks[gateway] / "outbox.db"

    def offset(self, gateway: str) -> Path:
        return self.directory / f"{gateway}.offset"

    def step(self, gateway: str, by_ms: int) -> None:
        """Sets how wrong the wall clock of an agent is. Never half written."""
        part = self.directory / f"{gateway}.offset.part"
        part.write_text(str(by_ms), "ascii")
        part.replace(self.offset(gateway))

    def plant_ms(self) -> int:
        return self.clock.plant(now_ms())

    def child(self, name: str, argv: list[str]) -> Child:
        self.children[name] = Child(name, argv, self.directory / f"{name}.log", self.falls, now_ms)
        return self.children[name]

    async def suffer(self, fault: Fault) -> None:
        """The fault from beginning to end; what hits the same process waits for it."""
        child = self.children.get(fault.target)
        async with child.struck if child else contextlib.nullcontext():
            began = now_ms()
            await self._happen(fault)
            self.outages.append(Outage(fault=fault, began=began, ended=now_ms()))

    async def _happen(self, fault: Fault) -> None:
        if ">" in fault.target:
            await self.links[fault.target].fail(fault.kind)
            await asyncio.sleep(fault.for_s)
            await self.links[fault.target].heal()
        elif fault.kind is Kind.FULL:
            await asyncio.to_thread(disk.fill, self.disks[fault.target])
            await asyncio.sleep(fault.for_s)
            disk.release(self.disks[fault.target])
        elif fault.kind is Kind.STEP:
            self.step(fault.target, fault.by_ms)
            await asyncio.sleep(fault.for_s)
            self.step(fault.target, 0)
        elif fault.kind is Kind.LOCK:
            await asyncio.to_thread(_lock, self.directory / "store.db", fault.for_s)
        else:
            await self._strike(self.children[fault.target], fault)

    async def _strike(self, child: Child, fault: Fault) -> None:
        if fault.kind is Kind.PAUSE:
            child.pause()
            await asyncio.sleep(fault.for_s)
            child.go_on()
            return
        await (child.kill() if fault.kind is Kind.KILL else child.stop())
        await asyncio.sleep(fault.for_s)
        await child.start()


def _lock(path: Path, seconds: float) -> None:
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    try:
        db.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        db.execute("ROLLBACK")
    finally:
        db.close()


@asynccontextmanager
async def opened(
    directory: Path, clock: ClockPair, store: str, duration_ms: int, seed: int
) -> AsyncIterator[tuple[Site, Plant]]:
    """A site whose plant, peers and wires are up; ``start_all`` starts what is ours."""
    site = Site(directory, clock, store)
    async with AsyncExitStack() as stack:
        site.ports = {name: peers.free_port() for name in ("broker", "store", "rpc")}
        site.ports |= {endpoint.name: peers.free_port() for endpoint in layout.ENDPOINTS}
        if store == "influx2":
            _borrow(site)
        plant = _plant(site, duration_ms, seed)
        for name, folder in site.disks.items():
            if disk.mount(folder):
                stack.callback(disk.unmount, folder, directory / f"outbox-{name}")
        tasks = await stack.enter_async_context(_tasks())
        for name in layout.links(store):
            server = name.split(">")[1]
            host = site.store_host if server == "store" else "127.0.0.1"
            link = site.links[name] = Link(peers.free_port(), site.ports[server], host)
            await link.listen()
            stack.push_async_callback(link.close)
        _children(site, plant)
        for child in site.children.values():
            tasks.append(asyncio.create_task(child.run(), name=child.name))
        for name in ("broker", "store", "plant"):
            if name in site.children:
                await site.children[name].start()
        for name in (
            "broker",
            *(e.name for e in layout.ENDPOINTS),
            *(["store"] if store == "influx" else []),
        ):
            await peers.answers(site.ports[name])
        yield site, plant


@asynccontextmanager
async def _tasks() -> AsyncIterator[list["asyncio.Task[None]"]]:
    tasks: list[asyncio.Task[None]] = []
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _borrow(site: Site) -> None:
    """Raises MissingError."""
    peer = peers.influx2()
    site.store_host, site.ports["store"] = peer.host, peer.port
    (site.directory / "token").write_text(peer.token, "utf-8")


def _plant(site: Site, duration_ms: int, seed: int) -> Plant:
    file = site.directory / "plant.toml"
    file.write_text(layout.plant(duration_ms, seed, site.ports), "utf-8")
    return load_plant(file)


def _children(site: Site, plant: Plant) -> None:
    directory, ports = site.directory, site.ports
    site.child("broker", peers.mosquitto(directory, ports["broker"]))
    if site.store == "influx":
        site.child("store", peers.influxd(directory, ports["store"], ports["rpc"]))
    site.child("plant", _simulator(site))
    for name, config in _configs(site, plant).items():
        module = "edge_agent" if name in layout.GATEWAYS else "collector"
        file = directory / f"{name}.toml"
        file.write_text(config, "utf-8")
        site.child(name, [sys.executable, "-m", module, "run", "--config", str(file)])


def _simulator(site: Site) -> list[str]:
    clock = site.clock
    start = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(layout.START_MS // 1000))}+00:00"
    told = {"--start": start, "--scale": clock.scale, "--clock-real": clock.real_ms}
    told["--clock-plant"] = clock.plant_ms
    options = [str(word) for pair in told.items() for word in pair]
    return [sys.executable, "-m", "simulators", "run", str(site.directory / "plant.toml"), *options]


def _configs(site: Site, plant: Plant) -> Mapping[str, str]:
    clock = f"real_ms = {site.clock.real_ms}\nplant_ms = {site.clock.plant_ms}\nscale = {site.clock.scale}"
    ports = {name: link.port for name, link in site.links.items()}
    serials = {machine.name: machine.serial for machine in plant.machines}
    agents = {
        name: layout.agent(
            name, ports, site.outbox(name), serials, f'{clock}\noffset_file = "{site.offset(name)}"'
        )
        for name in layout.GATEWAYS
    }
    collectors = {
        name: layout.collector(name, ports[f"{name}>broker"], _store(site, ports, name), clock)
        for name in layout.COLLECTORS
    }
    return agents | collectors


def _store(site: Site, ports: Mapping[str, int], name: str) -> str:
    if site.store == "sqlite":
        return f'kind = "sqlite"\npath = "{site.directory / "store.db"}"'
    url = f"http://127.0.0.1:{ports[f'{name}>store']}"
    if site.store == "influx":
        return f'kind = "influx"\nurl = "{url}"\ndatabase = "{DATABASE}"\ntimeout_s = 5'
    secrets = f'org = "{peers.influx2().org}"\ntoken_file = "{site.directory / "token"}"'
    return f'kind = "influx"\nurl = "{url}"\ndatabase = "{site.bucket}"\n{secrets}\ntimeout_s = 5'
