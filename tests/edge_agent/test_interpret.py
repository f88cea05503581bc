"""What the shipped profiles make of a machine's words: its state, who answers for a stop, its counts."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.records import Reason
from contract.states import Party, State
from edge_agent.block import Table
from edge_agent.interpret import interpret, read_values, surprises
from edge_agent.profile import Equals, Mask, Profile, Roles, Rule
from edge_agent.profile_file import load_profile
from edge_agent.sample import NO_ORDER, Fault, Sample
from edge_agent.stop_codes import load_stop_table

CONFIGS = Path(__file__).parents[2] / "configs"
STOP_TABLE = load_stop_table(CONFIGS / "stop-codes.toml")
KNIT = load_profile(CONFIGS / "profiles" / "knit-flat.toml", STOP_TABLE)
WELD = load_profile(CONFIGS / "profiles" / "weld-cell.toml", STOP_TABLE)


def sampled(profile: Profile, words: dict[int, int]) -> Sample:
    sample = interpret(profile, {(Table.HOLDING, address): word for address, word in words.items()}, 1000)
    assert isinstance(sample, Sample)
    return sample


KNIT_STATES = [
    (("ready",), State.IDLE),
    ((), State.IDLE),
    (("ready", "running", "order_active"), State.RUN),
    (("running", "slow"), State.RUN),
    (("setup", "order_active"), State.SETUP),
    (("setup", "running"), State.SETUP),
    (("test", "running"), State.TEST),
    (("setup", "test"), State.SETUP),
    (("maint", "setup", "running"), State.MAINT),
    (("fault", "maint", "running", "stopped"), State.FAULT),
    (("e_stop",), State.FAULT),
    (("stopped", "order_active"), State.STOP),
    (("stopped", "running"), State.RUN),
    (("target_reached", "ready"), State.IDLE),
    (("target_reached", "stopped"), State.IDLE),
    (("target_reached", "running"), State.RUN),
    (("target_reached", "fault"), State.FAULT),
    (("manual",), State.IDLE),
]


@pytest.mark.parametrize(("bits", "state"), KNIT_STATES)
def test_knitting_states_by_precedence(maps: Any, bits: tuple[str, ...], state: State) -> None:
    """off, fault, maint, setup or test, run, stop, idle; the target reached and nothing running is idle."""
    assert sampled(KNIT, maps.knit(*bits)).state is state


WELD_STATES = [
    ((), 0b10, State.RUN),
    (("running",), 0b01, State.RUN),
    ((), 0b01, State.IDLE),
    (("running",), 0b100000, State.FAULT),
    (("running",), 0b1000000, State.FAULT),
    (("manual", "running"), 0, State.SETUP),
    (("manual", "test", "running"), 0, State.TEST),
    (("manual", "setup", "test"), 0, State.SETUP),
    (("guard_open", "order_active"), 0, State.STOP),
    (("guard_open",), 0, State.IDLE),
    (("guard_open", "order_active", "running"), 0, State.RUN),
    (("stopped",), 0b10000, State.STOP),
    (("maint", "manual"), 0, State.MAINT),
]


@pytest.mark.parametrize(("bits", "weld_bits", "state"), WELD_STATES)
def test_welding_states_by_status_and_welding_bits(
    maps: Any, bits: tuple[str, ...], weld_bits: int, state: State
) -> None:
    assert sampled(WELD, maps.weld(*bits, weld_bits=weld_bits)).state is state


@pytest.mark.parametrize("profile", [KNIT, WELD])
@given(bits=st.integers(0, 0x7FFF), weld_bits=st.integers(0, 0xFFFF))
def test_off_comes_from_the_power_bit_alone_and_nothing_outranks_it(
    profile: Profile, bits: int, weld_bits: int
) -> None:
    words = {(Table.HOLDING, address): 0 for address in range(60)}
    words[Table.HOLDING, 9], words[Table.HOLDING, 37] = bits | 0x8000, weld_bits
    sample = interpret(profile, words, 0)
    assert isinstance(sample, Sample)
    assert (sample.state is State.OFF) == (not bits & 1)


PARTIES = [
    ("stopped", 10, Party.TENANT),
    ("stopped", 17, Party.TENANT),
    ("stopped", 31, Party.HOST),
    ("stopped", 50, Party.UTILITY),
    ("stopped", 99, Party.UNKNOWN),
    ("stopped", 0, Party.UNKNOWN),
    ("stopped", 12345, Party.UNKNOWN),
    ("fault", 32, Party.HOST),
    ("fault", 0, Party.UNKNOWN),
    ("ready", 36, Party.NONE),
    ("maint", 37, Party.NONE),
    ("running", 10, Party.NONE),
]


@pytest.mark.parametrize(("bit", "code", "party"), PARTIES)
def test_the_party_of_a_stop_or_fault_is_the_tables(maps: Any, bit: str, code: int, party: Party) -> None:
    assert sampled(KNIT, maps.knit(bit, stop=code)).party is party


@pytest.mark.parametrize(
    ("bit", "code"),
    [("running", 0), ("setup", 0), ("test", 0), ("maint", 37), ("ready", 37), ("stopped", 37)],
)
def test_a_working_machine_has_no_stop_code_whatever_its_register_still_says(
    maps: Any, bit: str, code: int
) -> None:
    assert sampled(KNIT, maps.knit(bit, stop=37)).stop_code == code


def test_a_knitting_machine_in_full(maps: Any) -> None:
    assert sampled(KNIT, maps.knit("stopped")) == Sample(
        at=1000,
        state=State.STOP,
        party=Party.TENANT,
        stop_code=10,
        vendor_code=3,
        order_id="4711",
        serial=240101,
        boot_count=7,
        uptime_s=86_461,
        heartbeat=86_461 & 0xFFFF,
        readings={
            "run_s": 1_000_000,
            "stop_s": 70_001,
            "pieces": 81_250,
            "pieces_ng": 130,
            "courses": 58_500_000,
            "energy": 777,
        },
    )


def test_a_welding_cell_in_full_low_word_first_in_the_header_too(maps: Any) -> None:
    sample = sampled(WELD, maps.weld("running", weld_bits=3))
    assert (sample.serial, sample.boot_count, sample.uptime_s, sample.order_id) == (240101, 7, 86_461, "4711")
    assert sample.readings == {
        "cycle_s": 500_000,
        "arc_ds": 3_000_001,
        "parts": 70_000,
        "parts_ng": 600,
        "parts_rework": 400,
        "weld_starts": 280_000,
        "weld_cm": 1_234_567,
        "wire_g": 650_000,
        "gas_l": 90_000,
        "energy": 123_456,
    }


@pytest.mark.parametrize(("number", "order"), [(0, NO_ORDER), (7, "7"), (0xFFFFFFFF, "4294967295")])
def test_an_order_register_is_its_decimal_digits_and_0_is_none(maps: Any, number: int, order: str) -> None:
    assert sampled(KNIT, maps.knit(order=number)).order_id == order


def test_data_that_the_machine_calls_invalid_counts_for_nothing(maps: Any) -> None:
    words = {(Table.HOLDING, address): word for address, word in maps.knit("running").items()}
    words[Table.HOLDING, 9] &= 0x7FFF
    fault = interpret(KNIT, words, 0)
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.INVALID


def by_vendor_code(last: tuple[Rule, ...]) -> Profile:
    codes = Equals(register="vendor_state", values=(1, 2))
    running = Mask(register="status", mask=4)
    return replace(
        KNIT,
        rules=(
            Rule(state=State.RUN, equals=(codes,), all=(running,)),
            Rule(state=State.STOP, equals=(Equals(register="vendor_state", values=(3,)),)),
            *last,
        ),
    )


@pytest.mark.parametrize("last", [(), (Rule(state=State.UNKNOWN),)], ids=["no rule", "a rule for unknown"])
def test_a_code_that_no_rule_knows_is_invalid_and_shown(maps: Any, last: tuple[Rule, ...]) -> None:
    words = {(Table.HOLDING, address): word for address, word in maps.knit(vendor=9).items()}
    fault = interpret(by_vendor_code(last), words, 0)
    assert isinstance(fault, Fault)
    assert fault.reason is Reason.INVALID
    assert "vendor_state 0x0009" in fault.detail


def test_a_rule_needs_all_of_its_conditions(maps: Any) -> None:
    profile = by_vendor_code((Rule(state=State.IDLE),))
    assert sampled(profile, maps.knit("running", vendor=2)).state is State.RUN
    assert sampled(profile, maps.knit(vendor=2)).state is State.IDLE
    assert sampled(profile, maps.knit("running", vendor=3)).state is State.STOP
    assert sampled(profile, maps.knit("running", vendor=4)).state is State.IDLE


@pytest.mark.parametrize(("own", "canonical"), [(3, 10), (4, 99), (0, 0)])
def test_a_machines_own_stop_codes_are_translated_and_unlisted_ones_unknown(
    maps: Any, own: int, canonical: int
) -> None:
    sample = sampled(replace(KNIT, stop_codes={3: 10}), maps.knit("stopped", stop=own))
    assert sample.stop_code == canonical


def test_a_machine_without_header_is_metered_all_the_same(maps: Any) -> None:
    sample = sampled(replace(KNIT, roles=Roles()), maps.knit("stopped"))
    assert (sample.order_id, sample.serial, sample.boot_count, sample.uptime_s) == (None, 0, 0, 0)
    assert (sample.stop_code, sample.vendor_code, sample.party) == (0, 0, Party.UNKNOWN)


def test_heartbeat_and_map_id_are_told(maps: Any) -> None:
    words = {(Table.HOLDING, address): word for address, word in maps.knit().items()}
    values = read_values(KNIT, words)
    assert sampled(KNIT, maps.knit()).heartbeat == 86_461 & 0xFFFF
    assert sampled(replace(KNIT, roles=Roles()), maps.knit()).heartbeat is None
    assert surprises(KNIT, values) == []
    assert surprises(KNIT, values | {"map_id": 0x5744}) == ["map_id is 0x5744, knit-flat@1 expects 0x4b4e"]


@given(st.lists(st.integers(0, 0xFFFF), min_size=56, max_size=56))
def test_any_words_give_a_sample_or_a_reason(drawn: list[int]) -> None:
    words = {(Table.HOLDING, address): word for address, word in enumerate(drawn)}
    for profile in (KNIT, WELD):
        assert isinstance(interpret(profile, words, 0), Sample | Fault)
