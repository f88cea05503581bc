"""What became of pieces: good, scrap by who caused it, rework. Pure."""

from collections.abc import Mapping

from msgspec import Struct

from billing.usage import Usage
from contract.states import Party

CAUSES = (Party.TENANT, Party.HOST, Party.UTILITY, Party.UNKNOWN)
"""Of scrap, in the order of pictures and tables."""


class Yield(Struct, frozen=True, kw_only=True):
    """Pieces."""

    good: int = 0
    """Below zero where inspection found more scrap than was produced in this part."""
    unsorted: int = 0
    """Produced where nobody counts scrap: good or not, nobody knows."""
    scrap: Mapping[str, int] = {}
    """By party. What only a machine counted is of unknown cause."""
    rework: int = 0
    """To be mended; among the good ones."""

    @property
    def produced(self) -> int:
        return self.good + self.unsorted + sum(self.scrap.values())

    def __add__(self, other: "Yield") -> "Yield":
        causes = {*self.scrap, *other.scrap}
        return Yield(
            good=self.good + other.good,
            unsorted=self.unsorted + other.unsorted,
            scrap={cause: self.scrap.get(cause, 0) + other.scrap.get(cause, 0) for cause in sorted(causes)},
            rework=self.rework + other.rework,
        )


NOTHING = Yield()


def yield_of(produced: int, scrap: int | None, inspected: Mapping[str, int], rework: int) -> Yield:
    """``scrap``: counted by the machine; None when it counts none. ``inspected``: found later, by party."""
    if scrap is None and not inspected:
        return Yield(unsorted=produced, rework=rework)
    causes = {cause: pieces for cause, pieces in sorted(inspected.items()) if pieces}
    if scrap:
        causes[Party.UNKNOWN] = causes.get(Party.UNKNOWN, 0) + scrap
    return Yield(good=produced - sum(causes.values()), scrap=causes, rework=rework)


def usage_yield(usage: Usage) -> Yield | None:
    """None where the machine counts no pieces."""
    if "produced" not in usage.measured:
        return None
    counted = usage.quantities.get("scrap", 0) - sum(usage.inspected.values())
    is_counted = "scrap" in usage.measured and (counted or not usage.inspected)
    produced, rework = usage.quantities.get("produced", 0), usage.quantities.get("rework", 0)
    return yield_of(produced, counted if is_counted else None, usage.inspected, rework)
