"""What must come from one request does, what is for people costs it nothing, and evidence is not left out."""

import pytest
from msgspec.structs import replace

from contract.states import State
from edge_agent.block import Block, Table
from edge_agent.plan import PlanError, misfit, plan, read_plan, together
from edge_agent.profile import (
    Counter,
    Equals,
    Gauge,
    Mask,
    Profile,
    Range,
    RangeRead,
    Roles,
    Rule,
    StateRead,
    StopTable,
)
from edge_agent.register import Register, RegisterType, WordOrder

H, INPUT, COIL, DISCRETE = Table.HOLDING, Table.INPUT, Table.COIL, Table.DISCRETE


def register(address: int, type_: str = "u16", table: Table = H) -> Register:
    return Register(
        name=f"{table[0]}{address}",
        table=table,
        address=address,
        type=RegisterType(type_),
        word_order=WordOrder.ABCD,
    )


def profile_of(
    registers: list[Register], *, counters: list[Register], max_registers: int = 125, max_gap: int = 32
) -> Profile:
    """The first register's bits are the state."""
    status = registers[0]
    return Profile(
        name="p",
        version="1",
        kind="k",
        digest="",
        stop_table=StopTable(label="t@1", codes=()),
        max_registers=max_registers,
        max_gap=max_gap,
        registers=tuple(registers),
        roles=Roles(),
        bits={},
        rules=(
            Rule(state=State.RUN, any=(Mask(register=status.name, mask=1),)),
            Rule(state=State.IDLE),
        ),
        counters=tuple(Counter(name=r.name, width_bits=32, retained=True, max_per_hour=1) for r in counters),
        quantities=(),
    )


def gauge(of: Register) -> Gauge:
    return Gauge(name=of.name, register=of.name, unit="")


def test_a_count_of_two_words_is_never_torn() -> None:
    """Where the request for another one has room for half of it."""
    status, pieces, energy = register(0, table=COIL), register(0, "u32"), register(2, "u32")
    profile = replace(
        profile_of([status, pieces, energy], counters=[pieces, energy], max_registers=3),
        state_read=StateRead.AROUND_COUNTS,
    )
    assert plan(profile) == (Block(COIL, 0, 1), Block(H, 0, 2), Block(H, 2, 2), Block(COIL, 0, 1))


def test_status_and_counters_stay_together_where_cutting_elsewhere_would_do() -> None:
    """From the left, status would go with the two before it and part from its counter."""
    serial, spare, status, count = register(0, "u32"), register(3), register(5), register(8, "u32")
    profile = replace(
        profile_of([status, serial, spare, count], counters=[count], max_registers=6),
        roles=Roles(serial=serial.name, boot_count=spare.name),
    )
    assert plan(profile) == (Block(H, 0, 4), Block(H, 5, 5))


def test_stop_code_and_order_come_with_the_counters_and_the_serial_need_not() -> None:
    status, count, order, code = register(0), register(1, "u32"), register(9, "u32"), register(11)
    serial, vendor = register(20, "u32"), register(30)
    profile = replace(
        profile_of([status, count, order, code, serial, vendor], counters=[count]),
        roles=Roles(order=order.name, stop_code=code.name, serial=serial.name, vendor_code=vendor.name),
    )
    (group,) = together(profile)
    assert {r.name for r in group} == {status.name, count.name, order.name, code.name}


def test_both_parts_of_a_count_come_from_one_request() -> None:
    status, whole, other, fraction = register(0), register(2, "u32"), register(4, "u32"), register(90, "f32")
    profile = profile_of([status, whole, other, fraction], counters=[whole, other])
    pair = replace(profile.counters[0], fraction=fraction.name, counts=1000)
    profile = replace(profile, counters=(pair, profile.counters[1]))
    assert "84 unused registers before 90" in misfit(profile)
    around = replace(profile, state_read=StateRead.AROUND_COUNTS)
    assert {r.name for r in together(around)[0]} == {whole.name, fraction.name}
    assert "84 unused" not in misfit(replace(around, max_gap=90))


MISFITS = [
    ([register(0), register(200, "u32")], 125, 300, "202 registers from 0, 125 fit; beyond: h200"),
    ([register(0), register(100, "u32")], 125, 32, "99 unused registers before 100, max_gap is 32"),
    ([register(0), register(5, "u32", INPUT)], 125, 32, "more than one table: h0 (holding 0), i5 (input 5)"),
]


@pytest.mark.parametrize(("registers", "most", "gap", "says"), MISFITS)
def test_what_cannot_be_read_together_is_named(
    registers: list[Register], most: int, gap: int, says: str
) -> None:
    profile = profile_of(registers, counters=registers[1:], max_registers=most, max_gap=gap)
    assert says in misfit(profile)
    with pytest.raises(PlanError):
        plan(profile)


def test_a_gap_between_what_belongs_together_is_read_over_up_to_the_same_limit() -> None:
    status, count = register(0), register(11, "u32")
    assert misfit(profile_of([status, count], counters=[count], max_gap=10)) == ""
    assert "10 unused registers" in misfit(profile_of([status, count], counters=[count], max_gap=9))


def test_a_hole_in_what_belongs_together_is_a_misfit() -> None:
    status, count = register(0), register(11, "u32")
    hole = Range(table=H, first=5, last=6, read=RangeRead.FORBIDDEN)
    profile = replace(profile_of([status, count], counters=[count]), ranges=(hole,))
    assert "holding 5 to 6 may not be read: h0 (holding 0), h11 (holding 11)" in misfit(profile)


# --- what is read for people ---


def with_gauges(*gauges: Register, max_gap: int = 32) -> Profile:
    status, count = register(10), register(14, "u32")
    profile = profile_of([status, count, *gauges], counters=[count], max_gap=max_gap)
    return replace(profile, gauges=tuple(gauge(each) for each in gauges))


def test_a_gauge_makes_no_fast_request_longer() -> None:
    """A machine that refuses it would refuse its counters with it."""
    made = read_plan(with_gauges(register(9), register(16)))
    assert made.fast == (Block(H, 10, 6),)
    assert made.slow == (Block(H, 9, 8),)


def test_a_gauge_within_a_fast_request_comes_with_it() -> None:
    made = read_plan(with_gauges(register(12), register(13, "u16")))
    assert (made.fast, made.slow) == ((Block(H, 10, 6),), ())


def test_gauges_of_several_tables_are_read_by_requests_of_their_own() -> None:
    made = read_plan(with_gauges(register(40, "f32"), register(42, "f32"), register(3, "u16", INPUT)))
    assert made.slow == (Block(H, 40, 4), Block(INPUT, 3, 1))


def test_what_is_expected_comes_along_where_that_takes_no_request_of_its_own() -> None:
    map_id, status, count, far = register(0), register(10), register(14, "u32"), register(300)
    profile = profile_of([status, map_id, count, far], counters=[count])
    expect = tuple(Equals(register=r.name, values=(1,)) for r in (map_id, far))
    made = read_plan(replace(profile, expect=expect))
    assert (made.fast, made.slow) == ((Block(H, 0, 16),), (Block(H, 300, 1),))


# --- what may be refused ---


def test_evidence_is_needed_and_the_vendors_code_is_not() -> None:
    status, count, serial, vendor = register(0), register(1, "u32"), register(100, "u32"), register(200)
    profile = replace(
        profile_of([status, count, serial, vendor], counters=[count]),
        roles=Roles(serial=serial.name, vendor_code=vendor.name),
    )
    made = read_plan(profile)
    assert made.fast == (Block(H, 0, 3), Block(H, 100, 2), Block(H, 200, 1))
    assert made.needed == {0, 1}


@pytest.mark.parametrize("role", ["serial", "boot_count", "uptime_s", "heartbeat", "order", "stop_code"])
def test_each_role_that_a_bill_hangs_on_is_needed_at_every_poll(role: str) -> None:
    status, count, far = register(0), register(1, "u32"), register(30, "u32")
    profile = replace(profile_of([status, count, far], counters=[count]), roles=Roles(**{role: far.name}))
    made = read_plan(profile)
    holders = [at for at, block in enumerate(made.fast) if block.address <= 30 < block.end]
    assert holders
    assert set(holders) <= made.needed


def test_a_stop_code_that_is_the_vendors_code_too_is_needed() -> None:
    status, count, code = register(0), register(1, "u32"), register(30)
    profile = replace(
        profile_of([status, count, code], counters=[count]),
        state_read=StateRead.AROUND_COUNTS,
        max_gap=5,
        roles=Roles(stop_code=code.name, vendor_code=code.name),
    )
    made = read_plan(profile)
    assert made.needed == set(range(len(made.fast)))


# --- the state around the counts ---


def around(profile: Profile) -> Profile:
    return replace(profile, state_read=StateRead.AROUND_COUNTS)


def test_a_state_that_stands_in_another_table_is_read_before_and_after_the_counts() -> None:
    contact, count = register(0, "bit", DISCRETE), register(5, "u32", INPUT)
    profile = profile_of([contact, count], counters=[count])
    assert "more than one table" in misfit(profile)
    made = read_plan(around(profile))
    assert made.fast == (Block(DISCRETE, 0, 1), Block(INPUT, 5, 2), Block(DISCRETE, 0, 1))
    assert (made.again, made.needed) == (1, {0, 1, 2})


def test_a_state_in_several_places_is_read_twice_in_all_of_them() -> None:
    contact, count, order = register(0, "bit", DISCRETE), register(5, "u32", INPUT), register(9, "u32")
    profile = replace(profile_of([contact, count, order], counters=[count]), roles=Roles(order=order.name))
    made = read_plan(around(profile))
    head = (Block(DISCRETE, 0, 1), Block(H, 9, 2))
    assert made.fast == (*head, Block(INPUT, 5, 2), *head)
    assert made.again == 2


def test_a_state_that_one_request_reads_with_all_counts_is_read_once() -> None:
    status, count = register(0), register(1, "u32")
    made = read_plan(around(profile_of([status, count], counters=[count])))
    assert (made.fast, made.again) == ((Block(H, 0, 3),), 0)


def test_a_machine_that_answers_few_registers_at_once_is_read_all_the_same() -> None:
    status, counts = register(0), [register(at, "u32") for at in (10, 12, 20)]
    made = read_plan(around(profile_of([status, *counts], counters=counts, max_registers=4)))
    assert made.fast == (Block(H, 0, 1), Block(H, 10, 4), Block(H, 20, 2), Block(H, 0, 1))


def test_a_machine_without_a_state_has_nothing_to_read_twice() -> None:
    count = register(5, "u32", INPUT)
    profile = replace(profile_of([count], counters=[count]), rules=(Rule(state=State.RUN),))
    assert read_plan(around(profile)).again == 0
