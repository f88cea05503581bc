"""``gongfang-billing estimate``: no store is read; tariff and engine are those of the statements."""

import argparse
import sys
from datetime import date

from rich.console import Group
from rich.text import Text

from billing import clock
from billing.commands import FINE, console
from billing.config import Settings
from billing.estimate import Estimate, Job, counted_names, estimate
from billing.job_arguments import job_of
from billing.period import local, shown
from billing.render_json import estimate_json
from billing.render_table import charges_table, explanation
from billing.statement import Heading, Statement, statement
from billing.tariff import Tariff
from billing.validity import check_tariffs


class NothingPricedError(Exception):
    """The job costs nothing because nothing of it has a price. The text says where to look."""


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    now = clock.now()
    job = job_of(arguments, settings.zone, now)
    days = _days(job, settings)
    tariff = settings.during(*days).tariff_of(job.tenant)
    check_tariffs([tariff], *days, settings.config)
    found = estimate(job, tariff, settings.zone)
    for name in found.unpriced:
        priced = ", ".join(sorted(counted_names(tariff))) or "no quantity but pieces"
        sys.stderr.write(
            f"{name}: has no price in tariff {tariff.id} {tariff.version}, which prices {priced}\n"
        )
    if not found.charges:
        raise NothingPricedError(
            f"tariff {tariff.id} {tariff.version} has no price for any of this on machines of kind"
            f" {job.kind}; `gongfang-billing check` reads it to you"
        )
    page = _page(found, job, tariff, settings, now)
    if arguments.format == "json":
        sys.stdout.write(estimate_json(page, found.left_out))
        return FINE
    zone = settings.zone
    when = f"{shown(job.start, zone)} to {shown(job.end, zone)}; tariff {tariff.id} {tariff.version}"
    notes = [
        Text(when, "dim"),
        explanation([page]),
        Text("an estimate, not a statement 预估，非结算单", "yellow"),
    ]
    if found.left_out:
        notes.append(Text(f"left out 未计入: {', '.join(found.left_out)}", "dim"))
    console().print(Group(charges_table(page), *notes))
    return FINE


def _days(job: Job, settings: Settings) -> tuple[date, date]:
    ends = (job.start, max(job.start, job.end - 1))
    first, last = (local(at, settings.zone).date() for at in ends)
    return first, last


def _page(found: Estimate, job: Job, tariff: Tariff, settings: Settings, now: int) -> Statement:
    heading = Heading(
        site=settings.site,
        timezone=settings.timezone,
        period=found.period,
        generated=now,
        is_preliminary=True,
        tariff=tariff,
        digest="",
    )
    return statement(heading, settings.named(job.tenant), found.charges, (), ())
