"""The read plan covers everything wanted, tears nothing, obeys the limits, and cannot be beaten."""

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.states import State
from edge_agent.block import Block, Table, keys_of
from edge_agent.decode import Register, RegisterType, WordOrder
from edge_agent.plan import PlanError, misfit, pack, plan, together
from edge_agent.profile import Counter, Mask, Profile, Roles, Rule, StopTable


def register(address: int, type_: str = "u16", table: Table = Table.HOLDING) -> Register:
    return Register(
        name=f"{table[0]}{address}",
        table=table,
        address=address,
        type=RegisterType(type_),
        word_order=WordOrder.ABCD,
    )


@st.composite
def layouts(draw: st.DrawFn, most: int = 8, tables: int = 2) -> list[Register]:
    """Registers that do not overlap, in any order."""
    found: list[Register] = []
    for table in list(Table)[:tables]:
        address = draw(st.integers(0, 20))
        for _ in range(draw(st.integers(0, most))):
            made = register(address, draw(st.sampled_from(["u16", "u32", "u64"])), table)
            found.append(made)
            address = made.end + draw(st.integers(0, 12))
    return draw(st.permutations(found))


limits = st.tuples(st.integers(4, 40), st.integers(0, 12))


@given(layouts(), limits, st.data())
def test_every_word_is_covered_whole_and_no_block_breaks_a_limit(
    registers: list[Register], limit: tuple[int, int], data: st.DataObject
) -> None:
    max_registers, max_gap = limit
    group = _group(registers, limit, data)
    blocks = pack(registers, group, max_registers, max_gap)
    wanted = {key for r in registers for key in r.keys}
    read = [key for block in blocks for key in keys_of(block)]
    assert wanted <= set(read)
    assert len(read) == len(set(read)), "nothing is read twice"
    for r in (*registers, *([] if not group else [_hull(group)])):
        assert any(b.table is r.table and b.address <= r.address and r.end <= b.end for b in blocks)
    for block in blocks:
        assert 1 <= block.count <= max_registers
        assert (block.table, block.address) in wanted
        assert (block.table, block.end - 1) in wanted
        assert _longest_gap(block, wanted) <= max_gap


@given(layouts(most=7, tables=1), limits, st.data())
def test_no_legal_plan_has_fewer_blocks(
    registers: list[Register], limit: tuple[int, int], data: st.DataObject
) -> None:
    """Against every way to cut the registers into runs."""
    assume(registers)
    group = _group(registers, limit, data)
    best = min(
        len(cut) for cut in _cuts(sorted(registers, key=lambda r: r.address)) if _legal(cut, limit, group)
    )
    assert len(pack(registers, group, *limit)) == best


def _group(registers: list[Register], limit: tuple[int, int], data: st.DataObject) -> list[Register]:
    """Some registers that can stand in one block."""
    drawn = data.draw(st.lists(st.sampled_from(registers), max_size=3, unique=True)) if registers else []
    if not drawn or len({r.table for r in drawn}) > 1:
        return []
    hull = _hull(drawn)
    wanted = {key for r in registers for key in r.keys}
    fits = hull.count <= limit[0] and _longest_gap(hull, wanted) <= limit[1]
    return drawn if fits else []


def _hull(group: list[Register]) -> Block:
    low, high = min(r.address for r in group), max(r.end for r in group)
    return Block(group[0].table, low, high - low)


def _longest_gap(block: Block, wanted: set[tuple[Table, int]]) -> int:
    inside = [address for table, address in keys_of(block) if (table, address) in wanted]
    return max((right - left - 1 for left, right in pairwise(inside)), default=0)


def _cuts(registers: list[Register]) -> list[list[list[Register]]]:
    if len(registers) <= 1:
        return [[registers]] if registers else [[]]
    found = []
    for rest in _cuts(registers[1:]):
        found.append([[registers[0]], *rest])
        found.append([[registers[0], *rest[0]], *rest[1:]])
    return found


def _legal(cut: list[list[Register]], limit: tuple[int, int], group: list[Register]) -> bool:
    whole = not group or any(all(member in run for member in group) for run in cut)
    return whole and all(
        run[-1].end - run[0].address <= limit[0]
        and all(right.address - left.end <= limit[1] for left, right in pairwise(run))
        for run in cut
    )


def profile_of(
    registers: list[Register], *, counters: list[Register], max_registers: int = 125, max_gap: int = 32
) -> Profile:
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


def test_status_and_counters_stay_together_where_cutting_elsewhere_would_do() -> None:
    """From the left, status would go with the two before it and part from its counter."""
    serial, spare, status, count = register(0, "u32"), register(3), register(5), register(8, "u32")
    profile = replace(
        profile_of([status, serial, spare, count], counters=[count], max_registers=6),
        roles=Roles(serial=serial.name),
    )
    assert plan(profile) == (Block(Table.HOLDING, 0, 4), Block(Table.HOLDING, 5, 5))


def test_the_order_comes_with_the_counters_and_the_serial_need_not() -> None:
    status, count, order, serial = register(0), register(1, "u32"), register(9, "u32"), register(20, "u32")
    profile = replace(
        profile_of([status, count, order, serial], counters=[count]),
        roles=Roles(order=order.name, serial=serial.name),
    )
    assert {r.name for r in together(profile)} == {status.name, count.name, order.name}


MISFITS = [
    ([register(0), register(200, "u32")], 125, 300, "202 registers from 0, 125 fit; beyond: h200"),
    ([register(0), register(100, "u32")], 125, 32, "99 unused registers before h100"),
    ([register(0), register(5, "u32", Table.INPUT)], 125, 32, "both tables: h0 (holding 0), i5 (input 5)"),
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


def test_a_gap_is_read_over_up_to_its_limit_and_no_further() -> None:
    near, far = register(0), register(11)
    assert pack([near, far], [], 125, 10) == (Block(Table.HOLDING, 0, 12),)
    assert pack([near, far], [], 125, 9) == (Block(Table.HOLDING, 0, 1), Block(Table.HOLDING, 11, 1))


def test_nothing_wanted_is_nothing_read() -> None:
    assert pack([], [], 125, 32) == ()
