"""The command line of ``gongfang-agent``, and the help that teaches it."""

import argparse
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from daemon.journal import FORMS

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
    return whole


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
