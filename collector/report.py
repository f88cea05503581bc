"""What a collector says of itself at one instant: how full each queue is, and what is wrong. Values only.

``gauges.py`` makes metrics of it, ``health.py`` a verdict. docs/operations.md has the bound of each queue.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

LATENCY_S: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30)
"""Upper bounds of the histogram; what takes longer still has a place of its own."""
GATEWAYS: Final = 1_000
"""So many gateways are told apart, for names come from outside; those unheard for longest go first."""


class Latency:
    """How long one kind of work takes."""

    def __init__(self) -> None:
        self.counts = [0] * (len(LATENCY_S) + 1)
        self.seconds = 0.0
        """The sum of it."""

    def took(self, seconds: float) -> None:
        self.counts[bisect_left(LATENCY_S, seconds)] += 1
        self.seconds += seconds


class LastHeard:
    """When each gateway's latest batch was read, UTC ms."""

    def __init__(self) -> None:
        self._at: OrderedDict[str, int] = OrderedDict()

    def hear(self, gateway: str, now: int) -> bool:
        """Whether this is its first."""
        is_first = gateway not in self._at
        self._at[gateway] = now
        self._at.move_to_end(gateway)
        if len(self._at) > GATEWAYS:
            self._at.popitem(last=False)
        return is_first

    def at(self) -> dict[str, int]:
        return dict(self._at)


class Queues(Struct, frozen=True, kw_only=True):
    """What waits in memory, and what is remembered."""

    room: Mapping[str, int]
    """Batches that wait to be judged, by gateway."""
    room_places: int
    room_share: int
    """Of the places, at most so many for one gateway."""
    under_way: int
    """Batches being judged and written."""
    at_once: int
    arrivals: int
    """Messages of the broker that nobody looked at yet."""
    announcements: int
    """Leases, orders and witnesses that wait to be kept."""
    announcements_bytes: int
    announcements_limit_bytes: int
    topics: int
    """Lease and order topics remembered until the broker was given back what it forgot."""
    machines: int
    """Machines watched for a second meter."""
    points: int = 0
    """Gauges that wait to be written, where they are kept."""


class Report(Struct, frozen=True, kw_only=True):
    name: str
    version: str
    now_ms: int
    """Plant UTC."""
    is_connected: bool
    """To the broker."""
    store_trouble: str
    """Why the store takes no records; empty while it does."""
    retry_after_ms: int
    """For how long the store asked to be left alone."""
    is_dropping: bool
    """Batches come faster than they are taken, and some are dropped unread."""
    refusing: tuple[str, ...]
    """Gateways that send what cannot be accepted."""
    stuck: tuple[str, ...]
    """What makes no progress; the watchdog is not fed while there is anything."""
    wrong: Mapping[str, str] = {}
    """What else is wrong, by subject."""
    heard: Mapping[str, int]
    """When each gateway's latest batch came, UTC ms."""
    quarantine_rows: int | None
    """None before they were first counted."""
    queues: Queues
