"""The commands as a person types them, over a real SQLite store."""

import csv
import io
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest

from billing.__main__ import main

DAY = ("--day", "2026-11-22")


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
    assert [name.split("_")[0] for name in names] == ["hongye"] * 4 + ["rongda"] * 4
    assert [name.rsplit(".")[-1] for name in names] == ["csv", "html", "json", "xlsx"] * 2
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


def test_several_statements_are_one_document(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("run", *DAY, "--format", "csv") == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(line["tenant"], line["amount"]) for line in lines] == [("hongye", "2.00"), ("rongda", "4.00")]
    assert billing("run", *DAY, "--format", "json") == 0
    assert [one["total"] for one in json.loads(capsys.readouterr().out)] == ["2.00", "4.00"]
    assert billing("run", *DAY, "--format", "html") == 2
    assert billing("run", *DAY, "--format", "csv", "--format", "json") == 2
    assert "add --out" in capsys.readouterr().err
    assert billing("run", *DAY, "--format", "html", "--tenant", "rongda") == 0
    assert capsys.readouterr().out.lstrip().startswith("<!DOCTYPE html>")


REMINDED = [
    ("--tenant", "hongye"),
    ("--format", "csv"),
    ("--format", "json"),
    ("--format", "html", "--tenant", "hongye"),
]


@pytest.mark.parametrize("words", REMINDED, ids=" ".join)
def test_what_waits_is_said_whatever_is_shown(
    words: tuple[str, ...], billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("run", *DAY, *words) == 0
    said = capsys.readouterr().err
    (waiting,) = re.findall(r"1 items wait for a person and are not charged: gongfang-billing (.*)", said)
    (looked,) = re.findall(r"findings must be looked at: gongfang-billing (.*)", said)
    assert main(shlex.split(waiting)) == 0, "the command that is printed is whole"
    assert "assign" in capsys.readouterr().out
    assert main(shlex.split(looked)) == 1
    assert "block this period" in capsys.readouterr().err


def test_a_tenant_without_use_is_said_and_fails(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("run", *DAY, "--tenant", "nobody") == 1
    said = capsys.readouterr().err
    assert "nothing was used by tenant nobody" in said
    assert "1 items wait for a person" in said, "which may be the reason"


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
    assert [line[by].lstrip("#") for line in lines] == [row[by] for row in rows]


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


WRONG = {
    "no period": (("run",), 2, "give one period"),
    "two periods": (("run", *DAY, "--period", "2026-11"), 2, "give one period"),
    "half a stretch": (("run", "--from", "2026-11-22T08:00"), 2, "go together"),
    "no day": (("run", "--day", "22.11.2026"), 2, "write 2026-11-22"),
    "no month": (("run", "--period", "2026-13"), 2, "write 2026-11"),
    "backwards": (("run", "--from", "2026-11-22T09:00", "--to", "2026-11-22T08:00"), 2, "exchange"),
    "after the last day": (("run", "--day", "9999-12-31"), 2, "not from 1970-01-02"),
    "before the first day": (("run", "--day", "0001-01-01"), 2, "not from 1970-01-02"),
    "the last month": (("run", "--period", "9999-12"), 2, "not from 1970"),
    "year nought": (("run", "--period", "0000-12"), 2, "not from 1970"),
    "far from": (("run", "--from", "0001-01-01T00:00+14:00", "--to", "2026-11-22"), 2, "not from 1970"),
    "far to": (("run", "--from", "2026-11-22", "--to", "9999-12-31T23:59:59-12:00"), 2, "not from 1970"),
    "too long": (("run", "--from", "2026-01-01", "--to", "2028-01-01"), 2, "longer than 400 days"),
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


def test_a_stretch_of_time_is_asked_of_again_as_it_was_given(
    billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("report", "--from", "2026-11-22T08:00", "--to", "2026-11-22T10:00", "--format", "csv") == 0
    (looked,) = re.findall(r"looked at: gongfang-billing (.*)", capsys.readouterr().err)
    assert looked.endswith("--from 2026-11-22T08:00 --to 2026-11-22T10:00")


def test_a_configuration_that_is_not_there_is_said_with_an_example_that_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", "--config", str(tmp_path / "billing.toml")]) == 2
    said = capsys.readouterr().err
    (example,) = re.findall(r"; (\S+) is a commented example", said)
    assert Path(example).is_file()
    assert main(["check", "--config", example]) == 0


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
    tariff = config.parent / "tariff.toml"
    tariff.write_text(tariff.read_text("utf-8").replace('"12.00"', "12.00"), "utf-8")
    assert billing("check") == 2
    said = capsys.readouterr().err
    assert "billing.toml:4: site.timezone" in said
    assert "tariff.toml:10: rate.0.per_hour" in said


NASTY = {
    "deep": b"x = " + b"[" * 5000,
    "huge": b"x = " + b"9" * 5000,
    "not text": b"\xff\xfe",
    "no file name": b'tariff = "a\\u0000b"',
}


@pytest.mark.parametrize("content", NASTY.values(), ids=NASTY)
@pytest.mark.parametrize("name", ["billing.toml", "tariff.toml"])
def test_a_nasty_file_is_complained_about(
    name: str, content: bytes, config: Path, billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    (config.parent / name).write_bytes(content)
    assert billing("check") == 2
    assert name in capsys.readouterr().err


def test_a_directory_for_statements_that_is_none_is_refused(
    billing: Callable[..., int], config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert billing("run", *DAY, "--out", str(config)) == 2
    assert "name a directory" in capsys.readouterr().err
    assert billing("run", *DAY, "--out", str(config / "below")) == 1
    assert "cannot be written" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "report", "suspense"])
def test_a_site_that_the_store_does_not_know_is_said(
    command: str, config: Path, billing: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text("utf-8").replace('"qinghe"', '"qinghai"'), "utf-8")
    assert billing(command, *DAY) == 1
    assert "nothing of site qinghai" in capsys.readouterr().err


@pytest.mark.parametrize("file", ["billing.toml"])
def test_the_example_in_the_repository_is_in_order(file: str, capsys: pytest.CaptureFixture[str]) -> None:
    example = Path(__file__).parents[3] / "configs" / file
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
