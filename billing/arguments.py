"""The command line of ``gongfang-billing``, and the help that teaches it."""

import argparse
import shlex
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

from billing.account_arguments import add_accounts
from billing.bad_usage import BadUsageError
from billing.inspection_arguments import HELP as INSPECT_HELP
from billing.inspection_arguments import add_result
from billing.job_arguments import HELP as ESTIMATE_HELP
from billing.job_arguments import add_job
from billing.life_arguments import add_life
from billing.period import Period, day_period, month_period, range_period
from billing.report import By
from contract.command_line import CommandLine
from contract.states import Party

_CONFIG = Path("configs/billing.toml")
_MOST_JOBS = 64
_PARTIES = tuple(party.value for party in Party if party is not Party.NONE)

_ABOUT = """\
Turns what the meters stored into what each tenant owes, and shows how the machines were used.
It reads the store only; nothing stored is ever changed. A person's decision (assign) is added beside the
facts."""

_EXAMPLES = """\
examples:
  gongfang-billing check                                   is the configuration and its tariff in order?
  gongfang-billing run --day 2026-11-22                    statements of a day, here in the terminal
  gongfang-billing run --period 2026-11 --out statements   a month: HTML, XLSX, CSV and JSON for each tenant
  gongfang-billing run --day 2026-11-22 --tenant hongye --format json    one object; without --tenant an array
  gongfang-billing report --day 2026-11-22 --by order      utilisation and yield
  gongfang-billing validate --period 2026-11               may it be billed? what was found, what blocks
  gongfang-billing totals --period 2026-11 --out accounts  what all tenants owe, for accounts
  gongfang-billing suspense --period 2026-11               what nobody pays yet, and how to decide it
  gongfang-billing close --day 2026-11-22 --by "Li Na"     nothing is open: the day is closed
  gongfang-billing estimate --kind knit --run 8 --pieces 200   what a job would cost

exit codes: 0 fine, 1 failure (the store is away, nothing found), 2 bad usage or configuration"""

_PERIOD_HELP = """\
A period is local time of the site. An interval belongs to the period in which it begins; a stop is cut at the
period's ends. A tariff must hold on every day of the period: when prices change, bill up to that day and
from it."""

_RUN_HELP = f"""\
{_PERIOD_HELP}

A long run says on the error stream, a line for each day, how many rows it read and how long it will take. It
may be ended at any moment and run again: files are there whole or not at all, and while figures rest on the
same (`digest` in the JSON), their pages come out byte for byte as they were first made."""

_VALIDATE_HELP = """\
Every finding of the period with its rule, machine and time, and everything that waits for a person; what
blocks stands first. Which rules block is a table in the configuration ([validation.rules]); docs/billing.md
says what each of them means and what to do. A day is closed (`close --day`) when nothing blocks it."""

_ASSIGN_HELP = """\
Writes whose it was, decided by whom and why. It holds for the record, or for everything of the machine that
begins in the time given, and replaces what was assigned before. The next run bills it. `suspense` shows the
command for every open item.

examples:
  gongfang-billing assign --machine knit-03 --from 2026-11-22T10:00 --to 2026-11-22T10:25 \\
      --tenant hongye --order A-17 --by "Li Na" --why "both firms agreed by telephone"
  gongfang-billing assign --machine knit-03 --epoch k3f9 --sequence 118 \\
      --order A-17 --by "Li Na" --why "paper log"
  ... --tenant none      the host's own use: charged to nobody
  ... without --tenant   the tenant who had announced the order by then
  ... without --order    the order that was stored
  gongfang-billing assign --machine knit-03 --from 2026-11-22T10:00 --to 2026-11-22T10:25 \\
      --party host --by "Li Na" --why "the stop button was pressed by our electrician"
                         who caused the stops of that time: only what the tenant caused is charged"""


def parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    whole = CommandLine("gongfang-billing", None, _ABOUT, _EXAMPLES, formatter_class=raw)
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = _command(commands, "run", "statements of a period", _RUN_HELP)
    _add_reading(run)
    run.add_argument("--tenant", metavar="NAME", help="only this tenant")
    run.add_argument("--out", type=Path, metavar="DIR", help="write one file per tenant and format into DIR")
    run.add_argument(
        "--format",
        action="append",
        choices=("table", "csv", "json", "html", "xlsx"),
        help="may be repeated with --out; default: a table here, or all of the others with --out",
    )
    report = _command(commands, "report", "utilisation and yield of a period", _PERIOD_HELP)
    _add_reading(report)
    report.add_argument("--by", type=By, choices=tuple(By), default=By.MACHINE, help="default: machine")
    report.add_argument("--format", choices=("table", "csv", "json"), default="table", help="default: table")
    add_job(_command(commands, "estimate", "what a job would cost, before it starts", ESTIMATE_HELP))
    add_accounts(partial(_command, commands), _add_reading)
    validate = _command(
        commands, "validate", "is a period fit to be billed? exit 1 while anything blocks", _VALIDATE_HELP
    )
    _add_reading(validate)
    validate.add_argument("--format", choices=("table", "json"), default="table", help="default: table")
    suspense = _command(commands, "suspense", "what nobody pays yet, and how to decide it", _PERIOD_HELP)
    _add_reading(suspense)
    add_result(_command(commands, "inspect", "write what inspection found of pieces", INSPECT_HELP))
    _add_assign(_command(commands, "assign", "decide whose a record or a stretch of time was", _ASSIGN_HELP))
    add_life(partial(_command, commands), _add_period)
    _command(commands, "check", "read the configuration and its tariff, and say what they mean", "")
    return whole


def _command(
    commands: "argparse._SubParsersAction[CommandLine]", name: str, short: str, more: str
) -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    command = commands.add_parser(
        name, help=short, description=f"{short.capitalize()}.", epilog=more, formatter_class=raw
    )
    command.add_argument(
        "--config",
        type=Path,
        default=_CONFIG,
        metavar="FILE",
        help=f"the billing configuration (default {_CONFIG})",
    )
    return command


def _add_period(command: argparse.ArgumentParser) -> None:
    command.add_argument("--day", metavar="DATE", help="a local day, like 2026-11-22")
    command.add_argument("--period", metavar="MONTH", help="a calendar month, like 2026-11")
    command.add_argument("--from", dest="start", metavar="ISO", help="an instant, like 2026-11-22T08:00")
    command.add_argument("--to", dest="end", metavar="ISO", help="the instant after the last")


def _add_reading(command: argparse.ArgumentParser) -> None:
    _add_period(command)
    command.add_argument(
        "--jobs",
        type=_jobs,
        metavar="N",
        help="read with N processes (default: one a core, up to 8, where there is enough to read for each)",
    )


def _jobs(text: str) -> int:
    if not (text.isdecimal() and 1 <= int(text) <= _MOST_JOBS):
        raise argparse.ArgumentTypeError(f"{text}: name a number of processes, from 1 to {_MOST_JOBS}")
    return int(text)


def _add_assign(command: argparse.ArgumentParser) -> None:
    command.add_argument("--machine", required=True, metavar="NAME")
    command.add_argument("--epoch", metavar="NAME", help="with --sequence: one record")
    command.add_argument("--sequence", type=int, metavar="NUMBER")
    command.add_argument(
        "--from", dest="start", metavar="ISO", help="with --to: all that begins in this time"
    )
    command.add_argument("--to", dest="end", metavar="ISO")
    command.add_argument("--tenant", metavar="NAME", help="whose it was; none for the host's own use")
    command.add_argument(
        "--force", action="store_true", help="also a tenant that the configuration does not name"
    )
    command.add_argument("--order", metavar="ORDER", help="for which order; none for no order")
    command.add_argument("--party", choices=_PARTIES, help="who caused the stops, instead of whose they were")
    command.add_argument("--by", required=True, metavar="WHO", help="who decided")
    command.add_argument("--why", required=True, metavar="TEXT", help="on what grounds")


def period_of(arguments: argparse.Namespace, zone: ZoneInfo) -> Period:
    """The one period that was asked for. Raises BadUsageError."""
    given = [arguments.day, arguments.period, arguments.start or arguments.end]
    if sum(value is not None for value in given) != 1:
        raise BadUsageError("give one period: --day DATE, or --period MONTH, or --from ISO --to ISO")
    try:
        if arguments.day:
            return day_period(arguments.day, zone)
        if arguments.period:
            return month_period(arguments.period, zone)
    except ValueError as error:
        raise BadUsageError(str(error)) from None
    return stretch_of(arguments, zone)


def same_period(arguments: argparse.Namespace, command: str) -> str:
    """Another command for what was asked of, whole, so that it can be pasted."""
    words = ["gongfang-billing", command, "--config", str(arguments.config)]
    named = {"--day": "day", "--period": "period", "--from": "start", "--to": "end"}
    for option, name in named.items():
        value: str | None = getattr(arguments, name)
        words += [option, value] if value else []
    return shlex.join(words)


def stretch_of(arguments: argparse.Namespace, zone: ZoneInfo) -> Period:
    """``--from`` and ``--to``. Raises BadUsageError."""
    if not (arguments.start and arguments.end):
        raise BadUsageError("--from and --to go together")
    try:
        return range_period(arguments.start, arguments.end, zone)
    except ValueError as error:
        raise BadUsageError(str(error)) from None
