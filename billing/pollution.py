"""Effluent: a base price and, for each substance, a price for every step begun beyond its limit."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from typing import NamedTuple

from msgspec import Struct

from billing import money, words
from billing.attribution import Place as Where
from billing.charge import Priced, line_id, on_machines
from billing.clauses import Clause, Pollution, Step
from billing.entries import Mean
from billing.known import Known
from billing.tariff import Tariff
from billing.terms import Terms, charged
from billing.usage import Usage
from billing.wording import CLAUSES
from billing.words import Words


class Untested(NamedTuple):
    """A substance that is priced and of which a machine's tests say nothing, or too little."""

    machine: str
    substance: str
    tests: int
    wanted: int


class _Price(Struct, frozen=True, kw_only=True):
    price: Decimal
    note: Words
    tests: tuple[str, ...]


def steps_begun(value: Fraction, step: Step) -> int:
    """A step that was begun counts: 601 mg/L are four steps of 100 beyond 300."""
    beyond = Fraction(step.limit) - value if step.is_below else value - Fraction(step.limit)
    return max(0, -(-beyond // Fraction(step.size)))


def pollution_lines(usages: Iterable[Usage], tariff: Tariff, known: Known) -> Iterator[Priced]:
    """A line for each machine: each has its own effluent."""
    for usage in usages:
        if usage.place is Where.TENANT:
            for clause in tariff.pollutions_of(tariff.machine(usage.machine, usage.kind)):
                quantity = usage.quantities.get(clause.name, 0)
                if quantity and clause.name in usage.measured:
                    yield _line(usage, clause, quantity, _price(clause, usage, known))


def untested(usages: Iterable[Usage], tariff: Tariff, known: Known) -> Iterator[Untested]:
    """What somebody must be told: the base price alone was charged, or a mean is of few tests."""
    for usage in usages:
        for clause in tariff.pollutions_of(tariff.machine(usage.machine, usage.kind)):
            told = (step.substance for step in clause.steps if step.counted not in usage.measured)
            for substance in dict.fromkeys(told):
                mean = known.entries.mean(usage.machine, substance, known.days)
                tests = mean.tests if mean else 0
                if usage.place is Where.TENANT and tests < clause.tests:
                    yield Untested(usage.machine, substance, tests, clause.tests)


def _mean(clause: Pollution, step: Step, usage: Usage, known: Known) -> Mean | None:
    """What the machine itself counted of the substance, in the water of the usage; else the mean of tests."""
    if step.counted in usage.measured:
        water = usage.quantities.get(clause.name, 0)
        return Mean(value=Fraction(usage.quantities.get(step.counted, 0), water), tests=1, ids=())
    return known.entries.mean(usage.machine, step.substance, known.days)


def _price(clause: Pollution, usage: Usage, known: Known) -> _Price:
    """Untested substances cost nothing: a concentration is never guessed."""
    price, said, tests = clause.price, [str(clause.price)], list[str]()
    for step in clause.steps:
        mean = _mean(clause, step, usage, known)
        begun = steps_begun(mean.value, step) if mean else 0
        if mean and begun:
            price += begun * step.price
            found = f"{step.label.en} {_shown(mean)} {step.unit}".strip()
            said.append(f"{begun} × {step.price} ({found})")
            tests += mean.ids
    note = " + ".join(said)
    return _Price(price=price, note=Words(note, note), tests=tuple(f"test/{test}" for test in tests))


def _shown(mean: Mean) -> str:
    return f"{money.shown(mean.value, 3).normalize():f}"


def _line(usage: Usage, clause: Pollution, quantity: int, at: _Price) -> Priced:
    unit = words.unit_of(clause.name)
    terms = Terms(
        clause=Clause.POLLUTION,
        label=clause.label or CLAUSES[Clause.POLLUTION],
        base=unit,
        counted=unit,
        priced=clause.unit,
        ratio=1 / clause.per,
    )
    charge = charged(
        terms,
        quantity,
        at.price,
        id=line_id(usage.tenant, usage.order_id, usage.kind, clause.id, usage.machine),
        tenant=usage.tenant,
        order_id=usage.order_id,
        kind=usage.kind,
        clause_id=clause.id,
        part=Words(usage.machine, usage.machine),
        note=at.note,
        vat=clause.vat,
        known_ms=usage.known_ms,
        busy_ms=usage.busy_ms,
        machines={usage.machine: quantity},
        records=(*usage.records, *at.tests),
    )
    return Priced(charge=charge, places=on_machines(charge.machines))
