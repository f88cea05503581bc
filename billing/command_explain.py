"""``gongfang-billing explain``: a line of a statement, down to the second on the machine."""

import argparse
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from billing import clock
from billing.arguments import period_of
from billing.bad_usage import BadUsageError
from billing.charge import Charge
from billing.clause_text import ClauseText, clause_text
from billing.config import Settings
from billing.evidence import PackStore
from billing.explaining import Behind, explained, spans_of
from billing.ledger import Event
from billing.manifest import Kind
from billing.pack_settings import settings_in
from billing.period import Period, label, midnight_from
from billing.reading import Reader
from billing.run import assess
from billing.shelf import Shelf
from billing.statement import Statement
from contract.records import Interval, Transition
from contract.series import STATE, USAGE
from store.opening import open_store
from store.protocol import Store

_FEW: Final = 60


class _Source(Struct, frozen=True, kw_only=True):
    """Where the line is looked for."""

    store: Store
    settings: Settings
    period: Period
    now: int
    said: str


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    period = period_of(arguments, settings.zone)
    name, shelf = label(period, settings.zone), Shelf(Path(settings.books))
    if revision := _revision(shelf, name, arguments.revision):
        manifest = shelf.manifest(name, revision)
        place = shelf.place(name, manifest.revision)
        issued = {entry.revision for entry in shelf.ledger.revisions(name, Event.ISSUED)}
        is_out = "issued" if manifest.revision in issued else "frozen"
        said = f"{name}, revision {manifest.revision}, {is_out}: from its evidence"
        if manifest.kind is Kind.ADJUSTMENT:
            said += "; an adjustment is the difference of this fresh rating to what was issued before it"
        source = _Source(
            store=PackStore(place, manifest.files),
            settings=msgspec.structs.replace(settings_in(place, manifest), books=settings.books),
            period=period,
            now=manifest.now,
            said=said,
        )
        return await _explain(arguments, source)
    async with open_store(settings.store, read_only=True) as store:
        said = f"{name}: a draft, from the store as it is now"
        now = clock.now()
        return await _explain(
            arguments, _Source(store=store, settings=settings, period=period, now=now, said=said)
        )


def _revision(shelf: Shelf, name: str, wanted: int | None) -> int | None:
    """What a tenant holds comes before what nobody has seen yet. Raises BadUsageError."""
    frozen, issued = (
        [entry.revision for entry in shelf.ledger.revisions(name, event)]
        for event in (Event.FROZEN, Event.ISSUED)
    )
    if wanted is None:
        return max(issued or frozen, default=None)
    if wanted not in frozen:
        there = ", ".join(map(str, frozen)) or "none: it is not frozen"
        raise BadUsageError(f"--revision {wanted}: {name} has no such revision; there are {there}")
    return wanted


async def _explain(arguments: argparse.Namespace, source: _Source) -> int:
    settings, period = source.settings, source.period
    lines = list[tuple[int, Charge]]()

    def take(statement: Statement) -> None:
        if arguments.tenant in {None, statement.tenant.id}:
            lines.extend(enumerate(statement.charges, 1))

    await assess(source.store, settings, period.start, period.end, now=source.now, take=take, reports=())
    charge = _chosen(arguments, lines)
    behind = await _behind(source, charge)
    sys.stdout.write(f"{source.said}\n")
    for text in explained(charge, _clause(charge, settings), behind, settings.zone):
        sys.stdout.write(f"{text}\n")
    return 0


def _chosen(arguments: argparse.Namespace, lines: Sequence[tuple[int, Charge]]) -> Charge:
    """Raises BadUsageError, with the lines that there are."""
    if (arguments.id is None) == (arguments.line is None):
        raise BadUsageError("say which line: its id, or --tenant NAME --line NUMBER")
    if arguments.line is not None and arguments.tenant is None:
        raise BadUsageError("--line counts on a statement: add --tenant NAME")
    for number, charge in lines:
        if arguments.id == charge.id or arguments.line == number:
            return charge
    there = [f"  {charge.tenant} {number}  {charge.id}" for number, charge in lines]
    if len(there) > _FEW:
        there = [*there[:_FEW], f"  and {len(there) - _FEW} more; --tenant NAME shows those of one"]
    wanted = arguments.id or f"--line {arguments.line}"
    raise BadUsageError("\n".join([f"no line {wanted} in this period; there are:", *(there or ["  none"])]))


async def _behind(source: _Source, charge: Charge) -> Behind:
    reader, spans = Reader(source.store, source.settings.site.id), spans_of(charge)
    machines = {span.machine for span in spans}
    start, end = source.period.start, source.period.end
    until = midnight_from(end, source.settings.zone) + 1
    intervals = [
        each
        async for each in reader.facts(USAGE, Interval, start, end)
        if each.machine in machines and any(span.has(each) for span in spans)
    ]
    stops = [
        each
        async for each in reader.facts(STATE, Transition, start, until)
        if each.machine in machines and any(span.is_one(each) for span in spans)
    ]
    return Behind(intervals=tuple(intervals), stops=tuple(stops))


def _clause(charge: Charge, settings: Settings) -> ClauseText | None:
    """In the tariff that the line names."""
    data = tomllib.loads(settings.texts[Path(settings.config).name])
    named = [data["tariff"], *(each["tariff"] for each in data.get("tenant", ()) if "tariff" in each)]
    for files in named:
        for name in [str(Path(file)) for file in ([files] if isinstance(files, str) else files)]:
            tariff = tomllib.loads(settings.texts[name])
            if f"{tariff['id']}@{tariff['version']}" == charge.tariff:
                return clause_text(name, settings.texts[name], charge.clause_id)
    return None
