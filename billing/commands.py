"""What each command does once its arguments are read: open the store, ask the line, show or write."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AsyncExitStack

from rich.console import Console

from billing import assign, clock
from billing.arguments import period_of, same_period, stretch_of
from billing.bad_usage import BadUsageError
from billing.blocking import Effect, judged
from billing.conclude import Take
from billing.config import Settings
from billing.crew import Crew
from billing.documents import STATEMENT
from billing.findings import UNDER_WAY_MS
from billing.out import Pages
from billing.period import Period, label, shown
from billing.render_csv import report_csv, statement_csv
from billing.render_html import statement_html
from billing.render_json import judged_json, report_json, statement_json, statements_json
from billing.render_table import (
    calendar_note,
    findings_table,
    items_table,
    judged_table,
    print_assessment,
    report_table,
    statement_table,
)
from billing.report import By
from billing.run import assess
from billing.statement import Assessment, Statement
from billing.tariff_words import in_words
from billing.terminal import progress_shown
from billing.writing import write
from contract.names import NONE
from contract.states import Party
from store.opening import open_store


class NothingStoredError(Exception):
    """There is nothing to assess. The text says what may be wrong."""


FINE, FAILURE, BAD_USAGE = 0, 1, 2
_WIDTH = 150


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    if arguments.out:
        return await _run_to_files(arguments, settings)
    assessment = await assessed(arguments, settings)
    statements = [s for s in assessment.statements if arguments.tenant in {None, s.tenant.id}]
    if not statements:
        return _nothing_used(assessment, arguments)
    shown = arguments.format or ["table"]
    if len(shown) > 1 or (shown == ["html"] and len(statements) > 1):
        raise BadUsageError("one document is printed at a time; add --out DIR (or --tenant NAME for html)")
    if shown == ["xlsx"]:
        raise BadUsageError("a workbook is no text: add --out DIR")
    if shown == ["table"] and arguments.tenant is None:
        print_assessment(console(), assessment, settings.config)
        return FINE
    _print(shown[0], statements, is_one=arguments.tenant is not None)
    remind(assessment, arguments)
    return FINE


async def _run_to_files(arguments: argparse.Namespace, settings: Settings) -> int:
    """Each statement is written as soon as it is made, so that a month of them need not be in memory."""
    formats = arguments.format or list(STATEMENT)
    name = label(period_of(arguments, settings.zone), settings.zone)

    def take(statement: Statement) -> None:
        if arguments.tenant in {None, statement.tenant.id}:
            written.add(statement)
            if "table" in formats:
                console().print(statement_table(statement))

    with Crew(arguments.jobs) as crew:
        written = Pages(arguments.out, name, [kind for kind in formats if kind != "table"], crew)
        assessment = await assessed(arguments, settings, take=take, crew=crew)
        written.finish()
    if not written.count:
        return _nothing_used(assessment, arguments)
    remind(assessment, arguments)
    return FINE


def _nothing_used(assessment: Assessment, arguments: argparse.Namespace) -> int:
    whom = f"tenant {arguments.tenant}" if arguments.tenant else "any tenant"
    _say(f"nothing was used by {whom} in this period")
    _tell_if_early(assessment)
    remind(assessment, arguments)
    return FAILURE


def _print(name: str, statements: Sequence[Statement], *, is_one: bool) -> None:
    """One document: a program that reads it need not find out where one ends."""
    match name:
        case "table":
            for statement in statements:
                console().print(statement_table(statement))
        case "csv":
            sys.stdout.write(statement_csv(*statements))
        case "json":
            sys.stdout.write(statement_json(statements[0]) if is_one else statements_json(statements))
        case _:
            sys.stdout.write(statement_html(statements[0]))


def remind(assessment: Assessment, arguments: argparse.Namespace) -> None:
    """Whatever does not show what waits would hide it."""
    waiting = len(assessment.suspense) + len(assessment.disputed)
    if waiting:
        _say(f"{waiting} items wait for a person and are not charged: {same_period(arguments, 'suspense')}")
    if assessment.findings:
        looked = same_period(arguments, "validate")
        _say(f"{len(assessment.findings)} findings must be looked at: {looked}")


def _tell_if_early(assessment: Assessment) -> None:
    """Once for all machines: what is still under way of each is no finding."""
    heading = assessment.heading
    if heading.is_preliminary:
        _say(
            f"this period is not over: it is {shown(heading.generated, heading.zone)}, and the latest"
            f" {UNDER_WAY_MS // 60_000} minutes of each machine may still be under way"
        )


async def report(arguments: argparse.Namespace, settings: Settings) -> int:
    assessment = await assessed(arguments, settings, take=forget, reports=(arguments.by,))
    _tell_if_early(assessment)
    rows = assessment.report(arguments.by)
    match arguments.format:
        case "csv":
            sys.stdout.write(report_csv(rows, arguments.by))
            remind(assessment, arguments)
        case "json":
            sys.stdout.write(report_json(rows, arguments.by, assessment.heading, assessment.findings))
        case _:
            console().print(report_table(rows, arguments.by), calendar_note())
            if assessment.findings:
                console().print(findings_table(assessment.findings, settings.zone))
    return FINE


async def validate(arguments: argparse.Namespace, settings: Settings) -> int:
    assessment = await assessed(arguments, settings, take=forget)
    items = (*assessment.disputed, *assessment.suspense)
    found = judged(assessment.findings, items, settings.effects)
    blocking = sum(one.effect is Effect.BLOCK for one in found)
    if arguments.format == "json":
        sys.stdout.write(judged_json(found, assessment.heading))
    elif found:
        console().print(judged_table(found, settings.zone))
    _tell_if_early(assessment)
    _say(f"{blocking} findings block this period, {len(found) - blocking} are remarks")
    return FAILURE if blocking else FINE


async def suspense(arguments: argparse.Namespace, settings: Settings) -> int:
    assessment = await assessed(arguments, settings, take=forget)
    items = (*assessment.disputed, *assessment.suspense)
    if not items:
        _say("nothing is in suspense or disputed")
        return FINE
    Console(soft_wrap=True).print(items_table(items, settings.zone, settings.config))
    return FINE


async def decide(arguments: argparse.Namespace, settings: Settings) -> int:
    now, site = clock.now(), settings.site.id
    async with open_store(settings.store) as store:
        decision = _decision(arguments, settings)
        found = await assign.find(store, site, decision, now)
        tenant = decision.tenant
        if tenant is None and decision.order_id:
            tenant = await assign.announced_tenant(store, site, decision.order_id, found.start, now)
        if tenant is None and decision.party is None:
            raise BadUsageError(
                "name the --tenant (none: the host's own use), or an --order that was announced by then"
            )
        written = await write(store, assign.corrections_of(decision, tenant or NONE, found, site, now))
    order = "as stored" if decision.order_id is None else decision.order_id
    what = f"party {decision.party}" if decision.party else f"tenant {tenant}, order {order}"
    _say(f"{len(found.records)} records of {decision.machine}: {what}")
    _say(f"written as {' and '.join(fact.id for fact in written)}; the next run bills it")
    return FINE


def _decision(arguments: argparse.Namespace, settings: Settings) -> assign.Decision:
    is_record = arguments.epoch is not None and arguments.sequence is not None
    is_half = (arguments.epoch is None) != (arguments.sequence is None)
    is_stretch = arguments.start is not None or arguments.end is not None
    if is_half or is_record == is_stretch:
        raise BadUsageError("say either which: --epoch NAME --sequence NUMBER, or when: --from ISO --to ISO")
    if arguments.party and (arguments.tenant or arguments.order):
        raise BadUsageError(
            "--party says who caused a stop, --tenant and --order whose it was: decide one a time"
        )
    stretch = Period(start=0, end=0) if is_record else stretch_of(arguments, settings.zone)
    decision = assign.Decision(
        machine=arguments.machine,
        tenant=arguments.tenant,
        order_id=arguments.order,
        party=Party(arguments.party) if arguments.party else None,
        by=arguments.by,
        why=arguments.why,
        epoch=arguments.epoch if is_record else NONE,
        sequence=arguments.sequence if is_record else -1,
        period=stretch,
    )
    if wrong := assign.complaints_about(decision):
        raise BadUsageError("\n".join(wrong))
    named = {NONE, *(each.id for each in settings.tenants)}
    if arguments.tenant and arguments.tenant not in named and not arguments.force:
        raise BadUsageError(
            f"--tenant {arguments.tenant}: {settings.config} names no such [[tenant]];"
            " mend the name, or add --force"
        )
    return decision


async def check(_: argparse.Namespace, settings: Settings) -> int:
    sys.stdout.write("".join(f"{line}\n" for line in _meaning(settings)))
    return FINE


def _meaning(settings: Settings) -> Iterator[str]:
    named = [tenant.id for tenant in settings.tenants]
    yield f"{settings.config}: site {settings.site.id} ({settings.site.shown}), {settings.timezone}"
    yield f"store: {settings.store.kind}; tenants: {', '.join(named) or 'none named'}"
    for tariff in settings.versions[""]:
        yield from in_words(tariff)
    for each in settings.ownerships:
        shares = ", ".join(f"{owner.id} {owner.share:,}" for owner in each.owners)
        fee = f"{each.fee_percent} % and {each.fee_a_month} a month"
        until = f"to {each.valid_to}" if each.valid_to else "on"
        yield f"ownership {each.id} of {', '.join(each.machines)}, from {each.valid_from} {until}:"
        yield f"  {shares}; host's fee {fee}"
    for tenant in settings.tariffs:
        yield f"for {tenant}:"
        for tariff in settings.versions[tenant]:
            yield from in_words(tariff)


def forget(_: Statement) -> None:
    """What takes statements where none is shown: a month of them need not be in memory."""


async def assessed(
    arguments: argparse.Namespace,
    settings: Settings,
    *,
    take: Take | None = None,
    reports: Iterable[By] = (),
    crew: Crew | None = None,
) -> Assessment:
    """``take``: is given each statement as it is made. ``reports``: which are wanted. ``crew``: helps.

    Raises NothingStoredError, and what ``assess`` raises.
    """
    period = period_of(arguments, settings.zone)
    now, ends = clock.now(), (period.start, period.end)
    reports = {By.MACHINE, *reports}
    async with AsyncExitStack() as opened:
        store = await opened.enter_async_context(open_store(settings.store, read_only=True))
        progress = opened.enter_context(progress_shown())
        crew = crew or opened.enter_context(Crew(arguments.jobs))
        found = await assess(
            store, settings, *ends, now=now, progress=progress, take=take, reports=reports, crew=crew
        )
    if found.is_empty:
        early = " A machine's first record comes minutes after its first poll." if now < period.end else ""
        raise NothingStoredError(
            f"the store has nothing of site {settings.site.id} in this period, nor a meter before it;"
            f" is [site] name in {settings.config} the name in the agents' configuration?{early}"
        )
    return found


def console() -> Console:
    """A file or a pipe is as wide as the tables need."""
    found = Console()
    return found if found.is_terminal else Console(width=_WIDTH)


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
