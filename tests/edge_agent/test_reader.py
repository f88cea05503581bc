"""What a machine with every kind of register amounts to, and what makes a read worth nothing."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from contract.records import Reason
from contract.states import State
from edge_agent.block import Answers, Table, answers_from
from edge_agent.decode import NoValue
from edge_agent.gauge_values import gauges
from edge_agent.interpret import Reader
from edge_agent.profile import Counter, Equals, Gauge, Mask, Profile, Roles, Rule, StopCode, StopTable
from edge_agent.profile_file import load_profile
from edge_agent.register import Register, RegisterType, WordOrder
from edge_agent.sample import NO_ORDER, Fault, Sample
from tests.edge_agent.odd_words import words_of

ODD = load_profile(
    Path(__file__).parent / "profiles" / "odd.toml",
    StopTable(label="t@1", codes=(StopCode(code=2, party="host", en="x", zh="y"),)),  # type: ignore[arg-type]
)
READER = Reader(ODD)
H = Table.HOLDING


def answers_of(**given: Any) -> Answers:
    return answers_from(READER.plan.fast, words_of(**given))


def sampled(**given: Any) -> Sample:
    sample = READER.sample(answers_of(**given), 1000)
    assert isinstance(sample, Sample), sample
    return sample


def fault(**given: Any) -> Fault:
    found = READER.sample(answers_of(**given), 1000)
    assert isinstance(found, Fault), found
    return found


def test_the_odd_machine_in_full() -> None:
    sample = sampled()
    assert (sample.state, sample.order_id) == (State.RUN, "20260042")
    assert sample.readings == {"total_m3": 1_234_875, "energy_kwh": 67_891}
    assert (sample.serial, sample.boot_count, sample.heartbeat) == (0, 0, None)


def test_states_come_from_coils_and_inputs_parts_of_registers_and_texts() -> None:
    assert sampled(pump=0).state is State.IDLE
    assert sampled(modes=0x0220).state is State.IDLE
    assert sampled(flag=b"D\0").state is State.FAULT
    assert sampled(flag=b"T ").stop_code == 2, "the high byte of the register that has the mode"
    assert sampled(flag=b"T ").party == "host"
    assert fault(valve=0).detail == "the machine says that its data is not valid"


NO_SAMPLE = [
    ({"style": "2026004A"}, "style has no value: 0x2026004a is no packed decimal"),
    ({"part": float("nan")}, "total_part has no value: nan is no number"),
    ({"part": 1.0}, "total_m3 has no value: its fraction is 1.0, not within 0 and 1"),
    ({"part": -0.25}, "total_m3 has no value: its fraction is -0.25"),
    ({"energy": float("inf")}, "energy_kwh has no value: inf is no number"),
    ({"energy": -1.0}, "energy_kwh has no value: -1.0 is below 0"),
    ({"energy": 1e18}, "energy_kwh has no value: 1e+18 is too large"),
    ({"flag": b"\xff\xff"}, "flag has no value: ffff is no ASCII text"),
]


@pytest.mark.parametrize(("given", "says"), NO_SAMPLE, ids=[says[:40] for _, says in NO_SAMPLE])
def test_what_a_bill_hangs_on_has_a_value_or_there_is_no_sample(given: dict[str, Any], says: str) -> None:
    found = fault(**given)
    assert found.reason is Reason.INVALID
    assert says in found.detail


def test_what_only_people_look_at_never_costs_a_sample() -> None:
    assert sampled(flow=float("nan"), model=b"\xff" * 8, temperature=0x8000)


def test_the_state_that_changed_while_the_counts_were_read_makes_the_read_void() -> None:
    before, after = list(answers_of()), list(answers_of(pump=0))
    found = READER.sample([*before[:3], *after[3:]], 0)
    assert isinstance(found, Fault)
    assert (found.reason, found.detail) == (
        Reason.TRANSIENT,
        "the state changed while the counts were read",
    )
    order = list(answers_of(style="20260043"))
    assert isinstance(READER.sample([*before[:3], *order[3:]], 0), Fault), "the order is of the state"
    counted = list(answers_of(whole=1235, energy=679.0))
    assert isinstance(READER.sample([*before[:3], *counted[3:]], 0), Sample), "counts may go on"


@pytest.mark.parametrize("at", range(6))
def test_a_request_that_is_needed_and_refused_makes_no_sample(at: int) -> None:
    answers = list(answers_of())
    answers[at] = None
    found = READER.sample(answers, 0)
    assert isinstance(found, Fault)
    assert found.reason is Reason.REFUSED


# --- gauges ---


def shown(**given: Any) -> dict[str, float]:
    blocks = (*READER.plan.fast, *READER.plan.slow)
    return gauges(ODD.gauges, READER.values(answers_from(blocks, words_of(**given))))


def test_gauges_show_scale_and_offset_rounded_once() -> None:
    """65.5 less 40; as floats, 655 * 0.1 - 40 is 25.5 and 0.000000000000003 too much or little."""
    assert shown() == {"flow_m3h": 12.5, "temperature_c": 25.5}
    assert shown(temperature=3) == {"flow_m3h": 12.5, "temperature_c": -39.7}


def test_a_gauge_without_a_value_is_left_out_and_the_others_stay() -> None:
    assert shown(flow=float("inf")) == {"temperature_c": 25.5}
    assert shown(flow=-9999) == {"temperature_c": 25.5}
    assert shown(temperature=0x8000) == {"flow_m3h": 12.5}
    answers = [*answers_of(), None, *answers_from(READER.plan.slow[1:], words_of())]
    assert gauges(ODD.gauges, READER.values(answers)) == {"temperature_c": 25.5}
    assert gauges(ODD.gauges, READER.values(answers_of())) == {}, "slow ones were not asked"


def test_a_gauge_that_no_float_holds_is_left_out() -> None:
    wide = Gauge(name="g", register="r", unit="", multiply=10**12)
    assert gauges([wide], {"r": 10**400}) == {}
    assert gauges([wide], {"r": 1e300}) == {}
    assert gauges([wide], {"r": "text"}) == {}


# --- roles ---


def register(name: str, address: int, type_: str = "u16", **more: Any) -> Register:
    return Register(
        name=name,
        table=H,
        address=address,
        type=RegisterType(type_),
        word_order=WordOrder.ABCD,
        **more,
    )


def role_of(role: str, made: Register, *, rules: tuple[Rule, ...] = (Rule(state=State.STOP),)) -> Profile:
    return Profile(
        name="p",
        version="1",
        kind="k",
        digest="",
        stop_table=StopTable(label="t@1", codes=()),
        max_registers=125,
        max_gap=32,
        registers=(made, register("n", 20, "u32")),
        roles=Roles(**{role: made.name}),
        bits={},
        rules=rules,
        counters=(Counter(name="n", width_bits=32, retained=True, max_per_hour=1),),
        quantities=(),
    )


def seen(profile: Profile, *words: int) -> Sample | Fault:
    reader = Reader(profile)
    first = profile.registers[0]
    held = dict.fromkeys(((H, n) for n in range(60)), 0)
    held |= {(H, first.address + n): word for n, word in enumerate(words)}
    return reader.sample(answers_from(reader.plan.fast, held), 0)


ORDERS = [
    (register("o", 0, "u32"), (0, 4711), "4711"),
    (register("o", 0, "u32"), (0, 0), NO_ORDER),
    (register("o", 0, "u32", no_value=(0xFFFFFFFF,)), (0xFFFF, 0xFFFF), NO_ORDER),
    (register("o", 0, "bcd8"), (0x0000, 0x4711), "4711"),
    (register("o", 0, "bcd8", no_value=(0xFFFFFFFF,)), (0xFFFF, 0xFFFF), NO_ORDER),
    (register("o", 0, "ascii", length=4), (0x504F, 0x2D37, 0x3100, 0), "PO-71"),
    (register("o", 0, "ascii", length=4), (0x2020, 0x2020, 0x2020, 0x2020), NO_ORDER),
    (register("o", 0, "ascii", length=4, no_value=("----",)), (0x2D2D, 0x2D2D, 0, 0), NO_ORDER),
    (register("o", 0, "u64"), (0xFFFF,) * 4, str(2**64 - 1)),
]


@pytest.mark.parametrize(("made", "words", "order"), ORDERS)
def test_an_order_is_digits_or_a_text_and_a_blank_one_is_none(
    made: Register, words: tuple[int, ...], order: str
) -> None:
    sample = seen(role_of("order", made), *words)
    assert isinstance(sample, Sample)
    assert sample.order_id == order


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (register("o", 0, "bcd8"), (0xFFFF, 0xFFFF)),
        (register("o", 0, "ascii", length=2), (0x413F, 0x4242)),
        (register("o", 0, "ascii", length=2), (0x6E6F, 0x6E65)),
    ],
    ids=["no digits", "a question mark", "the word none"],
)
def test_an_order_that_cannot_be_read_is_not_no_order(made: Register, words: tuple[int, ...]) -> None:
    found = seen(role_of("order", made), *words)
    assert isinstance(found, Fault)
    assert found.detail.startswith("o has no value")


def test_a_serial_number_may_be_a_text_of_digits() -> None:
    profile = role_of("serial", register("s", 0, "ascii", length=4))
    sample = seen(profile, 0x3234, 0x3031, 0x3031, 0)
    assert isinstance(sample, Sample)
    assert sample.serial == 240_101
    found = seen(profile, 0x5032, 0x3031, 0x3031, 0)
    assert isinstance(found, Fault)
    assert "has other characters than digits" in found.detail


@pytest.mark.parametrize("role", ["serial", "boot_count", "uptime_s", "heartbeat"])
def test_evidence_that_says_nothing_is_not_believed_to_be_0(role: str) -> None:
    found = seen(role_of(role, register("e", 0, no_value=(0xFFFF,))), 0xFFFF)
    assert isinstance(found, Fault)
    assert found.detail == "e has no value: it holds what stands for no value"


@pytest.mark.parametrize("role", ["serial", "boot_count", "uptime_s", "stop_code"])
def test_a_number_that_no_record_holds_makes_no_sample(role: str) -> None:
    found = seen(role_of(role, register("e", 0, "u64")), 0x8000, 0, 0, 0)
    assert isinstance(found, Fault)
    assert "more than any store holds" in found.detail


def test_a_stop_code_that_is_blank_is_none_and_one_that_cannot_be_read_is_a_fault() -> None:
    profile = role_of("stop_code", register("c", 0, "bcd4", no_value=(0xFFFF,)))
    for word, code in ((0xFFFF, 0), (0x0012, 12)):
        sample = seen(profile, word)
        assert isinstance(sample, Sample)
        assert sample.stop_code == code
    assert isinstance(seen(profile, 0x00AF), Fault)


def test_a_stop_code_that_is_the_vendors_code_too_is_judged_as_a_stop_code() -> None:
    profile = role_of("stop_code", register("c", 0, "bcd4", no_value=(0xFFFF,)))
    profile = replace(profile, roles=Roles(stop_code="c", vendor_code="c"))
    assert isinstance(seen(profile, 0x00AF), Fault)
    sample = seen(profile, 0x0012)
    assert isinstance(sample, Sample)
    assert (sample.stop_code, sample.vendor_code) == (12, 12)


def test_a_blank_register_that_decides_the_state_is_a_fault_whatever_else_it_is() -> None:
    made = register("c", 0, no_value=(0xFFFF,))
    rules = (Rule(state=State.FAULT, any=(Mask(register="c", mask=1),)), Rule(state=State.STOP))
    assert isinstance(seen(role_of("stop_code", made, rules=rules), 0xFFFF), Fault)
    assert isinstance(seen(role_of("stop_code", made), 0xFFFF), Sample)


def test_the_vendors_code_may_be_missing() -> None:
    made = register("v", 200, "bcd4")
    profile = role_of("vendor_code", made)
    reader = Reader(profile)
    assert len(reader.plan.fast) == 2
    for answer, code in (([0x0012], 12), ([0xFFFF], 0), (None, 0)):
        sample = reader.sample([[0, 7], answer], 0)
        assert isinstance(sample, Sample)
        assert (sample.vendor_code, sample.readings) == (code, {"n": 7})


def test_a_reader_remembers_standings_and_not_what_they_came_with() -> None:
    first, second = sampled(style="20260001"), sampled(style="20260002", whole=2)
    assert (first.order_id, second.order_id) == ("20260001", "20260002")
    assert first.readings != second.readings


def test_values_shows_every_register_and_why_one_has_none() -> None:
    values = READER.values(answers_of(part=float("nan")))
    assert values["model"] == "MFE600H"
    assert values["mode"] == 1
    assert str(values["total_part"]) == "no value (nan is no number)"
    assert isinstance(values["temperature"], NoValue)


def test_what_is_expected_of_a_text_is_compared() -> None:
    from edge_agent.interpret import surprises

    assert surprises(ODD, READER.values(answers_of())) == []
    odd = replace(ODD, expect=(Equals(register="model", values=("MFE600E",)),))
    assert surprises(odd, READER.values(answers_of())) == ["model is 'MFE600H', odd@1 expects 'MFE600E'"]
