"""The stop-code table: the shipped one is the domain reference's, and mistakes in one are named."""

import shutil
from pathlib import Path

import pytest

from contract.complaint import BadConfigurationError
from contract.states import Party
from edge_agent.stop_codes import load_stop_table


def test_the_shipped_stop_codes_are_those_of_the_domain_reference(configs: Path) -> None:
    table = load_stop_table(configs / "stop-codes.toml")
    parties = {party: {c.code for c in table.codes if c.party is party} for party in Party}
    assert parties[Party.TENANT] == set(range(10, 18))
    assert parties[Party.HOST] == set(range(30, 38))
    assert parties[Party.UTILITY] == set(range(50, 54))
    assert parties[Party.UNKNOWN] == {60, 99}
    assert table.party_of(0) is table.party_of(98) is Party.UNKNOWN
    assert all(code.en.isascii() and not code.zh.isascii() for code in table.codes)


WRONG_CODES = [
    ('party = "host"', 'party = "landlord"', "'tenant', 'host'"),
    ("code = 31", "code = 30", "is the same as in line"),
    ("code = 31", "code = 0", "1 is the least"),
    ('zh = "撞针"', "", "is required and not set"),
    ('version = "1"', 'version = "1 a"', "use 1 to 128 of A-Z"),
]


@pytest.mark.parametrize(("old", "new", "says"), WRONG_CODES)
def test_a_wrong_stop_code_is_named(configs: Path, tmp_path: Path, old: str, new: str, says: str) -> None:
    file = tmp_path / "codes.toml"
    shutil.copy(configs / "stop-codes.toml", file)
    file.write_text(file.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(BadConfigurationError) as bad:
        load_stop_table(file)
    assert len(bad.value.complaints) == 1
    assert says in str(bad.value)
    assert bad.value.complaints[0].line > 0


def test_an_empty_stop_table_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "codes.toml"
    file.write_text('id = "a"\nversion = "1"\n')
    with pytest.raises(BadConfigurationError, match="names no stop code"):
        load_stop_table(file)
