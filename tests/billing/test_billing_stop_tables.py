"""The table in which stops were looked up is kept with the evidence, or its lack is told."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from billing.config import load
from billing.findings import Rule
from billing.stop_tables import SHIPPED, read_stop_codes, untabled
from contract.complaint import BadConfigurationError
from tests.billing.life.conftest import CONFIG, TARIFF

TABLE = """\
id = "park"
version = "7"
[[code]]
code = 12
party = "host"
en = "needle change"
zh = "换针"
"""


def site(folder: Path, more: str = "") -> Path:
    (folder / "tariff.toml").write_text(TARIFF, "utf-8")
    (folder / "billing.toml").write_text(f"{more}{CONFIG}", "utf-8")
    return folder / "billing.toml"


def test_the_table_that_comes_with_the_software_is_always_among_the_texts(tmp_path: Path) -> None:
    settings = load(site(tmp_path))
    text = (Path(__file__).parents[2] / "configs" / "stop-codes.toml").read_text("utf-8")
    assert settings.texts[SHIPPED] == text
    assert [table.label for table in settings.stop_codes] == ["gongfang@1"]


def test_a_table_of_the_site_is_kept_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "codes.toml").write_text(TABLE, "utf-8")
    settings = load(site(tmp_path, 'stop_codes = ["codes.toml"]\n'))
    assert settings.texts["codes.toml"] == TABLE
    (own, _) = settings.stop_codes
    assert (own.label, own.words[12]) == ("park@7", ("needle change", "换针"))


def test_a_pack_of_before_has_no_table_and_can_be_read(tmp_path: Path) -> None:
    texts = dict(load(site(tmp_path)).texts)
    del texts[SHIPPED]

    def read(path: Path) -> str:
        if str(path) not in texts:
            raise FileNotFoundError(path)
        return texts[str(path)]

    assert load(Path("billing.toml"), read).stop_codes == ()


BAD = {
    "is not there": (None, "give a table of stop codes"),
    "has no version": (TABLE.replace('version = "7"', ""), "version"),
    "has an unknown party": (TABLE.replace("host", "landlord"), "party"),
    "is another file": ('currency = "CNY"\n', "a tariff"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_table_that_is_no_good_is_complained_of(name: str, tmp_path: Path) -> None:
    text, said = BAD[name]
    if text is not None:
        (tmp_path / "codes.toml").write_text(text, "utf-8")
    with pytest.raises(BadConfigurationError) as told:
        load(site(tmp_path, 'stop_codes = ["codes.toml"]\n'))
    assert said in str(told.value)


def test_tables_that_nobody_gave_are_told_of_with_the_machines(make: SimpleNamespace) -> None:
    """The newest epoch before the period counts, and those within; what was before that does not."""
    at = make.at("8:00")
    own = {"stop_table": "park@7"}
    meters = [
        make.meter(at - 9, epoch="e0", stop_table="old@1"),
        make.meter(at - 5, **own),
        make.meter(at + 5, machine="knit-02", **own),
        make.meter(at + 5, machine="knit-03"),
        make.meter(at + 6, machine="knit-04", stop_table="none"),
    ]
    (shipped,) = [read_stop_codes("x", TABLE.replace("park", "gongfang").replace('"7"', '"1"'))]
    (found,) = untabled(meters, at, [shipped])
    assert (found.rule, found.machine) == (Rule.STOP_TABLE, "knit-01")
    assert (
        "its stops and those of 1 more machines were looked up in the table of stop codes park@7"
        in found.text
    )
    assert untabled(meters, at, [shipped, read_stop_codes("x", TABLE)]) == []
    assert untabled(meters, at, []) == []
