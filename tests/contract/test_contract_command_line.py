"""Everything that is wrong with a command line is told at once, by every program and each of its commands."""

from collections.abc import Callable

import pytest

from billing.arguments import parser as billing
from collector.arguments import parser as collector
from contract.command_line import CommandLine
from edge_agent.arguments import parser as agent

WITNESS = "witness --config site.toml --machine m --by w"
WRONG: list[tuple[Callable[[], CommandLine], str, list[str]]] = [
    (agent, "witness --confg s.toml --machine m --by w", ["required: --config", "no --confg, but --config"]),
    (agent, "witness --machin=m --bye w", ["required: --config", "--by", "there is no --bye, but --by"]),
    (agent, "check --config site.toml --verbose", ["there is no --verbose"]),
    (agent, f"{WITNESS} --pannel pieces=5", ["there is no --pannel, but --panel"]),
    (agent, f"{WITNESS} --panel pieces", ["'pieces' is not like", "pieces=812"]),
    (agent, f"{WITNESS} --panel pieces --dry", ["'pieces' is not like"]),
    (agent, f"{WITNESS} --within-s 0 --pannel x=1", ["from 1 to 3600", "there is no --pannel, but --panel"]),
    (agent, "scan tcp://h --unitz 5", ["there is no --unitz, but --units"]),
    (agent, "profile new --form a.json --name x", ["required: --from", "there is no --form, but --from"]),
    (agent, "--versoin", ["required: command", "there is no --versoin"]),
    (agent, "scna tcp://h --units 5", ["invalid choice: 'scna'"]),
    (agent, "check site.toml --config x", ["nothing more is expected here: site.toml"]),
    (collector, "lease set --machine m --tennant t --by w", ["required: --tenant", "no --tennant, but"]),
    (collector, "status --grid 300 --colour", ["there is no --colour"]),
    (billing, "assign --machine m --buy w", ["required: --by, --why", "there is no --buy, but --by"]),
    (billing, "run --dya 2026-11-22", ["there is no --dya, but --day"]),
]  # fmt: skip
RIGHT = [
    (agent, "scan tcp://h --unit 5"),
    (agent, WITNESS),
    (collector, "lease set --machine m --tenant t --by w"),
    (billing, "assign --machine m --by w --why t --party host"),
]


@pytest.mark.parametrize("case", WRONG, ids=lambda case: case[1])
def test_all_that_is_wrong_is_told(
    case: tuple[Callable[[], CommandLine], str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    program, line, told = case
    with pytest.raises(SystemExit) as left:
        program().parse_args(line.split())
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert [words for words in told if words not in said] == [], said
    assert said.count("there is no --") == sum("no --" in words for words in told), said


@pytest.mark.parametrize(("program", "line"), RIGHT, ids=[line for _, line in RIGHT])
def test_what_is_right_is_taken_shortened_options_too(program: Callable[[], CommandLine], line: str) -> None:
    program().parse_args(line.split())


def test_the_usage_of_the_command_stands_above_and_not_that_of_the_program(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        agent().parse_args(["check", "--config", "x", "--verbose"])
    assert capsys.readouterr().err.startswith("usage: gongfang-agent check [-h] --config FILE")


def test_behind_two_dashes_nothing_is_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    line = CommandLine("p")
    line.add_argument("--name", required=True)
    line.add_argument("rest", nargs="*")
    assert line.parse_args(["--name", "n", "--", "--nmae"]).rest == ["--nmae"]
    with pytest.raises(SystemExit):
        line.parse_args(["--", "--nmae"])
    assert "there is no" not in capsys.readouterr().err
