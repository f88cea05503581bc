"""``python -m tests.chaos``: a site under stress, and whether it told the truth all the same."""

import argparse
import asyncio
import os
import shlex
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import msgspec

from tests.chaos import report
from tests.chaos.peers import MissingError
from tests.chaos.run import STORELESS_AT_S, Options, Told, drawn, live
from tests.chaos.schedule import Fault

AFTER_S = 360.0
"""Real time from the return of a store to the end of the shift: the longest back-off is five minutes."""

_ABOUT = """\
Runs simulators, two agents, Mosquitto, two collectors and a store as real processes, does harm to them by a
schedule that follows from the seed, and compares what is stored with what the machines say that they did."""

STORES = ("influx", "influx2", "sqlite")
_EPILOG = """\
examples:
  python -m tests.chaos --seconds 60 --faults 12 --seed 1
  python -m tests.chaos --seconds 1800 --faults 200 --seed 7 --store influx --keep /tmp/chaos
  python -m tests.chaos --faults 200 --seconds 1800 --seed 7 --show    the schedule only
  python -m tests.chaos --storeless 24                                  a day without a database

influx2 is the InfluxDB 2.x that GONGFANG_TEST_INFLUX2 names (url|org|token); only its wires are harmed.
Plant time runs 30 times as fast. After a failure the logs stay and the command to repeat it is printed.
Exit codes: 0 the truth was stored, 1 it was not, 2 bad usage or something is missing."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos",
        description=_ABOUT,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seconds", type=float, default=60, help="real time of the shift (default 60)")
    parser.add_argument("--faults", type=int, default=12, help="how many (default 12)")
    parser.add_argument("--seed", type=int, default=1, help="draws the schedule and the plant (default 1)")
    parser.add_argument("--store", choices=STORES, default="influx", help="default influx (1.x)")
    parser.add_argument(
        "--storeless",
        type=float,
        default=0.0,
        metavar="HOURS",
        help="instead of a drawn schedule: no store for so many hours of plant time (24 take 54 minutes)",
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep all files there, whatever happens")
    parser.add_argument("--show", action="store_true", help="print the schedule and do nothing")
    given = parser.parse_args()
    if given.storeless and given.store != "influx":
        parser.error("--storeless wants --store influx: an InfluxDB of its own, which it may stop")
    directory = given.keep or Path(tempfile.mkdtemp(prefix="gongfang-chaos-"))
    directory.mkdir(parents=True, exist_ok=True)
    options = Options(
        seconds=given.seconds,
        faults=given.faults,
        seed=given.seed,
        store=given.store,
        directory=directory,
        storeless_h=given.storeless,
    )
    if given.storeless:
        options = msgspec.structs.replace(options, seconds=STORELESS_AT_S + options.storeless_s + AFTER_S)
    try:
        schedule = drawn(options, may_fill=os.geteuid() == 0)
        print(f"seed {options.seed}, {len(schedule)} faults:", *schedule, sep="\n  ", flush=True)
        return 0 if given.show else _run(options, schedule, keep=given.keep is not None)
    except (MissingError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    except asyncio.CancelledError:
        print(f"stopped before its end; what there is stays in {directory}", file=sys.stderr)
        return 1


def _run(options: Options, schedule: tuple[Fault, ...], *, keep: bool) -> int:
    told = asyncio.run(_until_told(options, schedule))
    (options.directory / "outages.json").write_bytes(msgspec.json.encode(told.outages))
    (options.directory / "records.json").write_bytes(msgspec.json.encode(told.stored.records))
    print(report.table(told))
    found = report.wrong(told)
    if not found:
        print("true: stored usage is what the machines did")
        if not keep:
            shutil.rmtree(options.directory, ignore_errors=True)
        return 0
    print(f"NOT TRUE, {len(found)} complaints:", *found[:60], sep="\n  ")
    print(f"everything is kept in {options.directory}\nrepeat it: {command(options)}")
    return 1


async def _until_told(options: Options, schedule: tuple[Fault, ...]) -> Told:
    """SIGTERM and SIGINT end a run as its own end does: no process and no disk is left behind."""
    running = asyncio.create_task(live(options, schedule))
    for sent in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sent, running.cancel)
    return await running


def command(options: Options) -> str:
    told = {"--seed": options.seed, "--seconds": f"{options.seconds:g}", "--faults": options.faults}
    told["--store"] = options.store
    told |= {"--storeless": f"{options.storeless_h:g}"} if options.storeless_h else {}
    words = [str(word) for pair in told.items() for word in pair]
    return shlex.join([sys.executable, "-m", "tests.chaos", *words])


if __name__ == "__main__":
    sys.exit(main())
