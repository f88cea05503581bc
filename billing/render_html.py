"""A statement as one HTML page that prints well: no script, nothing fetched, every text escaped."""

from typing import Any

from markupsafe import Markup

from billing import figures, svg
from billing.charge import Charge
from billing.clauses import Clause
from billing.period import local, on_page
from billing.picture import Picture, picture, swatch
from billing.report import ReportRow
from billing.statement import Statement, Tax
from billing.suspense import Item
from billing.template import template
from billing.where import Machine
from billing.wording import CALENDAR, DOUBTS, FORMULA, GRACE, SETUP_FEE
from contract.names import NONE


def statement_html(statement: Statement) -> str:
    heading = statement.heading
    zone = heading.zone
    return template("statement.html").render(
        statement=statement,
        heading=heading,
        number=f"{statement.tenant.id}-{local(heading.period.start, zone):%Y%m%d}-{heading.digest[:8]}",
        start=on_page(heading.period.start, zone),
        end=on_page(heading.period.end, zone),
        generated=on_page(heading.generated, zone),
        lines=[_line(charge) for charge in statement.charges],
        total=figures.yuan(statement.total),
        net=figures.yuan(statement.net),
        taxes=[_tax(tax) for tax in statement.taxes],
        is_gross=heading.tariff.is_gross,
        machines=[_machine(row) for row in statement.machines],
        whole=_machine(statement.whole),
        items=[_item(statement, item) for item in statement.open_items],
        graces=_graces(statement),
        grace=GRACE,
        setup_fee=SETUP_FEE if statement.heading.tariff.setup_fees else None,
        calendar=CALENDAR,
        formula=FORMULA,
        patterns=Markup(svg.patterns()),  # noqa: S704  svg.py escapes every word
        **_drawn(picture(statement)),
    )


def _drawn(found: Picture) -> dict[str, Any]:
    """The picture as the template puts it on the page: SVG, which has escaped its words already."""
    legends = {"time_legend": found.time_legend, "pieces_legend": found.pieces_legend}
    return {
        "has_strips": found.has_strips,
        "time": [Markup(each) for each in found.time],  # noqa: S704
        "pieces": [Markup(each) for each in found.pieces],  # noqa: S704
        **{
            name: [{"box": Markup(swatch(each.look)), "called": each.called} for each in legend]  # noqa: S704
            for name, legend in legends.items()
        },
    }


def _line(charge: Charge) -> dict[str, Any]:
    known = figures.coverage(charge)
    return {
        "order": _name(charge.order_id),
        "kind": _name(charge.kind),
        "label": charge.label,
        "part": charge.part,
        "note": charge.note,
        "clock": figures.clock(charge.quantity) if figures.is_hourly(charge) else "",
        "quantity": f"{figures.quantity(charge):,}",
        "unit": charge.counted,
        "per": charge.priced,
        "price": charge.price,
        "times": figures.times(charge),
        "vat": figures.NOTHING if charge.vat_percent is None else f"{charge.vat_percent} %",
        "amount": figures.yuan(charge.amount),
        "tax": figures.yuan(charge.tax),
        "observed": figures.NOTHING if known is None else f"{known} %",
    }


def _name(name: str) -> str:
    return figures.NOTHING if name == NONE else name


def _tax(tax: Tax) -> dict[str, str]:
    return {
        "percent": f"{tax.percent} %",
        "net": figures.yuan(tax.net),
        "tax": figures.yuan(tax.tax),
        "gross": figures.yuan(tax.gross),
    }


def _machine(row: ReportRow) -> dict[str, str]:
    times = ("run_ms", "setup_ms", "stop_ms", "fault_ms", "idle_ms", "unknown_ms", "total_ms")
    pieces = ("produced", "scrap", "good")
    ratios = ("quality_ratio", "utilisation_efficiency")
    return {
        "name": row.name,
        **{name: figures.clock(getattr(row, name)) for name in times},
        **{name: figures.count(getattr(row, name)) for name in pieces},
        **{name: figures.share(getattr(row, name)) for name in ratios},
        "observed": figures.observed(row.coverage),
    }


def _item(statement: Statement, item: Item) -> dict[str, Any]:
    zone = statement.heading.zone
    return {
        "place": item.place,
        "machine": item.machine,
        "start": on_page(item.start, zone),
        "end": on_page(item.end, zone),
        "doubt": DOUBTS[item.doubt],
        "orders": ", ".join(item.orders) or figures.NOTHING,
        "run": figures.clock(item.run_ms + item.setup_ms + item.test_ms),
        "stop": figures.clock(item.stop_ms),
        "produced": figures.count(item.produced),
        "scrap": figures.count(item.scrap),
    }


def _graces(statement: Statement) -> list[dict[str, str]]:
    """The graces that the lines of stops leave out."""
    kinds = sorted({charge.kind for charge in statement.charges})
    tariff = statement.heading.tariff
    rates = [(kind, tariff.rate(Machine("", kind), Clause.STOP_TENANT)) for kind in kinds]
    rates += [(str(rate.where), rate) for rate in tariff.rates if rate.where.rank > 1]
    return [
        {"kind": kind, "grace": figures.clock(rate.grace_ms)}
        for kind, rate in rates
        if rate and rate.clause is Clause.STOP_TENANT
    ]
