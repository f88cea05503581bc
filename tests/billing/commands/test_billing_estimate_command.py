"""``estimate``, ``inspect`` and ``owners`` as a person types them."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

DAY = ("--day", "2026-11-22")
Said = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def two_days_later(make: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("billing.clock.now", lambda: make.midnight + 3 * 86_400_000)


def test_a_job_is_priced_before_it_starts(billing: Callable[..., int], capsys: Said) -> None:
    assert billing("estimate", "--kind", "knit", "--run", "7:30", "--tenant", "hongye") == 0
    shown = capsys.readouterr().out
    assert "90.00" in shown
    assert "27000 s" in shown
    assert "宏业" in shown
    assert "预估" in shown


def test_an_estimate_is_a_document_too(billing: Callable[..., int], capsys: Said) -> None:
    assert (
        billing(
            "estimate", "--kind", "knit", "--run", "0.5", "--from", "2026-12-01T08:00", "--format", "json"
        )
        == 0
    )
    told = json.loads(capsys.readouterr().out)
    assert told["total"] == "6.00"
    assert [line["clause_id"] for line in told["charges"]] == ["rate.run"]


def test_a_job_outside_the_tariff_is_refused(billing: Callable[..., int], capsys: Said) -> None:
    assert billing("estimate", "--kind", "knit", "--run", "1", "--from", "2027-01-01T08:00") == 2
    assert "holds from 2026-01-01 to 2026-12-31" in capsys.readouterr().err


def test_what_has_no_price_is_said(billing: Callable[..., int], capsys: Said) -> None:
    assert billing("estimate", "--kind", "knit", "--pieces", "5") == 1
    assert "no price for any of this" in capsys.readouterr().err


WRONG = [
    (("--kind", "knit"), "say what the job is"),
    (("--kind", "Knit 1", "--run", "1"), "--kind"),
    (("--kind", "knit", "--run", "soon"), "--run 'soon'"),
    (("--kind", "knit", "--run", "-1"), "--run"),
    (("--kind", "knit", "--run", "9999999"), "hours"),
    (("--kind", "knit", "--pieces", "-5"), "zero or more"),
    (("--kind", "knit", "--quantity", "gas=much"), "NAME=N"),
    (("--kind", "knit", "--kwh", "20-18=5"), "the second is later"),
    (("--kind", "knit", "--kwh", "lots"), "--kwh"),
    (("--kind", "knit", "--run", "1", "--from", "tomorrow"), "--from"),
    (("--kind", "knit", "--run", "1", "--order", "a b"), "--order"),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
def test_a_job_that_makes_no_sense_is_refused(
    arguments: tuple[str, ...], said: str, billing: Callable[..., int], capsys: Said
) -> None:
    assert billing("estimate", *arguments) == 2
    assert said in capsys.readouterr().err


def test_what_inspection_found_changes_the_next_run(
    billing: Callable[..., int],
    put: Callable[[Any], None],
    config: Path,
    make: SimpleNamespace,
    capsys: Said,
) -> None:
    tariff = config.parent / "tariff.toml"
    piece = '[[piece]]\nkind = "*"\nbasis = "good"\nprice = "0.50"\n'
    tariff.write_text(tariff.read_text("utf-8") + piece, "utf-8")
    whose = {"tenant": "rongda", "order_id": "Z-9", "lease_id": "L9", "machine": "knit-09"}
    start = make.at("12:00")
    lease = make.lease(start, "L9", "rongda", "Z-9", machine="knit-09")
    put([lease, make.interval(start, start + 300_000, quantities={"produced": 10}, **whose)])
    found = ("--machine", "knit-09", "--at", "2026-11-22T12:02")
    assert billing("inspect", *found, "--scrap", "4", "--cause", "host", "--by", "Li Na") == 0
    assert billing("inspect", *found, "--scrap", "-1", "--by", "Li Na") == 0
    assert "written as knit-09-" in capsys.readouterr().err
    assert billing("run", *DAY, "--tenant", "rongda", "--format", "json") == 0
    lines = json.loads(capsys.readouterr().out)["charges"]
    (good,) = [line for line in lines if line["clause"] == "good" and line["order_id"] == "Z-9"]
    assert (good["quantity"], good["amount"]) == ("7", "3.50")


NONSENSE = [
    (("--at", "2026-11-22T12:00", "--by", "Li"), "what was found"),
    (("--at", "2026-12-22T12:00", "--by", "Li", "--scrap", "1"), "nothing was made then yet"),
    (("--at", "noon", "--by", "Li", "--scrap", "1"), "--at"),
    (("--at", "2026-11-22T12:00", "--by", " ", "--scrap", "1"), "--by"),
    (("--at", "2026-11-22T12:00", "--by", "Li", "--scrap", "1", "--tenant", "A B"), "--tenant"),
]


@pytest.mark.parametrize(("arguments", "said"), NONSENSE)
def test_a_result_that_makes_no_sense_is_refused(
    arguments: tuple[str, ...], said: str, billing: Callable[..., int], capsys: Said
) -> None:
    assert billing("inspect", "--machine", "knit-09", *arguments) == 2
    assert said in capsys.readouterr().err


def test_owners_get_what_their_machines_earned(
    billing: Callable[..., int], config: Path, capsys: Said
) -> None:
    """Hongye's 2.00 and Rongda's 4.00 were all on knit-01."""
    owners = 'owner = [{ id = "b", share = 1 }, { id = "a", share = 2, name_zh = "甲" }]\n'
    ownership = f'[[ownership]]\nid = "knitting"\nmachines = ["knit-01"]\nhost_fee_percent = "10"\n{owners}'
    config.write_text(config.read_text("utf-8") + ownership, "utf-8")
    assert billing("owners", *DAY, "--format", "json") == 0
    told = json.loads(capsys.readouterr().out)
    (one,) = told["ownerships"]
    assert (one["revenue"], one["host_fee"], told["net"]) == ("6.00", "0.60", "6.00")
    assert {each["id"]: each["amount"] for each in one["owners"]} == {"a": "3.60", "b": "1.80"}
    assert billing("owners", *DAY) == 0
    shown = capsys.readouterr().out
    assert "甲" in shown
    assert "-0.60" in shown


def test_a_quantity_without_a_price_is_told(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    job = ("--kind", "knit", "--from", "2026-11-23T09:00", "--run", "3")
    assert billing("estimate", *job, "--quantity", "weld_m=5") == 0
    assert "weld_m: has no price in tariff house 1, which prices no quantity" in capsys.readouterr().err
    assert billing("estimate", *job, "--pieces", "5") == 0
    assert "has no price" not in capsys.readouterr().err


def test_what_inspection_found_of_a_machine_that_never_was_is_a_slip(
    billing: Callable[..., int],
    put: Callable[[Any], None],
    make: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put([make.meter(make.midnight, machine="knit-07")])
    found = ("--at", "2026-11-22T12:02", "--scrap", "4", "--cause", "host", "--by", "Li Na")
    assert billing("inspect", "--machine", "knit-70", *found) == 2
    assert "--machine knit-70: was never metered at this site; there are knit-07" in capsys.readouterr().err
