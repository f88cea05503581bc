"""Who has not been heard of for too long. Pure."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

GRIDS: Final = 2
"""A machine that has no usage within two grids is not known to run (DESIGN 5)."""

BACK_DAYS: Final = 30
"""How far back is looked for the last that was heard of somebody who is silent."""
DAY_MS: Final = 86_400_000


class Heard(Struct, frozen=True, kw_only=True):
    name: str
    last: int
    """UTC ms."""
    silent_ms: int
    is_silent: bool

    @property
    def is_long_ago(self) -> bool:
        """Whether nobody looked back so far, so that ``last`` may be too early."""
        return self.silent_ms > BACK_DAYS * DAY_MS


def heard(last: Mapping[str, int], now: int, grid_ms: int) -> list[Heard]:
    """The longest silent first. ``last`` says for each name until when something is known, UTC ms."""
    found = [
        Heard(name=name, last=at, silent_ms=max(0, now - at), is_silent=now - at > GRIDS * grid_ms)
        for name, at in last.items()
    ]
    return sorted(found, key=lambda one: (-one.silent_ms, one.name))
