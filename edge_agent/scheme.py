"""How one machine is metered: fixed while the agent runs, and what an epoch is bound to."""

from typing import Any

from msgspec import Struct

from contract.records import MeterReason
from edge_agent.profile import Profile


class Identity(Struct, frozen=True, kw_only=True):
    """Whatever must stay the same within an epoch: its tags, and the meaning of its registers."""

    site: str
    area: str
    machine: str
    kind: str
    gateway: str
    profile: str
    profile_digest: str
    stop_table: str
    agent: str
    timezone: str
    controller: int = 1
    """Which of the controllers that the machine has had, as the site counts them."""

    def ends_by(self, now: "Identity") -> MeterReason | None:
        """Why an epoch of this identity cannot go on as ``now``; None when it can."""
        if (self.tags(), self.timezone) != (now.tags(), now.timezone):
            return MeterReason.RENAMED
        if self.controller != now.controller:
            return MeterReason.REPLACED
        return None if self.profile_digest == now.profile_digest else MeterReason.REPLACED

    def tags(self) -> dict[str, Any]:
        """The fields that every record carries."""
        return {
            "site": self.site,
            "area": self.area,
            "machine": self.machine,
            "kind": self.kind,
            "gateway": self.gateway,
        }


class Scheme(Struct, frozen=True, kw_only=True):
    identity: Identity
    profile: Profile
    poll_ms: int
    hold_polls: int
    """A state is held for so many poll periods without a good sample."""
    grid_ms: int

    @property
    def hold_ms(self) -> int:
        """Half a period more than the polls: the last of them may arrive late, and never a whole period."""
        return self.hold_polls * self.poll_ms + self.poll_ms // 2
