"""What a loom, a welding interface, a retrofit module and three meters say, against their own stories.

The stories are added up here once more, by hand; the registers are taken apart by the golden images' layout.
"""

import itertools
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators import describe
from simulators.codes import Kind
from simulators.ledger import ledger
from simulators.plant import Plant, parse_plant
from simulators.script import Script, build_scripts
from simulators.shown import as_shown
from simulators.story import Segment
from tests.simulators.golden_image import read

START = 1_772_409_600_000
ANY = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])

PLANT = """
name = "Any"
site = "any"
area = "hall"
timezone = "Asia/Shanghai"
seed = {seed}
duration = "{minutes}m"

[[tenant]]
id = "red"
name_en = "Red"
name_zh = "红"

[[tenant]]
id = "blue"
name_en = "Blue"
name_zh = "蓝"

[[order]]
id = "87"
tenant = "red"
article = "screen"
pieces = 9
piece_s = 150
mesh = 400
machines = ["m-*"]

[[order]]
id = "12345678"
tenant = "blue"
article = "sieve"
pieces = 40
piece_s = 60
mesh = 60
machines = ["m-*"]

[[lease]]
machines = ["*"]
tenant = "red"
from = "0m"
until = "{cut}m"
"""
MACHINE = """
[[machines]]
kind = "{kind}"
name = "{name}"
"""
BEHAVIOUR = """behaviour = {{ stops_per_hour = {rate}, faults_per_hour = {rate}, maint_per_hour = 1,
restarts_per_hour = {rate}, scrap_share = 0.3, setup_s = 60 }}
""".replace("\n", " ")
MAKERS: tuple[Kind, ...] = ("loom", "kemppi", "retrofit")
METERS: tuple[Kind, ...] = ("effluent", "energy", "energy-1p")


@st.composite
def plants(draw: st.DrawFn) -> Plant:
    minutes = draw(st.integers(20, 480))
    text = PLANT.format(seed=draw(st.integers(0, 2**32)), minutes=minutes, cut=draw(st.integers(1, minutes)))
    for kind in MAKERS + METERS:
        name = f"m-{kind}" if kind in MAKERS else kind
        text += MACHINE.format(kind=kind, name=name)
        text += BEHAVIOUR.format(rate=draw(st.sampled_from([0, 1, 8]))).rstrip() + "\n"
    return parse_plant(text)


def each(
    plant: Plant, kind: Kind, data: st.DataObject
) -> Iterator[tuple[Script, int, dict[str, int | float | str]]]:
    """A script, an offset within its shift (edges as a rule), and what the machine says then."""
    (script,) = (s for s in build_scripts(plant, START).values() if s.machine.kind == kind)
    edges = [segment.start for segment in script.story.segments]
    edges += [event.at for event in script.story.events] + list(script.story.boots)
    near = st.builds(lambda edge, by: max(0, edge + by), st.sampled_from(edges), st.integers(-1, 1))
    for offset in data.draw(st.lists(near | st.integers(0, plant.duration_ms - 1), min_size=3, max_size=6)):
        yield script, offset, read(kind, script.image(START + offset))


def spent(script: Script, offset: int) -> Iterator[tuple[Segment, int]]:
    """Each segment, and how much of it is over."""
    for segment in script.story.segments:
        if segment.start < offset:
            yield segment, min(segment.end, offset) - segment.start


def inside(script: Script, offset: int) -> Segment:
    return next(s for s in script.story.segments if s.start <= offset < s.end)


@ANY
@given(plant=plants(), data=st.data())
def test_a_loom_counts_picks_length_stops_and_bad_cloth(plant: Plant, data: st.DataObject) -> None:
    mesh = {87: 400, 12_345_678: 60}
    for script, offset, told in each(plant, "loom", data):
        first, now = script.first, inside(script, offset)
        run = [(s, ms) for s, ms in spent(script, offset) if s.state == "run"]
        run_ms = sum(ms for _, ms in run)
        assert told["run_s"] == (first["run_s"] + run_ms // 1000) % 2**32
        assert told["picks_total"] == (first["picks_total"] + run_ms // 500) % 2**32
        # 2 picks a second, each 2.54 cm / mesh; in sixtieths of a four-hundredth there is no fraction.
        parts = sum(ms * (1200 // mesh[s.order]) for s, ms in run)
        assert told["length_total"] == (first["length_total"] + parts * 254 // 60_000_000) % 2**32
        for vendor, name in ((2, "stop_s_warp"), (3, "stop_s_weft")):
            ms = sum(ms for s, ms in spent(script, offset) if s.state == "stop" and s.vendor == vendor)
            assert told[name] == (first[name] + ms // 1000) % 2**32
        assert told["style"] == now.order % 10**8
        assert told["mesh"] == mesh.get(now.order, 100)
        assert (told["speed"] == 120) == (now.state == "run")
        marks = [e for e in script.story.events if e.counter == "scrap" and e.at <= offset]
        assert (told["area_ng_total"] != first["area_ng_total"]) == bool(marks)


@ANY
@given(plant=plants(), data=st.data())
def test_what_flowed_through_an_effluent_point_is_told_to_the_litre(
    plant: Plant, data: st.DataObject
) -> None:
    for script, offset, told in each(plant, "effluent", data):
        first, now = script.first, inside(script, offset)
        forward = sum(max(0, s.level) * ms for s, ms in spent(script, offset)) // 1_000_000
        back = sum(max(0, -s.level) * ms for s, ms in spent(script, offset)) // 1_000_000
        for way, litres in (("forward", forward), ("reverse", back)):
            whole, part = told[f"{way}_m3"], told[f"{way}_fraction"]
            assert isinstance(whole, int)
            assert isinstance(part, float)
            assert 0 <= part < 1
            assert whole * 1000 + round(part * 1000) == first[f"{way}_l"] + litres
        assert told["flow"] == pytest.approx(now.level * 0.0036)
        assert (
            told["steam_total"]
            == first["steam_kg"] + sum(max(0, s.level) * ms for s, ms in spent(script, offset)) * 12 // 10**8
        )
        bits = told["point_bits"]
        assert isinstance(bits, int)
        assert [bits >> n & 1 for n in range(5)] == [
            now.state == "maint",
            now.state == "fault",
            now.level < 0,
            now.level != 0,
            1,
        ]
        assert (now.state == "run") <= (now.level > 0)


@ANY
@given(plant=plants(), data=st.data())
def test_a_concentration_has_a_flag_that_says_whether_it_is_one(plant: Plant, data: st.DataObject) -> None:
    for script, offset, told in each(plant, "effluent", data):
        state = inside(script, offset).state
        for name in ("cod", "nh3n", "tn", "tp"):
            assert told[f"{name}_flag"] in {"fault": {"D"}, "maint": {"M"}}.get(state, set("NTSCD"))
            assert told[f"{name}_age_s"] == offset % 900_000 // 1000
        assert 90 - 10 <= float(told["cod"]) < 900


@ANY
@given(plant=plants(), data=st.data())
@pytest.mark.parametrize(("kind", "total"), [("energy", "forward"), ("energy-1p", "total")])
def test_a_meter_counts_in_steps_of_a_hundredth_of_a_kilowatt_hour(
    plant: Plant, data: st.DataObject, kind: Kind, total: str
) -> None:
    for script, offset, told in each(plant, kind, data):
        levels = [(s.level, ms) for s, ms in spent(script, offset)]
        used = sum((max(0, level) if kind == "energy" else abs(level)) * ms for level, ms in levels)
        assert told[total] == script.first[total] + used // 36_000_000
        tariffs = ["total_sharp", "total_peak", "total_flat", "total_valley"]
        names = tariffs if kind == "energy" else ["sharp", "peak", "flat", "valley"]
        assert sum(int(told[name]) for name in names) == told["total"]
        level = inside(script, offset).level
        assert told["kw"] == (level if kind == "energy" else abs(level))


@ANY
@given(plant=plants(), data=st.data())
def test_a_retrofit_module_counts_the_pulses_since_its_supply_came_back(
    plant: Plant, data: st.DataObject
) -> None:
    for script, offset, told in each(plant, "retrofit", data):
        boots = [boot for boot in script.story.boots if boot <= offset]
        since = boots[-1] if boots else -1
        pieces = sum(
            since < event.at <= offset for event in script.story.events if event.counter == "produced"
        )
        first = 0 if boots else script.first["pulses"]
        assert told["pulses"] == (first + pieces) % 2**16
        state = inside(script, offset).state
        assert told["discrete mains"] == (state != "off")
        assert told["discrete running"] == (state in ("run", "test"))
        assert (told["discrete red_lamp"], told["discrete amber_lamp"]) == (state == "fault", state == "stop")
        lit = [told[f"discrete {name}"] for name in ("mains", "running", "piece", "red_lamp", "amber_lamp")]
        assert told["inputs"] == sum(int(bit) << n for n, bit in enumerate(lit))
        if boots:
            assert told["uptime_s"] == (offset - since) // 1000


@ANY
@given(plant=plants())
def test_no_pulse_comes_just_before_a_module_forgets(plant: Plant) -> None:
    (script,) = (s for s in build_scripts(plant, START).values() if s.machine.kind == "retrofit")
    for boot in script.story.boots:
        assert not any(boot - plant.quiet_ms <= event.at <= boot for event in script.story.events)


@ANY
@given(plant=plants(), data=st.data())
def test_a_welding_interface_tells_cycle_error_and_readiness(plant: Plant, data: st.DataObject) -> None:
    for script, offset, told in each(plant, "kemppi", data):
        state = inside(script, offset).state
        assert told["discrete cycle_on"] == (state in ("run", "test"))
        assert told["discrete error"] == (state == "fault")
        assert told["discrete power_source_ready"] == (state != "off")
        assert int(told["discrete arc_on"]) <= int(told["discrete cycle_on"])
        assert (told["current"] == 182) == bool(told["discrete arc_on"])
        assert (told["error"] != 0) == (state == "fault")
        status = told["status"]
        assert isinstance(status, int)
        assert [status >> n & 1 for n in (0, 1, 2, 3, 5)] == [
            told[f"discrete {name}"]
            for name in ("welding_system_ready", "power_source_ready", "arc_on", "cycle_on", "error")
        ]


@ANY
@given(plant=plants(), data=st.data())
def test_what_two_ledgers_counted_adds_up_wherever_they_meet(plant: Plant, data: st.DataObject) -> None:
    scripts = build_scripts(plant, START)
    cut = START + data.draw(st.integers(-1_000, plant.duration_ms + 1_000))
    one, other, whole = ledger(scripts, None, cut), ledger(scripts, cut, None), ledger(scripts)
    for name, account in whole.machines.items():
        if START <= cut <= whole.until_ms:
            halves = one.machines[name].counted, other.machines[name].counted
            assert {q: halves[0][q] + halves[1][q] for q in account.counted} == account.counted
        assert all(moved >= 0 for moved in account.counted.values())


@ANY
@given(plant=plants())
def test_a_reader_is_told_of_time_and_pieces_as_much_as_there_is(plant: Plant) -> None:
    """States melt into others and orders are lost, but no millisecond and no piece is."""
    scripts = build_scripts(plant, START)
    truth = ledger(scripts)
    shown = as_shown(truth, scripts)
    for name, account in shown.machines.items():
        edges = [truth.since_ms, *(span.end for span in account.spans)]
        assert [span.start for span in account.spans] == edges[:-1]
        assert edges[-1] == truth.until_ms
        for before, after in itertools.pairwise(account.spans):
            assert (before.state, before.party, before.stop_code, before.order, before.tenant) != (
                *(after.state, after.party, after.stop_code, after.order, after.tenant),
            )
        assert account.counted == truth.machines[name].counted
    assert shown.pieces() == truth.pieces()
    assert shown.machines["m-loom"] == truth.machines["m-loom"]
    old, mig = shown.machines["m-retrofit"], shown.machines["m-kemppi"]
    assert {span.state for span in mig.spans} <= {"run", "idle", "fault", "off"}
    assert {span.state for span in old.spans} <= {"run", "idle", "stop", "fault", "off"}
    assert {(span.order, span.stop_code) for span in old.spans + mig.spans} == {("none", 0)}
    assert {span.party for span in old.spans + mig.spans} <= {"none", "unknown"}
    (lease,) = plant.leases_of("m-retrofit")
    for span in old.spans:
        assert span.tenant == ("red" if span.start < START + lease.until_ms else "none")


def test_a_meter_works_no_orders() -> None:
    text = PLANT.format(seed=1, minutes=60, cut=10).replace('["m-*"]', '["*"]')
    machine = MACHINE.format(kind="effluent", name="outfall")
    with pytest.raises(Exception, match="outfall is a meter and works no orders; name machines that make"):
        parse_plant(text + machine)


def test_a_mesh_that_no_loom_weaves_is_refused() -> None:
    text = PLANT.format(seed=1, minutes=60, cut=10).replace("mesh = 60", "mesh = 70")
    with pytest.raises(Exception, match="no loom here weaves 70 picks an inch; use one of 40, 50, 60"):
        parse_plant(text + MACHINE.format(kind="loom", name="m-1"))


def test_a_meter_is_nobodys_outside_its_lease_and_never_rests(cluster: Plant) -> None:
    scripts = build_scripts(cluster, START)
    told = ledger(scripts).ms_by_work()
    half = cluster.duration_ms // 2
    assert {key: ms for key, ms in told.items() if key[0] == "outfall-01"} == {
        ("outfall-01", "none", "gaodye"): half,
        ("outfall-01", "none", "hengxin"): half,
    }
    assert {ms for key, ms in told.items() if key[0] == "feeder-01"} == {cluster.duration_ms}
    for script in scripts.values():
        assert [s.start for s in script.story.segments[1:]] == [s.end for s in script.story.segments[:-1]]
        assert script.story.segments[-1].end == cluster.duration_ms


def test_the_cluster_has_every_type_and_counts_past_the_ends_of_registers(cluster: Plant) -> None:
    scripts = build_scripts(cluster, START)
    assert len({machine.kind for machine in cluster.machines}) == 8
    wraps = [
        ("loom-02", "picks_total", 2**32),
        ("loom-02", "length_total", 2**32),
        ("loom-02", "area_ng_total", 2**32),
        ("feeder-01", "forward", 2**32),
        ("outfall-01", "steam_total", 2**32),
    ]
    for name, register, _ in wraps:
        script = scripts[name]
        before, after = (read(script.machine.kind, script.image(at)) for at in (START, script.end_ms))
        assert int(after[register]) < int(before[register]), register
    boots = scripts["old-01"].story.boots
    made = [event.at for event in scripts["old-01"].story.events if event.counter == "produced"]
    assert sum(at < boots[0] for at in made) > 2**16 - 65_530  # it wraps before it first forgets
    assert sum(at > boots[-1] for at in made) > 5


def test_a_meter_behind_transformers_has_a_profile_of_its_own(cluster: Plant) -> None:
    profiles = {machine.name: machine.profile for machine in cluster.machines}
    assert (profiles["feeder-01"], profiles["office-01"]) == ("acrel-adl-40", "acrel-ddsy")
    told = describe.agent_machines(cluster, dict.fromkeys(profiles, ("127.0.0.1", 1502, 1)))
    assert 'profile = "acrel-adl-40"' in told
    assert told.count("serial = ") == sum(profile in COMMON_HEADER for profile in profiles.values())


COMMON_HEADER = {"knit-flat", "weld-cell", "wire-loom", "effluent-point"}
"""The maps that tell a serial number."""
