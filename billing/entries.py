"""What people put beside the figures of the meters: lines by hand, results of tests."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from billing.words import Words
from contract.names import NONE


class Manual(Struct, frozen=True, kw_only=True):
    """A line that no meter counts: damage, a spare part, a goodwill credit."""

    id: str
    day: date
    tenant: str
    order_id: str = NONE
    machine: str = NONE
    text: Words
    amount: Decimal
    vat: str = ""
    by: str
    why: str


class Test(Struct, frozen=True, kw_only=True):
    """A concentration that somebody measured, or the mean of a month that somebody worked out."""

    id: str
    first: date
    last: date
    """The same day for a single test."""
    machine: str
    substance: str
    value: Decimal
    tests: int = 1
    by: str


class Entries(Struct, frozen=True, kw_only=True):
    manual: tuple[Manual, ...] = ()
    tests: tuple[Test, ...] = ()
    digest: str = ""
    """SHA-256 over the files."""

    def of_days(self, days: tuple[date, ...]) -> Iterator[Manual]:
        return (entry for entry in self.manual if days[0] <= entry.day <= days[-1])

    def mean(self, machine: str, substance: str, days: tuple[date, ...]) -> "Mean | None":
        """Of the tests of these days, each weighing as many tests as it stands for."""
        of = [
            test
            for test in self.tests
            if test.machine == machine
            and test.substance == substance
            and days[0] <= test.first
            and test.last <= days[-1]
        ]
        tests = sum(test.tests for test in of)
        if not tests:
            return None
        value = sum((Fraction(test.value) * test.tests for test in of), Fraction(0)) / tests
        return Mean(value=value, tests=tests, ids=tuple(test.id for test in of))


class Mean(Struct, frozen=True, kw_only=True):
    value: Fraction
    tests: int
    ids: tuple[str, ...]
