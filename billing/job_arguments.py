"""The command line of ``gongfang-billing estimate``: a job, as a person would describe it."""

import argparse
import re
from decimal import Decimal, InvalidOperation
from typing import Final
from zoneinfo import ZoneInfo

from billing.bad_usage import BadUsageError
from billing.estimate import MACHINE, Hours, Job
from billing.period import read_instant
from contract.names import is_name, is_order_id

HELP: Final = """\
Prices a job before it starts, with the tariff and the engine that will bill it. Durations are hours (10, 7.5)
or h:mm (7:30). Setup comes first, then the trial run, then the run; what is counted is spread over the run.
Fees and limits by the month, and what is booked and not used, are left out and named.

examples:
  gongfang-billing estimate --kind knit --tenant hengxin --run 8 --setup 0:30 --pieces 200
  gongfang-billing estimate --kind weld --run 6 --pieces 300 --quantity gas_l=900 --quantity wire_g=4200
  gongfang-billing estimate --machine knit-12 --kind knit --run 10 --from 2026-12-01T20:00 \\
      --kwh 20-24=14 --kwh 0-6=18 --format json"""

_DURATION: Final = re.compile(r"(\d{1,5}):([0-5]\d)(?::([0-5]\d))?")
_HOURS: Final = re.compile(r"(\d{1,2})(?::([0-5]\d))?-(\d{1,2})(?::([0-5]\d))?=(.+)")
_LONGEST_H: Final = 24 * 366


def add_job(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--kind", required=True, metavar="KIND", help="kind of machine, as the tariff names it"
    )
    command.add_argument(
        "--machine", metavar="NAME", help="one machine, if it has prices or a grade of its own"
    )
    command.add_argument("--tenant", metavar="NAME", help="for whom, if it has a tariff of its own")
    command.add_argument(
        "--order", metavar="ORDER", default="new", help="what the order is called on the page"
    )
    command.add_argument("--from", dest="start", metavar="ISO", help="when it starts (default: now)")
    for name, what in (("setup", "setup"), ("test", "trial run"), ("run", "run")):
        command.add_argument(f"--{name}", metavar="HOURS", default="0", help=f"time of {what}")
    command.add_argument(
        "--stop", action="append", default=[], metavar="HOURS", help="a stop by the tenant; may be repeated"
    )
    command.add_argument("--pieces", type=int, default=0, metavar="N", help="pieces produced, scrap included")
    command.add_argument("--scrap", type=int, default=0, metavar="N", help="pieces of these that are scrap")
    command.add_argument(
        "--quantity", action="append", default=[], metavar="NAME=N", help="anything else that is counted"
    )
    command.add_argument(
        "--kwh",
        action="append",
        default=[],
        metavar="[HOURS=]N",
        help="electricity, over the run or over hours",
    )
    command.add_argument("--format", choices=("table", "json"), default="table", help="default: table")


def job_of(arguments: argparse.Namespace, zone: ZoneInfo, now: int) -> Job:
    """Raises BadUsageError."""
    for option, name in (
        ("--kind", arguments.kind),
        ("--machine", arguments.machine),
        ("--tenant", arguments.tenant),
    ):
        if name is not None and not is_name(name):
            raise BadUsageError(f"{option} {name!r}: lower case letters, digits, . _ -")
    if not is_order_id(arguments.order):
        raise BadUsageError(f"--order {arguments.order!r}: letters, digits, . _ -")
    spread, hours = _electricity(arguments.kwh)
    job = Job(
        tenant=arguments.tenant or "estimate",
        order_id=arguments.order,
        kind=arguments.kind,
        machine=arguments.machine or MACHINE,
        start=_start(arguments.start, zone, now),
        setup_ms=_duration("--setup", arguments.setup),
        test_ms=_duration("--test", arguments.test),
        run_ms=_duration("--run", arguments.run),
        stops_ms=tuple(_duration("--stop", text) for text in arguments.stop),
        quantities={**_quantities(arguments), **spread},
        hours=hours,
    )
    if job.end == job.start and not job.hours and not any(job.quantities.values()):
        raise BadUsageError("say what the job is: --run HOURS, --pieces N, --quantity NAME=N, ...")
    return job


def _start(text: str | None, zone: ZoneInfo, now: int) -> int:
    try:
        return now // 60_000 * 60_000 if text is None else read_instant(text, zone)
    except ValueError as error:
        raise BadUsageError(f"--from: {error}") from None


def _duration(option: str, text: str) -> int:
    """Milliseconds of hours, or of h:mm[:ss]."""
    if found := _DURATION.fullmatch(text):
        hours, minutes, seconds = (int(part or 0) for part in found.groups())
        whole = Decimal(hours * 3600 + minutes * 60 + seconds)
    else:
        whole = _number(option, text) * 3600
    if not 0 <= whole <= _LONGEST_H * 3600:
        raise BadUsageError(f"{option} {text}: from 0 to {_LONGEST_H} hours")
    return int(whole * 1000)


def _number(option: str, text: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or not 0 <= number < 10**12:
        raise BadUsageError(f"{option} {text!r}: write a number, zero or more")
    return number


def _quantities(arguments: argparse.Namespace) -> dict[str, int]:
    found = {"produced": arguments.pieces, "scrap": arguments.scrap}
    for text in arguments.quantity:
        name, _, number = text.partition("=")
        if not name.isidentifier() or not number.isdigit() or len(number) > 12:
            raise BadUsageError(
                f"--quantity {text!r}: write NAME=N, like gas_l=900, in the unit that is metered"
            )
        found[name] = int(number)
    if min(found.values()) < 0:
        raise BadUsageError("--pieces and --scrap: zero or more")
    return found


def _electricity(texts: list[str]) -> tuple[dict[str, int], tuple[Hours, ...]]:
    """Over the run, and over hours of the day."""
    spread, hours = Decimal(0), list[Hours]()
    for text in texts:
        if found := _HOURS.fullmatch(text):
            start, end = (int(found[n]) * 60 + int(found[n + 1] or 0) for n in (1, 3))
            if not 0 <= start < end <= 24 * 60:
                raise BadUsageError(f"--kwh {text!r}: hours go from 0 to 24, and the second is later")
            hours.append(Hours(start=start, end=end, wh=int(_number("--kwh", found[5]) * 1000)))
        else:
            spread += _number("--kwh", text)
    return ({"energy_wh": int(spread * 1000)} if spread else {}), tuple(hours)
