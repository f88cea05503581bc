"""The totals of a period as JSON, CSV, and an HTML page for print."""

from collections.abc import Iterator
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec

from billing import figures
from billing.attribution import Doubt
from billing.book_totals import adjusted
from billing.csv_text import csv_text
from billing.period import on_page
from billing.rule_words import EFFECTS, RULES
from billing.statement import Tax
from billing.template import template
from billing.totals import Part, Remark, TenantTotal, Totals, Waiting
from billing.totals_words import DOCUMENTS, PLACES, STATUSES, TIME_WORDS
from billing.wording import DOUBTS

MOST_ROWS: Final = 200
"""Of what waits, and of findings, on the page; workbook and JSON have all of them."""


def totals_json(totals: Totals) -> str:
    return msgspec.json.format(msgspec.json.encode(totals), indent=2).decode() + "\n"


COLUMNS = (
    *("site", "period", "tenant", "name", "document", "revision", "status"),
    *("currency", "vat_percent", "net", "tax", "gross", "waiting"),
)


def totals_csv(totals: Totals) -> str:
    """One line for each document and rate of VAT; the sum of ``gross`` is the total of the site."""
    return csv_text(COLUMNS, _lines(totals))


def _lines(totals: Totals) -> Iterator[tuple[object, ...]]:
    for each in totals.tenants:
        about = (totals.site.id, totals.period.name, each.tenant.id, each.tenant.shown)
        for part in each.parts:
            document = (part.document, part.revision or "", part.status.value, totals.currency)
            for tax in part.taxes:
                yield *about, *document, tax.percent, tax.net, tax.tax, tax.gross, each.waiting
            if not part.taxes:
                yield *about, *document, "", part.net, part.tax, part.gross, each.waiting


def totals_html(totals: Totals) -> str:
    zone = ZoneInfo(totals.period.timezone)
    return template("totals.html").render(
        totals=totals,
        status=STATUSES[totals.status],
        start=on_page(totals.period.start_ms, zone),
        end=on_page(totals.period.end_ms, zone),
        generated=on_page(totals.generated_ms, zone),
        total=figures.yuan(totals.gross),
        tenants=[_tenant(each) for each in totals.tenants],
        whole=_money(totals),
        adjusted=figures.yuan(adjusted(totals.tenants)),
        has_adjustments=any(len(each.parts) > 1 for each in totals.tenants),
        taxes=[_tax(tax) for tax in totals.taxes],
        waiting=[_waiting(item, zone) for item in totals.waiting[:MOST_ROWS]],
        more_waiting=max(0, len(totals.waiting) - MOST_ROWS),
        host=[(words, figures.clock(totals.host[name])) for name, words in TIME_WORDS.items()],
        host_total=figures.clock(totals.host["total_ms"]),
        findings=[_finding(one, zone) for one in totals.findings[:MOST_ROWS]],
        more_findings=max(0, len(totals.findings) - MOST_ROWS),
    )


def _money(of: Totals | TenantTotal | Part | Tax) -> dict[str, str]:
    return {name: figures.yuan(getattr(of, name)) for name in ("net", "tax", "gross")}


def _tax(tax: Tax) -> dict[str, str]:
    return {"percent": f"{tax.percent} %", **_money(tax)}


def _tenant(each: TenantTotal) -> dict[str, Any]:
    parts = [
        {"called": DOCUMENTS[p.document], "status": STATUSES[p.status], "revision": p.revision, **_money(p)}
        for p in each.parts
    ]
    return {
        "id": each.tenant.id,
        "zh": each.tenant.name_zh or each.tenant.name_en or each.tenant.id,
        "en": each.tenant.name_en if each.tenant.name_zh else "",
        "parts": parts,
        "waiting": each.waiting or "",
        "adjusted": figures.yuan(adjusted((each,))) if len(parts) > 1 else "",
        **_money(each),
    }


def _waiting(item: Waiting, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "place": PLACES[item.place],
        "machine": item.machine,
        "start": on_page(item.start_ms, zone),
        "end": on_page(item.end_ms, zone),
        "reason": DOUBTS[Doubt(item.reason)],
        "tenants": ", ".join(item.tenants) or figures.NOTHING,
        "run": figures.clock(item.run_ms),
        "stop": figures.clock(item.stop_ms),
        "produced": figures.count(item.produced),
    }


def _finding(one: Remark, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "effect": one.effect.value,
        "effect_zh": EFFECTS[one.effect],
        "rule": one.rule.value,
        "rule_zh": RULES[one.rule],
        "machine": one.machine,
        "start": on_page(one.start_ms, zone) if one.start_ms else "",
        "end": on_page(one.end_ms, zone) if one.end_ms else "",
        "text": one.text,
    }
