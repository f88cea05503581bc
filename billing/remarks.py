"""What tariff and configuration have no answer to, as findings: what cannot be charged as it was used."""

from collections.abc import Iterable, Iterator, Sequence

from billing import figures
from billing.attribution import Place
from billing.counting import straddling, unmeasured
from billing.findings import Finding, Rule
from billing.known import Known
from billing.pollution import untested
from billing.tariff import Tariff
from billing.usage import Usage


def remarks(usages: Sequence[Usage], tariff: Tariff, known: Known) -> Iterator[Finding]:
    """About the usage that one tariff prices."""
    paid = [usage for usage in usages if usage.place is Place.TENANT]
    yield from _unpriced(paid, tariff)
    yield from _unmeasured(paid, tariff)
    yield from _untested(paid, tariff, known)
    yield from _straddling(paid, tariff)


def _unpriced(paid: Iterable[Usage], tariff: Tariff) -> Iterator[Finding]:
    kinds = {u.kind for u in paid if not tariff.prices(tariff.machine(u.machine, u.kind))}
    for kind in sorted(kinds):
        text = f"tariff {tariff.id} has no price for machines of kind {kind}: nothing is charged"
        yield Finding(rule=Rule.UNPRICED, text=text)


def _unmeasured(paid: Iterable[Usage], tariff: Tariff) -> Iterator[Finding]:
    found = {each for usage in paid if usage.total_ms for each in unmeasured(usage, tariff)}
    for machine, clause, quantity in sorted((each.machine, each.clause, each.quantity) for each in found):
        text = f"clause {clause} prices {quantity}, which this machine does not count: none is charged"
        yield Finding(rule=Rule.UNMEASURED, machine=machine, text=text)


def _untested(paid: Iterable[Usage], tariff: Tariff, known: Known) -> Iterator[Finding]:
    for machine, substance, tests, wanted in sorted(set(untested(paid, tariff, known))):
        charged = "its mean was charged all the same" if tests else "nothing was charged for it"
        text = f"{tests} of at least {wanted} tests of {substance} in the period: {charged}"
        yield Finding(rule=Rule.UNTESTED, machine=machine, text=text)


def _straddling(paid: Iterable[Usage], tariff: Tariff) -> Iterator[Finding]:
    found: dict[tuple[str, str], int] = {}
    for usage in paid if tariff.calendars else ():
        for measure, amount in straddling(usage, tariff):
            found[usage.machine, measure] = found.get((usage.machine, measure), 0) + amount
    for (machine, measure), amount in sorted(found.items()):
        shown = figures.clock(amount) if measure.endswith("_ms") else f"{amount:,}"
        text = (
            f"{shown} of {measure} lie in intervals that reach into several bands of a calendar; all of it is"
            " charged in the cheapest of them"
        )
        yield Finding(rule=Rule.BANDS, machine=machine, text=text)


def unnamed(tenants: Iterable[str], named: frozenset[str]) -> Iterator[Finding]:
    for tenant in sorted(set(tenants) - named):
        text = f"tenant {tenant} has no [[tenant]] in the configuration: its page shows the identifier"
        yield Finding(rule=Rule.UNNAMED, text=text)
