"""``validate``: what was found in a period, and whether it may be billed."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

DAY = ("--day", "2026-11-22")
SPAN = ("--from", "2026-11-22T08:00", "--to", "2026-11-22T09:00")


def test_a_period_in_which_something_waits_is_not_fit_to_be_billed(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("validate", *DAY, "--format", "json") == 1
    told = json.loads(capsys.readouterr().out)
    assert told["blocking"] == sum(each["effect"] == "block" for each in told["findings"]) > 0
    disputed = next(each for each in told["findings"] if each["rule"] == "disputed")
    assert disputed["machine"] == "knit-01"
    assert disputed["at"] < disputed["end"]


def test_the_table_has_its_headings_and_rules_in_both_languages(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("validate", *DAY) == 1
    shown = capsys.readouterr()
    for word in ("处理", "规则", "机台", "disputed", "争议待裁定", "阻止结算", "knit-01"):
        assert word in shown.out
    assert "block this period" in shown.err


def test_before_a_period_is_over_that_is_said_once(
    billing: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    make: SimpleNamespace,
) -> None:
    monkeypatch.setattr("billing.clock.now", lambda: make.at("9:02"))
    for command in ("validate", "report"):
        billing(command, *DAY)
        said = capsys.readouterr().err
        assert said.count("this period is not over: it is 2026-11-22T09:02:00+08:00") == 1
        assert "latest 10 minutes of each machine may still be under way" in said
    monkeypatch.undo()
    billing("validate", *DAY)
    assert "not over" not in capsys.readouterr().err


def test_it_is_fit_once_everything_is_assigned_and_what_is_left_are_remarks(
    billing: Callable[..., int],
    config: Path,
    capsys: pytest.CaptureFixture[str],
    put: Callable[..., Any],
    make: SimpleNamespace,
) -> None:
    put([make.meter(make.at("0:00"))])
    config.write_text(config.read_text("utf-8") + '[validation.rules]\nedge = "remark"\n', "utf-8")
    assert billing("validate", *DAY) == 1
    whose = ("--tenant", "hongye", "--order", "A-1", "--by", "Li Na", "--why", "asked both")
    assert billing("assign", "--machine", "knit-01", *SPAN, *whose) == 0
    capsys.readouterr()
    assert billing("validate", *DAY, "--format", "json") == 0, capsys.readouterr().out
    told = json.loads(capsys.readouterr().out)
    assert told["blocking"] == 0
    assert {each["effect"] for each in told["findings"]} == {"remark"}


def test_a_machine_that_was_replaced_and_a_row_that_is_missing_before_the_period_block(
    billing: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    put: Callable[..., Any],
    make: SimpleNamespace,
) -> None:
    """The balance of the period's own rows is right; only the totals before it tell."""
    whole = {"machine": "knit-07", "tenant": "hongye", "order_id": "A-1"}
    totals = {"scrap": 0, "rework": 0, "energy_wh": 0}
    put(
        [
            make.meter(make.at("7:00"), machine="knit-07", reason="replaced"),
            make.interval(make.at("7:00"), make.at("7:30"), totals={**totals, "produced": 4}, **whole),
            make.interval(
                make.at("8:00"),
                make.at("9:00"),
                sequence=3,
                quantities={"produced": 2},
                totals={**totals, "produced": 7},
                **whole,
            ),
        ]
    )
    capsys.readouterr()
    assert billing("validate", *SPAN, "--format", "json") == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    mine = [(each["rule"], each["at"]) for each in found if each["machine"] == "knit-07"]
    assert mine == [("sum", make.at("8:00"))]
    assert billing("validate", *DAY, "--format", "json") == 1
    found = json.loads(capsys.readouterr().out)["findings"]
    assert "replaced" in {each["rule"] for each in found if each["machine"] == "knit-07"}
