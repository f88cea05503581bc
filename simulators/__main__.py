"""gongfang-simulator: plants that exist only in a file, served over Modbus TCP, with the truth about them."""

import argparse
import asyncio
import logging
import sys
import zoneinfo
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from simulators import describe, replay_server
from simulators.clock import PlantClock, real_now_ms
from simulators.ledger import ledger
from simulators.plant import Plant, PlantError, load_plant
from simulators.replay import DumpError
from simulators.run import Options, run
from simulators.script import build_scripts

FAILED, BAD_USAGE = 1, 2

EPILOG = """\
examples:
  gongfang-simulator check configs/plants/demo.toml
  gongfang-simulator describe configs/plants/demo.toml
  gongfang-simulator run configs/plants/mini.toml --scale 60 --ledger truth.json
  gongfang-simulator run configs/plants/mini.toml --print-agent-machines
  gongfang-simulator ledger configs/plants/demo.toml --start 2026-03-02T08:00+08:00
  gongfang-simulator replay dump.json --port 5020

What a plant does follows from its file, its seed and the instant of its start: `ledger` tells the same truth
as the run did. Instants without a zone are in the plant's.
Exit codes: 0 fine, 1 failure, 2 bad usage or plant file.
"""

REPLAY = """\
Serve a dump that `gongfang-agent scan` took of a device, as the device answered: what could not be read is
refused, and so is what is more than it gave at once. Of several dumps each holds until the next was taken,
and the last one stays.

examples:
  gongfang-simulator replay dump.json --port 5020
  gongfang-simulator replay monday.json tuesday.json --port 5020 --speed 600
"""


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    if arguments.name == "replay":
        return _replay(arguments)
    try:
        plant = load_plant(arguments.plant)
    except PlantError as error:
        print(error, file=sys.stderr)
        return BAD_USAGE
    command: Callable[[Plant, argparse.Namespace], int] = arguments.command
    return command(plant, arguments)


def _check(plant: Plant, arguments: argparse.Namespace) -> int:
    print(f"{arguments.plant}: {len(plant.machines)} machines, {len(plant.orders)} orders: fine")
    return 0


def _describe(plant: Plant, _arguments: argparse.Namespace) -> int:
    print(describe.plant(plant))
    return 0


def _run(plant: Plant, arguments: argparse.Namespace) -> int:
    # pymodbus dumps frames into the log when a client goes away in the middle of a request.
    logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
    try:
        asyncio.run(run(plant, _options(plant, arguments)))
    except ValueError as error:
        return _refuse(error, BAD_USAGE)
    except OSError as error:
        return _refuse(error, FAILED)
    return 0


def _ledger(plant: Plant, arguments: argparse.Namespace) -> int:
    try:
        start, since, until = (
            _instant(text, plant) for text in (arguments.start, arguments.since, arguments.until)
        )
    except ValueError as error:
        return _refuse(error, BAD_USAGE)
    found = ledger(build_scripts(plant, real_now_ms() if start is None else start), since, until)
    print(msgspec.json.encode(found).decode() if arguments.json else describe.totals(found))
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    try:
        recorded = replay_server.load(arguments.dumps)
    except (DumpError, OSError) as error:
        return _refuse(error, BAD_USAGE)
    units = ", ".join(map(str, recorded.units))

    def ready(port: int) -> None:
        print(f"# tcp://{arguments.host}:{port} serves units {units}; Ctrl-C stops", flush=True)

    try:
        asyncio.run(replay_server.serve(recorded, (arguments.host, arguments.port), arguments.speed, ready))
    except OSError as error:
        return _refuse(error, FAILED)
    return 0


def _options(plant: Plant, arguments: argparse.Namespace) -> Options:
    if arguments.ledger and not arguments.ledger.absolute().parent.is_dir():
        raise ValueError(f"--ledger {arguments.ledger}: there is no such directory; make it first")
    real_ms = real_now_ms()
    clock = PlantClock(
        real_ms=real_ms if arguments.clock_real is None else arguments.clock_real,
        plant_ms=real_ms if arguments.clock_plant is None else arguments.clock_plant,
        scale=arguments.scale,
    )
    start = _instant(arguments.start, plant)
    return Options(
        start_ms=clock.plant(real_ms) if start is None else start,
        clock=clock,
        host=arguments.host,
        ledger=arguments.ledger,
        agent_machines=arguments.print_agent_machines,
    )


def _instant(text: str | None, plant: Plant) -> int | None:
    """UTC epoch ms; None for none and for `now`. Raises ValueError with what is wrong."""
    if text is None or text == "now":
        return None
    try:
        told = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no instant; write it like 2026-03-02T08:00+08:00, or now") from None
    zoned = told if told.tzinfo else told.replace(tzinfo=zoneinfo.ZoneInfo(plant.timezone))
    return round(zoned.timestamp() * 1000)


def _refuse(error: Exception, code: int) -> int:
    print(f"gongfang-simulator: {error}", file=sys.stderr)
    return code


def _scale(text: str) -> float:
    scale = float(text)
    if not 0 < scale <= 100_000:
        raise ValueError
    return scale


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="gongfang-simulator",
        description="Machines of a shared workshop that speak Modbus TCP and keep their own ledger.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="name", required=True, metavar="COMMAND")
    _add(commands, "check", _check, "read a plant file and say everything that is wrong with it")
    _add(commands, "describe", _describe, "machines, addresses, tenants, orders and leases of a plant")
    _add_run(_add(commands, "run", _run, "serve the machines until SIGTERM or Ctrl-C"))
    _add_ledger(_add(commands, "ledger", _ledger, "what each machine does, to the millisecond and the piece"))
    _add_replay(commands)
    return parser


def _add_replay(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    explained = "serve a dump that `gongfang-agent scan` took of a device"
    parser = commands.add_parser(
        "replay", help=explained, description=REPLAY, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "dumps", metavar="DUMP", type=Path, nargs="+", help="a dump, or several of one device"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one, which is printed")
    parser.add_argument("--speed", type=_scale, default=1.0, help="how fast dumps follow one another (1)")


def _add(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    command: Callable[[Plant, argparse.Namespace], int],
    explained: str,
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=explained, description=f"{explained[0].upper()}{explained[1:]}.")
    parser.add_argument(
        "plant", metavar="PLANT", type=Path, help="a plant file, e.g. configs/plants/demo.toml"
    )
    parser.set_defaults(command=command)
    return parser


def _add_run(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--start", metavar="ISO|now", default="now", help="plant time at which the shift starts"
    )
    parser.add_argument("--scale", type=_scale, default=1.0, help="plant seconds per real second (default 1)")
    parser.add_argument("--clock-real", metavar="MS", type=int, help="a real instant (default: now) at which")
    parser.add_argument(
        "--clock-plant", metavar="MS", type=int, help="it is this in the plant (default: now)"
    )
    parser.add_argument(
        "--host", default="127.0.0.1", help="address to listen on (default: this machine only)"
    )
    parser.add_argument(
        "--ledger", metavar="FILE", type=Path, help="write the ledger of the run when it stops"
    )
    parser.add_argument(
        "--print-agent-machines", action="store_true", help="print the machines as TOML for an agent's site"
    )


def _add_ledger(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--start", metavar="ISO|now", default="now", help="plant time at which the shift starts"
    )
    parser.add_argument("--since", metavar="ISO", help="only from then on (default: the start)")
    parser.add_argument("--until", metavar="ISO", help="only up to then (default: the end)")
    parser.add_argument("--json", action="store_true", help="every span and every piece, as JSON")


if __name__ == "__main__":
    sys.exit(main())
