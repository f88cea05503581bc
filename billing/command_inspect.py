"""``gongfang-billing inspect``: what inspection found of pieces that a machine made, however long ago."""

import argparse
import sys
from difflib import get_close_matches

from billing import clock
from billing.bad_usage import BadUsageError
from billing.commands import FINE
from billing.config import Settings
from billing.period import read_instant, shown
from billing.reading import Reader
from billing.writing import write
from contract.facts import QualityResult
from contract.names import NONE, is_name, is_order_id
from store.opening import open_store

_MOST = 10**9


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    now = clock.now()
    result = _result(arguments, settings, now)
    async with open_store(settings.store) as store:
        metered = {meter.machine for meter in await Reader(store, settings.site.id).meters(now + 1)}
        if metered and result.machine not in metered:
            near = ", ".join(get_close_matches(result.machine, metered)) or f"{len(metered)} others"
            raise BadUsageError(
                f"--machine {result.machine}: was never metered at this site; there are {near}"
            )
        (written,) = await write(store, [result])
    made = shown(written.produced_at, settings.zone)
    sys.stderr.write(f"{written.machine} at {made}: {written.scrap} scrap, {written.rework} rework\n")
    sys.stderr.write(f"written as {written.id}; the next run of that period charges it\n")
    return FINE


def _result(arguments: argparse.Namespace, settings: Settings, now: int) -> QualityResult:
    wrong = [*_wrong(arguments)]
    try:
        produced_at = read_instant(arguments.at, settings.zone)
    except ValueError as error:
        produced_at = now
        wrong.append(f"--at: {error}")
    if produced_at > now:
        wrong.append(f"--at {arguments.at}: nothing was made then yet")
    if wrong:
        raise BadUsageError("\n".join(wrong))
    return QualityResult(
        site=settings.site.id,
        machine=arguments.machine,
        issued=now,
        id=NONE,
        order_id=arguments.order or NONE,
        tenant=arguments.tenant or NONE,
        by=arguments.by,
        cause=arguments.cause,
        produced_at=produced_at,
        scrap=arguments.scrap,
        rework=arguments.rework,
    )


def _wrong(arguments: argparse.Namespace) -> list[str]:
    found = []
    for option, name in (("--machine", arguments.machine), ("--tenant", arguments.tenant)):
        if name is not None and not is_name(name):
            found.append(f"{option} {name!r}: lower case letters, digits, . _ -")
    if arguments.order is not None and not is_order_id(arguments.order):
        found.append(f"--order {arguments.order!r}: letters, digits, . _ -")
    if not (arguments.scrap or arguments.rework):
        found.append("say what was found: --scrap N, --rework N")
    if max(abs(arguments.scrap), abs(arguments.rework)) > _MOST:
        found.append(f"--scrap and --rework: at most {_MOST}")
    if not arguments.by.strip() or not arguments.by.isprintable() or len(arguments.by) > 512:
        found.append("--by: say it in one line of at most 512 characters")
    return found
