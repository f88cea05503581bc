"""A profile file (TOML) to a Profile, or to everything that is wrong with it at once."""

from pathlib import Path

from contract.file_kinds import PROFILE
from edge_agent.plan import misfit
from edge_agent.profile import Profile, StateRead, StopTable
from edge_agent.profile_build import profile_of
from edge_agent.profile_checks import check
from edge_agent.profile_parts import Parts
from edge_agent.profile_shape import (
    BITS,
    EXPECT,
    STOP_CODES,
    TABLES,
    CounterShape,
    GaugeShape,
    QuantityShape,
    RangeShape,
    RegisterShape,
    RolesShape,
    StateShape,
    TimeShape,
    TopShape,
)
from edge_agent.toml_tables import Reading, open_toml


def load_profile(path: Path, stop_table: StopTable) -> Profile:
    """Raises BadConfigurationError with every complaint about the file."""
    reading = Reading(open_toml(path, PROFILE, "put the profile there"))
    parts = _parts(reading)
    check(reading, parts)
    reading.finish()
    profile = profile_of(parts, stop_table)
    if problem := misfit(profile):
        _complain(reading, profile, problem)
    reading.finish()
    return profile


def _parts(reading: Reading) -> Parts:
    given = reading.file.data
    return Parts(
        top=reading.top(TopShape, TABLES),
        registers=reading.tables("register", RegisterShape),
        ranges=reading.tables("range", RangeShape),
        roles=reading.table("roles", RolesShape),
        bits=reading.mapping("bits", BITS),
        states=reading.tables("state", StateShape),
        counters=reading.tables("counter", CounterShape),
        quantities=reading.tables("quantity", QuantityShape),
        gauges=reading.tables("gauge", GaugeShape),
        run_time=reading.table("run_time", TimeShape) if "run_time" in given else None,
        stop_time=reading.table("stop_time", TimeShape) if "stop_time" in given else None,
        stop_codes=reading.mapping("stop_codes", STOP_CODES),
        expect=reading.mapping("expect", EXPECT),
    )


def _complain(reading: Reading, profile: Profile, problem: str) -> None:
    if profile.state_read is StateRead.WITH_COUNTS:
        remedy = (
            "state bits, stop code, order and counters must come from one request: raise max_registers or"
            ' max_gap if the machine allows it, or set state_read = "around_counts"'
        )
    else:
        remedy = "the two parts of a count must come from one request: raise max_registers or max_gap"
    reading.complain(("max_registers",), problem, remedy)
