"""One moment of a machine of each type, by hand, so that what it has counted can be checked in the head."""

from collections.abc import Callable, Mapping
from typing import Final

from simulators.codes import Kind
from simulators.header import Identity
from simulators.kinds import TYPES
from simulators.machine_type import Map, Seat
from simulators.records import Order
from simulators.story import Piece, Segment, Story
from simulators.totals import Moment

OFFSET, NOW_MS = 1_234_000, 0x6A00_0001 * 1000
"""20 min 34 s after the start, and the same instant as UTC epoch ms."""
ORDER_NO: Final = 87_654_321
STEP_WMS: Final = 36_000_000
"""0.01 kWh."""


def _order(mesh: int | None = None) -> Order:
    return Order(
        id=str(ORDER_NO),
        tenant="red",
        article="swatch A",
        pieces=40,
        piece_ms=800_000,
        machines=(),
        due_ms=None,
        mesh=mesh,
    )


ONE = Piece(at=800_000, run_from=0, run_to=800_000, order=ORDER_NO, judgement="ng", cause=4)
TWO = Piece(at=1_700_000, run_from=800_000, run_to=1_600_000, order=ORDER_NO, judgement="ok")
NOW = Moment(
    segment=Segment(start=0, end=9_000_000, state="run", order=ORDER_NO, operator=117, tenant="red"),
    run_ms=850_000,
    stop_ms=61_500,
    on_ms=1_200_000,
    watt_ms=STEP_WMS * 70_000,
    stops=(3, 0, 1, 0, 0, 2, 0, 5),
    boots=2,
    booted=1_000_000,
    pieces=1,
    last=ONE,
    next=TWO,
    scrap=1,
    rework=0,
    done=1,
    since_boot=1,
)
_FLOW = Segment(start=0, end=9_000_000, state="run", level=10_000)
_IDLE = Segment(start=0, end=9_000_000, state="idle", level=27_600)


class Scene:
    """A machine, its moment, and what its counters said at the start."""

    def __init__(self, kind: Kind, now: Moment, first: Mapping[str, int], order: Order | None = None) -> None:
        self.of, self.now = TYPES[kind], now
        seat = Seat(
            it=Identity(
                map_id=self.of.map_id,
                serial=0xCAFE_0001,
                boot_count=65_535,
                uptime_ms=5_000_000,
                clock_off_s=-1,
            ),
            first=dict.fromkeys(self.of.counters, 0) | dict(first),
            orders={ORDER_NO: order or _order()},
            story=Story(segments=(), pieces=(ONE, TWO), events=(), boots=()),
            seed=COD_650,
        )
        self.map: Map = self.of.make(seat)


COD_650: Final = "golden-928718"
"""A seed whose sample at OFFSET has 650.0 mg/L of COD."""

SCENES: Final[Mapping[Kind, Callable[[], Scene]]] = {
    "knit": lambda: Scene("knit", NOW, {"pieces_total": 0x0001_FFFF, "stops_yarn_break": 65_534}),
    "weld": lambda: Scene("weld", NOW, {"parts_total": 0x0001_FFFF, "arc_fail": 65_535}),
    "loom": lambda: Scene(
        "loom",
        # A million picks at 120 a minute, 3 parts of an inch/1200 each: 400 mesh.
        NOW._replace(
            run_ms=500_000_000,
            stops=(3, 1, 0, 2, 5),
            sums={"woven": 500_000_000 * 3, "warp_ms": 40_500, "weft_ms": 21_000},
        ),
        {"stops_warp": 65_534, "area_ng_total": 0xFFFF_FFFF},
        _order(mesh=400),
    ),
    "effluent": lambda: Scene(
        "effluent",
        NOW._replace(segment=_FLOW, sums={"forward_ul": 1_234_500_000_000, "reverse_ul": 7_000_000}),
        {"steam_kg": 0x0001_0000},
    ),
    "energy": lambda: Scene(
        "energy",
        # 12,345 steps behind transformers of 40: 4,938 kWh.
        NOW._replace(segment=_IDLE, sums={"forward": STEP_WMS * 40 * 12_345, "reverse": 0}),
        {"pt": 1, "ct": 40, "reverse": 100_000},
    ),
    "energy-1p": lambda: Scene(
        "energy-1p",
        NOW._replace(segment=Segment(start=0, end=9_000_000, state="idle", level=2_125), sums={"watt_ms": 0}),
        {"total": 100_000},
    ),
    "kemppi": lambda: Scene("kemppi", NOW._replace(run_ms=900_000), {}),
    "retrofit": lambda: Scene("retrofit", NOW._replace(since_boot=65_537), {}),
}
