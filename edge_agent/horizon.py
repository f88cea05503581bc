"""How long a counter lasts until it begins again, and whether nobody could miss that. Pure."""

from typing import Final

OUTAGE_H: Final = 8
"""The longest silence after which every count must still come back, in hours."""
MARGIN: Final = 10
"""Highest rates are told too low."""


def horizon_h(counts: int, max_per_hour: int) -> int:
    """How long a counter of so many counts takes at its highest rate until it begins again, in hours."""
    return counts // max_per_hour


def wraps_too_soon(counts: int, max_per_hour: int, outage_h: int) -> bool:
    """Whether a silence of ``outage_h`` could hide a wrap, with a margin for rates that were told too low."""
    return horizon_h(counts, max_per_hour) <= MARGIN * outage_h
