"""What people know of their machines: limits beyond which a figure is none that they can have made. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

_HOUR_MS: Final = 3_600_000
_DAY_MS: Final = 86_400_000


class Frozen(Struct, frozen=True, kw_only=True):
    quantities: frozenset[str]
    after_ms: int
    """So much run time without any of them is no production."""


class Limits(Struct, frozen=True, kw_only=True):
    """What people know of their machines. Where nothing is said, nothing is guessed."""

    feasible: Mapping[tuple[str, str], int] = {}
    """By kind and quantity: the most that can be counted in an hour."""
    frozen: Mapping[str, Frozen] = {}
    """By kind."""
    estimated_ms: int | None = None
    """The longest stretch of a machine that may be billed without having been observed."""

    @property
    def lead_ms(self) -> int:
        """So long before a period it is looked for what reaches into it: silences, counters at rest."""
        return _DAY_MS if self.frozen or self.estimated_ms is not None else _HOUR_MS


NO_LIMITS: Final = Limits()
