"""Who meters a machine that another meters too: two gateways, or two agents under one name. Pure.

Both are stored, since their epochs keep them apart; but the time counts twice until a person ends it. Within
an epoch intervals tile the time line, so a life holds every instant from its first interval to its last.
"""

from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from contract.records import Interval

MACHINES: Final = 4096
"""So many machines are watched, for names come from outside; those unheard for longest go first."""
LIVES: Final = 4
"""So many lives of a machine are remembered."""
REMEMBERED: Final = 1000
"""So many pairs that were told are remembered."""
SLACK_MS: Final = 5_000
"""Two clocks may differ by this when a machine goes from one gateway to another."""
QUIET_MS: Final = 3_600_000
"""How long a pair that was told is not told again."""


class Life(Struct, frozen=True):
    """One meter's epoch of a machine, as far as it was seen: UTC ms, half-open."""

    gateway: str
    epoch: str
    start: int
    end: int

    @property
    def name(self) -> tuple[str, str]:
        return self.gateway, self.epoch


class Rivalry(Struct, frozen=True, kw_only=True):
    """Two lives that hold the same time of one machine."""

    site: str
    machine: str
    one: Life
    other: Life

    @property
    def start(self) -> int:
        return max(self.one.start, self.other.start)

    @property
    def end(self) -> int:
        return min(self.one.end, self.other.end)

    @property
    def pair(self) -> tuple[object, ...]:
        return self.site, self.machine, *sorted((self.one.name, self.other.name))

    def __str__(self) -> str:
        who = " and ".join(
            f"{gateway} (epoch {epoch})" for gateway, epoch in (self.one.name, self.other.name)
        )
        return f"{self.site}/{self.machine} is metered by {who}"


class Rivals:
    """What was seen of whom, within bounds."""

    def __init__(self) -> None:
        self._lives: OrderedDict[tuple[str, str], list[Life]] = OrderedDict()
        self._told: OrderedDict[tuple[object, ...], int] = OrderedDict()

    def __len__(self) -> int:
        """Machines that are watched."""
        return len(self._lives)

    def see(self, interval: Interval) -> list[Rivalry]:
        """The rivals, as far as they are remembered, of the one that metered ``interval``."""
        place = interval.site, interval.machine
        lives = self._lives.pop(place, [])
        name = interval.gateway, interval.epoch
        mine = next((life for life in lives if life.name == name), Life(*name, interval.start, interval.end))
        mine = msgspec.structs.replace(
            mine, start=min(mine.start, interval.start), end=max(mine.end, interval.end)
        )
        others = [life for life in lives if life.name != name]
        self._lives[place] = [*others, mine][-LIVES:]
        if len(self._lives) > MACHINES:
            self._lives.popitem(last=False)
        met = [Rivalry(site=place[0], machine=place[1], one=life, other=mine) for life in others]
        return [rivalry for rivalry in met if rivalry.end - rivalry.start > SLACK_MS]

    def news(self, interval: Interval, now: int) -> list[Rivalry]:
        """Those that were not told within the hour before ``now`` (UTC ms)."""
        return [rivalry for rivalry in self.see(interval) if self._is_news(rivalry, now)]

    def _is_news(self, rivalry: Rivalry, now: int) -> bool:
        if now - self._told.get(rivalry.pair, now - QUIET_MS) < QUIET_MS:
            return False
        self._told[rivalry.pair] = now
        self._told.move_to_end(rivalry.pair)
        if len(self._told) > REMEMBERED:
            self._told.popitem(last=False)
        return True


def rivalries(intervals: Iterable[Interval]) -> list[Rivalry]:
    """Every pair among ``intervals``, as it was at last."""
    rivals = Rivals()
    return list({rivalry.pair: rivalry for each in intervals for rivalry in rivals.see(each)}.values())
