"""Owners of machines: every fen of revenue is somebody's, by agreed shares, after the host's fee."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing import money
from billing.charge import Charge
from billing.clauses import Clause
from billing.config import load
from billing.known import Known
from billing.ownership import Owner, Ownership, revenue
from billing.period import day_period, month_period
from billing.terms import charged, plainly
from billing.validity import check_ownerships
from billing.words import ORDER, Words
from contract.complaint import BadConfigurationError

ZONE = ZoneInfo("Asia/Shanghai")
NOVEMBER = Known(period=month_period("2026-11", ZONE), zone=ZONE)
NOBODY = Words("", "")


def owned(shares: dict[str, int], machines: str = "loom-*", **more: Any) -> Ownership:
    owners = tuple(Owner(id=name, label=NOBODY, share=share) for name, share in shares.items())
    return Ownership(id="looms", machines=(machines,), owners=owners, **more)


def line(amount: str, machines: dict[str, int], number: int = 0) -> Charge:
    terms = plainly(Clause.RUN, Words("Running", "运行"), ORDER)
    made = charged(
        terms, 1, Decimal(amount), id=f"l-{number}", tenant="a", clause_id="run", machines=machines
    )
    return Charge(**{name: getattr(made, name) for name in made.__struct_fields__} | {"net": Decimal(amount)})


ANPING = {"anxin": 200_000, "fuda": 800_000, "huaxing": 400_000, "jinlong": 600_000}
"""Two million yuan, put up by four firms."""


def test_four_firms_share_by_what_they_put_up() -> None:
    """12,345.67 less 8 % (987.65): 11,358.02 as 10, 40, 20 and 30 of a hundred."""
    of = owned(ANPING, fee_percent=Decimal(8))
    (split,) = revenue([line("12345.67", {"loom-1": 5})], [of], NOVEMBER).splits
    assert (split.revenue, split.fee) == (Decimal("12345.67"), Decimal("987.65"))
    assert {share.owner.id: str(share.amount) for share in split.shares} == {
        "anxin": "1135.80",
        "fuda": "4543.21",
        "huaxing": "2271.60",
        "jinlong": "3407.41",
    }


def test_each_machine_of_an_ownership_adds_to_its_part() -> None:
    """Of a line of ten hours their two looms have three and four, a machine of the host three: 70 of 100."""
    machines = {"loom-1": 3, "loom-2": 4, "knit-1": 3}
    found = revenue([line("100.00", machines)], [owned({"a": 1, "b": 2})], NOVEMBER)
    (split,) = found.splits
    assert (split.revenue, found.host) == (Decimal("70.00"), Decimal("30.00"))
    assert [str(share.amount) for share in split.shares] == ["23.33", "46.67"]


def test_a_credit_is_shared_as_its_charge_was() -> None:
    """A third and two thirds of -100.00 mirror those of 100.00, and nothing is lost."""
    (split,) = revenue([line("-100.00", {"loom-1": 1})], [owned({"a": 1, "b": 2})], NOVEMBER).splits
    assert [str(share.amount) for share in split.shares] == ["-33.33", "-66.67"]


def test_a_tie_goes_to_the_lowest_id() -> None:
    (split,) = revenue([line("100.00", {"loom-1": 1})], [owned({"c": 1, "a": 1, "b": 1})], NOVEMBER).splits
    assert {share.owner.id: str(share.amount) for share in split.shares} == {
        "a": "33.34",
        "b": "33.33",
        "c": "33.33",
    }


def test_a_line_goes_to_its_machines_and_what_has_none_stays_with_the_host() -> None:
    lines = [
        line("10.00", {"loom-1": 1, "knit-1": 2}, 1),
        line("5.00", {}, 2),
        line("-1.00", {"loom-1": 3}, 3),
    ]
    found = revenue(lines, [owned({"a": 1})], NOVEMBER)
    (split,) = found.splits
    assert [(part.charge_id, str(part.amount)) for part in split.parts] == [("l-1", "3.33"), ("l-3", "-1.00")]
    assert (str(split.revenue), str(found.host), str(found.total)) == ("2.33", "11.67", "14.00")


def test_a_fee_by_the_month_is_prorated_and_a_loss_is_shared_too() -> None:
    of = owned({"a": 1, "b": 1}, fee_a_month=Decimal("300.00"))
    day = Known(period=day_period("2026-11-22", ZONE), zone=ZONE)
    (split,) = revenue([line("3.00", {"loom-1": 1})], [of], day).splits
    assert (str(split.fee), [str(share.amount) for share in split.shares]) == ("10.00", ["-3.50", "-3.50"])


@given(
    lines=st.lists(
        st.tuples(
            st.integers(-(10**6), 10**7),
            st.dictionaries(st.sampled_from(["loom-1", "loom-2", "knit-1"]), st.integers(0, 10**6)),
        ),
        max_size=8,
    ),
    shares=st.dictionaries(st.text("abc", min_size=1, max_size=2), st.integers(1, 10**6), min_size=1),
    percent=st.integers(0, 100),
)
def test_not_a_fen_is_lost(
    lines: list[tuple[int, dict[str, int]]], shares: dict[str, int], percent: int
) -> None:
    of = owned(shares, fee_percent=Decimal(percent))
    charges = [line(str(money.yuan(fens)), machines, n) for n, (fens, machines) in enumerate(lines)]
    found = revenue(charges, [of], NOVEMBER)
    (split,) = found.splits
    assert split.revenue + found.host == found.total == money.total([charge.net for charge in charges])
    assert split.fee + money.total([share.amount for share in split.shares]) == split.revenue
    assert money.total([part.amount for part in split.parts]) == split.revenue


def test_shares_that_change_within_a_period_are_refused() -> None:
    of = owned({"a": 1}, valid_to=date(2026, 11, 14))
    first, last = date(2026, 11, 1), date(2026, 11, 30)
    with pytest.raises(BadConfigurationError, match="bill up to the change"):
        check_ownerships([of], first, last, "billing.toml")
    check_ownerships([of], first, date(2026, 11, 14), "")
    check_ownerships([of], date(2026, 11, 15), last, "")
    assert revenue([line("1.00", {"loom-1": 1})], [of], NOVEMBER).splits == ()


OWNERSHIP = """
[[ownership]]
id = "looms"
machines = ["loom-*"]
valid_to = 2026-06-30
owner = [{ id = "fuda", share = 3 }, { id = "anxin", share = 1 }]
[[ownership]]
id = "looms"
machines = ["loom-*"]
valid_from = 2026-07-01
owner = [{ id = "fuda", share = 1 }, { id = "anxin", share = 1 }]
"""
WRONG = {
    "on the same days": ("2026-07-01", "2026-06-30", "ownership.1.id", "valid_to"),
    "an owner twice": ('"anxin"', '"fuda"', "ownership.0", "name each once"),
    "no share": ("share = 3", "share = 0", "ownership.0.owner.0.share", "1 is the least"),
    "no machines": ('["loom-*"]', "[]", "ownership.0.machines", "is a list of 0; give 1 or more"),
}


def config(folder: Path, text: str) -> Path:
    tariff = 'id = "t"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
    (folder / "t.toml").write_text(tariff + 'setup_fee = [{ kind = "*", price = "1" }]\n', "utf-8")
    site = '[site]\nname = "a"\ntimezone = "Asia/Shanghai"\n'
    head = f'tariff = "t.toml"\n{site}[store]\nkind = "sqlite"\npath = "x"\n'
    (folder / "billing.toml").write_text(head + text, "utf-8")
    return folder / "billing.toml"


def test_shares_may_change_from_one_day_to_the_next(tmp_path: Path) -> None:
    both = load(config(tmp_path, OWNERSHIP)).ownerships
    assert [each.holds(date(2026, 11, 1), date(2026, 11, 30)) for each in both] == [False, True]


@pytest.mark.parametrize(("old", "new", "where", "what"), WRONG.values(), ids=WRONG)
def test_a_wrong_ownership_is_refused(tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
    with pytest.raises(BadConfigurationError) as raised:
        load(config(tmp_path, OWNERSHIP.replace(old, new)))
    found = [str(complaint) for complaint in raised.value.complaints]
    assert any(f" {where}" in complaint and what in complaint for complaint in found), found
