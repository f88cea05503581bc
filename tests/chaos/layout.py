"""The site that is put under stress: its plant, its gateways, its files. Nothing runs here."""

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

MINUTE_MS: Final = 60_000
START_MS: Final = 1_790_380_800_000 + 940 * MINUTE_MS
"""2026-09-26 23:40 in Shanghai: every run crosses midnight."""
SCALE: Final = 30
POLL_MS: Final = 10_000
HOLD_POLLS: Final = 4
QUIET_S: Final = 90
"""No piece is counted nearer than this to a change of order or lease: longer than hold and a slow read."""
CHECKPOINT_MS: Final = 10_000
TIMEOUT_MS: Final = 600
BACKOFF_MS: Final = (200, 2_000)
"""Real time, of a Modbus link."""
COLLECTORS: Final = ("c1", "c2")
SITE: Final = "qinghe"


class Endpoint(Struct, frozen=True):
    name: str
    gateway: str
    profile: str
    machines: tuple[str, ...]
    """By unit id, from 1."""


ENDPOINTS: Final = (
    Endpoint("hall-a", "gw1", "knit-flat", ("knit-01", "knit-02", "knit-03", "knit-04")),
    Endpoint("hall-b", "gw2", "knit-flat", ("knit-05", "knit-06", "knit-07", "knit-08")),
    Endpoint("cell-a", "gw1", "weld-cell", ("weld-01",)),
    Endpoint("cell-b", "gw2", "weld-cell", ("weld-02",)),
)
GATEWAYS: Final = ("gw1", "gw2")
PLACE: Final = {machine: endpoint for endpoint in ENDPOINTS for machine in endpoint.machines}


def links(store: str) -> tuple[str, ...]:
    """Every wire that can be cut."""
    stores = [f"{name}>store" for name in COLLECTORS] if store != "sqlite" else []
    modbus = [f"{endpoint.gateway}>{endpoint.name}" for endpoint in ENDPOINTS]
    return (*modbus, *(f"{name}>broker" for name in (*GATEWAYS, *COLLECTORS)), *stores)


TENANTS: Final = {
    "knit": ("hengxin", "ruifeng"),
    "weld": ("juntu", "yuanling"),
    "any": ("sanhe",),
}
"""Who leases knitting machines, who leases welding cells, and who brings work where nobody leases."""
_PIECES: Final = {"knit": (10, 75), "weld": (18, 35)}
"""Pieces of an order and seconds of a piece: some 15 minutes with set-up."""


def plant(duration_ms: int, seed: int, ports: Mapping[str, int]) -> str:
    """A plant file for so long a shift; ``ports`` by endpoint. Leases hand over, orders change."""
    head = (
        f'name = "Chaos"\nsite = "{SITE}"\narea = "hall"\ntimezone = "Asia/Shanghai"\nseed = {seed}\n'
        f'duration = "{duration_ms // MINUTE_MS}m"\nquiet_s = {QUIET_S}\npoll_s = {POLL_MS // 1000}\n'
    )
    return "".join((head, *_tenants(), *_machines(ports), *_orders(duration_ms), *_leases(duration_ms)))


def _tenants() -> Iterator[str]:
    for name in (name for names in TENANTS.values() for name in names):
        yield f'\n[[tenant]]\nid = "{name}"\nname_en = "{name}"\nname_zh = "{name}"\n'


def _machines(ports: Mapping[str, int]) -> Iterator[str]:
    for endpoint in ENDPOINTS:
        kind, first = endpoint.machines[0].split("-")
        yield (
            f'\n[[machines]]\nkind = "{kind}"\ncount = {len(endpoint.machines)}\nname = "{kind}-{{n:02}}"\n'
            f'first = {int(first)}\nunits = "shared"\nport = {ports[endpoint.name]}\n'
            "behaviour = { setup_s = 60, stops_per_hour = 8, faults_per_hour = 0.5, scrap_share = 0.1,"
            " restarts_per_hour = 0.3 }\n"
        )


def _orders(duration_ms: int) -> Iterator[str]:
    """More than can be done."""
    rounds = duration_ms // (15 * MINUTE_MS) + 2
    for kind, (pieces, piece_s) in _PIECES.items():
        for number, tenant in enumerate((*TENANTS[kind], *TENANTS["any"]), start=1):
            for count in range(rounds):
                name = 10_000 * (1 + list(_PIECES).index(kind)) + 1_000 * number + count
                yield (
                    f'\n[[order]]\nid = "{name}"\ntenant = "{tenant}"\narticle = "article {name}"\n'
                    f'pieces = {pieces}\npiece_s = {piece_s}\nmachines = ["{kind}-*"]\n'
                )


def _leases(duration_ms: int) -> Iterator[str]:
    """Each machine changes hands at its own times; now and then nobody leases it."""
    last = duration_ms // MINUTE_MS
    slot = min(60, max(17, last // 3))
    for place, machine in enumerate(PLACE):
        tenants = TENANTS[machine.split("-")[0]]
        cuts = [0, *range(slot // 2 + 4 + (place * 7) % slot, last, slot), last]
        for number, (start, end) in enumerate(itertools.pairwise(cuts)):
            if end > start and (number + place) % 4 != 3:
                yield (
                    f'\n[[lease]]\nmachines = ["{machine}"]\ntenant = "{tenants[number % 2]}"\n'
                    f'from = "{start}m"\nuntil = "{end}m"\n'
                )


def agent(
    gateway: str, ports: Mapping[str, int], outbox: Path, serials: Mapping[str, int], clock: str
) -> str:
    """``ports`` by link; ``clock`` is the body of a [clock] table."""
    head = (
        f'site = "{SITE}"\narea = "hall"\ngateway = "{gateway}"\ntimezone = "Asia/Shanghai"\n'
        f"\n[clock]\n{clock}\n\n[poll]\nperiod_ms = {POLL_MS}\nhold_polls = {HOLD_POLLS}\n"
        f"checkpoint_ms = {CHECKPOINT_MS}\n"
        f'\n[broker]\nhost = "127.0.0.1"\nport = {ports[f"{gateway}>broker"]}\nkeepalive_s = 5\n'
        f'\n[outbox]\npath = "{outbox}"\nring_bytes = 8388608\n'
    )
    own = [endpoint for endpoint in ENDPOINTS if endpoint.gateway == gateway]
    endpoints = (
        f'\n[[endpoint]]\nname = "{endpoint.name}"\nhost = "127.0.0.1"\n'
        f"port = {ports[f'{gateway}>{endpoint.name}']}\ntimeout_ms = {TIMEOUT_MS}\n"
        f"backoff_ms = {BACKOFF_MS[0]}\nbackoff_max_ms = {BACKOFF_MS[1]}\n"
        for endpoint in own
    )
    machines = (
        f'\n[[machine]]\nname = "{machine}"\nendpoint = "{endpoint.name}"\nunit = {unit}\n'
        f'profile = "{endpoint.profile}"\nserial = {serials[machine]}\n'
        for endpoint in own
        for unit, machine in enumerate(endpoint.machines, start=1)
    )
    return "".join((head, *endpoints, *machines))


def collector(name: str, broker_port: int, store: str, clock: str) -> str:
    """``store`` is the body of a [store] table."""
    return (
        f'[collector]\nname = "{name}"\nsite = "{SITE}"\nrestore_after_s = 2\n'
        f'\n[broker]\nhost = "127.0.0.1"\nport = {broker_port}\nshared = "collectors"\n'
        f"\n[store]\n{store}\n\n[clock]\n{clock}\n"
    )
