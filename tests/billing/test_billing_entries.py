"""Entries, each with who says so; tariffs of single tenants; calendars beside a tariff."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

from billing.config import load
from billing.entries_file import joined, read_entries
from contract.complaint import BadConfigurationError

MANUAL = """
[[manual]]
id = "d-1"
day = 2026-11-20
tenant = "hongye"
en = "Bent needle bed"
zh = "针床损坏"
amount = "350.00"
by = "Li Na"
why = "operator's crash, both signed the protocol"
"""
TEST = """
[[test]]
id = "t-{}"
day = 2026-11-{:02}
machine = "e-1"
substance = "cod"
value = "{}"
by = "lab"
"""
MEAN = """
[[mean]]
id = "m-1"
month = "2026-11"
machine = "e-1"
substance = "cod"
value = "650"
tests = 4
by = "lab"
"""
NOVEMBER = (date(2026, 11, 1), date(2026, 11, 30))


def test_a_line_by_hand_says_who_and_why() -> None:
    (entry,) = read_entries("e.toml", MANUAL).of_days(NOVEMBER)
    assert (entry.amount, entry.by, entry.why[:8]) == (Decimal("350.00"), "Li Na", "operator")
    assert list(read_entries("e.toml", MANUAL).of_days((date(2026, 12, 1),))) == []


def test_a_mean_is_of_the_tests_of_the_period_and_exact() -> None:
    text = TEST.format(1, 3, "500") + TEST.format(2, 30, "501") + TEST.format(3, 17, "503")
    mean = read_entries("e.toml", text).mean("e-1", "cod", NOVEMBER)
    assert mean is not None
    assert (mean.value, mean.tests, mean.ids) == (Fraction(1504, 3), 3, ("t-1", "t-2", "t-3"))
    later = read_entries("e.toml", text).mean("e-1", "cod", (date(2026, 11, 4), date(2026, 11, 30)))
    assert later is not None
    assert later.tests == 2
    assert read_entries("e.toml", text).mean("e-2", "cod", NOVEMBER) is None


def test_a_mean_of_four_tests_weighs_as_four() -> None:
    mean = read_entries("e.toml", MEAN + TEST.format(1, 3, "750")).mean("e-1", "cod", NOVEMBER)
    assert mean is not None
    assert (mean.value, mean.tests) == (670, 5)


def test_files_of_entries_are_put_together() -> None:
    both = joined([read_entries("a.toml", MANUAL), read_entries("b.toml", MEAN)])
    assert (len(both.manual), len(both.tests)) == (1, 1)
    assert both.digest != joined([read_entries("a.toml", MANUAL)]).digest
    assert joined([]).digest == ""


WRONG = {
    "nobody says so": (MANUAL.replace('by = "Li Na"\n', ""), "e.toml:2: manual.0.by", "add it"),
    "no reason": (
        MANUAL.replace("operator's crash, both signed the protocol", ""),
        "e.toml:10: manual.0.why",
        "",
    ),
    "nothing": (MANUAL.replace("350.00", "0.00"), "e.toml:8: manual.0.amount", "other than nothing"),
    "half a fen": (MANUAL.replace("350.00", "0.005"), "e.toml:8: manual.0.amount", "two places"),
    "twice": (MANUAL + MANUAL, "e.toml:13: manual.1.id", "its own id"),
    "no month": (MEAN.replace("2026-11", "2026-13"), "e.toml:4: mean.0.month", "write a month"),
}


@pytest.mark.parametrize(("text", "where", "what"), WRONG.values(), ids=WRONG)
def test_a_wrong_entry_is_refused_with_its_place(text: str, where: str, what: str) -> None:
    with pytest.raises(BadConfigurationError) as raised:
        read_entries("e.toml", text)
    found = [str(complaint) for complaint in raised.value.complaints]
    assert any(complaint.startswith(where) and what in complaint for complaint in found), found


TARIFF = 'id = "{}"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
RUN = 'rate = [{ kind = "*", class = "run", per_hour = "12.00" }]\n'
CONFIG = """
tariff = "house.toml"
entries = ["november.toml"]
[site]
name = "qinghe"
timezone = "Asia/Shanghai"
[store]
kind = "sqlite"
path = "x.db"
[[tenant]]
id = "hongye"
tariff = "hongye.toml"
[[tenant]]
id = "rongda"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    calendar = '[[calendar]]\nname = "n"\nfile = "night.toml"\n'
    bands = 'band = [{ name = "all" }]\nday = [{ hours = ["0-24 all"] }]\n'
    night = 'id = "night"\nversion = "1"\nvalid_from = 2026-01-01\n' + bands
    for name, text in {
        "billing.toml": CONFIG,
        "house.toml": TARIFF.format("house") + RUN,
        "hongye.toml": TARIFF.format("hongye") + RUN + calendar,
        "night.toml": night,
        "november.toml": MANUAL,
    }.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def test_a_tenant_may_have_a_tariff_of_its_own(place: Path) -> None:
    settings = load(place / "billing.toml")
    assert [settings.tariff_of(tenant).id for tenant in ("hongye", "rongda", "new")] == [
        *("hongye", "house", "house")
    ]
    assert [tariff.id for tariff in settings.all_tariffs] == ["house", "hongye"]
    assert len(settings.entries.manual) == 1


def test_a_calendar_is_part_of_what_a_tariff_is(place: Path) -> None:
    before = load(place / "billing.toml").tariff_of("hongye").digest
    night = place / "night.toml"
    night.write_text(night.read_text("utf-8") + "# mended\n", "utf-8")
    assert load(place / "billing.toml").tariff_of("hongye").digest != before


def test_complaints_about_every_file_come_at_once(place: Path) -> None:
    for name, (old, new) in {
        "billing.toml": ("Asia/Shanghai", "Mars"),
        "house.toml": ('"12.00"', "12"),
        "hongye.toml": ("CNY", "EUR"),
        "night.toml": ("0-24", "0-23"),
        "november.toml": ("350.00", "0"),
    }.items():
        path = place / name
        path.write_text(path.read_text("utf-8").replace(old, new), "utf-8")
    with pytest.raises(BadConfigurationError) as raised:
        load(place / "billing.toml")
    files = {Path(complaint.file).name for complaint in raised.value.complaints}
    assert files == {"billing.toml", "house.toml", "hongye.toml", "night.toml", "november.toml"}
