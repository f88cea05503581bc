"""Register map A: a flat-knitting machine. High word first throughout, header included. 56 registers."""

import zlib
from collections.abc import Mapping
from typing import Final

from simulators import codes
from simulators.header import Identity, abcd, header
from simulators.kinds import WATTS
from simulators.records import Order
from simulators.story import Segment
from simulators.totals import Moment

MAP_ID: Final = 0x4B4E
COURSES: Final = 480
"""Rows of one piece."""
SPEED: Final = 110
"""Programmed carriage speed, 0.01 m/s."""
GAUGE, WIDTH_INCH = 120, 52
_CREEP: Final = 25

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

    def __init__(self, it: Identity, first: Mapping[str, int], orders: Mapping[int, Order]) -> None:
        self._it, self._first = it, first
        self._orders = {number: (o.pieces, zlib.crc32(o.article.encode())) for number, o in orders.items()}

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
            WATTS["knit"][segment.state],
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
        "energy_total": run_s * WATTS["knit"]["run"] // 36_000,
    }
