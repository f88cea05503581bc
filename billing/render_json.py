"""Statements and reports as JSON: money as text, ratios as numbers or null, times in milliseconds."""

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import msgspec

from billing import figures
from billing.blocking import Effect, Judged
from billing.charge import Charge
from billing.findings import Finding
from billing.machine_day import MachineDay
from billing.period import local
from billing.report import By, ReportRow
from billing.statement import Assessment, Heading, Named, Statement
from billing.suspense import Item
from billing.wording import CALENDAR, FORMULA
from billing.yields import CAUSES, Yield


def statement_json(statement: Statement) -> str:
    return _json(statement_fields(statement))


def estimate_json(page: Statement, left_out: Sequence[str]) -> str:
    """The lines as a statement has them, and the clauses that an estimate says nothing about."""
    fields = statement_fields(page)
    kept = (
        "site",
        "tariff",
        "generated_ms",
        "tenant",
        "formula",
        "charges",
        "currency",
        "net",
        "tax",
        "total",
    )
    return _json({**{name: fields[name] for name in kept}, "left_out": list(left_out)})


def statements_json(statements: Sequence[Statement]) -> str:
    """An array, also of one."""
    return _json([statement_fields(statement) for statement in statements])


def report_json(rows: Sequence[ReportRow], by: By, heading: Heading, findings: Sequence[Finding] = ()) -> str:
    """With the findings, because they say what the figures cannot."""
    found = [finding_fields(finding) for finding in findings]
    return _json({**_heading(heading), **_report(rows, by), "findings": found})


def judged_json(findings: Sequence[Judged], heading: Heading) -> str:
    found = [{"effect": one.effect.value, **finding_fields(one.finding)} for one in findings]
    blocking = sum(one.effect is Effect.BLOCK for one in findings)
    return _json({**_heading(heading), "blocking": blocking, "findings": found})


def assessment_json(assessment: Assessment) -> str:
    """Everything that a period holds, in one document."""
    whole = {
        **_heading(assessment.heading),
        "statements": [statement_fields(statement) for statement in assessment.statements],
        "reports": {by.value: _report(rows, by) for by, rows in assessment.reports.items()},
        "suspense": [item_fields(item) for item in assessment.suspense],
        "disputed": [item_fields(item) for item in assessment.disputed],
        "findings": [finding_fields(finding) for finding in assessment.findings],
    }
    return _json(whole)


def statement_fields(statement: Statement) -> dict[str, Any]:
    return {
        **_heading(statement.heading),
        "tenant": _named(statement.tenant),
        "formula": FORMULA.en,
        "charges": [_charge(charge) for charge in statement.charges],
        "currency": statement.heading.tariff.currency,
        "net": str(statement.net),
        "tax": str(statement.tax),
        "total": str(statement.total),
        "taxes": [
            {"percent": str(tax.percent), "net": str(tax.net), "tax": str(tax.tax), "gross": str(tax.gross)}
            for tax in statement.taxes
        ],
        "machines": [row_fields(row, By.MACHINE) for row in statement.machines],
        "whole": row_fields(statement.whole, By.TENANT),
        "open_items": [item_fields(item) for item in statement.open_items],
        "days": [_day(day) for day in statement.days],
        "orders": [
            {"order_id": order.order_id, "pieces": _pieces(order.pieces)} for order in statement.orders
        ],
    }


_TIMES: Final = ("run_ms", "setup_ms", "stop_ms", "held_ms", "idle_ms", "off_ms", "unknown_ms")
"""In the order of the phases."""


def _day(day: MachineDay) -> dict[str, Any]:
    return {
        "machine": day.machine,
        "day": day.day.name,
        "start_ms": day.day.start,
        "end_ms": day.day.end,
        **dict(zip(_TIMES, day.time, strict=True)),
        "strip": day.strip,
        "pieces": None if day.pieces is None else _pieces(day.pieces),
    }


def _pieces(pieces: Yield) -> dict[str, Any]:
    return {
        "produced": pieces.produced,
        "good": pieces.good,
        "unsorted": pieces.unsorted,
        "scrap": {cause.value: pieces.scrap.get(cause, 0) for cause in CAUSES},
        "rework": pieces.rework,
    }


def _charge(charge: Charge) -> dict[str, Any]:
    coverage = figures.coverage(charge)
    return {
        "id": charge.id,
        "order_id": charge.order_id,
        "kind": charge.kind,
        "clause": charge.clause.value,
        "clause_id": charge.clause_id,
        "tariff": charge.tariff,
        "label": msgspec.to_builtins(charge.label),
        "part": msgspec.to_builtins(charge.part),
        "note": msgspec.to_builtins(charge.note),
        "metered": charge.metered,
        "metered_unit": charge.base.name,
        "quantity": str(figures.quantity(charge)),
        "unit": charge.counted.name,
        "price": str(charge.price),
        "price_per": charge.priced.name,
        "times": charge.factor.numerator,
        "over": charge.factor.denominator,
        "amount": str(charge.amount),
        "net": f"{charge.net:.2f}",
        "vat": charge.vat,
        "vat_percent": None if charge.vat_percent is None else str(charge.vat_percent),
        "tax": f"{charge.tax:.2f}",
        "gross": f"{charge.gross:.2f}",
        "known_ms": charge.known_ms,
        "busy_ms": charge.busy_ms,
        "coverage_percent": None if coverage is None else str(coverage),
        "machines": dict(charge.machines),
        "of_lines": [{"line": each.line, "amount": each.amount} for each in charge.of],
        "records": list(charge.records),
    }


def _heading(heading: Heading) -> dict[str, Any]:
    tariff = heading.tariff
    return {
        "site": _named(heading.site),
        "period": {
            "start": local(heading.period.start, heading.zone).isoformat(),
            "end": local(heading.period.end, heading.zone).isoformat(),
            "start_ms": heading.period.start,
            "end_ms": heading.period.end,
            "timezone": heading.timezone,
        },
        "tariff": {"id": tariff.id, "version": tariff.version, "digest": tariff.digest},
        "generated_ms": heading.generated,
        "preliminary": heading.is_preliminary,
        "digest": heading.digest,
        "override": heading.override,
    }


def _named(named: Named) -> dict[str, str]:
    return {"id": named.id, "name_en": named.name_en, "name_zh": named.name_zh}


def _report(rows: Sequence[ReportRow], by: By) -> dict[str, Any]:
    return {
        "by": by.value,
        "planned_busy_time": CALENDAR.en,
        "rows": [row_fields(row, by) for row in rows],
    }


def row_fields(row: ReportRow, by: By) -> dict[str, Any]:
    """The row under the name of what it is by; a report by order also names the tenant."""
    fields = {name: getattr(row, name) for name in row.__struct_fields__}
    names = {by.value: fields.pop("name"), "tenant": fields.pop("tenant")}
    if by is not By.ORDER:
        names = {by.value: row.name}
    return {**names, **{name: _ratio(value) for name, value in fields.items()}}


def _ratio(value: object) -> object:
    return round(float(value), 6) if isinstance(value, Fraction) else value


def item_fields(item: Item) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(item)
    return {**fields, "tenants": list(item.tenants), "orders": list(item.orders)}


def finding_fields(finding: Finding) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(finding)
    return fields


def _json(whole: dict[str, Any] | list[dict[str, Any]]) -> str:
    """A value to a line. The standard library's own indenting takes twenty times as long."""
    return msgspec.json.format(json.dumps(whole, ensure_ascii=False), indent=2) + "\n"
