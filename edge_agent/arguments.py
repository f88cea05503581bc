"""The command line of ``gongfang-agent``, and the help that teaches it."""

import argparse
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from daemon.journal import FORMS
from edge_agent.block import Table
from edge_agent.survey import Area

_ABOUT: Final = """\
Meters machines: reads them over Modbus about once a second, adds up what they do, and hands the
records over to the collector through an MQTT broker. It can only read; it never writes to a machine."""

_FIRST_DAY: Final = """\
the first day:
  gongfang-agent check --config site.toml     is it right, and what will be read
  gongfang-agent probe --config site.toml     does each machine answer, and what does it say
  gongfang-agent run   --config site.toml     meter, until it is told to stop (Ctrl-C, SIGTERM)

configs/sites/ has commented examples; configs/profiles/ has a file per machine type.
exit codes: 0 fine, 1 failure, 2 bad usage or configuration"""

_EXAMPLES: Final[Mapping[str, str]] = {
    "run": """\
It loses nothing on its way: what the collector has not answered for rests in the outbox file.

example:
  gongfang-agent run --config /etc/gongfang/site.toml""",
    "check": """\
Looks at the file, the profiles and the stop-code table it names. Connects to nothing.
Every complaint comes with file, line, key and what to do.

example:
  gongfang-agent check --config site.toml""",
    "probe": """\
Exits with 1 when a machine does not answer, has another serial number than configured, or holds
something that its profile does not expect. A number that is absurdly large, or 65536 times too
large, tells of a wrong word_order in the profile.

example:
  gongfang-agent probe --config site.toml --machine knit-01""",
    "scan": """\
Reads only (function codes 1 to 4), one request at a time with a pause after each. Asks each unit id
whether it is there, then which registers it lets be read: a refused request is halved until its
edge is known. Where the requests are as many as said beforehand it ends, and tells. A dump is read
by `profile`, replayed by `gongfang-simulator replay`, and compared with a later one.
Exits with 1 when nothing can be read, and when it was ended early; what was found is shown all the
same.

examples:
  gongfang-agent scan tcp://192.0.2.20:502
  gongfang-agent scan tcp://192.0.2.20:502 --units 1-30 --out dump.json
  gongfang-agent scan tcp://192.0.2.20:502 --units 5 --addresses 0-99,4096-4351 --tables holding
  gongfang-agent scan tcp://192.0.2.20:502 --units 5 --wide        where it has no registers below 500
  gongfang-agent scan tcp://192.0.2.20:502 --like dump.json --out later.json""",
    "resend": """\
For a collector whose database was restored from an older copy. Sending twice changes nothing:
a record is known by its name. Works while the agent runs. Without an offset the instants are
the site's local time; --to itself is not included.

example:
  gongfang-agent resend --config site.toml --from 2026-11-01 --to 2026-11-08T06:00""",
    "status": """\
Exits with 1 when more waits than the outbox should hold.

example:
  gongfang-agent status --config site.toml""",
}


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
    whole = argparse.ArgumentParser(
        prog="gongfang-agent", description=_ABOUT, epilog=_FIRST_DAY, formatter_class=raw
    )
    commands = whole.add_subparsers(dest="command", required=True, metavar="command")
    running = _of_site(commands, "run", "Meter the machines and hand the records over.")
    running.add_argument(
        "--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", help="default INFO"
    )
    running.add_argument("--log", choices=FORMS, default="text", help="form of the log lines; default text")
    _of_site(commands, "check", "Say what is wrong with a configuration, or what it amounts to.")
    one = _of_site(commands, "probe", "Read each machine once and say what it means.")
    one.add_argument("--machine", metavar="NAME", help="only this one")
    again = _of_site(commands, "resend", "Send records again that were delivered before.")
    again.add_argument("--from", dest="start", type=datetime.fromisoformat, required=True, metavar="ISO")
    again.add_argument("--to", dest="end", type=datetime.fromisoformat, required=True, metavar="ISO")
    _of_site(commands, "status", "Say how much waits in the outbox.")
    _scan(_command(commands, "scan", "Find what is behind an endpoint that nobody knows."))
    return whole


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
    parser.add_argument("--requests", type=_count(10, 100_000), default=2000, help="most per unit (2000)")
    parser.add_argument("--pause-ms", type=_count(0, 10_000), default=20, help="between requests (20)")
    parser.add_argument("--timeout-ms", type=_count(20, 60_000), default=500, help="of an answer (500)")
    parser.add_argument("--limit-s", type=_count(1, 86_400), default=600, help="ends by itself after (600)")
    parser.add_argument("--like", type=Path, metavar="FILE", help="only read again what this dump could read")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the dump into a file")
    parser.add_argument("--json", action="store_true", help="print the dump instead of a table")


def _command(commands: Any, name: str, does: str) -> argparse.ArgumentParser:  # noqa: ANN401  argparse's own type is private
    raw = argparse.RawDescriptionHelpFormatter
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=does, description=does, epilog=_EXAMPLES[name], formatter_class=raw
    )
    return parser


def _of_site(commands: Any, name: str, does: str) -> argparse.ArgumentParser:  # noqa: ANN401  see above
    parser = _command(commands, name, does)
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="the site's TOML file")
    return parser
