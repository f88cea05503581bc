"""A person's decision: what is found, what is refused, and that the next run bills it."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from billing.__main__ import main

DAY = ("--day", "2026-11-22")
WHO = ("--by", "Li", "--why", "x")
TIME = ("--from", "2026-11-22T08:10", "--to", "2026-11-22T08:40")


def test_what_waits_comes_with_the_command_that_decides_it(
    billing: Callable[..., int], decided: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The command is typed as it was shown, with only the names filled in; then nothing waits any more."""
    assert billing("suspense", *DAY) == 0
    shown = capsys.readouterr().out
    assert "before hongye/A-1, after rongda/B-1" in shown
    typed = next(line for line in shown.splitlines() if "gongfang-billing assign" in line)
    filled = {"TENANT": "rongda", "ORDER": "B-1", "YOUR-NAME": "'Li Na'", "REASON": "'both agreed'"}
    assert all(f"<{name}>" in typed for name in filled)
    for name, text in filled.items():
        typed = typed.replace(f"<{name}>", text)
    assert main(shlex.split(typed)[1:]) == 0
    assert {row.fields["by"] for row in decided()} == {"Li Na"}
    assert billing("suspense", *DAY) == 0
    assert "nothing is in suspense" in capsys.readouterr().err


def test_an_assigned_record_is_billed_by_the_next_run(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    stretch = ("--from", "2026-11-22T08:10", "--to", "2026-11-22T08:40")
    whose = ("--tenant", "hongye", "--order", "A-1", "--by", "Li Na", "--why", "asked both")
    assert billing("assign", "--machine", "knit-01", *stretch, *whose) == 0
    capsys.readouterr()
    assert billing("run", *DAY, "--tenant", "hongye", "--format", "json") == 0
    assert json.loads(capsys.readouterr().out)["total"] == "6.00"


def test_a_stop_whose_interval_was_decided_before_can_still_be_decided(
    billing: Callable[..., int],
    put: Callable[..., Any],
    make: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Its span begins and ends within the interval, so no interval begins in the printed time."""
    stop = {"stop_tenant_ms": 60_000, "machine": "knit-05"}
    whole = make.interval(make.at("8:00"), make.at("8:05"), sequence=1, tenant="hongye", **stop)
    span = make.span(make.at("8:02"), make.at("8:03"), machine="knit-05", sequence=2)
    put([whole, span])
    found = ("--machine", "knit-05", "--from", "2026-11-22T08:02", "--to", "2026-11-22T08:03")
    assert billing("assign", *found, "--tenant", "hongye", *WHO) == 0
    assert "1 records of knit-05" in capsys.readouterr().err
    touching = ("--machine", "knit-05", "--from", "2026-11-22T08:03", "--to", "2026-11-22T08:04")
    assert billing("assign", *touching, "--tenant", "hongye", *WHO) == 1


def test_a_tenant_whom_the_configuration_does_not_name_needs_force(
    billing: Callable[..., int], decided: Callable[..., Any]
) -> None:
    words = ("--machine", "knit-01", *TIME, "--tenant", "newcomer", "--order", "A-1", *WHO)
    assert billing("assign", *words) == 2
    assert decided() == []
    assert billing("assign", *words, "--force") == 0
    assert len(decided()) == 2


def test_two_decisions_in_one_millisecond_are_both_kept(
    billing: Callable[..., int],
    decided: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    make: SimpleNamespace,
) -> None:
    monkeypatch.setattr("billing.clock.now", lambda: make.midnight + 90_000_000)
    stretch = ("--from", "2026-11-22T08:10", "--to", "2026-11-22T08:40")
    for tenant, order in (("hongye", "A-1"), ("rongda", "B-1")):
        whose = ("--tenant", tenant, "--order", order, "--by", "Li Na", "--why", "asked both")
        assert billing("assign", "--machine", "knit-01", *stretch, *whose) == 0
    assert len({row.time for row in decided()}) == 4


def test_without_a_tenant_the_one_who_had_announced_the_order_by_then_is_meant(
    billing: Callable[..., int],
    put: Callable[..., Any],
    decided: Callable[..., Any],
    make: SimpleNamespace,
) -> None:
    orders = [make.order("C-1", "hongye", make.at("8:00")), make.order("C-1", "rongda", make.at("9:00"))]
    put(orders)
    assert billing("assign", "--machine", "knit-01", *TIME, "--order", "C-1", *WHO) == 0
    assert {row.fields["new"] for row in decided()} == {"hongye", "C-1"}


REFUSED = {
    "no record there": (
        ("--machine", "knit-09", *TIME, "--tenant", "hongye", *WHO),
        1,
        "no record of knit-09 begins",
    ),
    "which order": (("--machine", "knit-01", *TIME, "--tenant", "hongye", *WHO), 1, "add --order"),
    "whose": (("--machine", "knit-01", *TIME, "--order", "unheard", *WHO), 2, "name the --tenant"),
    "which and when": (
        ("--machine", "knit-01", *TIME, "--epoch", "e1", "--sequence", "7", "--tenant", "hongye", *WHO),
        2,
        "say either",
    ),
    "when and half of which": (
        ("--machine", "knit-01", *TIME, "--epoch", "e1", "--tenant", "hongye", *WHO),
        2,
        "say either",
    ),
    "half of which": (
        ("--machine", "knit-01", "--sequence", "7", "--tenant", "hongye", *WHO),
        2,
        "say either",
    ),
    "what": (("--machine", "knit-01", "--tenant", "hongye", *WHO), 2, "say either"),
    "a tenant nobody named": (
        ("--machine", "knit-01", *TIME, "--tenant", "hongyee", "--order", "A-1", *WHO),
        2,
        "add --force",
    ),
    "bad name": (("--machine", "knit-01", *TIME, "--tenant", "Hong Ye", *WHO), 2, "--tenant"),
    "no reason": (("--machine", "knit-01", *TIME, "--tenant", "a", "--by", "Li", "--why", " "), 2, "--why"),
    "no epoch": (
        ("--machine", "knit-01", "--epoch", "e9", "--sequence", "1", "--tenant", "hongye", *WHO),
        1,
        "no epoch e9",
    ),
}


@pytest.mark.parametrize(("words", "code", "text"), REFUSED.values(), ids=REFUSED)
def test_a_decision_that_cannot_be_written_is_refused(
    words: tuple[str, ...],
    code: int,
    text: str,
    billing: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert billing("assign", *words) == code
    assert text in capsys.readouterr().err


@pytest.fixture
def stop(config: Path, put: Callable[..., Any], make: SimpleNamespace) -> None:
    """Twenty minutes of run, then a stop by the tenant from 8:20 to 8:30 that has a price."""
    tariff = config.parent / "tariff.toml"
    stopped = '[[rate]]\nkind = "*"\nclass = "stop_tenant"\nper_hour = "6.00"\ngrace_s = 0\n'
    tariff.write_text(tariff.read_text("utf-8") + stopped, "utf-8")
    whole = {"machine": "knit-05", "tenant": "hongye", "order_id": "A-1"}
    put(
        [
            make.meter(make.at("0:00"), machine="knit-05"),
            make.interval(make.at("8:00"), make.at("8:20"), sequence=1, **whole),
            make.interval(make.at("8:20"), make.at("8:30"), sequence=2, stop_tenant_ms=600_000, **whole),
            make.span(make.at("8:20"), make.at("8:30"), sequence=3, **whole),
        ]
    )


def owed(billing: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert billing("run", *DAY, "--tenant", "hongye", "--format", "json") == 0
    lines = json.loads(capsys.readouterr().out)["charges"]
    return next((str(line["amount"]) for line in lines if line["clause"] == "stop_tenant"), "nothing")


STOP = ("--machine", "knit-05", "--from", "2026-11-22T08:25", "--to", "2026-11-22T08:40")


@pytest.mark.usefixtures("stop")
def test_who_caused_a_stop_can_be_decided_for_a_part_of_it_and_for_the_record(
    billing: Callable[..., int], decided: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert owed(billing, capsys) == "1.00"
    assert billing("assign", *STOP, "--party", "host", *WHO) == 0
    (row,) = decided()
    said = ("field", "old", "new", "target", "by", "why")
    assert [row.fields[name] for name in said] == ["party", "tenant", "host", "state", "Li", "x"]
    assert owed(billing, capsys) == "0.50"
    record = ("--machine", "knit-05", "--epoch", "e1", "--sequence", "3")
    assert billing("assign", *record, "--party", "utility", *WHO) == 0
    assert owed(billing, capsys) == "nothing"


NO_STOP = {
    "none in that time": (
        ("--from", "2026-11-22T08:00", "--to", "2026-11-22T08:20"),
        1,
        "no stop of knit-05",
    ),
    "an interval": (("--epoch", "e1", "--sequence", "2"), 1, "is an interval"),
    "two questions": (("--epoch", "e1", "--sequence", "3", "--tenant", "hongye"), 2, "decide one"),
}


@pytest.mark.usefixtures("stop")
@pytest.mark.parametrize(("words", "code", "text"), NO_STOP.values(), ids=NO_STOP)
def test_what_is_no_stop_has_no_party(  # noqa: PLR0917  what a test rests on
    words: tuple[str, ...],
    code: int,
    text: str,
    billing: Callable[..., int],
    decided: Callable[..., Any],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert billing("assign", "--machine", "knit-05", *words, "--party", "host", *WHO) == code
    assert text in capsys.readouterr().err
    assert decided() == []
