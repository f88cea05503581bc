"""Register map B: an arc-welding robot cell. Low word first throughout, header included. 56 registers."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

from simulators import codes
from simulators.codes import STATES
from simulators.device import Image, registers
from simulators.header import Identity, cdab, header
from simulators.machine_type import Cause, MachineType
from simulators.records import Behaviour, Order
from simulators.story import Piece, Segment
from simulators.totals import Moment, Rate

MAP_ID: Final = 0x5744
SEAMS: Final = 4
"""Seams of one part; in each slot of the cycle the arc burns for three quarters."""
CURRENT_A, VOLTAGE_DV, WIRE_DM_MIN, GAS_DL_MIN, TRAVEL_MM_MIN = 182, 214, 80, 150, 480
"""While the arc burns: A, 0.1 V, 0.1 m/min, 0.1 L/min, 0.1 cm/min."""
WIRE_MG_PER_S: Final = 1187
"""1.2 mm steel weighs 8.9 g/m; fed at 8 m/min."""
# run, setup, stop, fault, idle, maint, off, test
_WATTS: Final = dict(zip(STATES, (6400, 950, 780, 640, 620, 560, 0, 5200), strict=True))

_NATIVE_STATES: Final = {
    "run": 1,
    "test": 1,
    "stop": 2,
    "idle": 2,
    "setup": 3,
    "maint": 3,
    "fault": 4,
    "off": 0,
}
_JUDGEMENTS: Final = {"ok": 1, "ng": 2, "rework": 3}


class Arc(NamedTuple):
    """The arc within one part, so far."""

    ms: int
    starts: int
    burning: bool


def arc(spent: int, length: int) -> Arc:
    """How long the arc has burned when `spent` of `length` ms of a part's running time are gone."""
    slot = length // SEAMS
    burn = slot * 3 // 4
    done, rest = divmod(spent, slot) if slot else (SEAMS, 0)
    if done >= SEAMS:
        return Arc(SEAMS * burn, SEAMS, burning=False)
    return Arc(done * burn + min(rest, burn), done + (rest > 0), burning=0 < rest < burn)


class Weld:
    """Turns a moment of a cell into its registers."""

    rates: Mapping[str, Rate] = {}

    def __init__(
        self,
        it: Identity,
        first: Mapping[str, int],
        orders: Mapping[int, Order],
        pieces: Sequence[Piece],
    ) -> None:
        self._it, self._first = it, first
        self._programs = {number: 100 + n for n, number in enumerate(orders, 1)}
        whole = (_arc_of(piece, piece.run_to).ms for piece in pieces)
        self._arc_ms = list(accumulate(whole, initial=0))

    def image(self, now: Moment, offset: int, now_ms: int) -> Image:
        return registers(self.registers(now, offset, now_ms))

    def counted(self, now: Moment) -> dict[str, int]:
        welding = _welding(now)
        arc_ms = self._arc_ms[now.pieces] + welding.ms
        return {
            "produced": now.pieces,
            "scrap": now.scrap,
            "rework": now.rework,
            "weld_starts": now.pieces * SEAMS + welding.starts,
            "arc_ms": arc_ms // 100 * 100,
            "weld_mm": _length_cm(arc_ms) * 10,
            "wire_g": _wire_g(arc_ms),
            "gas_l": _gas_l(arc_ms),
            "energy_wh": now.watt_ms // 36_000_000 * 10,
        }

    def registers(self, now: Moment, offset: int, now_ms: int) -> list[int]:
        first, segment, last = self._first, now.segment, now.last
        welding = _welding(now)
        arc_ms = self._arc_ms[now.pieces] + welding.ms
        burning = welding.burning and segment.state == "run"
        return [
            *header(self._it, now, _native(segment), offset=offset, now_ms=now_ms, pair=cdab),
            *cdab(first["cycle_s"] + now.run_ms // 1000),
            *cdab(first["arc_on_ds"] + arc_ms // 100),
            *cdab(first["power_on_s"] + now.on_ms // 1000),
            *cdab(first["parts_total"] + now.pieces),
            *cdab(first["parts_ok"] + now.pieces - now.scrap - now.rework),
            *cdab(first["parts_ng"] + now.scrap),
            *cdab(first["parts_rework"] + now.rework),
            *cdab(first["weld_starts"] + now.pieces * SEAMS + welding.starts),
            (first["arc_fail"] + now.stops[0]) & 0xFFFF,
            _bits(segment, burning=burning),
            *cdab(first["weld_length_total"] + _length_cm(arc_ms)),
            *((CURRENT_A, VOLTAGE_DV, WIRE_DM_MIN, GAS_DL_MIN, TRAVEL_MM_MIN) if burning else (0,) * 5),
            self._programs.get(segment.order, 0),
            1 + now.pieces % 2 if segment.order else 0,
            (last.run_to - last.run_from) // 100 & 0xFFFF if last else 0,
            *cdab(first["wire_used"] + _wire_g(arc_ms)),
            *cdab(first["gas_used"] + _gas_l(arc_ms)),
            *cdab(first["energy_total"] + now.watt_ms // 36_000_000),
            _JUDGEMENTS[last.judgement] if last else 0,
            last.cause if last else 0,
        ]


def _arc_of(piece: Piece, run_ms: int) -> Arc:
    return arc(run_ms - piece.run_from, piece.run_to - piece.run_from)


def _welding(now: Moment) -> Arc:
    """The part in the works, so far."""
    return _arc_of(now.next, now.run_ms) if now.next else Arc(0, 0, burning=False)


def _length_cm(arc_ms: int) -> int:
    return arc_ms * TRAVEL_MM_MIN // 600_000


def _wire_g(arc_ms: int) -> int:
    return arc_ms * WIRE_MG_PER_S // 1_000_000


def _gas_l(arc_ms: int) -> int:
    return arc_ms * GAS_DL_MIN // 600_000


def _native(segment: Segment) -> int:
    return _NATIVE_STATES[segment.state]


def _bits(segment: Segment, *, burning: bool) -> int:
    """Register 37: arc, cycle, gas, wire inching, power source ready, error, collision, touch sensed."""
    fault, cycle = segment.state == "fault", segment.state in ("run", "test")
    collision = fault and segment.stop_code == codes.ROBOT_ALARM
    ready = segment.state != "off" and segment.stop_code not in (codes.POWER_SOURCE, codes.POWER_FAIL)
    return burning | cycle << 1 | burning << 2 | ready << 4 | fault << 5 | collision << 6


def after(run_s: int) -> dict[str, int]:
    """What its counters say after so many seconds of programs, one part in 130 s, 2 % NG and 3 % reworked."""
    parts, arc_ms = run_s // 130, run_s * 750
    ng, rework = parts // 50, parts * 3 // 100
    return {
        "cycle_s": run_s,
        "arc_on_ds": arc_ms // 100,
        "parts_total": parts,
        "parts_ok": parts - ng - rework,
        "parts_ng": ng,
        "parts_rework": rework,
        "weld_starts": parts * SEAMS,
        "weld_length_total": _length_cm(arc_ms),
        "wire_used": _wire_g(arc_ms),
        "gas_used": _gas_l(arc_ms),
        "energy_total": run_s * _WATTS["run"] // 36_000,
    }


TYPE: Final = MachineType(
    kind="weld",
    profile="weld-cell",
    map_id=MAP_ID,
    counters=dict.fromkeys(
        (
            *("boot_count", "energy_total", "cycle_s", "arc_on_ds", "power_on_s"),
            *("parts_total", "parts_ok", "parts_ng", "parts_rework"),
            *("weld_starts", "weld_length_total", "wire_used", "gas_used"),
        ),
        32,
    )
    | {"arc_fail": 16},
    after=after,
    make=lambda seat: Weld(seat.it, seat.first, seat.orders, seat.story.pieces),
    behaviour=Behaviour(
        stops_per_hour=3.2,
        faults_per_hour=0.25,
        maint_per_hour=0.08,
        restarts_per_hour=0.05,
        scrap_share=0.02,
        rework_share=0.03,
        setup_s=480,
        test_share=0.25,
        jitter=0.06,
    ),
    watts=_WATTS,
    stops=(
        Cause("stop", codes.TENANT_OPERATOR, 14, 150, 0.9),
        Cause("stop", codes.WAIT_QC, 4, 300, 0.6),
        Cause("stop", codes.WAIT_MATERIAL, 12, 420, 0.8),
        Cause("stop", codes.YARN_OUT, 6, 260, 0.5),
        Cause("stop", codes.ROBOT_ALARM, 6, 90, 0.7),
        Cause("stop", codes.POWER_SOURCE, 10, 60, 0.8),
        Cause("stop", codes.TORCH_CLEAN, 30, 40, 0.5),
        Cause("stop", codes.OPERATOR_ABSENT, 6, 420, 0.8),
        Cause("stop", codes.POWER_FAIL, 0.6, 120, 0.8),
        Cause("stop", codes.AIR, 1.2, 180, 0.7),
        Cause("stop", codes.GAS, 4, 240, 0.6),
        Cause("stop", codes.UNKNOWN_STOP, 1.2, 90, 0.8),
    ),
    faults=(
        Cause("fault", codes.ROBOT_ALARM, 5, 600, 0.7),
        Cause("fault", codes.POWER_SOURCE, 5, 420, 0.7),
    ),
    classes=(codes.POWER_SOURCE, codes.UNKNOWN_STOP),
    pieces=frozenset({"produced", "scrap", "rework"}),
    inline=True,
    taught=True,
)
