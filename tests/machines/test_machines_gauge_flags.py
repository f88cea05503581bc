"""A gauge that an instrument itself vouches for, by a flag beside it: what may stand in `when`."""

from pathlib import Path

import pytest

from contract.complaint import BadConfigurationError
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table

GOOD = 'when = { cod_flag = ["N"] }'


def effluent(folder: Path, when: str) -> Profile:
    text = (shipped() / "profiles" / "effluent-point.toml").read_text("utf-8")
    assert text.count(GOOD) == 1
    file = folder / "effluent-point.toml"
    file.write_text(text.replace(GOOD, when), "utf-8")
    return load_profile(file, load_stop_table(shipped() / "stop-codes.toml"))


def test_a_gauge_may_want_more_than_one_flag(tmp_path: Path) -> None:
    both = effluent(tmp_path, 'when = { cod_flag = ["N", "S"], vendor_state = [1] }')
    gauge = next(gauge for gauge in both.gauges if gauge.name == "cod")
    assert [(equal.register, equal.values) for equal in gauge.when] == [
        ("cod_flag", ("N", "S")),
        ("vendor_state", (1,)),
    ]


def test_a_flag_is_read_though_nothing_is_metered_by_it_and_opens_no_epoch(tmp_path: Path) -> None:
    with_flag = effluent(tmp_path, GOOD)
    without = effluent(tmp_path, "")
    assert "cod_flag" in {register.name for register in with_flag.registers}
    assert "cod_flag" not in {register.name for register in without.registers}
    assert with_flag.digest == without.digest


BAD = [
    ('when = { cod_flagg = ["N"] }', "names 'cod_flagg', which is no register of this file"),
    ("when = { cod_flag = [78] }", "cod_flag is ascii and never holds 78"),
    ('when = { vendor_state = ["N"] }', "vendor_state is u16 and never holds 'N'"),
    ("when = { cod = [650] }", "cod is f32: floats are seldom equal"),
]


@pytest.mark.parametrize(("when", "said"), BAD)
def test_a_flag_that_cannot_be_is_complained_of(tmp_path: Path, when: str, said: str) -> None:
    with pytest.raises(BadConfigurationError) as found:
        effluent(tmp_path, when)
    assert said in str(found.value)
    assert "gauge.1.when" in str(found.value)
