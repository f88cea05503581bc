"""Register map D: a dye-house's effluent and steam point. High word first. 57 registers.

What has flowed is told as on real flow meters: whole cubic metres in one register pair, the rest as a float
between 0 and 1 in the next. The meter counts whole litres. Each concentration stands beside the flag of the
national telemetry format (HJ 212) that says whether it may be used, and beside the age of its sample.
"""

import zlib
from collections.abc import Mapping
from struct import pack, unpack
from typing import Final

from simulators.device import Image, registers
from simulators.header import Identity, abcd, header
from simulators.machine_type import Flow, MachineType
from simulators.records import Behaviour
from simulators.totals import Moment, Rate

MAP_ID: Final = 0x4546
SAMPLE_MS: Final = 15 * 60_000
"""The analysers draw a new sample this often."""
STEAM_G_PER_L, STEAM_KJ_PER_KG = 120, 2700
_UL_PER_L: Final = 1_000_000

FLAGS: Final = "NNNNNNNNNNNNTSCD"
"""Normal as a rule; else over range, entered by hand, being calibrated, failed."""
_OF_STATE: Final = {"fault": "D", "maint": "M", "off": "B"}
_COD, _NH3N, _TN, _TP = ("cod", 800, 9000), ("nh3n", 20, 300), ("tn", 100, 700), ("tp", 5, 80)
"""Name, and between what it lies in 0.1 mg/L."""


def f32(value: float) -> tuple[int, int]:
    """High word first."""
    high, low = unpack(">2H", pack(">f", value))
    return high, low


class Effluent:
    """Turns a moment of a point into its registers."""

    rates: Mapping[str, Rate] = {
        "forward_ul": lambda segment: max(0, segment.level),
        "reverse_ul": lambda segment: max(0, -segment.level),
    }

    def __init__(self, it: Identity, first: Mapping[str, int], seed: str) -> None:
        self._it, self._first, self._seed = it, first, seed

    def image(self, now: Moment, offset: int, now_ms: int) -> Image:
        return registers(self.registers(now, offset, now_ms))

    def counted(self, now: Moment) -> dict[str, int]:
        forward_ul = now.sums["forward_ul"]
        return {
            "effluent_l": forward_ul // _UL_PER_L,
            "reverse_l": now.sums["reverse_ul"] // _UL_PER_L,
            "steam_kg": _steam_kg(forward_ul),
            "steam_mj": _steam_mj(forward_ul),
        }

    def registers(self, now: Moment, offset: int, now_ms: int) -> list[int]:
        first, segment, counted = self._first, now.segment, self.counted(now)
        vendor = {"run": 1, "idle": 0}.get(segment.state, 9)
        flow = segment.level
        return [
            *header(self._it, now, vendor, offset=offset, now_ms=now_ms, pair=abcd),
            *f32(flow * 36 / 10_000),
            *_cubic_metres(first["forward_l"] + counted["effluent_l"]),
            *_cubic_metres(first["reverse_l"] + counted["reverse_l"]),
            *self._concentration(_COD, now, offset),
            *self._concentration(_NH3N, now, offset),
            *self._concentration(_TN, now, offset),
            *self._concentration(_TP, now, offset),
            640 + self._draw("ph", offset) % 220,
            ord(self._flag("ph", now, offset)),
            -15 & 0xFFFF if segment.state == "off" else 380 + offset // 60_000 % 11,
            1500 + flow // 10 & 0xFFFF,
            *f32(max(0, flow) * STEAM_G_PER_L * 36 / 10_000_000),
            *abcd(first["steam_kg"] + counted["steam_kg"]),
            *abcd(first["steam_mj"] + counted["steam_mj"]),
            _bits(now),
        ]

    def _concentration(self, of: tuple[str, int, int], now: Moment, offset: int) -> tuple[int, int, int, int]:
        """0.1 mg/L as mg/L, its flag, and how many seconds ago its sample was drawn."""
        name, low, high = of
        tenths = low + self._draw(name, offset) % (high - low)
        return *f32(tenths / 10), ord(self._flag(name, now, offset)), offset % SAMPLE_MS // 1000

    def _flag(self, name: str, now: Moment, offset: int) -> str:
        return _OF_STATE.get(now.segment.state) or FLAGS[self._draw(f"{name} flag", offset) % len(FLAGS)]

    def _draw(self, name: str, offset: int) -> int:
        """The same for the whole life of a sample."""
        return zlib.crc32(f"{self._seed}/{name}/{offset // SAMPLE_MS}".encode())


def _cubic_metres(litres: int) -> tuple[int, int, int, int]:
    """The integer part wraps at 32 bits; the fraction is the nearest float."""
    return *abcd(litres // 1000), *f32(litres % 1000 / 1000)


def _steam_kg(forward_ul: int) -> int:
    return forward_ul * STEAM_G_PER_L // 1_000_000_000


def _steam_mj(forward_ul: int) -> int:
    return forward_ul * STEAM_G_PER_L * STEAM_KJ_PER_KG // 1_000_000_000_000


def _bits(now: Moment) -> int:
    """Register 56: empty pipe, system alarm, reverse flow, valve open, power."""
    state, flow = now.segment.state, now.segment.level
    bits = (state == "maint", state == "fault", flow < 0, flow != 0, state != "off")
    return sum(bit << n for n, bit in enumerate(bits))


def after(run_s: int) -> dict[str, int]:
    """What its counters say after so many seconds of discharge at 8 L/s."""
    litres = run_s * 8
    return {
        "forward_l": litres,
        "reverse_l": litres // 5000,
        "steam_kg": litres * STEAM_G_PER_L // 1000,
        "steam_mj": litres * STEAM_G_PER_L * STEAM_KJ_PER_KG // 1_000_000,
    }


TYPE: Final = MachineType(
    kind="effluent",
    profile="effluent-point",
    map_id=MAP_ID,
    counters={"boot_count": 32, "forward_l": 41, "reverse_l": 41, "steam_kg": 32, "steam_mj": 32},
    after=after,
    make=lambda seat: Effluent(seat.it, seat.first, seat.seed),
    behaviour=Behaviour(
        stops_per_hour=0,
        faults_per_hour=0.15,
        maint_per_hour=0.1,
        restarts_per_hour=0.05,
        scrap_share=0,
        rework_share=0,
        setup_s=0,
        test_share=0,
        jitter=0,
    ),
    flow=Flow(
        low=2_000,
        high=14_000,
        steady_s=(15, 240),
        batch_s=(300, 2_400),
        pause_s=(60, 900),
        back_share=0.3,
    ),
)
