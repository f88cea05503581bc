"""An adjustment or credit note as JSON, CSV, and an HTML page for print."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from billing import figures
from billing.adjusting import Adjustment, Change
from billing.csv_text import csv_text
from billing.manifest import Manifest
from billing.period import on_page
from billing.statement import Named
from billing.template import template
from contract.names import NONE


class Note(Struct, frozen=True, kw_only=True):
    """An adjustment on its way to paper."""

    site: Named
    manifest: Manifest
    adjustment: Adjustment
    reasons: tuple[str, ...]


def adjustment_json(note: Note) -> str:
    adjustment, manifest = note.adjustment, note.manifest
    whole = {
        "document": "credit_note" if adjustment.is_credit else "adjustment",
        "site": note.site.id,
        "tenant": msgspec.to_builtins(adjustment.tenant),
        "period": {
            "name": manifest.name,
            "start_ms": manifest.period.start,
            "end_ms": manifest.period.end,
            "timezone": manifest.timezone,
        },
        "revision": manifest.revision,
        "generated_ms": manifest.now,
        "against": list(manifest.booked),
        "override": _override(manifest),
        "reasons": list(note.reasons),
        "charges": [_fields(change) for change in adjustment.changes],
        "currency": adjustment.currency,
        "booked": str(adjustment.booked),
        "net": str(adjustment.net),
        "tax": str(adjustment.tax),
        "total": str(adjustment.total),
    }
    return json.dumps(whole, ensure_ascii=False, indent=2) + "\n"


def _override(manifest: Manifest) -> str:
    return f"{manifest.override} ({manifest.by})" if manifest.override else ""


def _fields(change: Change) -> dict[str, Any]:
    line = change.now
    return {
        "id": line.id,
        "order_id": line.order_id,
        "kind": line.kind,
        "label": line.label,
        "part": line.part,
        "quantity_before": change.before.quantity,
        "quantity": line.quantity,
        "unit": line.unit,
        "price": line.price,
        "price_per": line.price_per,
        "times": line.times,
        "over": line.over,
        "vat_percent": None if line.vat_percent is None else str(line.vat_percent),
        "gross_before": str(change.before.gross),
        "gross_now": str(line.gross),
        "net": str(change.net),
        "tax": str(change.tax),
        "gross": str(change.gross),
        "machines": line.machines or change.before.machines,
    }


COLUMNS = (
    *("tenant", "id", "order_id", "kind", "charge_en", "charge_zh", "unit"),
    *("quantity_before", "quantity", "gross_before", "gross_now", "net", "tax", "gross"),
    *("price", "price_per", "times", "over", "vat_percent"),
    "override",
)


def adjustment_csv(note: Note) -> str:
    return csv_text(COLUMNS, [_row(note, change) for change in note.adjustment.changes])


def _row(note: Note, change: Change) -> list[object]:
    now, before = change.now, change.before
    what = (
        note.adjustment.tenant.id,
        now.id,
        now.order_id,
        now.kind,
        now.label["en"],
        now.label["zh"],
        now.unit,
    )
    money = (before.gross, now.gross, change.net, change.tax, change.gross)
    priced = (now.price, now.price_per, now.times, now.over, now.vat_percent)
    return [*what, Decimal(before.quantity), Decimal(now.quantity), *money, *priced, _override(note.manifest)]


def adjustment_html(note: Note) -> str:
    manifest = note.manifest
    zone = ZoneInfo(manifest.timezone)
    return template("adjustment.html").render(
        site=note.site,
        manifest=manifest,
        adjustment=note.adjustment,
        booked=figures.yuan(note.adjustment.booked),
        net=figures.yuan(note.adjustment.net),
        tax=figures.yuan(note.adjustment.tax),
        total=figures.yuan(note.adjustment.total),
        reasons=note.reasons,
        override=_override(manifest),
        number=f"{note.adjustment.tenant.id}-{manifest.name}-{manifest.revision}",
        start=on_page(manifest.period.start, zone),
        end=on_page(manifest.period.end, zone),
        generated=on_page(manifest.now, zone),
        lines=_lines(note.adjustment.changes),
    )


def _factor(change: Change) -> str:
    times = "" if change.now.times == 1 else f" × {change.now.times}"
    return times + ("" if change.now.over == 1 else f" ÷ {change.now.over}")


def _lines(changes: Sequence[Change]) -> list[dict[str, Any]]:
    return [
        {
            **_fields(change),
            "order": figures.NOTHING if change.now.order_id == NONE else change.now.order_id,
            "gross_before": figures.yuan(change.before.gross),
            "gross_now": figures.yuan(change.now.gross),
            "gross": figures.yuan(change.gross),
            "net": figures.yuan(change.net),
            "tax": figures.yuan(change.tax),
            "factor": _factor(change),
        }
        for change in changes
    ]
