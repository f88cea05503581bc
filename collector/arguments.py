"""The command line. Pure but for argparse, which exits by itself with 2 on a bad argument."""

import argparse
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from collector.quarantine import UNREADABLE
from contract.command_line import CommandLine
from contract.messages import ExceptionReason
from contract.names import TEXT, is_name, is_order_id
from daemon.journal import FORMS

DESCRIPTION = """\
Takes custody of what edge agents send: judges every record, writes it to the store, answers with a receipt.
Records that cannot be accepted rest in the store's quarantine with the reason. Leases and orders, announced
over the broker, become facts of the store."""

EXAMPLES = """\
examples:
  gongfang-collector check --config configs/collector.toml
  gongfang-collector run --config configs/collector.toml
  gongfang-collector status --config configs/collector.toml       exit 1 when one is silent or metered twice
  gongfang-collector lease set --machine knit-01 --tenant zhang --by 王师傅
  gongfang-collector lease set --machine knit-01 --tenant zhang --order A-17 --from +10m --by 王师傅
  gongfang-collector lease import leases.csv --timezone Asia/Shanghai --by 王师傅    says what it would do
  gongfang-collector lease import leases.csv --timezone Asia/Shanghai --by 王师傅 --announce    does it
  gongfang-collector lease end --machine knit-01 --by 王师傅
  gongfang-collector order add --order A-17 --tenant zhang --article 羊绒衫 --wanted 300 --by office
  gongfang-collector quarantine list
  gongfang-collector quarantine replay qinghe/gw-1/1795305902001
  gongfang-collector quarantine replay --reason retention --dry-run

--config may be left out where the environment has GONGFANG_COLLECTOR_CONFIG.
exit codes: 0 fine, 1 failure (or something is silent, or metered twice), 2 bad usage or configuration"""


REASONS: Final = (*ExceptionReason, UNREADABLE)


def _checked(holds: Callable[[str], bool], says: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not holds(text):
            raise argparse.ArgumentTypeError(f"{text!r} is not allowed: {says}")
        return text

    return check


_name = _checked(is_name, "a-z and 0-9, then also . _ - (64 at most; not none, not disputed)")
_order = _checked(is_order_id, "A-Z a-z 0-9 . _ - (64 at most; not none, not disputed)")
_text = _checked(lambda text: re.match(TEXT, text) is not None, "1 to 512 characters, no control characters")


def _zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time zone: write one like Asia/Shanghai") from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or int(text) >= 2**63:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 on")
    return int(text)


def _add(group: Any, name: str, says: str, **choices: Any) -> argparse.ArgumentParser:  # noqa: ANN401  argparse's own type is private
    parser: argparse.ArgumentParser = group.add_parser(name, help=says, description=says, **choices)
    return parser


def _leaf(group: Any, name: str, says: str) -> argparse.ArgumentParser:  # noqa: ANN401  see above
    parser = _add(group, name, says)
    parser.add_argument("--config", type=Path, metavar="FILE", help="the collector's TOML file")
    return parser


def _branch(group: Any, name: str, says: str) -> Any:  # noqa: ANN401  see above
    return _add(group, name, says).add_subparsers(dest="action", required=True, metavar="action")


def parser() -> argparse.ArgumentParser:
    root = CommandLine(
        prog="gongfang-collector",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = root.add_subparsers(dest="command", required=True, metavar="command")
    run = _leaf(commands, "run", "collect until SIGTERM or SIGINT")
    run.add_argument("--log", choices=FORMS, default="text", help="form of the log lines (text)")
    levels = ("DEBUG", "INFO", "WARNING", "ERROR")
    run.add_argument("--log-level", choices=levels, default="INFO", help="the least that is told (INFO)")
    _leaf(commands, "check", "say everything that is wrong with the configuration")
    status = _leaf(
        commands,
        "status",
        "who was heard of; exit 1 when a gateway or machine is silent, or a machine metered twice",
    )
    status.add_argument("--grid-s", type=_count, default=300, help="the agents' grid in seconds (300)")
    _quarantine(_branch(commands, "quarantine", "what could not be accepted"))
    _lease(_branch(commands, "lease", "who has which machine"))
    _orders(_branch(commands, "order", "what is to be made, and for whom"))
    return root


def _quarantine(group: Any) -> None:  # noqa: ANN401  see above
    listing = _leaf(group, "list", "every case with its reason")
    listing.add_argument("--days", type=_count, default=30, help="how far to look back (30)")
    _leaf(group, "show", "one case with its payload").add_argument("id", help="as `quarantine list` shows it")
    replay = _leaf(
        group, "replay", "judge cases again, by the rules and the clock of today, and write what is good"
    )
    which = replay.add_mutually_exclusive_group(required=True)
    which.add_argument("id", nargs="?", help="one case, as `quarantine list` shows it")
    which.add_argument("--reason", choices=REASONS, help="every case with this reason")
    which.add_argument("--all", action="store_true", help="every case that was not replayed yet")
    replay.add_argument("--dry-run", action="store_true", help="say what would become of each, write nothing")


def _site(command: argparse.ArgumentParser) -> None:
    command.add_argument("--site", type=_name, help="left out: the site of the configuration")


def _lease(group: Any) -> None:  # noqa: ANN401  see above
    give = _leaf(group, "set", "give a machine to a tenant")
    give.add_argument("--tenant", type=_name, required=True)
    give.add_argument("--order", type=_order, help="the order, where the machine does not know it")
    end = _leaf(group, "end", "take a machine back")
    for command in (give, end):
        _site(command)
        command.add_argument("--machine", type=_name, required=True)
        command.add_argument("--by", type=_text, required=True, help="who decides this")
        command.add_argument(
            "--from", dest="effective", default="now", help="now, +10m, 2026-11-23T08:00+08:00 (now)"
        )
    table = _leaf(group, "import", "announce a table of leases; without --announce only say what would be")
    _site(table)
    table.add_argument("file", help="CSV from a spreadsheet: machine, tenant, order, start, end")
    table.add_argument("--by", type=_text, required=True, help="who decides this")
    table.add_argument("--timezone", type=_zone, help="of instants without an offset, like Asia/Shanghai")
    table.add_argument("--announce", action="store_true", help="announce what is not in force yet")
    listing = _leaf(group, "list", "every lease; a star marks the latest of each machine")
    listing.add_argument("--machine", type=_name)


def _orders(group: Any) -> None:  # noqa: ANN401  see above
    add = _leaf(group, "add", "announce an order")
    add.add_argument("--tenant", type=_name, required=True)
    add.add_argument("--article", type=_text, required=True)
    add.add_argument("--wanted", type=_count, required=True, help="pieces")
    add.add_argument("--due", help="+10d or 2026-11-30T18:00+08:00")
    add.add_argument("--by", type=_text, required=True, help="who announces it")
    add.add_argument("--force", action="store_true", help="even if it is open for another tenant")
    close = _leaf(group, "close", "say that an order is done")
    close.add_argument("--by", type=_text, help="left out: who announced it")
    for command in (add, close):
        _site(command)
        command.add_argument("--order", type=_order, required=True)
    _leaf(group, "list", "every order as last announced")
