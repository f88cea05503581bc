"""The command line of ``gongfang-agent``, and the help that teaches it."""

import argparse
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from contract.command_line import CommandLine
from contract.names import DECIMAL, QUANTITY, TEXT, is_name
from daemon.journal import FORMS
from edge_agent.block import Table
from edge_agent.help_texts import ABOUT, EXAMPLES, FIRST_DAY
from edge_agent.readings import ORDERS
from edge_agent.register import WordOrder
from edge_agent.survey import Area


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        wrong = f"{text!r} is no instant; write 2026-11-22 or 2026-11-22T08:00"
        raise argparse.ArgumentTypeError(wrong) from None


def _spans(low: int, high: int) -> Callable[[str], tuple[Area, ...]]:
    """Reads 1-247, or 1,5,17-20."""

    def read(text: str) -> tuple[Area, ...]:
        found = []
        for part in text.split(","):
            told = re.fullmatch(r"\s*(\d{1,5})\s*(?:-\s*(\d{1,5})\s*)?", part, re.ASCII)
            first, last = (int(told[1]), int(told[2] or told[1])) if told else (1, 0)
            if not low <= first <= last <= high:
                raise argparse.ArgumentTypeError(f"{part!r} is no number or range from {low} to {high}")
            found.append(Area(first, last + 1))
        return tuple(found)

    return read


def _tables(text: str) -> tuple[Table, ...]:
    try:
        return tuple(dict.fromkeys(Table(part.strip()) for part in text.split(",")))
    except ValueError:
        known = ", ".join(Table)
        raise argparse.ArgumentTypeError(f"{text!r} does not name tables; there are {known}") from None


def _count(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"\d{1,9}", text, re.ASCII) or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"{text!r} is no number from {low} to {high}")
        return int(text)

    return read


def parser() -> argparse.ArgumentParser:
    """``command`` is the name of the one that was chosen."""
    raw = argparse.RawDescriptionHelpFormatter
    whole = CommandLine(prog="gongfang-agent", description=ABOUT, epilog=FIRST_DAY, formatter_class=raw)
    commands = whole.add_subparsers(dest="command", required=True, metavar="command")
    running = _of_site(commands, "run", "Meter the machines and hand the records over.")
    running.add_argument(
        "--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", help="default INFO"
    )
    running.add_argument("--log", choices=FORMS, default="text", help="form of the log lines; default text")
    _of_site(commands, "check", "Say what is wrong with a configuration, or what it amounts to.")
    _probe(_command(commands, "probe", "Read machines and say what they mean, or may mean."))
    again = _of_site(commands, "resend", "Send records again that were delivered before.")
    again.add_argument("--from", dest="start", type=_instant, required=True, metavar="ISO")
    again.add_argument("--to", dest="end", type=_instant, required=True, metavar="ISO")
    _of_site(commands, "status", "Say how much waits in the outbox.")
    _scan(_command(commands, "scan", "Find what is behind an endpoint that nobody knows."))
    _witness(_of_site(commands, "witness", "Record that a machine's panel and its registers agree."))
    _key(_command(commands, "key", "Make the key that chains are signed with, or show its public half."))
    _profile(_command(commands, "profile", "Make, look at and try out what registers mean."))
    return whole


def _witness(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", required=True, metavar="NAME")
    parser.add_argument("--by", type=_text, required=True, metavar="WHO", help="who looked at the panel")
    parser.add_argument(
        "--panel",
        type=_figure,
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="what it shows, once for each figure; without any it is asked for",
    )
    parser.add_argument(
        "--within-s", type=_count(1, 3_600), default=60, help="--panel was read so many seconds ago (60)"
    )
    parser.add_argument("--dry-run", action="store_true", help="compare, and record nothing")


def _figure(text: str) -> tuple[str, str]:
    name, _, number = text.partition("=")
    if not re.match(QUANTITY, name) or not re.match(DECIMAL, number):
        raise argparse.ArgumentTypeError(f"{text!r} is not like pieces=812 or run_h=25.3")
    return name, number


def _number(text: str) -> str:
    if not re.match(DECIMAL, text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number as a panel shows it")
    return text


def _text(text: str) -> str:
    if not re.match(TEXT, text):
        raise argparse.ArgumentTypeError("1 to 512 characters, none that controls a terminal")
    return text


def _profile(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    new = _action(actions, "new", "Draft a profile from one dump, or from several taken one after the other.")
    new.add_argument(
        "--from", dest="words", type=Path, nargs="+", required=True, metavar="DUMP", help="of scan"
    )
    new.add_argument("--name", type=_name, required=True, help="a-z 0-9 . _ -, as the file is called")
    new.add_argument("--order", type=WordOrder, choices=ORDERS, help="its word order, where that is known")
    new.add_argument("--out", type=Path, metavar="FILE", help="where to (profiles/NAME.toml)")
    new.add_argument("--force", action="store_true", help="write over a file that is there")
    test = _action(actions, "test", "Decode dumps through a profile.")
    test.add_argument("--words", type=Path, nargs="+", required=True, metavar="DUMP", help="of scan")
    for one in (new, test):
        one.add_argument("--unit", type=_count(0, 255), help="which, where a dump has several")
    check = _action(actions, "check", "Say what is wrong with a profile, and what is left to do.")
    listing = _action(actions, "list", "Every profile that a site here can name.")
    show = _action(actions, "show", "All that a profile says.")
    for one in (test, check, show):
        one.add_argument(
            "file", metavar="PROFILE", help="a file (.toml), or the name of one that `list` shows"
        )
    for one in (new, test, check, listing, show):
        one.add_argument("--dir", type=Path, default=Path(), help="where the site's file lies (here)")
    for one in (test, check, listing, show):
        one.add_argument("--stop-codes", type=Path, metavar="FILE", help="a stop-code table of your own")


def _key(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="action")
    new = _action(actions, "new", "Make a key, in a file that nobody but its owner can read.")
    new.add_argument("file", type=Path, metavar="FILE", help="where to; nothing is ever written over")
    show = _action(actions, "show", "Show the public half of a key, and its fingerprint.")
    show.add_argument("file", type=Path, nargs="?", metavar="FILE", help="of `key new`")
    show.add_argument(
        "--config", type=Path, metavar="SITE", help="instead: the key that this site signs with"
    )
    for one in (new, show):
        one.add_argument("--gateway", type=_name, default="gateway", help="its name, to be shown with it")


def _action(actions: Any, name: str, does: str) -> argparse.ArgumentParser:  # noqa: ANN401  see below
    parser: argparse.ArgumentParser = actions.add_parser(name, help=does, description=does)
    return parser


def _name(text: str) -> str:
    if not is_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name; use 1 to 64 of a-z 0-9 . _ -")
    return text


def _probe(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, metavar="FILE", help="the site's TOML file")
    what.add_argument("endpoint", metavar="URL", nargs="?", help="a machine without a profile")
    parser.add_argument("--machine", metavar="NAME", help="with --config: only this one")
    free = parser.add_argument_group("of a machine without a profile")
    free.add_argument("--unit", type=_count(0, 255), help="unit id, which `scan` finds (1)")
    free.add_argument("--table", type=Table, choices=tuple(Table), default=Table.HOLDING, help="(holding)")
    free.add_argument("--from", dest="start", type=_count(0, 65_535), default=0, help="first address (0)")
    free.add_argument("--count", type=_count(1, 2_000), default=40, help="how many addresses (40)")
    free.add_argument("--watch", type=_count(1, 86_400), metavar="S", help="look for so many seconds")
    free.add_argument("--every-ms", type=_count(100, 60_000), default=1_000, help="between looks (1000)")
    free.add_argument(
        "--find", type=_number, action="append", metavar="NUMBER", help="where a number of the panel stands"
    )
    free.add_argument(
        "--order", type=WordOrder, choices=ORDERS, help="only this word order, once it is known"
    )
    free.add_argument("--all", action="store_true", help="every reading, also what is hardly meant")
    free.add_argument("--pause-ms", type=_count(0, 10_000), default=20, help="between requests (20)")
    free.add_argument("--timeout-ms", type=_count(20, 60_000), default=1_000, help="of an answer (1000)")


def _scan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("endpoint", metavar="URL", help="such as tcp://192.0.2.20:502")
    parser.add_argument("--units", type=_spans(0, 255), default="1-247", help="unit ids (1-247)")
    parser.add_argument(
        "--tables",
        type=_tables,
        default="holding,input,coil,discrete",
        help="which tables (holding,input,coil,discrete)",
    )
    parser.add_argument(
        "--addresses", type=_spans(0, 65_535), default="0-499", help="where to look, zero-based (0-499)"
    )
    parser.add_argument(
        "--wide", action="store_true", help="also try every 100th and every 256th address up to 65535"
    )
    parser.add_argument("--requests", type=_count(10, 100_000), help="most per unit (2000, with --wide 6000)")
    parser.add_argument("--pause-ms", type=_count(0, 10_000), default=20, help="between requests (20)")
    parser.add_argument("--timeout-ms", type=_count(20, 60_000), default=500, help="of an answer (500)")
    parser.add_argument("--limit-s", type=_count(1, 86_400), default=600, help="ends by itself after (600)")
    parser.add_argument("--like", type=Path, metavar="FILE", help="only read again what this dump could read")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the dump into a file")
    parser.add_argument("--json", action="store_true", help="print the dump instead of a table")


def _command(commands: Any, name: str, does: str) -> argparse.ArgumentParser:  # noqa: ANN401  argparse's own type is private
    raw = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=does, description=does, epilog=EXAMPLES[name], formatter_class=raw
    )
    return parser


def _of_site(commands: Any, name: str, does: str) -> argparse.ArgumentParser:  # noqa: ANN401  see above
    parser = _command(commands, name, does)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the site's TOML file")
    return parser
