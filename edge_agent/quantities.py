"""Raw counter units to the integer quantities of an interval, scaled once and only here.

Steps add up in raw units; a total is scaled from the raw sum, and an interval's quantity is the difference
of two totals. So the intervals of an epoch sum exactly, however often they were cut.
"""

from collections.abc import Mapping
from typing import Final, Self

from msgspec import Struct

from contract.names import NONE
from edge_agent.profile import Profile

STANDING: Final = ("produced", "scrap", "rework", "energy_wh")
"""Always present, 0 where the machine does not count them; ``measured`` tells which are real."""


def totals(profile: Profile, raw: Mapping[str, int]) -> dict[str, int]:
    """Totals since the epoch began, by quantity. ``raw`` holds the raw units counted, by counter."""
    scaled = {q.name: raw[q.counter] * q.multiply // q.divide for q in profile.quantities}
    return dict.fromkeys(STANDING, 0) | scaled


def measured(profile: Profile) -> str:
    return ",".join(sorted(q.name for q in profile.quantities)) or NONE


class Told(Struct, frozen=True, kw_only=True):
    """What counters amount to, in the words of the profile that counted them."""

    totals: dict[str, int]
    measured: str

    @classmethod
    def of(cls, profile: Profile, raw: Mapping[str, int]) -> Self:
        return cls(totals=totals(profile, raw), measured=measured(profile))


def between(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    return {name: total - before[name] for name, total in after.items()}
