"""Register map A: a flat-knitting machine. High word first throughout, header included. 56 registers."""

import zlib
from collections.abc import Mapping
from typing import Final

from simulators import codes
from simulators.codes import STATES
from simulators.device import Image, registers
from simulators.header import Identity, abcd, header
from simulators.machine_type import Cause, MachineType
from simulators.records import Behaviour, Order
from simulators.story import Segment
from simulators.totals import Moment, Rate

MAP_ID: Final = 0x4B4E
COURSES: Final = 480
"""Rows of one piece."""
SPEED: Final = 110
"""Programmed carriage speed, 0.01 m/s."""
GAUGE, WIDTH_INCH = 120, 52
_CREEP: Final = 25
# run, setup, stop, fault, idle, maint, off, test
_WATTS: Final = dict(zip(STATES, (1150, 420, 310, 280, 260, 240, 0, 900), strict=True))

# Native states after the event codes of a large maker of such machines.
_NATIVE_STOPS: Final = {
    codes.YARN_BREAK: 3,
    codes.KNOT: 3,
    codes.YARN_OUT: 3,
    codes.FABRIC_DROP: 7,
    codes.PROGRAM_ERROR: 8,
    codes.TENANT_OPERATOR: 2,
    codes.NEEDLE: 10,
    codes.RACKING: 11,
    codes.TARGET_REACHED: 4,
}
_STOPS: Final = (
    *("stops_yarn_break", "stops_knot", "stops_yarn_out", "stops_needle"),
    *("stops_fabric_drop", "stops_racking", "stops_manual", "stops_other"),
)
_NATIVE_STATES: Final = {"run": 1, "test": 1, "setup": 8, "idle": 4, "off": 32002}


class Knit:
    """Turns a moment of a machine into its registers."""

    rates: Mapping[str, Rate] = {}

    def __init__(self, it: Identity, first: Mapping[str, int], orders: Mapping[int, Order]) -> None:
        self._it, self._first = it, first
        self._orders = {number: (o.pieces, zlib.crc32(o.article.encode())) for number, o in orders.items()}

    def image(self, now: Moment, offset: int, now_ms: int) -> Image:
        return registers(self.registers(now, offset, now_ms))

    def counted(self, now: Moment) -> dict[str, int]:
        return {
            "produced": now.pieces,
            "scrap": now.scrap,
            "courses": now.pieces * COURSES + _course(now),
            "energy_wh": now.watt_ms // 36_000_000 * 10,
        }

    def registers(self, now: Moment, offset: int, now_ms: int) -> list[int]:
        first, segment = self._first, now.segment
        target, pattern = self._orders.get(segment.order, (0, 0))
        course = _course(now)
        knitted = (now.last.run_to - now.last.run_from) // 100 if now.last else 0
        return [
            *header(self._it, now, _native(segment), offset=offset, now_ms=now_ms, pair=abcd),
            *abcd(first["run_s"] + now.run_ms // 1000),
            *abcd(first["stop_s"] + now.stop_ms // 1000),
            *abcd(first["power_on_s"] + now.on_ms // 1000),
            *abcd(first["pieces_total"] + now.pieces),
            *abcd(first["pieces_ng_total"] + now.scrap),
            target,
            max(0, target - now.done),
            *abcd(first["courses_total"] + now.pieces * COURSES + course),
            course,
            COURSES,
            _speed(segment),
            SPEED,
            *abcd(knitted),
            *abcd(pattern),
            GAUGE,
            WIDTH_INCH,
            *((first[name] + n) & 0xFFFF for name, n in zip(_STOPS, now.stops, strict=True)),
            *abcd(first["energy_total"] + now.watt_ms // 36_000_000),
            _temperature(segment, offset),
            _WATTS[segment.state],
        ]


def _course(now: Moment) -> int:
    """The row being knitted, by how much of the piece's running time is spent."""
    if now.next is None:
        return 0
    return COURSES * (now.run_ms - now.next.run_from) // (now.next.run_to - now.next.run_from)


def _native(segment: Segment) -> int:
    return _NATIVE_STOPS.get(segment.stop_code) or _NATIVE_STATES.get(segment.state, 9)


def _speed(segment: Segment) -> int:
    if segment.state not in ("run", "test"):
        return 0
    return _CREEP if segment.slow else SPEED


def _temperature(segment: Segment, offset: int) -> int:
    """0.1 degrees C: warm while it works, with a drift of a degree."""
    warm = 418 if segment.state in ("run", "test") else 266
    return warm + offset // 60_000 % 11


def after(run_s: int) -> dict[str, int]:
    """What its counters say after so many seconds of producing, one piece in 800 s and one in 40 spoilt."""
    pieces = run_s // 800
    return {
        "run_s": run_s,
        "stop_s": run_s // 6,
        "pieces_total": pieces,
        "pieces_ng_total": pieces // 40,
        "courses_total": pieces * COURSES,
        "energy_total": run_s * _WATTS["run"] // 36_000,
    }


TYPE: Final = MachineType(
    kind="knit",
    profile="knit-flat",
    map_id=MAP_ID,
    counters=dict.fromkeys(
        (
            *("boot_count", "energy_total", "run_s", "stop_s", "power_on_s"),
            *("pieces_total", "pieces_ng_total", "courses_total"),
        ),
        32,
    )
    | dict.fromkeys(_STOPS, 16),
    after=after,
    make=lambda seat: Knit(seat.it, seat.first, seat.orders),
    behaviour=Behaviour(
        stops_per_hour=2.6,
        faults_per_hour=0.12,
        maint_per_hour=0.06,
        restarts_per_hour=0.05,
        scrap_share=0.03,
        rework_share=0.0,
        setup_s=360,
        test_share=0.2,
        jitter=0.04,
    ),
    watts=_WATTS,
    stops=(
        Cause("stop", codes.YARN_BREAK, 34, 75, 0.9),
        Cause("stop", codes.KNOT, 20, 35, 0.8),
        Cause("stop", codes.YARN_OUT, 10, 150, 0.7),
        Cause("stop", codes.FABRIC_DROP, 8, 240, 0.8),
        Cause("stop", codes.PROGRAM_ERROR, 2, 300, 0.7),
        Cause("stop", codes.TENANT_OPERATOR, 8, 200, 0.9),
        Cause("stop", codes.WAIT_QC, 2, 400, 0.6),
        Cause("stop", codes.WAIT_MATERIAL, 4, 600, 0.7),
        Cause("stop", codes.RACKING, 4, 240, 0.6),
        Cause("stop", codes.OPERATOR_ABSENT, 5, 420, 0.8),
        Cause("stop", codes.POWER_FAIL, 0.6, 120, 0.8),
        Cause("stop", codes.AIR, 1.0, 180, 0.7),
        Cause("stop", codes.UNKNOWN_STOP, 1.4, 90, 0.8),
    ),
    faults=(
        Cause("fault", codes.NEEDLE, 8, 900, 0.6),
        Cause("fault", codes.RACKING, 2, 1200, 0.5),
    ),
    classes=(
        *(codes.YARN_BREAK, codes.KNOT, codes.YARN_OUT, codes.NEEDLE),
        *(codes.FABRIC_DROP, codes.RACKING, codes.TENANT_OPERATOR, codes.UNKNOWN_STOP),
    ),
    pieces=frozenset({"produced", "scrap"}),
)
