"""The commands as a person types them, over a real SQLite store."""

import asyncio
import csv
import io
import json
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from billing.__main__ import main
from contract.messages import Outcome
from contract.series import CORRECTION, row_of
from store.config import SqliteConfig
from store.opening import open_store

DAY = ("--day", "2026-11-22")
TARIFF = """\
id = "house"
version = "1"
currency = "CNY"
valid_from = 2026-01-01
valid_to = 2026-12-31

[[rate]]
kind = "*"
class = "run"
per_hour = "12.00"
"""


def write(database: Path, facts: Sequence[Any]) -> None:
    async def run() -> None:
        async with open_store(SqliteConfig(kind="sqlite", path=database)) as store:
            written = await store.write([row_of(fact) for fact in facts])
            assert {one.outcome for one in written} <= {Outcome.ACCEPTED}, written

    asyncio.run(run())


def stored(database: Path) -> list[Any]:
    async def run() -> list[Any]:
        async with open_store(SqliteConfig(kind="sqlite", path=database), read_only=True) as store:
            return [row async for row in store.read(CORRECTION, 0, 2**53)]

    return asyncio.run(run())


@pytest.fixture
def database(tmp_path: Path, make: SimpleNamespace) -> Path:
    """What was stored of the case in which a gap hides a change of tenant."""
    text = (make.cases / "a_gap_during_which_the_tenant_changed" / "case.txt").read_text("utf-8")
    write(tmp_path / "store.db", make.case(text).facts())
    return tmp_path / "store.db"


@pytest.fixture
def config(tmp_path: Path, database: Path) -> Path:
    (tmp_path / "tariff.toml").write_text(TARIFF, "utf-8")
    path = tmp_path / "billing.toml"
    path.write_text(
        f"""\
tariff = "tariff.toml"
[site]
name = "qinghe"
timezone = "Asia/Shanghai"
[store]
kind = "sqlite"
path = "{database}"
[[tenant]]
id = "hongye"
name_en = "Hongye <b>&</b> Sons"
name_zh = "宏业"
""",
        "utf-8",
    )
    return path


@pytest.fixture
def billing(config: Path) -> Callable[..., int]:
    def call(command: str, *more: str) -> int:
        return main([command, "--config", str(config), *more])

    return call


def test_a_day_is_shown_as_tables(billing: Callable[..., int], capsys: pytest.CaptureFixture[str]) -> None:
    assert billing("run", *DAY) == 0
    shown = capsys.readouterr().out
    assert "宏业" in shown
    assert "2.00" in shown
    assert "assign --config" in shown


def test_files_are_written_for_each_tenant(
    billing: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("run", *DAY, "--out", str(tmp_path / "out")) == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert [name.split("_")[0] for name in names] == ["hongye"] * 3 + ["rongda"] * 3
    assert [name.rsplit(".")[-1] for name in names] == ["csv", "html", "json"] * 2
    said = capsys.readouterr().err
    assert "hongye_2026-11-22.html" in said
    assert "1 items wait for a person" in said


def test_csv_adds_up_to_the_total_of_json(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("run", *DAY, "--tenant", "rongda", "--format", "csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert billing("run", *DAY, "--tenant", "rongda", "--format", "json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert [line["amount"] for line in lines] == ["4.00"]
    assert whole["total"] == "4.00"
    assert whole["charges"][0]["records"] == ["knit-01/e1/7"]


def test_a_tenant_without_use_is_said_and_fails(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("run", *DAY, "--tenant", "nobody") == 1
    assert "nobody" in capsys.readouterr().err


@pytest.mark.parametrize("by", ["machine", "kind", "tenant", "order"])
def test_reports_come_in_every_form(
    by: str, billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("report", *DAY, "--by", by) == 0
    assert "Planned busy time" in capsys.readouterr().out
    assert billing("report", *DAY, "--by", by, "--format", "csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert billing("report", *DAY, "--by", by, "--format", "json") == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [line[by] for line in lines] == [row[by] for row in rows]


def test_a_report_for_programs_tells_what_must_be_looked_at(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("report", *DAY, "--format", "json") == 0
    whole = json.loads(capsys.readouterr().out)
    assert "edge" in {finding["rule"] for finding in whole["findings"]}
    assert billing("report", *DAY, "--format", "csv") == 0
    shown = capsys.readouterr()
    lines = list(csv.DictReader(io.StringIO(shown.out)))
    assert all(float(line["coverage"]) < 0.1 for line in lines)
    assert "findings must be looked at" in shown.err


def test_what_waits_comes_with_the_command_that_decides_it(
    billing: Callable[..., int], database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command is typed as it was shown, with only the names filled in; then nothing waits any more."""
    assert billing("suspense", *DAY) == 0
    shown = capsys.readouterr().out
    assert "before hongye/A-1, after rongda/B-1" in shown
    typed = next(line for line in shown.splitlines() if "gongfang-billing assign" in line)
    words = shlex.split(typed.replace("<YOUR-NAME>", "'Li Na'").replace("<REASON>", "'both agreed'"))
    assert main(words[1:]) == 0
    assert {row.fields["by"] for row in stored(database)} == {"Li Na"}
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


def test_two_decisions_in_one_millisecond_are_both_kept(
    billing: Callable[..., int], database: Path, monkeypatch: pytest.MonkeyPatch, make: SimpleNamespace
) -> None:
    monkeypatch.setattr("billing.clock.now", lambda: make.midnight + 90_000_000)
    stretch = ("--from", "2026-11-22T08:10", "--to", "2026-11-22T08:40")
    for tenant, order in (("hongye", "A-1"), ("rongda", "B-1")):
        whose = ("--tenant", tenant, "--order", order, "--by", "Li Na", "--why", "asked both")
        assert billing("assign", "--machine", "knit-01", *stretch, *whose) == 0
    assert len({row.time for row in stored(database)}) == 4


def test_without_a_tenant_the_one_who_had_announced_the_order_by_then_is_meant(
    billing: Callable[..., int], database: Path, make: SimpleNamespace
) -> None:
    orders = [make.order("C-1", "hongye", make.at("8:00")), make.order("C-1", "rongda", make.at("9:00"))]
    write(database, orders)
    assert billing("assign", "--machine", "knit-01", *TIME, "--order", "C-1", *WHO) == 0
    assert {row.fields["new"] for row in stored(database)} == {"hongye", "C-1"}


WRONG = {
    "no period": (("run",), 2, "give one period"),
    "two periods": (("run", *DAY, "--period", "2026-11"), 2, "give one period"),
    "half a stretch": (("run", "--from", "2026-11-22T08:00"), 2, "go together"),
    "no day": (("run", "--day", "22.11.2026"), 2, "write 2026-11-22"),
    "no month": (("run", "--period", "2026-13"), 2, "write 2026-11"),
    "backwards": (("run", "--from", "2026-11-22T09:00", "--to", "2026-11-22T08:00"), 2, "exchange"),
    "outside the tariff": (("run", "--day", "2027-01-01"), 2, "holds from 2026-01-01 to 2026-12-31"),
}


@pytest.mark.parametrize(("words", "code", "text"), WRONG.values(), ids=WRONG)
def test_a_wrong_period_is_explained(
    words: tuple[str, ...],
    code: int,
    text: str,
    billing: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert billing(*words) == code
    assert text in capsys.readouterr().err


WHO = ("--by", "Li", "--why", "x")
TIME = ("--from", "2026-11-22T08:10", "--to", "2026-11-22T08:40")
REFUSED = {
    "no record there": (
        ("--machine", "knit-09", *TIME, "--tenant", "hongye", *WHO),
        1,
        "no record that begins",
    ),
    "which order": (("--machine", "knit-01", *TIME, "--tenant", "hongye", *WHO), 1, "add --order"),
    "whose": (("--machine", "knit-01", *TIME, "--order", "unheard", *WHO), 2, "name the --tenant"),
    "what": (("--machine", "knit-01", "--tenant", "hongye", *WHO), 2, "say what"),
    "bad name": (("--machine", "knit-01", *TIME, "--tenant", "Hong Ye", *WHO), 2, "--tenant"),
    "no reason": (("--machine", "knit-01", *TIME, "--tenant", "a", "--by", "Li", "--why", " "), 2, "--why"),
    "no epoch": (
        ("--machine", "knit-01", "--epoch", "e9", "--sequence", "1", "--tenant", "a", *WHO),
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


def test_the_configuration_is_read_back(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("check") == 0
    assert "12.00 an hour" in capsys.readouterr().out


def test_every_complaint_about_both_files_comes_at_once(
    config: Path, billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = config.read_text("utf-8").replace("Asia/Shanghai", "Mars/Base")
    config.write_text(wrong, "utf-8")
    (config.parent / "tariff.toml").write_text(TARIFF.replace('"12.00"', "12.00"), "utf-8")
    assert billing("check") == 2
    said = capsys.readouterr().err
    assert "billing.toml:4: site.timezone" in said
    assert "tariff.toml:10: rate.0.per_hour" in said


@pytest.mark.parametrize("file", ["billing.toml"])
def test_the_example_in_the_repository_is_in_order(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[2] / "configs" / file
    assert main(["check", "--config", str(example)]) == 0


def test_a_store_that_is_not_there_is_a_failure_not_a_crash(
    config: Path, billing: Callable[..., int], database: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text("utf-8").replace(str(database), str(database) + ".gone"), "utf-8")
    assert billing("run", *DAY) == 1
    assert capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "report", "suspense", "assign", "check"])
def test_every_command_teaches(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])
    assert ended.value.code == 0
    assert "--config" in capsys.readouterr().out
