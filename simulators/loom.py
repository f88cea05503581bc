"""Register map C: a wire-mesh loom. Low word first throughout, header included, BCD too. 49 registers.

A loom makes cloth, not pieces: it counts picks, and tells the length that they make at the mesh of the order
(picks per inch), which is picks * 25.4 mm / mesh: 1,000,000 picks at 400 mesh are 63.5 m.
"""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from simulators import codes
from simulators.codes import STATES
from simulators.device import Image, registers
from simulators.header import Identity, cdab, header
from simulators.machine_type import Cause, MachineType
from simulators.records import Behaviour, Order
from simulators.story import Piece, Segment
from simulators.totals import Moment, Rate

MAP_ID: Final = 0x4C4D
RPM: Final = 120
"""Picks a minute."""
MESHES: Final = (40, 50, 60, 80, 100, 120, 150, 200, 240, 300, 400, 600)
"""Each divides 1200, so that a pick is a whole number of 25.4 mm / 1200."""
MESH: Final = 100
"""Of an order that names none."""
WIDTH_MM: Final = 1220
_WHOLE: Final = 1200

WARP, WEFT, MECHANICAL, MANUAL, BEAM = 2, 3, 4, 5, 6
"""What stops it, as its own panel names it."""
_NATIVE: Final = {"run": 1, "test": 1, "setup": 7, "maint": 8, "off": 0}
_STOPS: Final = ("stops_warp", "stops_weft", "stops_mechanical", "stops_manual", "stops_beam")
# run, setup, stop, fault, idle, maint, off, test
_WATTS: Final = dict(zip(STATES, (2100, 340, 290, 260, 250, 240, 0, 1900), strict=True))


class Loom:
    """Turns a moment of a loom into its registers."""

    def __init__(
        self,
        it: Identity,
        first: Mapping[str, int],
        orders: Mapping[int, Order],
        pieces: Sequence[Piece] = (),
    ) -> None:
        self._it, self._first = it, first
        self._mesh = {number: order.mesh or MESH for number, order in orders.items()}
        bad = (self._area_dm2(piece) for piece in pieces if piece.judgement == "ng")
        self._bad_dm2 = list(accumulate(bad, initial=0))

    @property
    def rates(self) -> Mapping[str, Rate]:
        return {
            "woven": lambda segment: (segment.state == "run") * _WHOLE // self._mesh_of(segment.order),
            "warp_ms": lambda segment: segment.state == "stop" and segment.vendor == WARP,
            "weft_ms": lambda segment: segment.state == "stop" and segment.vendor == WEFT,
        }

    def image(self, now: Moment, offset: int, now_ms: int) -> Image:
        return registers(self.registers(now, offset, now_ms))

    def counted(self, now: Moment) -> dict[str, int]:
        return {
            "picks": picks(now.run_ms),
            "woven_mm": _length_cm(now.sums["woven"]) * 10,
            "ng_dm2": self._bad_dm2[now.scrap],
            "energy_wh": now.watt_ms // 36_000_000 * 10,
        }

    def registers(self, now: Moment, offset: int, now_ms: int) -> list[int]:
        first, segment = self._first, now.segment
        mesh = self._mesh_of(segment.order)
        woven_cm = _length_cm(now.sums["woven"])
        return [
            *header(self._it, now, _native(segment), offset=offset, now_ms=now_ms, pair=cdab),
            *cdab(first["run_s"] + now.run_ms // 1000),
            *cdab(first["stop_s"] + now.stop_ms // 1000),
            *cdab(first["picks_total"] + picks(now.run_ms)),
            *cdab(first["length_total"] + woven_cm),
            RPM if segment.state == "run" else 0,
            mesh,
            WIDTH_MM,
            10_000 // mesh,
            *((first[name] + n) & 0xFFFF for name, n in zip(_STOPS, now.stops, strict=True)),
            *cdab(first["stop_s_warp"] + now.sums["warp_ms"] // 1000),
            *cdab(first["stop_s_weft"] + now.sums["weft_ms"] // 1000),
            max(0, 4_000 - woven_cm // 10 % 4_000),
            215 if segment.state == "run" else 180,
            *cdab(bcd(segment.order)),
            *cdab(first["area_ng_total"] + self._bad_dm2[now.scrap]),
            *cdab(first["energy_total"] + now.watt_ms // 36_000_000),
        ]

    def _mesh_of(self, order: int) -> int:
        return self._mesh.get(order, MESH)

    def _area_dm2(self, piece: Piece) -> int:
        woven_cm = _length_cm((piece.run_to - piece.run_from) * _WHOLE // self._mesh_of(piece.order))
        return woven_cm * WIDTH_MM // 1000


def picks(run_ms: int) -> int:
    return run_ms * RPM // 60_000


def _length_cm(woven: int) -> int:
    """``woven`` is ms of running times 1200 / mesh."""
    return woven * RPM * 254 // (60_000 * _WHOLE * 100)


def bcd(number: int) -> int:
    """The last eight decimal digits, four bits each."""
    return int(f"{number % 100_000_000:08}", 16)


def _native(segment: Segment) -> int:
    return segment.vendor or _NATIVE.get(segment.state, 9)


def after(run_s: int) -> dict[str, int]:
    """What its counters say after so many seconds of weaving at 100 mesh, a hundredth of it graded bad."""
    woven_cm = _length_cm(run_s * 1000 * _WHOLE // MESH)
    return {
        "run_s": run_s,
        "stop_s": run_s // 5,
        "stop_s_warp": run_s // 14,
        "stop_s_weft": run_s // 19,
        "picks_total": picks(run_s * 1000),
        "length_total": woven_cm,
        "area_ng_total": woven_cm * WIDTH_MM // 100_000,
        "energy_total": run_s * _WATTS["run"] // 36_000,
    }


TYPE: Final = MachineType(
    kind="loom",
    profile="wire-loom",
    map_id=MAP_ID,
    counters=dict.fromkeys(
        (
            *("boot_count", "energy_total", "run_s", "stop_s", "power_on_s", "stop_s_warp", "stop_s_weft"),
            *("picks_total", "length_total", "area_ng_total"),
        ),
        32,
    )
    | dict.fromkeys(_STOPS, 16),
    after=after,
    make=lambda seat: Loom(seat.it, seat.first, seat.orders, seat.story.pieces),
    behaviour=Behaviour(
        stops_per_hour=3.4,
        faults_per_hour=0.15,
        maint_per_hour=0.06,
        restarts_per_hour=0.05,
        scrap_share=0.04,
        rework_share=0,
        setup_s=900,
        test_share=0.1,
        jitter=0.03,
    ),
    watts=_WATTS,
    stops=(
        Cause("stop", codes.YARN_BREAK, 30, 110, 0.8, WARP),
        Cause("stop", codes.YARN_BREAK, 24, 60, 0.7, WEFT),
        Cause("stop", codes.MECHANISM, 4, 260, 0.8, MECHANICAL),
        Cause("stop", codes.TENANT_OPERATOR, 8, 200, 0.9, MANUAL),
        Cause("stop", codes.YARN_OUT, 6, 420, 0.5, BEAM),
        Cause("stop", codes.FABRIC_DROP, 5, 300, 0.6, BEAM),
        Cause("stop", codes.WAIT_QC, 2, 400, 0.6, MANUAL),
        Cause("stop", codes.OPERATOR_ABSENT, 5, 420, 0.8, MANUAL),
        Cause("stop", codes.POWER_FAIL, 0.6, 120, 0.8, MECHANICAL),
        Cause("stop", codes.UNKNOWN_STOP, 1.4, 90, 0.8, MECHANICAL),
    ),
    faults=(Cause("fault", codes.MECHANISM, 1, 1100, 0.6, MECHANICAL),),
    classes=(WARP, WEFT, MECHANICAL, MANUAL, BEAM),
    by_hand=MANUAL,
    most_registers=64,
)
