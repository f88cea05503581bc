"""What an agent says of itself at one instant: how full each queue is, and what is wrong. Values only.

``gauges.py`` makes metrics of it, ``health.py`` a verdict. docs/operations.md has the bound of each queue.
"""

from collections.abc import Mapping

from msgspec import Struct

from edge_agent.held import Depth, Relief


class Queues(Struct, frozen=True, kw_only=True):
    """How many wait in memory, for whom."""

    wanted_records: int
    """For the disk."""
    wanted_limit: int
    """More, and the agent falls."""
    wanted_machines: int
    """Machines with a checkpoint or records for the disk."""
    outbox_calls: int
    """For the one thread of the outbox."""
    in_flight: int
    """Batches, for their receipt."""
    unreadable: int
    """Batches that no collector could read so far."""
    unsent: int
    """Live states, for the broker."""
    gauges: int = 0
    """Machines whose gauges wait for the broker."""
    arrivals: int
    """Messages of the broker that nobody looked at yet."""
    orders: int
    """Announced orders that are remembered."""
    leases: int
    """Leases that may still matter to a meter."""
    free: int
    """Records that wait for the clock to be set."""


class Reloads(Struct, frozen=True, kw_only=True):
    """What became of new configurations."""

    taken: int = 0
    refused: int = 0
    refused_why: str = ""
    """What the latest one was refused for: it changed nothing. Empty when it was taken."""
    taken_ms: int = 0
    """When the configuration in force was taken, real UTC ms."""


class EndpointReport(Struct, frozen=True, kw_only=True):
    name: str
    connected: bool
    silent: int
    """Units that are left alone for a while."""
    refused: int
    """Blocks that are asked again later."""
    polls: int
    """Under way, or waiting for their turn."""


class Report(Struct, frozen=True, kw_only=True):
    site: str
    gateway: str
    version: str
    machines: int
    ailing: Mapping[str, str]
    """Machines that are not metered now, each with the reason."""
    wrong: Mapping[str, str]
    """What is wrong with the agent's own parts."""
    stuck: tuple[str, ...]
    """What makes no progress; the watchdog is not fed while there is anything."""
    is_connected: bool
    """To the broker."""
    disk_trouble: str | None
    is_free: bool
    """The clock was never set."""
    clock_moved_ms: int
    """By how much the wall clock has moved against the monotonic one since the start."""
    now_ms: int
    """Plant UTC."""
    depth: Depth | None
    """Of the outbox; None before it was first looked at."""
    depth_age_s: float
    """How old that look is."""
    limit_bytes: int
    relief: Relief
    queues: Queues
    endpoints: tuple[EndpointReport, ...] = ()
    reloads: Reloads = Reloads()
