"""What a site's configuration says of its machines and of the ways to them. Values only."""

from msgspec import Struct

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


class Endpoint(Struct, frozen=True, kw_only=True):
    """One Modbus TCP connection."""

    name: str
    host: str
    port: int
    timeout_ms: int
    backoff_ms: int
    backoff_max_ms: int


class MachineSettings(Struct, frozen=True, kw_only=True):
    name: str
    endpoint: str
    unit: int
    profile: Profile
    area: str
    serial: int | None
    """What its serial register must say; None: what it says at first contact."""
    was: str | None
    """The name it had before: its meter goes over to the new one."""
    name_en: str
    name_zh: str
    """For people; empty where there is none."""
