"""What the commands for accounts do: totals of a period, and what owners get."""

import argparse
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

import msgspec

from billing.adjusting import Document, document
from billing.arguments import period_of
from billing.bad_usage import BadUsageError
from billing.commands import FINE, assessed, console, forget, remind
from billing.config import Settings
from billing.documents import OWNERS, TOTALS
from billing.evidence import DamagedError
from billing.ledger import Event
from billing.manifest import Kind
from billing.out import write_files
from billing.owners_page import OwnersPage, owners_page
from billing.period import label
from billing.render_table import owners_table
from billing.render_totals_table import totals_table
from billing.report import By
from billing.shelf import ACCOUNTS, STANDING, STATEMENTS, Shelf
from billing.totals import Status, Totals, totals, with_adjustments

P = TypeVar("P")


async def run(arguments: argparse.Namespace, settings: Settings) -> int:
    name = label(period_of(arguments, settings.zone), settings.zone)
    page = booked(Shelf(Path(settings.books)), name)
    if page is None:
        assessment = await assessed(arguments, settings, take=forget, reports=(By.TENANT,))
        page = totals(assessment, settings.effects)
        remind(assessment, arguments)
    if not _shown(arguments, page, TOTALS, f"totals_{name}"):
        console().print(totals_table(page))
    return FINE


async def owners(arguments: argparse.Namespace, settings: Settings) -> int:
    name = label(period_of(arguments, settings.zone), settings.zone)
    page = booked_owners(Shelf(Path(settings.books)), name)
    if page is None:
        assessment = await assessed(arguments, settings, take=forget)
        page = owners_page(assessment)
        remind(assessment, arguments)
    if not _shown(arguments, page, OWNERS, f"owners_{name}"):
        console().print(owners_table(page))
    return FINE


def _shown(
    arguments: argparse.Namespace, page: P, made: Mapping[str, Callable[[P], bytes]], stem: str
) -> bool:
    """Writes files, or prints one document; False: a table is wanted. Raises BadUsageError."""
    formats = arguments.format or (list(made) if arguments.out else ["table"])
    if arguments.out:
        kinds = [kind for kind in formats if kind != "table"]
        write_files(arguments.out, ((f"{stem}.{kind}", made[kind](page)) for kind in kinds))
        return "table" not in formats
    if len(formats) > 1:
        raise BadUsageError("one document is printed at a time; add --out DIR")
    if formats == ["xlsx"]:
        raise BadUsageError("a workbook is no text: add --out DIR")
    if formats == ["table"]:
        return False
    sys.stdout.write(made[formats[0]](page).decode())
    return True


def booked(shelf: Shelf, name: str) -> Totals | None:
    """What the books have of a period, with adjustments; None where it is not frozen. Raises DamagedError."""
    ledger = shelf.ledger
    issued = {entry.revision for entry in ledger.revisions(name, Event.ISSUED)}
    frozen = [shelf.manifest(name, entry.revision) for entry in ledger.revisions(name, Event.FROZEN)]
    bases = [each.revision for each in frozen if each.kind is Kind.STATEMENT]
    if not bases:
        return None
    base = next((revision for revision in bases if revision in issued), bases[-1])
    before = _read(shelf.place(name, base) / ACCOUNTS / "totals.json", Totals)
    last = frozen[-1].revision
    later = [each for each in frozen if each.kind is Kind.ADJUSTMENT and each.revision in {*issued, last}]
    adjusted = [
        (each.revision, Status.ISSUED if each.revision in issued else Status.FROZEN, document)
        for each in later
        for document in _documents(shelf.place(name, each.revision) / STATEMENTS)
    ]
    standing = None
    if later and f"{ACCOUNTS}/{STANDING}" in later[-1].files:
        standing = _read(shelf.place(name, later[-1].revision) / ACCOUNTS / STANDING, Totals)
    status = Status.ISSUED if base in issued else Status.FROZEN
    return with_adjustments(before, status, adjusted, standing)


def booked_owners(shelf: Shelf, name: str) -> OwnersPage | None:
    """As the newest frozen run splits it; None where there is none, or it splits nothing.

    Raises DamagedError.
    """
    frozen = shelf.ledger.revisions(name, Event.FROZEN)
    if not frozen:
        return None
    last = frozen[-1].revision
    issued = {entry.revision for entry in shelf.ledger.revisions(name, Event.ISSUED)}
    path = shelf.place(name, last) / ACCOUNTS / "owners.json"
    if f"{ACCOUNTS}/{path.name}" not in shelf.manifest(name, last).files:
        return None
    status = Status.ISSUED if last in issued else Status.FROZEN
    return msgspec.structs.replace(_read(path, OwnersPage), status=status)


def _read(path: Path, of: type[P]) -> P:
    try:
        return msgspec.json.decode(path.read_bytes(), type=of)
    except FileNotFoundError:
        why = f"the period was frozen by a version without {path.stem}, or the pack is damaged (see `verify`)"
        raise DamagedError(f"{path} is not there: {why}") from None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{path}: cannot be read ({error})") from None


def _documents(directory: Path) -> list[Document]:
    try:
        return [document(path.read_bytes()) for path in sorted(directory.glob("*.json"))]
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{directory}: cannot be read ({error})") from None
