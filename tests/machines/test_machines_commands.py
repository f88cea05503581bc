"""`gongfang-agent check` and `probe` of each shipped profile, against its simulated machine on a socket."""

import asyncio
import re
from pathlib import Path

import pytest

from demo import files
from edge_agent.__main__ import main
from edge_agent.counters import Kind, steps
from edge_agent.profile_file import load_profile
from edge_agent.sample import Sample
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table
from simulators.modbus import serve
from simulators.script import Script, build_scripts
from tests.demo.mini_plant import ROOT, START_MS, embedded
from tests.machines.cluster import RATIO, cluster_plant, profile, with_transformers
from tests.simulators.golden_image import read

NOW_MS = START_MS + 1_320_000
"""Twenty-two minutes into the shift: the COD analyser is being calibrated, that of phosphorus has failed."""


@pytest.fixture
def site(tmp_path: Path) -> files.Place:
    with_transformers(tmp_path)
    return embedded(tmp_path)


@pytest.fixture(scope="module")
def scripts() -> dict[str, Script]:
    return build_scripts(cluster_plant(), START_MS)


async def probed(
    site: files.Place, scripts: dict[str, Script], capsys: pytest.CaptureFixture[str]
) -> dict[str, list[str]]:
    """What the command says of each machine, line by line."""
    async with serve(scripts, lambda: NOW_MS) as found:
        files.write(site, cluster_plant(), found)
        code = await asyncio.to_thread(main, ["probe", "--config", str(site.agent)])
    said = capsys.readouterr().out
    assert code == 0, said
    blocks = re.split(r"(?m)^(?=\S)", said)
    return {block.split()[0]: block.splitlines()[1:] for block in blocks if block.strip()}


async def test_probe_says_of_every_type_what_its_ledger_says(
    site: files.Place, scripts: dict[str, Script], capsys: pytest.CaptureFixture[str]
) -> None:
    said = await probed(site, scripts, capsys)
    assert set(said) == set(scripts)
    for name, lines in said.items():
        assert not [line for line in lines if "WRONG" in line], name
        script = scripts[name]
        shown = script.moment(NOW_MS).segment.state
        state = script.type.shows.get(shown, shown)
        assert next(line for line in lines if line.startswith("  state")).split()[1].rstrip(",") == state
        if script.type.map_id:
            assert f"  serial   {script.machine.serial}" in lines


METERED = {
    "loom-01": ("picks", "picks_total", 1),
    "outfall-01": ("effluent_l", "forward_l", 1),
    "feeder-01": ("energy_wh", "forward", 10 * RATIO),
    "office-01": ("energy_wh", "total", 10),
}


async def test_probe_shows_totals_in_the_units_of_records(
    site: files.Place, scripts: dict[str, Script], capsys: pytest.CaptureFixture[str]
) -> None:
    said = await probed(site, scripts, capsys)
    for name, (quantity, first, unit) in METERED.items():
        script = scripts[name]
        count = script.first[first] + script.counted(NOW_MS)[quantity] // unit
        (meters,) = (line for line in said[name] if line.startswith("  meters"))
        assert f" {quantity} {count % 2**32 * unit}" in f"{meters} ", meters


async def test_probe_says_which_flag_keeps_a_concentration_from_being_shown(
    site: files.Place, scripts: dict[str, Script], capsys: pytest.CaptureFixture[str]
) -> None:
    (line,) = (line for line in (await probed(site, scripts, capsys))["outfall-01"] if "gauges" in line)
    told = read("effluent", scripts["outfall-01"].image(NOW_MS))
    flags = {name: told[f"{name}_flag"] for name in ("cod", "nh3n", "tn", "tp")}
    assert 0 < list(flags.values()).count("N") < 4  # or this would show nothing
    for name, flag in flags.items():
        shown = f"{told[name]:.10g} mg/L" if flag == "N" else f"not shown, {name}_flag is {flag}"
        assert f"  {name} {shown}" in line


READS = {
    "loom-01": ["reads holding 0 to 48 (49 registers)"],
    "outfall-01": ["reads holding 0 to 56 (57 registers)"],
    "feeder-01": [
        "reads holding 10 to 21 (12 registers)",
        "now and then holding 97 to 102 (6 registers)",
        "now and then holding 119 (1 registers)",
        "now and then holding 362 to 363 (2 registers)",
    ],
    "office-01": ["reads holding 0 to 1 (2 registers)", "now and then holding 11 to 16 (6 registers)"],
    "mig-01": ["reads input 0 to 5 (6 registers)", "now and then input 8 to 10 (3 registers)"],
    "old-01": ["reads discrete 0 to 4", "reads input 1 to 3 (3 registers)", "reads discrete 0 to 4"],
}


async def test_check_says_what_is_read_and_every_request_is_one_that_the_machine_answers(
    site: files.Place, scripts: dict[str, Script], capsys: pytest.CaptureFixture[str]
) -> None:
    async with serve(scripts, lambda: NOW_MS) as found:
        files.write(site, cluster_plant(), found)
    assert main(["check", "--config", str(site.agent)]) == 0
    said = capsys.readouterr().out
    plans = dict(re.findall(r"(?m)^  (\S+)@1  kind .*\n((?:    .*\n?)+)", said))
    for name, reads in READS.items():
        told = plans[scripts[name].machine.profile].splitlines()
        lines = [line.strip() for line in told if re.match(r"    (reads|now)", line)]
        assert len(lines) == len(reads), lines
        assert all(line.startswith(read.split(" (")[0]) for line, read in zip(lines, reads, strict=True)), (
            lines
        )
    assert "meters time only" in plans["kemppi-dcm"]


async def test_a_machine_of_another_type_behind_an_address_is_noticed(
    site: files.Place, scripts: dict[str, Script], capsys: pytest.CaptureFixture[str]
) -> None:
    """Two looms' worth of map, one of which is an effluent point."""
    async with serve(scripts, lambda: NOW_MS) as found:
        files.write(site, cluster_plant(), found | {"loom-01": found["outfall-01"]})
        text = site.agent.read_text("utf-8")
        outfall = text.index('[[machine]]\nname = "outfall-01"')
        site.agent.write_text(text[:outfall], "utf-8")
        code = await asyncio.to_thread(main, ["probe", "--config", str(site.agent), "--machine", "loom-01"])
    said = capsys.readouterr().out
    assert code == 1
    assert "WRONG" in said
    assert "map_id is 0x4546, wire-loom@1 expects 0x4c4d" in said


@pytest.mark.parametrize("name", ["loom-shed", "effluent"])
def test_the_example_of_a_site_is_good(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--config", str(ROOT / "configs/sites" / f"{name}.toml")]) == 0
    assert "machines: " in capsys.readouterr().out


def test_a_copied_profile_has_a_digest_of_its_own(site: files.Place) -> None:
    """So each meter record says with which ratio it was counted."""
    copy = site.directory / "profiles" / f"acrel-adl-{RATIO}.toml"
    copied = load_profile(copy, load_stop_table(shipped() / "stop-codes.toml"))
    assert copied.digest != profile("acrel-adl").digest
    assert {quantity.multiply for quantity in copied.quantities} == {10 * RATIO}


# --- a counter that forgets ---------------------------------------------------------------------------------


def pulses(count: int, uptime_s: int, at_s: int) -> Sample:
    return Sample(
        at=at_s * 1000,
        state="run",  # type: ignore[arg-type]  # a word for its enum
        party="none",  # type: ignore[arg-type]  # likewise
        stop_code=0,
        vendor_code=0,
        order_id=None,
        serial=0,
        boot_count=0,
        uptime_s=uptime_s,
        readings={"pulses": count},
    )


FORGETTING = [
    (100, 103, 5_060, Kind.NORMAL, 3, "it counts"),
    (65_533, 2, 5_060, Kind.WRAPPED, 5, "it wraps at sixteen bits"),
    (100, 2, 30, Kind.RESTARTED, 2, "its supply failed: what it counts since is its own"),
    (100, 0, 0, Kind.RESTARTED, 0, "it has just come back"),
    (100, 2, 5_060, Kind.DOUBTFUL, 0, "it fell although it was up all the time"),
    (100, 2_000, 30, Kind.DOUBTFUL, 0, "more than anybody makes in half a minute"),
]


@pytest.mark.parametrize(
    ("before", "after", "uptime_s", "kind", "delta", "why"), FORGETTING, ids=[row[5] for row in FORGETTING]
)
def test_what_was_counted_before_a_module_forgot_is_not_made_up(
    *, before: int, after: int, uptime_s: int, kind: Kind, delta: int, why: str
) -> None:
    """A minute lies between the two reads, and at the first one the module is up for 5,000 s."""
    counters = profile("retrofit-io").counters
    step = steps(counters, pulses(before, 5_000, 0), pulses(after, uptime_s, 60))["pulses"]
    assert (step.kind, step.delta) == (kind, delta), why
