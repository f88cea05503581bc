"""Fees: setup once in the life of an order, base by the day or the month."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import Unpack

import msgspec

from billing import money, words
from billing.attribution import Place as Where
from billing.charge import Priced, line_id, on_machines, shared_out
from billing.clauses import Base, Clause, SetupFee, Span, Whose
from billing.known import Known, Month
from billing.tariff import Tariff
from billing.terms import About, Terms, charged, plainly
from billing.usage import Usage
from billing.where import ANY_KIND
from billing.wording import CLAUSES
from billing.words import Words
from contract.names import NONE


def _fee(
    clause: SetupFee | Base, terms: Terms, quantity: int, usages: Iterable[Usage], **about: Unpack[About]
) -> Priced:
    behind = list(usages)
    known_ms, busy_ms = sum(u.known_ms for u in behind), sum(u.busy_ms for u in behind)
    records = tuple(dict.fromkeys(record for usage in behind for record in usage.records))
    about = {**about, "vat": clause.vat, "known_ms": known_ms, "busy_ms": busy_ms, "records": records}
    charge = charged(terms, quantity, clause.price, **about)
    places = on_machines(charge.machines)
    return Priced(charge=charge, places=shared_out(quantity, places) if places else {})


def setup_fees(usages: Iterable[Usage], tariff: Tariff, known: Known) -> Iterator[Priced]:
    """For each order and kind that was set up or produced in the period, and never before it."""
    of: dict[tuple[str, str, str, str], list[Usage]] = {}
    fees: dict[str, SetupFee] = {}
    for usage in usages:
        clause = tariff.setup_fee(tariff.machine(usage.machine, usage.kind))
        if clause and usage.place is Where.TENANT and usage.order_id != NONE:
            fees[clause.id] = clause
            of.setdefault((usage.tenant, usage.order_id, usage.kind, clause.id), []).append(usage)
    for (tenant, order_id, kind, clause_id), behind in sorted(of.items()):
        if any(map(is_begun, behind)) and (tenant, order_id, kind) not in known.begun:
            clause = fees[clause_id]
            label = clause.label or CLAUSES[Clause.SETUP_FEE]
            weights = {usage.machine: usage.used_ms for usage in behind}
            machines = money.shares(money.in_fen(Fraction(clause.price)), weights)
            yield _fee(
                clause,
                plainly(Clause.SETUP_FEE, label, words.ORDER),
                1,
                behind,
                id=line_id(tenant, order_id, kind, clause_id),
                tenant=tenant,
                order_id=order_id,
                kind=kind,
                clause_id=clause_id,
                machines={machine: n for machine, n in machines.items() if n},
            )


def is_begun(usage: Usage) -> bool:
    """Set up, or produced. Where no pieces are counted, to run is to produce."""
    counts = "produced" in usage.measured
    produced = usage.quantities.get("produced", 0) if counts else usage.time["run_ms"]
    return usage.time["setup_ms"] > 0 or produced > 0


def base_fees(usages: Iterable[Usage], tariff: Tariff, known: Known) -> Iterator[Priced]:
    paid = [usage for usage in usages if usage.place is Where.TENANT]
    for base in tariff.bases:
        of: dict[str, list[Usage]] = {tenant: [] for tenant in base.tenants}
        for usage in paid:
            is_theirs = not base.tenants or usage.tenant in of
            if is_theirs and base.where.covers(tariff.machine(usage.machine, usage.kind)):
                of.setdefault(usage.tenant, []).append(usage)
        for tenant, behind in sorted(of.items()):
            yield from _base(base, tenant, behind, known)


def _base(base: Base, tenant: str, behind: list[Usage], known: Known) -> Iterator[Priced]:
    label, is_each = base.label or CLAUSES[Clause.BASE], base.each is Whose.MACHINE
    about: About = {"id": line_id(tenant, base.id), "tenant": tenant, "clause_id": base.id}
    if base.where.kind != ANY_KIND:
        about["kind"] = base.where.kind
    if base.per is Span.DAY:
        had = _days(base, behind, known)
        if quantity := sum(had.values()):
            terms = plainly(Clause.BASE, label, words.DAY)
            about["machines"] = had if is_each else {}
            yield _fee(base, terms, quantity, behind, **about)
        return
    machines = sorted({usage.machine for usage in behind})
    for month in known.months:
        each = 1 if month.is_whole else month.days
        weights = dict.fromkeys(machines, each) if is_each else {}
        terms = plainly(Clause.BASE, label, words.MONTH if month.is_whole else words.DAY, words.MONTH)
        terms = msgspec.structs.replace(terms, ratio=Fraction(1, 1 if month.is_whole else month.whole))
        if quantity := sum(weights.values()) if is_each else each:
            about["id"], about["machines"] = line_id(tenant, base.id, month.name), weights
            about["part"] = Words(month.name, month.name)
            yield _fee(base, terms, quantity, behind, **about)


def _days(base: Base, behind: list[Usage], known: Known) -> dict[str, int]:
    """Days by machine, or of the tenant altogether under an empty name."""
    if base.each is Whose.MACHINE:
        of: dict[str, set[str]] = {}
        for usage in behind:
            of.setdefault(usage.machine, set()).update(usage.days)
        return {machine: len(days) for machine, days in sorted(of.items())}
    if base.tenants:
        return {"": len(known.days)}
    return {"": len(set().union(*(usage.days for usage in behind)))}


def prorated(amount: Decimal, month: Month) -> Decimal:
    """An amount for a month, for the part of it that lies in the period."""
    return money.fen(money.exact(month.days, amount, 1, month.whole))
