"""What a site's configuration says of its machines and of the ways to them. Values only."""

from msgspec import Struct

from edge_agent.address import Address
from edge_agent.profile import Profile


class Poll(Struct, frozen=True, kw_only=True):
    """All in plant time."""

    period_ms: int
    hold_polls: int
    """A state is held for so many periods without a good sample, then all of that time is a gap."""
    grid_ms: int
    """Intervals end at its multiples."""
    checkpoint_ms: int
    state_repeat_ms: int
    outage_h: int
    """The longest silence of a machine after which every count must still come back, in hours."""
    gauges_ms: int = 0
    """From one look at a machine's gauges to the next; 0 when nobody wants to see them."""


class Endpoint(Struct, frozen=True, kw_only=True):
    """One Modbus connection and the manners on it. Real time where nothing else is said."""

    name: str
    address: Address
    period_ms: int | None = None
    """Each machine behind it is polled once in this time; None: as the site's others. In plant time."""
    timeout_ms: int = 1_000
    """Of connecting, and of each answer."""
    settle_ms: int | None = None
    """Listening after a question without its answer, where no transaction id tells a late one; None: a
    quarter of the time limit."""
    pause_ms: int | None = None
    """Between an answer and the next question; None: what a serial line asks for, else 0."""
    turnaround_ms: int = 20
    """What a machine takes before it answers, to foresee whether a serial line can keep up."""
    connect_pause_ms: int = 0
    """Between connecting and the first question."""
    keep_open: bool = True
    """False: the connection is given back as soon as nobody waits for it."""
    backoff_ms: int = 500
    """Until the second attempt to connect, doubling."""
    backoff_max_ms: int = 15_000
    silence_max_ms: int = 30_000
    """The longest that a unit which does not answer is left alone. In plant time."""


def period_ms(endpoint: Endpoint, poll: Poll) -> int:
    return poll.period_ms if endpoint.period_ms is None else endpoint.period_ms


class MachineSettings(Struct, frozen=True, kw_only=True):
    name: str
    endpoint: str
    unit: int
    profile: Profile
    area: str
    serial: int | None
    """What its serial register must say; None: what it says at first contact."""
    controller: int
    """Which of the controllers that it has had, as the site counts them: another number is another meter."""
    was: str | None
    """The name it had before: its meter goes over to the new one."""
    name_en: str
    name_zh: str
    """For people; empty where there is none."""
