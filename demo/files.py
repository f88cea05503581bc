"""The configuration of a rehearsal, written as the files that a real site would have.

They stay in the output directory, so that every command can be tried on what the rehearsal left behind.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from simulators.kinds import TYPES
from simulators.plant import Plant
from simulators.records import Address, Machine


class Place(Struct, frozen=True, kw_only=True):
    """Where a rehearsal keeps its things and meets its peers."""

    directory: Path
    broker_port: int
    embedded: bool
    """The collector's process runs the broker."""
    store: str
    """The body of a [store] table."""
    tariff: Path

    @property
    def agent(self) -> Path:
        return self.directory / "agent.toml"

    @property
    def collector(self) -> Path:
        return self.directory / "collector.toml"

    @property
    def billing(self) -> Path:
        return self.directory / "billing.toml"


def sqlite(directory: Path) -> str:
    return f'kind = "sqlite"\npath = "{directory / "store.db"}"'


def influx(url: str, database: str) -> str:
    return f'kind = "influx"\nurl = "{url}"\ndatabase = "{database}"'


def write(place: Place, plant: Plant, addresses: Mapping[str, Address], clock: str = "") -> None:
    """``clock`` is the body of a [clock] table, for processes that share a scaled plant time."""
    place.agent.write_text(_agent(place, plant, addresses, clock), "utf-8")
    place.collector.write_text(_collector(place, clock), "utf-8")
    place.billing.write_text(_billing(place, plant), "utf-8")


_OWNERSHIP = """
[[ownership]]
id = "welding-cells"
machines = ["weld-*"]
host_fee_percent = "8"
owner = [
    { id = "ansheng", share = 600000, name_en = "Ansheng Metalwork", name_zh = "安盛金属" },
    { id = "hebian", share = 400000, name_en = "Hebian Village Co-operative", name_zh = "河边村合作社" },
]
"""
"""Two firms bought the welding cells together."""


def _table(name: str, body: str) -> str:
    return f"\n[{name}]\n{body}\n" if body else ""


def _agent(place: Place, plant: Plant, addresses: Mapping[str, Address], clock: str) -> str:
    head = (
        f'site = "{plant.site}"\narea = "{plant.area}"\ngateway = "gw1"\ntimezone = "{plant.timezone}"\n'
        f"\n[poll]\nperiod_ms = {plant.poll_ms}\n"
        f'\n[broker]\nhost = "127.0.0.1"\nport = {place.broker_port}\n'
        f'\n[outbox]\npath = "{place.directory / "outbox.db"}"\n'
    )
    ports = sorted({(host, port) for host, port, _ in addresses.values()})
    endpoints = (
        f'\n[[endpoint]]\nname = "port-{port}"\nhost = "{host}"\nport = {port}\n' for host, port in ports
    )
    machines = (
        f'\n[[machine]]\nname = "{machine.name}"\nendpoint = "port-{addresses[machine.name][1]}"\n'
        f"unit = {addresses[machine.name][2]}\n"
        f'profile = "{machine.profile}"\n{_serial(machine)}'
        for machine in plant.machines
    )
    return head + _table("clock", clock) + "".join(endpoints) + "".join(machines)


def _serial(machine: Machine) -> str:
    return f"serial = {machine.serial}\n" if TYPES[machine.kind].map_id else ""


def _collector(place: Place, clock: str) -> str:
    broker = f"embedded = {str(place.embedded).lower()}\nport = {place.broker_port}"
    name = _table("collector", 'name = "rehearsal"')
    return name + _table("broker", broker) + _table("store", place.store) + _table("clock", clock)


def _billing(place: Place, plant: Plant) -> str:
    site = f'name = "{plant.site}"\ntimezone = "{plant.timezone}"\nname_en = "{plant.name}"'
    tenants = (
        f'\n[[tenant]]\nid = "{tenant.id}"\nname_en = "{tenant.name_en}"\nname_zh = "{tenant.name_zh}"\n'
        for tenant in plant.tenants
    )
    tariff = f'tariff = "{place.tariff}"\n'
    return tariff + _table("site", site) + _table("store", place.store) + "".join(tenants) + _OWNERSHIP
