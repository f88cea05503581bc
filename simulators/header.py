"""Registers 0 to 19, the same for every kind of machine, and how 32-bit values lie in two registers."""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from simulators import codes
from simulators.codes import Bit, State
from simulators.story import Segment
from simulators.totals import Moment

MAP_VERSION: Final = 1 << 8
SHIFT_MS: Final = 8 * 3_600_000

_BITS: Final[dict[State, Bit]] = {
    "run": Bit.POWER | Bit.READY | Bit.RUNNING,
    "setup": Bit.POWER | Bit.READY | Bit.SETUP,
    "stop": Bit.POWER | Bit.STOPPED,
    "fault": Bit.POWER | Bit.FAULT,
    "idle": Bit.POWER | Bit.READY,
    "maint": Bit.POWER | Bit.MAINT,
    "off": Bit(0),
    "test": Bit.POWER | Bit.READY | Bit.RUNNING | Bit.TEST,
}
_MODES: Final[dict[State, int]] = {"maint": 2, "setup": 4, "test": 5}


Pair = Callable[[int], tuple[int, int]]


class Identity(Struct, frozen=True, kw_only=True):
    """What a controller knows of itself."""

    map_id: int
    serial: int
    boot_count: int
    """At the start of the story."""
    uptime_ms: int
    """Likewise."""
    clock_off_s: int
    """How far its clock is wrong."""


def abcd(value: int) -> tuple[int, int]:
    """High word first."""
    return value >> 16 & 0xFFFF, value & 0xFFFF


def cdab(value: int) -> tuple[int, int]:
    """Low word first."""
    return value & 0xFFFF, value >> 16 & 0xFFFF


def status(segment: Segment) -> int:
    """Register 9. The bits show one state, by the precedence of `codes.Bit`; b15 is always set."""
    bits = _BITS[segment.state].value | Bit.VALID.value
    bits |= Bit.MANUAL.value if segment.manual else 0
    bits |= Bit.E_STOP.value if segment.e_stop else 0
    bits |= Bit.GUARD_OPEN.value if segment.guard_open else 0
    bits |= Bit.SLOW.value if segment.slow else 0
    bits |= Bit.ORDER.value if segment.order else 0
    return bits | (Bit.TARGET.value if segment.stop_code == codes.TARGET_REACHED else 0)


def uptime_s(it: Identity, now: Moment, offset: int) -> int:
    """Since the controller last restarted."""
    return max(0, offset + it.uptime_ms if now.booted is None else offset - now.booted) // 1000


def header(
    it: Identity, now: Moment, vendor_state: int, *, offset: int, now_ms: int, pair: Pair
) -> tuple[int, ...]:
    """`offset` is ms after the start, `now_ms` the same instant in UTC epoch ms; `pair` lays 32 bits out."""
    segment, up_s = now.segment, uptime_s(it, now, offset)
    alarm = 1000 + segment.stop_code if segment.state == "fault" else 0
    return (
        it.map_id,
        MAP_VERSION,
        *pair(it.serial),
        *pair(it.boot_count + now.boots),
        *pair(up_s),
        up_s & 0xFFFF,
        status(segment),
        *pair(now_ms // 1000 + it.clock_off_s),
        vendor_state,
        segment.stop_code,
        alarm,
        _MODES.get(segment.state, 3 if segment.manual else 1),
        *pair(segment.order),
        1 + max(0, offset) // SHIFT_MS % 3,
        segment.operator,
    )
