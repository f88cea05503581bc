"""Register by register: what stands at which address of the two maps, for a moment made by hand."""

import msgspec
import pytest

from simulators.header import Identity, abcd, cdab, status
from simulators.knit import Knit
from simulators.records import Order
from simulators.story import Piece, Segment
from simulators.totals import Moment
from simulators.weld import Arc, Weld, arc

WORK = Segment(start=0, end=9_000_000, state="run", order=0x0003_5F95, operator=117, tenant="red")
ORDER = Order(
    id="221077", tenant="red", article="swatch A", pieces=40, piece_ms=840_000, machines=(), due_ms=None
)
ONE = Piece(at=800_000, run_from=0, run_to=800_000, order=221077, judgement="rework", cause=4)
TWO = Piece(at=1_700_000, run_from=800_000, run_to=1_600_000, order=221077, judgement="ok")
NOW = Moment(
    segment=WORK,
    run_ms=1_000_999,
    stop_ms=61_500,
    on_ms=1_200_000,
    watt_ms=36_000_000 * 70_000,
    stops=(3, 0, 1, 0, 0, 2, 0, 5),
    boots=2,
    booted=1_000_000,
    pieces=1,
    last=ONE,
    next=TWO,
    scrap=0,
    rework=1,
    done=1,
)
OFFSET, NOW_MS = 1_234_000, 0x6A00_0001 * 1000
IT = Identity(map_id=0x4B4E, serial=0xCAFE_0001, boot_count=65_535, uptime_ms=5_000_000, clock_off_s=-1)
HEADER = [
    (0, 1, 0x4B4E, "map id"),
    (1, 1, 0x0100, "map version 1.0"),
    (2, 2, 0xCAFE_0001, "serial"),
    (4, 2, 65_537, "boot count"),
    (6, 2, 234, "uptime since the last restart"),
    (8, 1, 234, "heartbeat"),
    (9, 1, 0b1000_1000_0000_0111, "power, ready, running, order, valid"),
    (10, 2, 0x6A00_0000, "device clock, a second slow"),
    (12, 1, 1, "native state: in production"),
    (13, 1, 0, "stop code"),
    (14, 1, 0, "alarm code"),
    (15, 1, 1, "mode: production"),
    (16, 2, 221_077, "order"),
    (18, 1, 1, "shift"),
    (19, 1, 117, "operator"),
]
KNIT_FIRST = {
    "run_s": 0xFFFF_FFFF,
    "stop_s": 10,
    "power_on_s": 20,
    "pieces_total": 0x0001_FFFF,
    "pieces_ng_total": 7,
    "courses_total": 0xFFFF_FF00,
    "energy_total": 0,
    "stops_yarn_break": 65_534,
    "stops_knot": 9,
    "stops_yarn_out": 0,
    "stops_needle": 1,
    "stops_fabric_drop": 2,
    "stops_racking": 3,
    "stops_manual": 4,
    "stops_other": 65_535,
}
KNIT_MAP = [
    (20, 2, 999, "run_s, wrapped"),
    (22, 2, 71, "stop_s"),
    (24, 2, 1_220, "power_on_s"),
    (26, 2, 0x0002_0000, "pieces_total, carried into the high word"),
    (28, 2, 7, "pieces_ng_total"),
    (30, 1, 40, "target"),
    (31, 1, 39, "remaining"),
    (32, 2, (0xFFFF_FF00 + 480 + 120) % 2**32, "courses_total, wrapped"),
    (34, 1, 120, "course: a quarter of the piece is done"),
    (35, 1, 480, "courses per piece"),
    (36, 1, 110, "carriage speed"),
    (37, 1, 110, "programmed speed"),
    (38, 2, 8_000, "last piece, 0.1 s"),
    (40, 2, 0x5AC0_AA9E, "pattern: CRC-32 of the article"),
    (42, 1, 120, "gauge"),
    (43, 1, 52, "width"),
    (44, 1, 1, "yarn breaks, wrapped"),
    (45, 1, 9, "knots"),
    (46, 1, 1, "yarn out"),
    (47, 1, 1, "needle"),
    (48, 1, 2, "fabric drop"),
    (49, 1, 5, "racking"),
    (50, 1, 4, "manual"),
    (51, 1, 4, "other, wrapped"),
    (52, 2, 70_000, "energy"),
    (54, 1, 418 + 20 % 11, "drive temperature"),
    (55, 1, 1_150, "active power"),
]
WELD_FIRST = {
    "cycle_s": 0xFFFF_FFFF,
    "arc_on_ds": 0x0001_0000,
    "power_on_s": 20,
    "parts_total": 0xFFFF_FFFF,
    "parts_ok": 0x0001_FFFF,
    "parts_ng": 5,
    "parts_rework": 0x0000_FFFF,
    "weld_starts": 100,
    "arc_fail": 65_535,
    "weld_length_total": 0,
    "wire_used": 0,
    "gas_used": 0,
    "energy_total": 0,
}
# Part one: 4 seams of 150 s. Part two so far: one slot of 200 s, and 999 ms of the second seam.
ARC_MS = 600_000 + 150_000 + 999
WELD_MAP = [
    (20, 2, 999, "cycle_s, wrapped"),
    (22, 2, 0x0001_0000 + ARC_MS // 100, "arc_on_ds"),
    (24, 2, 1_220, "power_on_s"),
    (26, 2, 0, "parts_total, wrapped to 0"),
    (28, 2, 0x0001_FFFF, "parts_ok"),
    (30, 2, 5, "parts_ng"),
    (32, 2, 0x0001_0000, "parts_rework, carried into the high word"),
    (34, 2, 106, "weld_starts"),
    (36, 1, 2, "arc_fail, wrapped"),
    (37, 1, 0b0001_0111, "arc, cycle, gas, power source ready"),
    (38, 2, ARC_MS * 48 // 60_000, "length: 48 cm a minute"),
    (40, 1, 182, "current"),
    (41, 1, 214, "voltage"),
    (42, 1, 80, "wire feed"),
    (43, 1, 150, "gas flow"),
    (44, 1, 480, "travel speed"),
    (45, 1, 101, "program"),
    (46, 1, 2, "jig"),
    (47, 1, 8_000, "last cycle, 0.1 s"),
    (48, 2, ARC_MS * 1187 // 1_000_000, "wire used, g"),
    (50, 2, ARC_MS // 4_000, "gas used, L: 15 L a minute"),
    (52, 2, 70_000, "energy"),
    (54, 1, 3, "last judgement: rework"),
    (55, 1, 4, "its cause"),
]

KNIT = Knit(IT, KNIT_FIRST, {221077: ORDER}).registers(NOW, OFFSET, NOW_MS)
WELD_IT = msgspec.structs.replace(IT, map_id=0x5744)
WELD = Weld(WELD_IT, WELD_FIRST, {221077: ORDER}, (ONE, TWO)).registers(NOW, OFFSET, NOW_MS)


def value(registers: list[int], address: int, width: int, *, high_first: bool) -> int:
    words = registers[address : address + width]
    return int("".join(f"{word:04x}" for word in (words if high_first else reversed(words))), 16)


@pytest.mark.parametrize(
    ("address", "width", "expected", "name"), HEADER + KNIT_MAP, ids=[r[3] for r in HEADER + KNIT_MAP]
)
def test_map_a_high_word_first(address: int, width: int, expected: int, name: str) -> None:
    assert value(KNIT, address, width, high_first=True) == expected


@pytest.mark.parametrize(
    ("address", "width", "expected", "name"),
    [(0, 1, 0x5744, "map id"), *HEADER[1:], *WELD_MAP],
    ids=[r[3] for r in HEADER + WELD_MAP],
)
def test_map_b_low_word_first(address: int, width: int, expected: int, name: str) -> None:
    assert value(WELD, address, width, high_first=False) == expected


def test_the_tables_above_leave_no_register_out() -> None:
    for table in (HEADER + KNIT_MAP, HEADER + WELD_MAP):
        assert [n for address, width, *_ in table for n in range(address, address + width)] == list(range(56))


@pytest.mark.parametrize(("number", "high", "low"), [(100_000, 1, 0x86A0), (2**32, 0, 0), (2**32 + 5, 0, 5)])
def test_words_of_a_pair(number: int, high: int, low: int) -> None:
    assert abcd(number) == (high, low)
    assert cdab(number) == (low, high)


BITS = [
    ("run", {}, [0, 1, 2, 11, 15]),
    ("run", {"slow": True}, [0, 1, 2, 10, 11, 15]),
    ("setup", {"manual": True, "guard_open": True}, [0, 1, 3, 5, 9, 11, 15]),
    ("test", {}, [0, 1, 2, 11, 13, 15]),
    ("stop", {"stop_code": 10}, [0, 6, 11, 15]),
    ("stop", {"stop_code": 13, "guard_open": True}, [0, 6, 9, 11, 15]),
    ("fault", {"stop_code": 30}, [0, 7, 11, 15]),
    ("fault", {"stop_code": 32, "e_stop": True}, [0, 7, 8, 11, 15]),
    ("maint", {"stop_code": 37, "order": 0}, [0, 4, 15]),
    ("idle", {"order": 0}, [0, 1, 15]),
    ("idle", {"stop_code": 60}, [0, 1, 11, 12, 15]),
    ("off", {"order": 0}, [15]),
]


@pytest.mark.parametrize(("state", "more", "expected"), BITS)
def test_status_bits(state: str, more: dict[str, int], expected: list[int]) -> None:
    word = status(msgspec.structs.replace(WORK, state=state, **more))
    assert [bit for bit in range(16) if word >> bit & 1] == expected


@pytest.mark.parametrize(
    ("state", "code", "expected"),
    [
        ("run", 0, [1, 1, 0, 110, 1150]),
        ("setup", 0, [8, 4, 0, 0, 420]),
        ("test", 0, [1, 5, 0, 110, 900]),
        ("stop", 10, [3, 1, 0, 0, 310]),
        ("stop", 13, [7, 1, 0, 0, 310]),
        ("stop", 36, [9, 1, 0, 0, 310]),
        ("fault", 30, [10, 1, 1030, 0, 280]),
        ("fault", 31, [11, 1, 1031, 0, 280]),
        ("maint", 37, [9, 2, 0, 0, 240]),
        ("idle", 60, [4, 1, 0, 0, 260]),
        ("off", 0, [32002, 1, 0, 0, 0]),
    ],
)
def test_native_state_mode_alarm_speed_and_power_of_a_knitting_machine(
    state: str, code: int, expected: list[int]
) -> None:
    segment = msgspec.structs.replace(WORK, state=state, stop_code=code)
    registers = Knit(IT, KNIT_FIRST, {}).registers(NOW._replace(segment=segment), OFFSET, NOW_MS)
    assert [registers[n] for n in (12, 15, 14, 36, 55)] == expected


@pytest.mark.parametrize(
    ("state", "code", "bits"),
    [
        ("run", 0, 0b0001_0111),
        ("stop", 34, 0b0001_0000),
        ("stop", 33, 0b0000_0000),
        ("fault", 32, 0b0111_0000),
        ("fault", 33, 0b0010_0000),
        ("idle", 0, 0b0001_0000),
        ("off", 0, 0),
    ],
)
def test_the_bits_of_a_cell(state: str, code: int, bits: int) -> None:
    segment = msgspec.structs.replace(WORK, state=state, stop_code=code)
    cell = Weld(WELD_IT, WELD_FIRST, {}, (ONE, TWO))
    registers = cell.registers(NOW._replace(segment=segment), OFFSET, NOW_MS)
    assert registers[37] == bits
    assert (registers[40] == 0) == (not bits & 1)


@pytest.mark.parametrize(
    ("spent", "length", "expected"),
    [
        (0, 4000, Arc(0, 0, burning=False)),
        (1, 4000, Arc(1, 1, burning=True)),
        (749, 4000, Arc(749, 1, burning=True)),
        (750, 4000, Arc(750, 1, burning=False)),
        (1000, 4000, Arc(750, 1, burning=False)),
        (1001, 4000, Arc(751, 2, burning=True)),
        (3999, 4000, Arc(3000, 4, burning=False)),
        (4000, 4000, Arc(3000, 4, burning=False)),
        (4003, 4003, Arc(3000, 4, burning=False)),
        (2, 2, Arc(0, 4, burning=False)),
    ],
)
def test_the_arc_burns_three_quarters_of_each_seams_slot(spent: int, length: int, expected: Arc) -> None:
    assert arc(spent, length) == expected


def test_uptime_counts_from_before_the_start_until_a_restart() -> None:
    fresh = NOW._replace(boots=0, booted=None)
    registers = Knit(IT, KNIT_FIRST, {}).registers(fresh, 1_000, NOW_MS)
    assert value(registers, 6, 2, high_first=True) == 5_001
    long_ago = Knit(IT, KNIT_FIRST, {}).registers(fresh, -9_000_000, NOW_MS)
    assert value(long_ago, 6, 2, high_first=True) == 0
