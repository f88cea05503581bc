"""Birth, death and last will of an agent: the retained status message (WIRE, "status")."""

import hashlib
import json
from collections.abc import Iterable

from msgspec import Struct

from contract.clock import PLAUSIBLE_MS
from contract.messages import GatewayStatus, StatusReason
from contract.records import Clock
from edge_agent.held import Depth


class Presence(Struct, frozen=True, kw_only=True):
    gateway: str
    session: str
    agent: str
    """Version of the agent."""
    machines: int
    machines_digest: str

    def status(
        self, reason: StatusReason, *, since: int, at: int | None, depth: Depth | None = None
    ) -> GatewayStatus:
        """``since``: when this connection was made; ``at`` is None in the will, which nobody can date."""
        return GatewayStatus(
            gateway=self.gateway,
            session=self.session,
            agent=self.agent,
            reason=reason,
            online=reason is StatusReason.START,
            since=since,
            at=at,
            machines=self.machines,
            machines_digest=self.machines_digest,
            outbox_records=depth.records if depth else 0,
            outbox_oldest=depth.oldest_ms if depth else None,
            clock=Clock.FREE if since < PLAUSIBLE_MS else Clock.SYNCED,
        )


def machines_digest(names: Iterable[str]) -> str:
    """Tells whether two configurations meter the same machines: SHA-256 of the sorted names as JSON."""
    return hashlib.sha256(json.dumps(sorted(names)).encode()).hexdigest()
