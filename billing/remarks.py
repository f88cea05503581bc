"""What tariff and configuration have no answer to, as findings: what cannot be charged as it was used."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from billing import figures
from billing.attribution import Place
from billing.counting import straddling, unmeasured
from billing.findings import Finding, Rule
from billing.known import Known
from billing.pollution import untested
from billing.tariff import Tariff
from billing.usage import Usage


class Remarks:
    """Takes each tenant's usage with the tariff that prices it."""

    def __init__(self) -> None:
        self._found: set[Finding] = set()
        self._straddling: dict[tuple[str, str], int] = defaultdict(int)
        """By machine and measure."""

    def add(self, usages: Sequence[Usage], tariff: Tariff, known: Known) -> None:
        paid = [usage for usage in usages if usage.place is Place.TENANT]
        self._found.update(_unpriced(paid, tariff))
        self._found.update(_unmeasured(paid, tariff))
        self._found.update(_untested(paid, tariff, known))
        for usage in paid if tariff.calendars else ():
            for measure, amount in straddling(usage, tariff):
                self._straddling[usage.machine, measure] += amount

    def findings(self) -> Iterator[Finding]:
        yield from self._found
        for (machine, measure), amount in self._straddling.items():
            shown = figures.clock(amount) if measure.endswith("_ms") else f"{amount:,}"
            text = (
                f"{shown} of {measure} lie in intervals that reach into several bands of a calendar; all of"
                " it is charged in the cheapest of them"
            )
            yield Finding(rule=Rule.BANDS, machine=machine, text=text)


def _unpriced(paid: Iterable[Usage], tariff: Tariff) -> Iterator[Finding]:
    for kind in {u.kind for u in paid if not tariff.prices(tariff.machine(u.machine, u.kind))}:
        text = f"tariff {tariff.id} has no price for machines of kind {kind}: nothing is charged"
        yield Finding(rule=Rule.UNPRICED, text=text)


def _unmeasured(paid: Iterable[Usage], tariff: Tariff) -> Iterator[Finding]:
    for each in {each for usage in paid if usage.total_ms for each in unmeasured(usage, tariff)}:
        what = f"clause {each.clause} prices {each.quantity}"
        text = f"{what}, which this machine does not count: none is charged"
        yield Finding(rule=Rule.UNMEASURED, machine=each.machine, text=text)


def _untested(paid: Iterable[Usage], tariff: Tariff, known: Known) -> Iterator[Finding]:
    for machine, substance, tests, wanted in set(untested(paid, tariff, known)):
        charged = "its mean was charged all the same" if tests else "nothing was charged for it"
        text = f"{tests} of at least {wanted} tests of {substance} in the period: {charged}"
        yield Finding(rule=Rule.UNTESTED, machine=machine, text=text)


def unnamed(tenants: Iterable[str], named: frozenset[str]) -> Iterator[Finding]:
    for tenant in sorted(set(tenants) - named):
        text = f"tenant {tenant} has no [[tenant]] in the configuration: its page shows the identifier"
        yield Finding(rule=Rule.UNNAMED, text=text)
