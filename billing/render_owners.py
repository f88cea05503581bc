"""What owners get as JSON, CSV, and an HTML page for print: a sheet of paper for each ownership."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from billing import figures
from billing.csv_text import csv_text
from billing.owners_page import OwnershipPage, OwnersPage, by_label
from billing.period import on_page
from billing.template import template
from billing.totals_words import STATUSES
from contract.names import NONE


def owners_json(page: OwnersPage) -> str:
    return msgspec.json.format(msgspec.json.encode(page), indent=2).decode() + "\n"


COLUMNS = (
    *("site", "period", "status", "ownership", "entry"),
    *("owner", "name", "share", "tenant", "order", "label", "line", "exact", "amount", "currency"),
)


def owners_csv(page: OwnersPage) -> str:
    """``entry`` says what a line is.

    The ``revenue`` lines of an ownership less its ``host_fee`` are its ``owner`` lines; all ``revenue`` lines
    and ``host`` are the net amounts of all statements.
    """
    return csv_text(COLUMNS, _lines(page))


def _lines(page: OwnersPage) -> Iterator[tuple[object, ...]]:
    fixed, nothing = (page.site.id, page.period.name, page.status.value), ("",) * 3
    for each in page.ownerships:
        about = (*fixed, each.id)
        for line in each.lines:
            order = "" if line.order_id == NONE else f"#{line.order_id}"
            whose = (line.tenant, order, line.label.en, line.id)
            yield *about, "revenue", *nothing, *whose, "", line.amount, page.currency
        yield *about, "host_fee", *nothing, *nothing, "", "", each.host_fee, page.currency
        for owner in each.owners:
            name = (owner.id, f"{owner.name.zh} {owner.name.en}", owner.share)
            yield *about, "owner", *name, *nothing, "", owner.exact, owner.amount, page.currency
    yield *fixed, "", "host", *nothing, *nothing, "", "", page.host, page.currency


def owners_html(page: OwnersPage) -> str:
    zone = ZoneInfo(page.period.timezone)
    return template("owners.html").render(
        page=page,
        status=STATUSES[page.status],
        start=on_page(page.period.start_ms, zone),
        end=on_page(page.period.end_ms, zone),
        generated=on_page(page.generated_ms, zone),
        ownerships=[_ownership(each) for each in page.ownerships],
        host=figures.yuan(page.host),
        net=figures.yuan(page.net),
    )


def _ownership(each: OwnershipPage) -> dict[str, Any]:
    shares = sum(owner.share for owner in each.owners)
    return {
        "id": each.id,
        "machines": ", ".join(each.machines),
        "revenue": figures.yuan(each.revenue),
        "fee_percent": each.host_fee_percent,
        "fee_a_month": figures.yuan(each.host_fee_a_month),
        "fee": figures.yuan(each.host_fee),
        "shared": figures.yuan(each.shared),
        "shares": f"{shares:,}",
        "owners": [
            {
                "id": owner.id,
                "name": owner.name,
                "share": f"{owner.share:,}",
                "exact": f"{owner.exact:,}",
                "amount": figures.yuan(owner.amount),
            }
            for owner in each.owners
        ],
        "sources": [
            {"label": source.label, "lines": source.lines, "amount": figures.yuan(source.amount)}
            for source in by_label(each)
        ],
    }
