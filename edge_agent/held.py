"""What goes into the outbox and what comes out of it: values only."""

from msgspec import Struct

from contract.records import Record


class Put(Struct, frozen=True, kw_only=True):
    """What one machine has to keep: new records, and its meter's checkpoint after them."""

    machine: str
    records: tuple[Record, ...] = ()
    """Without digest; sequences rise within an epoch."""
    checkpoint: bytes | None = None


class Sealed(Struct, frozen=True):
    id: str
    payload: bytes


class Settlement(Struct, frozen=True, kw_only=True):
    """What a receipt did."""

    known: bool
    """Whether its batch was waiting."""
    accepted: int = 0
    rejected: int = 0
    kept: int = 0
    conflicts: tuple[tuple[str, str], ...] = ()
    """Machine and epoch of names that the store already holds with other content."""
    retry_after_ms: int = 0
    """For how long the collector asks for no new batches."""
    complaint: str | None = None
    """Why the receipt was not followed: the batch goes on waiting."""


class Depth(Struct, frozen=True, kw_only=True):
    """How much is held. Bytes are those of the records; the file takes about half as much again."""

    records: int
    """Without receipt, those in batches included."""
    bytes: int
    oldest_ms: int | None
    """Instant of the oldest record without receipt."""
    batches: int
    ring_records: int
    ring_bytes: int
    ring_from: int | None
    """How far the ring reaches back."""
    rejected: int
    """Records in the ring that the collector rejected."""
    signatures: int = 0
    """Of chains, that no collector has yet."""
    over_limit: bool
    """More bytes wait for a first receipt than the outbox should hold: an alarm; see ``Outbox.relieve``."""


class Relief(Struct, frozen=True, kw_only=True):
    """What became of records because too many wait, counted as they were put."""

    merged: int = 0
    """Intervals that were taken into their neighbours: no second and no piece is missing."""
    ring_dropped: int = 0
    """Receipted records that can no longer be sent again."""
    lost: int = 0
    """Records in whose place there is a ``loss``."""

    def __add__(self, other: "Relief") -> "Relief":
        return Relief(
            merged=self.merged + other.merged,
            ring_dropped=self.ring_dropped + other.ring_dropped,
            lost=self.lost + other.lost,
        )


class RejectedRecord(Struct, frozen=True, kw_only=True):
    machine: str
    epoch: str
    sequence: int
    reason: str
    detail: str
    payload: bytes
    """The record as it was sent."""
