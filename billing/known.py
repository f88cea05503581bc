"""What a rating knows beside usage and tariff."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from billing.bookings import Booking
from billing.earlier import NOTHING_EARLIER, Earlier
from billing.entries import Entries
from billing.period import Period

Begun = tuple[str, str, str]
"""Tenant, order and kind of machine."""


Lease = tuple[str, str]
"""Machine and lease id."""


class Month(NamedTuple):
    """A calendar month, and how much of it lies in the period."""

    name: str
    """``2026-11``."""
    days: int
    whole: int

    @property
    def is_whole(self) -> bool:
        return self.days == self.whole


class Known(Struct, frozen=True, kw_only=True):
    period: Period
    until: int | None = None
    """What is known reaches to here, UTC ms; None: to the end of the period."""
    zone: ZoneInfo
    begun: frozenset[Begun] = frozenset()
    """Orders that had been set up or produced on machines of a kind before the period."""
    earlier: Earlier = NOTHING_EARLIER
    """What goes on in the period."""
    bookings: tuple[Booking, ...] = ()
    missed: frozenset[Lease] | None = None
    """The leases under which nobody came; None: it is to be found in the usage that is priced."""
    kinds: Mapping[str, str] = {}
    """The kind of each machine."""
    rushed: Mapping[str, int] = {}
    """By order: how long after it was first announced it was wanted, in ms."""
    entries: Entries = Entries()

    def inputs(self) -> list[str]:
        """What of it changes figures, for a digest over everything that a statement was made from."""
        return [
            *(f"begun {'/'.join(begun)}" for begun in sorted(self.begun)),
            *(f"before {line.id} {line.amount}" for line in (*self.earlier.lines, *self.earlier.limits)),
            *(f"earlier {record}" for record in self.earlier.records()),
            *(f"lease/{booking.machine}/{booking.lease_id}" for booking in self.bookings),
            *(f"wanted {order} {ms}" for order, ms in sorted(self.rushed.items())),
        ]

    @property
    def days(self) -> tuple[date, ...]:
        """Every local day that the period touches."""
        first, last = self.period.days(self.zone)
        return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))

    @property
    def months(self) -> tuple[Month, ...]:
        found: dict[str, int] = {}
        for day in self.days:
            found[f"{day:%Y-%m}"] = found.get(f"{day:%Y-%m}", 0) + 1
        return tuple(Month(name, days, _length(name)) for name, days in found.items())


def _length(month: str) -> int:
    first = date.fromisoformat(f"{month}-01")
    return ((first + timedelta(days=31)).replace(day=1) - first).days
