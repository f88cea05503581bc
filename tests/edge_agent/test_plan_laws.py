"""Laws of the read plan over any profile: what it promises of every machine that nobody has met yet."""

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.states import State
from edge_agent.block import Block, Table, holds
from edge_agent.plan import counted, evidence, misfit, posture, read_plan, sampled, together
from edge_agent.profile import Counter, Equals, Gauge, Mask, Profile, Roles, Rule, StateRead, StopTable
from edge_agent.register import Register, RegisterType, WordOrder
from edge_agent.request import Limits, objection

ROLES = ("serial", "boot_count", "uptime_s", "heartbeat", "order", "stop_code", "vendor_code")


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Registers of any purpose, scattered over the four tables of a machine with narrow limits."""
    registers = draw(scattered())
    assume(registers)
    words = [r.name for r in registers if not r.table.bits]
    some = st.lists(st.sampled_from([r.name for r in registers]), max_size=4, unique=True)
    numbers = st.lists(st.sampled_from(words), max_size=4, unique=True) if words else st.just([])
    counts = draw(numbers)
    roles = {role: draw(st.sampled_from(words)) for role in ROLES if words and draw(st.booleans())}
    return Profile(
        name="p",
        version="1",
        kind="k",
        digest="",
        stop_table=StopTable(label="t@1", codes=()),
        max_registers=draw(st.integers(4, 30)),
        max_coils=draw(st.integers(4, 30)),
        max_gap=draw(st.integers(0, 12)),
        registers=tuple(registers),
        roles=Roles(**roles),
        bits={},
        rules=(
            Rule(state=State.RUN, any=tuple(Mask(register=name, mask=1) for name in draw(some))),
            Rule(state=State.IDLE),
        ),
        counters=tuple(Counter(name=n, width_bits=32, retained=True, max_per_hour=1) for n in counts),
        quantities=(),
        expect=tuple(Equals(register=name, values=(0,)) for name in draw(some)),
        gauges=tuple(Gauge(name=name, register=name, unit="") for name in draw(some)),
        state_read=draw(st.sampled_from(list(StateRead))),
    )


@st.composite
def scattered(draw: st.DrawFn) -> list[Register]:
    found = []
    for table in Table:
        address = draw(st.integers(0, 9))
        for _ in range(draw(st.integers(0, 5))):
            type_ = (
                RegisterType.BIT
                if table.bits
                else draw(st.sampled_from([RegisterType.U16, RegisterType.U32]))
            )
            made = Register(
                name=f"{table}_{address}",
                table=table,
                address=address,
                type=type_,
                word_order=WordOrder.ABCD,
            )
            found.append(made)
            address = made.end + draw(st.integers(0, 9))
    return found


def blocks_of(profile: Profile, names: set[str]) -> list[Block]:
    return [register.block for register in profile.registers if register.name in names]


def held(block: Block, requests: tuple[Block, ...]) -> bool:
    return any(holds(request, block) for request in requests)


@given(profiles())
def test_every_register_is_read_whole_and_no_request_is_objected_to(profile: Profile) -> None:
    assume(not misfit(profile))
    made, limits = read_plan(profile), Limits.of(profile)
    assert all(held(r.block, (*made.fast, *made.slow)) for r in profile.registers)
    assert all(held(block, made.fast) for block in blocks_of(profile, sampled(profile)))
    assert not [objection(block, limits) for block in (*made.fast, *made.slow) if objection(block, limits)]


@given(profiles())
def test_a_count_comes_with_its_state_or_between_two_looks_at_it(profile: Profile) -> None:
    assume(not misfit(profile) and posture(profile) and counted(profile))
    made = read_plan(profile)
    said, counts = blocks_of(profile, posture(profile)), blocks_of(profile, counted(profile))
    if made.again:
        head, tail = made.fast[: made.again], made.fast[-made.again :]
        assert head == tail
        assert profile.state_read is StateRead.AROUND_COUNTS
        assert all(held(block, head) for block in said)
    else:
        assert any(all(holds(request, block) for block in (*said, *counts)) for request in made.fast)


@given(profiles())
def test_each_group_comes_from_one_request(profile: Profile) -> None:
    assume(not misfit(profile))
    made = read_plan(profile)
    for group in together(profile):
        assert any(all(holds(request, r.block) for r in group) for request in made.fast)


@given(profiles())
def test_only_a_request_without_state_counts_and_evidence_may_be_refused(profile: Profile) -> None:
    assume(not misfit(profile))
    made = read_plan(profile)
    vital = posture(profile) | counted(profile) | evidence(profile)
    for at, request in enumerate(made.fast):
        is_vital = any(holds(request, block) for block in blocks_of(profile, vital))
        assert (at in made.needed) == is_vital


@given(profiles())
def test_gauges_change_nothing_of_what_is_read_at_every_poll(profile: Profile) -> None:
    """But that what lies between is known to be there, which can only save a request."""
    assume(not misfit(profile))
    without = replace(profile, gauges=())
    assert read_plan(profile).fast == read_plan(without).fast
    used = sampled(profile) | {equal.register for equal in profile.expect}
    bare = replace(without, registers=tuple(r for r in profile.registers if r.name in used))
    assume(not misfit(bare))
    assert len(read_plan(profile).fast) <= len(read_plan(bare).fast)
