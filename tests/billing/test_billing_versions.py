"""A tariff in several versions: each period is billed by the one of its days."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from billing.config import Settings, load
from billing.tariff_file import read_tariff
from billing.validity import check_tariffs
from contract.complaint import BadConfigurationError

BILLING = """
tariff = {files}

[site]
name = "qinghe"
timezone = "Asia/Shanghai"

[store]
kind = "sqlite"
path = "store.db"

[[tenant]]
id = "rongda"
tariff = "contract.toml"
"""


def version(number: int, valid_from: str, valid_to: str | None, price: str) -> str:
    until = f"valid_to = {valid_to}\n" if valid_to else ""
    rate = f'rate = [{{ kind = "*", class = "run", per_hour = "{price}" }}]\n'
    return f'id = "house"\nversion = "{number}"\ncurrency = "CNY"\nvalid_from = {valid_from}\n{until}{rate}'


@pytest.fixture
def loaded(tmp_path: Path) -> Callable[..., Settings]:
    def write(files: str = '["new.toml", "old.toml"]', last: str = "2026-11-15") -> Settings:
        (tmp_path / "old.toml").write_text(version(1, "2026-01-01", last, "12.00"), "utf-8")
        (tmp_path / "new.toml").write_text(version(2, "2026-11-16", None, "13.00"), "utf-8")
        (tmp_path / "contract.toml").write_text(version(9, "2026-01-01", None, "9.00"), "utf-8")
        (tmp_path / "billing.toml").write_text(BILLING.format(files=files), "utf-8")
        return load(tmp_path / "billing.toml")

    return write


@pytest.mark.parametrize(
    ("first", "last", "held"),
    [
        (date(2026, 11, 1), date(2026, 11, 15), "1"),
        (date(2026, 11, 16), date(2026, 11, 30), "2"),
        (date(2026, 10, 1), date(2026, 10, 31), "1"),
        (date(2027, 5, 1), date(2027, 5, 31), "2"),
    ],
)
def test_a_period_has_the_version_of_its_days(
    loaded: Callable[..., Settings], first: date, last: date, held: str
) -> None:
    during = loaded().during(first, last)
    assert (during.tariff.version, during.tariff_of("rongda").version) == (held, "9")
    assert [tariff.version for tariff in during.all_tariffs] == [held, "9"]
    check_tariffs(during.all_tariffs, first, last, "billing.toml")


def test_a_change_within_a_period_says_how_to_bill_up_to_it(loaded: Callable[..., Settings]) -> None:
    first, last = date(2026, 11, 1), date(2026, 11, 30)
    with pytest.raises(BadConfigurationError) as refused:
        check_tariffs(loaded().during(first, last).all_tariffs, first, last, "billing.toml")
    (complaint,) = refused.value.complaints
    assert "holds from 2026-01-01 to 2026-11-15" in complaint.problem
    assert "--from 2026-11-01 --to 2026-11-16" in complaint.remedy


def test_versions_that_overlap_are_refused_with_the_day_to_end_the_older_one(
    loaded: Callable[..., Settings],
) -> None:
    with pytest.raises(BadConfigurationError) as refused:
        loaded(last="2026-11-16")
    (complaint,) = refused.value.complaints
    assert "house 1 and house 2 both hold on 2026-11-16" in complaint.problem
    assert "valid_to = 2026-11-15" in complaint.remedy


def test_a_day_before_every_version_has_none(loaded: Callable[..., Settings]) -> None:
    day = date(2025, 6, 1)
    with pytest.raises(BadConfigurationError, match="name the tariff of that time"):
        check_tariffs(loaded().during(day, day).all_tariffs, day, day, "billing.toml")


@pytest.mark.parametrize("files", ["[]", "[3]", "3", '["new.toml", "nowhere.toml"]'])
def test_what_is_no_list_of_files_is_a_complaint(loaded: Callable[..., Settings], files: str) -> None:
    with pytest.raises(BadConfigurationError):
        loaded(files)


TAXED = """
prices = "net"
vat_category = "all"
rate = [{ kind = "*", class = "run", per_hour = "12.00" }]
vat = [
  { name = "all", percent = "16", valid_from = 2026-01-01 },
  { name = "all", percent = "13", valid_from = 2026-11-10 },
]
"""


def test_a_rate_of_tax_that_changes_within_a_period_is_refused_with_its_date() -> None:
    head = 'id = "t"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
    tariff = read_tariff("t.toml", head + TAXED)
    with pytest.raises(BadConfigurationError, match="VAT all of tariff t 1 changes on 2026-11-10"):
        check_tariffs([tariff], date(2026, 11, 1), date(2026, 11, 30), "")
    check_tariffs([tariff], date(2026, 11, 1), date(2026, 11, 9), "")
    check_tariffs([tariff], date(2026, 11, 10), date(2026, 11, 30), "")
