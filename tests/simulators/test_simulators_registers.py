"""Registers say what the ledger says, at any instant, through any wrap; golden dumps stay as they are."""

import itertools
import json
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.ledger import Ledger, ledger
from simulators.plant import Plant
from simulators.script import Script, build_scripts

START = 1_772_409_600_000  # 2026-03-02T08:00+08:00
ANY = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
Decoder = Callable[[Sequence[int]], dict[str, int]]
GOLDEN = Path(__file__).parent / "golden" / "registers.json"

BITS = """
    power ready running setup maint manual stopped fault e_stop guard slow order target test _ valid
"""


def bits(status: int) -> set[str]:
    return {name for n, name in enumerate(BITS.split()) if status >> n & 1}


PRECEDENCE = (
    ("fault", {"fault", "e_stop"}),
    ("maint", {"maint"}),
    ("setup", {"setup"}),
    ("test", {"test"}),
    ("run", {"running"}),
    ("stop", {"stopped"}),
)


def state_told(status: int) -> str:
    """By the precedence that the registers promise, spelt out here once more."""
    shown = bits(status)
    if "power" not in shown:
        return "off"
    return next((state for state, any_of in PRECEDENCE if shown & any_of), "idle")


def ms_in(found: Ledger, machine: str, *states: str) -> int:
    return sum(
        ms for (name, state, _), ms in found.ms_by_state().items() if name == machine and state in states
    )


def check_against_ledger(script: Script, now_ms: int, decode: Decoder) -> None:
    """`now_ms` inside the shift."""
    name, first, told = script.machine.name, script.first, decode(script.registers(now_ms))
    so_far = ledger({name: script}, script.start_ms, now_ms)
    moved = {c: so_far.pieces(c).get((name,), 0) for c in ("produced", "scrap", "rework")}
    run_s = ms_in(so_far, name, "run") // 1000
    on_s = (now_ms - script.start_ms - ms_in(so_far, name, "off")) // 1000
    assert told["power_on_s"] == (first["power_on_s"] + on_s) % 2**32
    if script.machine.kind == "knit":
        assert told["run_s"] == (first["run_s"] + run_s) % 2**32
        assert told["stop_s"] == (first["stop_s"] + ms_in(so_far, name, "stop") // 1000) % 2**32
        assert told["pieces_total"] == (first["pieces_total"] + moved["produced"]) % 2**32
        assert told["pieces_ng_total"] == (first["pieces_ng_total"] + moved["scrap"]) % 2**32
    else:
        good = moved["produced"] - moved["scrap"] - moved["rework"]
        assert told["cycle_s"] == (first["cycle_s"] + run_s) % 2**32
        assert told["parts_total"] == (first["parts_total"] + moved["produced"]) % 2**32
        assert told["parts_ok"] == (first["parts_ok"] + good) % 2**32
        assert told["parts_ng"] == (first["parts_ng"] + moved["scrap"]) % 2**32
        assert told["parts_rework"] == (first["parts_rework"] + moved["rework"]) % 2**32


def check_against_span(script: Script, now_ms: int, decode: Decoder) -> None:
    name, told = script.machine.name, decode(script.registers(now_ms))
    (span,) = ledger({name: script}, now_ms, now_ms + 1).machines[name].spans
    assert state_told(told["status"]) == span.state
    assert told["stop_code"] == span.stop_code
    assert (str(told["order_no"]) if told["order_no"] else "none") == span.order
    assert "valid" in bits(told["status"])
    assert ("order" in bits(told["status"])) == (span.order != "none")
    assert ("target" in bits(told["status"])) == (span.stop_code == 60)


@ANY
@given(data=st.data())
def test_registers_say_what_the_ledger_says_at_any_instant(
    plant_strategy: st.SearchStrategy[Plant], decoded: Decoder, data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    for script in build_scripts(plant, START).values():
        edges = [START + segment.start for segment in script.story.segments]
        edges += [START + event.at for event in script.story.events]
        near = st.builds(lambda edge, by: max(START, edge + by), st.sampled_from(edges), st.integers(-1, 1))
        anywhere = st.integers(START, script.end_ms - 1)
        for now_ms in data.draw(st.lists(near | anywhere, min_size=4, max_size=8)):
            check_against_ledger(script, now_ms, decoded)
            check_against_span(script, now_ms, decoded)


@ANY
@given(data=st.data())
def test_registers_are_sixteen_bits_whenever_they_are_read(
    plant_strategy: st.SearchStrategy[Plant], data: st.DataObject
) -> None:
    plant = data.draw(plant_strategy)
    scripts = build_scripts(plant, START)
    for now_ms in data.draw(st.lists(st.integers(0, 2**42), min_size=3, max_size=3)):
        for script in scripts.values():
            registers = script.registers(now_ms)
            assert len(registers) == 56
            assert all(0 <= word <= 0xFFFF for word in registers)


COUNTERS = {
    "knit": """
        run_s stop_s power_on_s pieces_total pieces_ng_total courses_total energy_total
    """,
    "weld": """
        cycle_s arc_on_ds power_on_s parts_total parts_ok parts_ng parts_rework weld_starts weld_length
        wire_used gas_used energy_total
    """,
}
SHORT = ("yarn_break", "knot", "yarn_out", "needle", "fabric_drop", "racking", "manual", "other", "arc_fail")


def test_counters_only_count_up_through_their_wraps(demo: Plant, decoded: Decoder) -> None:
    for script in build_scripts(demo, START).values():
        instants = range(START - 20_000, script.end_ms + 20_000, 9_973)
        reads = [decoded(script.registers(now_ms)) for now_ms in instants]
        for one, other in itertools.pairwise(reads):
            for name in COUNTERS[script.machine.kind].split():
                assert (other[name] - one[name]) % 2**32 < 1000, name
            for name in SHORT:
                assert (other.get(name, 0) - one.get(name, 0)) % 2**16 < 10, name


def test_the_old_machine_of_the_demo_counts_past_the_end_of_its_registers(
    demo: Plant, decoded: Decoder
) -> None:
    script = build_scripts(demo, START)["knit-13"]
    before, after = decoded(script.registers(START)), decoded(script.registers(script.end_ms))
    made = ledger({"knit-13": script}).pieces()["knit-13",]
    assert before["pieces_total"] == 2**32 - 5
    assert after["pieces_total"] == made - 5 > 0
    for name in ("run_s", "energy_total", "yarn_break", "knot"):
        assert after[name] < before[name], name


def test_before_the_start_a_machine_is_idle_with_its_first_counters(mini: Plant, decoded: Decoder) -> None:
    for script in build_scripts(mini, START).values():
        told = decoded(script.registers(START - 1))
        assert bits(told["status"]) == {"power", "ready", "valid"}
        assert (told["order_no"], told["stop_code"], told["boot_count"]) == (0, 0, script.first["boot_count"])
        for name in set(told) & set(script.first):
            assert told[name] == script.first[name], name


def test_after_the_end_a_machine_is_idle_and_its_counters_rest(mini: Plant, decoded: Decoder) -> None:
    living = {"uptime_s", "heartbeat", "device_epoch_s", "temperature", "shift_no"}
    for script in build_scripts(mini, START).values():
        at_end, later = (decoded(script.registers(script.end_ms + ms)) for ms in (0, 7 * 86_400_000))
        assert bits(at_end["status"]) == {"power", "ready", "valid"}
        assert {k: v for k, v in at_end.items() if k not in living} == {
            k: v for k, v in later.items() if k not in living
        }
        assert later["uptime_s"] - at_end["uptime_s"] == 7 * 86_400


def test_a_controller_that_restarts_goes_on_counting(mini: Plant, decoded: Decoder) -> None:
    script = next(s for s in build_scripts(mini, START).values() if s.story.boots)
    at = START + script.story.boots[0]
    before, after = decoded(script.registers(at - 1)), decoded(script.registers(at))
    assert after["boot_count"] == before["boot_count"] + 1
    assert (after["uptime_s"], after["heartbeat"]) == (0, 0)
    assert after["pieces_total"] == before["pieces_total"]
    assert decoded(script.registers(at + 5_000))["heartbeat"] == 5


def test_the_heartbeat_beats_once_a_second(mini: Plant, decoded: Decoder) -> None:
    script = build_scripts(mini, START)["weld-01"]
    beats = [decoded(script.registers(START + 1000 * n))["heartbeat"] for n in range(90)]
    assert all((b - a) % 2**16 == 1 for a, b in itertools.pairwise(beats))


def test_the_stop_counters_count_stops_and_faults(demo: Plant, decoded: Decoder) -> None:
    script = build_scripts(demo, START)["knit-04"]
    told = decoded(script.registers(script.end_ms))
    spans = ledger({"knit-04": script}).machines["knit-04"].spans
    begun = [s.stop_code for s in spans if s.state in ("stop", "fault")]
    assert (told["yarn_break"] - script.first["stops_yarn_break"]) % 2**16 == begun.count(10) > 0
    names = ("yarn_break", "knot", "yarn_out", "needle", "fabric_drop", "racking", "manual", "other")
    assert sum((told[n] - script.first[f"stops_{n}"]) % 2**16 for n in names) == len(begun)


def test_target_remaining_and_pattern_follow_the_order(mini: Plant, decoded: Decoder) -> None:
    script = build_scripts(mini, START)["knit-01"]
    pieces = [event.at for event in script.story.events if event.counter == "produced"]
    after_third = decoded(script.registers(START + pieces[2]))
    assert (after_third["order_no"], after_third["target"], after_third["remaining"]) == (1001, 8, 5)
    assert after_third["course"] == 0
    done = decoded(script.registers(START + pieces[7]))
    assert (done["remaining"], done["stop_code"]) == (0, 60)
    assert done["pattern"] == zlib.crc32(b"swatch A")
    idle = decoded(script.registers(script.end_ms))
    assert (idle["target"], idle["remaining"], idle["pattern"]) == (0, 0, 0)


def test_the_arc_burns_only_while_the_cell_runs(demo: Plant, decoded: Decoder) -> None:
    script = build_scripts(demo, START)["weld-01"]
    burning = 0
    for now_ms in range(START, script.end_ms, 7_000):
        told = decoded(script.registers(now_ms))
        arc = told["bits"] & 1
        burning += arc
        assert not arc or state_told(told["status"]) == "run"
        assert (told["current"] > 0) == bool(arc)
    first, last = decoded(script.registers(START)), decoded(script.registers(script.end_ms))
    arc_s = (last["arc_on_ds"] - first["arc_on_ds"]) / 10
    assert burning * 7 == pytest.approx(arc_s, rel=0.05)
    assert arc_s == pytest.approx(0.75 * (last["cycle_s"] - first["cycle_s"]), rel=0.01)
    assert last["weld_starts"] - first["weld_starts"] == 4 * (last["parts_total"] - first["parts_total"])


def test_a_part_ends_with_its_judgement(demo: Plant, decoded: Decoder) -> None:
    script = build_scripts(demo, START)["weld-04"]
    codes = {"ok": 1, "ng": 2, "rework": 3}
    assert {piece.judgement for piece in script.story.pieces} == set(codes)
    for piece in script.story.pieces:
        before, after = (decoded(script.registers(START + piece.at - ms)) for ms in (1, 0))
        assert after["judgement"] == codes[piece.judgement]
        assert (after["ng_cause"] == 0) == (piece.judgement == "ok")
        sums = [told["parts_ok"] + told["parts_ng"] + told["parts_rework"] for told in (before, after)]
        assert sums[1] - sums[0] == 1


def test_the_start_instant_only_shifts_a_story(mini: Plant) -> None:
    one, other = build_scripts(mini, START), build_scripts(mini, START + 86_400_000)
    for name in one:
        assert one[name].story == other[name].story
        there, here = one[name].registers(START + 1_234_567), other[name].registers(START + 87_634_567)
        assert there[:10] + there[12:] == here[:10] + here[12:]  # 10 and 11 are the device's clock


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(mini: Plant) -> None:
    def told(plant: Plant) -> bytes:
        return msgspec.json.encode(ledger(build_scripts(plant, START)))

    other = msgspec.structs.replace(mini, seed=mini.seed + 1)
    assert told(mini) == told(mini) != told(other)


def test_golden_dumps_have_not_changed(mini: Plant, decoded: Decoder) -> None:
    """The registers of two machines at four instants, and what struct reads in them."""
    scripts = build_scripts(mini, START)
    for dump in json.loads(GOLDEN.read_text("utf-8")):
        assert scripts[dump["machine"]].registers(START + dump["offset_ms"]) == dump["registers"]
        assert decoded(dump["registers"]) == dump["means"]


def test_golden_words_lie_in_the_order_of_their_map() -> None:
    """Two fields of each map taken apart by hand: high word first, low word first."""
    dumps = json.loads(GOLDEN.read_text("utf-8"))
    for dump in dumps:
        words, means = dump["registers"], dump["means"]
        high, low = (0, 1) if dump["machine"].startswith("knit") else (1, 0)
        assert words[2 + high] * 65536 + words[2 + low] == means["serial"]
        assert words[52 + high] * 65536 + words[52 + low] == means["energy_total"]


def test_the_status_bits_of_every_state_show_that_state(demo: Plant, decoded: Decoder) -> None:
    seen = set()
    for script in build_scripts(demo, START).values():
        for segment in script.story.segments:
            status = decoded(script.registers(START + segment.start))["status"]
            assert state_told(status) == segment.state
            assert ("slow" in bits(status)) == segment.slow
            seen.add(segment.state)
    assert len(seen) == 8
