"""The command ``gongfang-agent``."""

import argparse
import asyncio
import logging
import signal
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from contract.complaint import BadConfigurationError
from edge_agent.check import summary
from edge_agent.config import Settings, load
from edge_agent.notify import notify
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError
from edge_agent.probe import probe

FINE, FAILED, BAD_USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """0 fine, 1 failure, 2 bad usage or configuration."""
    given = _parser().parse_args(arguments)
    try:
        settings = load(given.config)
    except BadConfigurationError as error:
        print(error, file=sys.stderr)
        return BAD_USAGE
    command: Callable[[Settings, argparse.Namespace], int] = given.command
    try:
        return command(settings, given)
    except OutboxError as error:
        print(error, file=sys.stderr)
        return FAILED


def _run(settings: Settings, given: argparse.Namespace) -> int:
    # To stderr without a clock: the journal has its own, and so does a terminal's owner.
    logging.basicConfig(level=given.log_level, format="%(levelname)s %(message)s")
    outbox, broker = settings.outbox.path, settings.mqtt
    logging.getLogger("gongfang.agent").info(
        "%s: %d machines, broker %s:%d, outbox %s",
        *(settings.gateway, len(settings.machines), broker.host, broker.port, outbox),
    )
    failed = False
    try:
        asyncio.run(_run_until_told(settings))
    except* OutboxError as errors:
        failed = True
        for error in errors.exceptions:
            print(error, file=sys.stderr)
    return FAILED if failed else FINE


async def _run_until_told(settings: Settings) -> None:
    # Imported here, so that the other commands do not load the broker's client and the meter.
    from edge_agent.agent import run  # noqa: PLC0415  see above

    stop = asyncio.Event()

    def stopping() -> None:
        notify("STOPPING=1")
        stop.set()

    for told in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(told, stopping)
    await run(settings, stop, lambda: notify("READY=1"))


def _check(settings: Settings, _: argparse.Namespace) -> int:
    print(summary(settings))
    return FINE


def _probe(settings: Settings, given: argparse.Namespace) -> int:
    wanted = tuple(m for m in settings.machines if given.machine in (None, m.name))
    if not wanted:
        names = ", ".join(machine.name for machine in settings.machines)
        print(f"--machine {given.machine}: no such machine; there are: {names}", file=sys.stderr)
        return BAD_USAGE
    found = asyncio.run(probe(settings, wanted))
    for probed in found:
        print("\n".join(probed.lines))
    return FINE if all(probed.good for probed in found) else FAILED


def _resend(settings: Settings, given: argparse.Namespace) -> int:
    zone = ZoneInfo(settings.timezone)
    start, end = _instant(given.start, zone), _instant(given.end, zone)
    if start >= end:
        print("--from must be earlier than --to", file=sys.stderr)
        return BAD_USAGE
    with _outbox(settings) as outbox:
        print(f"records put back into the queue: {outbox.resend(start, end)}")
    return FINE


def _status(settings: Settings, _: argparse.Namespace) -> int:
    zone = ZoneInfo(settings.timezone)
    with _outbox(settings) as outbox:
        depth = outbox.depth()
    print(
        f"waiting for a receipt: {depth.records} records, {depth.bytes} bytes, {depth.batches} batches sealed"
    )
    print(f"oldest of them: {_told(depth.oldest_ms, zone)}")
    print(f"kept for resend: {depth.ring_records} records, {depth.ring_bytes} bytes")
    print(f"reaching back to: {_told(depth.ring_from, zone)}")
    print(f"rejected by the collector: {depth.rejected}")
    if depth.over_limit:
        print(
            f"ALARM: more waits than limit_bytes ({settings.outbox.limit_bytes}); is the collector running?"
        )
    return FAILED if depth.over_limit else FINE


def _outbox(settings: Settings) -> Outbox:
    kept = settings.outbox
    if not kept.path.is_file():
        raise OutboxError(f"{kept.path}: no such file; the agent makes it when it runs first")
    return Outbox.open(
        kept.path,
        site=settings.site,
        gateway=settings.gateway,
        limit_bytes=kept.limit_bytes,
        ring_bytes=kept.ring_bytes,
        ring_ms=kept.ring_days * 86_400_000,
    )


def _instant(given: datetime, zone: ZoneInfo) -> int:
    """UTC ms; an instant without an offset is the site's local time."""
    return int((given if given.tzinfo else given.replace(tzinfo=zone)).timestamp() * 1000)


def _told(instant_ms: int | None, zone: ZoneInfo) -> str:
    if instant_ms is None:
        return "none"
    return datetime.fromtimestamp(instant_ms / 1000, UTC).astimezone(zone).isoformat(timespec="seconds")


_ABOUT = """\
Meters machines: reads them over Modbus about once a second, adds up what they do, and hands the
records over to the collector through an MQTT broker. It can only read; it never writes to a machine."""

_FIRST_DAY = """\
the first day:
  gongfang-agent check --config site.toml     is it right, and what will be read
  gongfang-agent probe --config site.toml     does each machine answer, and what does it say
  gongfang-agent run   --config site.toml     meter, until it is told to stop (Ctrl-C, SIGTERM)

configs/sites/ has commented examples; configs/profiles/ has a file per machine type.
exit codes: 0 fine, 1 failure, 2 bad usage or configuration"""


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="gongfang-agent", description=_ABOUT, epilog=_FIRST_DAY, formatter_class=raw
    )
    commands = parser.add_subparsers(required=True, metavar="command")

    def add(
        name: str, does: str, epilog: str, command: Callable[[Settings, argparse.Namespace], int]
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=does, description=does, epilog=epilog, formatter_class=raw)
        sub.add_argument("--config", type=Path, required=True, metavar="FILE", help="the site's TOML file")
        sub.set_defaults(command=command)
        return sub

    running = add("run", "Meter the machines and hand the records over.", _RUN, _run)
    running.add_argument(
        "--log-level", choices=("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO", help="default INFO"
    )
    add("check", "Say what is wrong with a configuration, or what it amounts to.", _CHECK, _check)
    one = add("probe", "Read each machine once and say what it means.", _PROBE, _probe)
    one.add_argument("--machine", metavar="NAME", help="only this one")
    again = add("resend", "Send records again that were delivered before.", _RESEND, _resend)
    again.add_argument("--from", dest="start", type=datetime.fromisoformat, required=True, metavar="ISO")
    again.add_argument("--to", dest="end", type=datetime.fromisoformat, required=True, metavar="ISO")
    add("status", "Say how much waits in the outbox.", _STATUS, _status)
    return parser


_RUN = """\
It loses nothing on its way: what the collector has not answered for rests in the outbox file.

example:
  gongfang-agent run --config /etc/gongfang/site.toml"""
_CHECK = """\
Looks at the file, the profiles and the stop-code table it names. Connects to nothing.
Every complaint comes with file, line, key and what to do.

example:
  gongfang-agent check --config site.toml"""
_PROBE = """\
Exits with 1 when a machine does not answer, has another serial number than configured, or holds
something that its profile does not expect. A number that is absurdly large, or 65536 times too
large, tells of a wrong word_order in the profile.

example:
  gongfang-agent probe --config site.toml --machine knit-01"""
_RESEND = """\
For a collector whose database was restored from an older copy. Sending twice changes nothing:
a record is known by its name. Works while the agent runs. Without an offset the instants are
the site's local time; --to itself is not included.

example:
  gongfang-agent resend --config site.toml --from 2026-11-01 --to 2026-11-08T06:00"""
_STATUS = """\
Exits with 1 when more waits than the outbox should hold.

example:
  gongfang-agent status --config site.toml"""


if __name__ == "__main__":
    sys.exit(main())
