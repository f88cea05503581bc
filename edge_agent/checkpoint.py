"""What of a machine survives a power cut, and its bytes. Pure."""

from typing import Final

import msgspec
from msgspec import Struct

from contract.names import NONE
from contract.records import MeterReason
from edge_agent.attribution import Leases
from edge_agent.quantities import Told
from edge_agent.state import MeterState, Previous


class Checkpoint(Struct, frozen=True, kw_only=True):
    """``meter`` is None while no epoch is open."""

    leases: Leases = ()
    meter: MeterState | None = None
    reason: MeterReason = MeterReason.FIRST
    """Why the next epoch will open."""
    previous_epoch: str = NONE
    previous_end: int | None = None
    previous_machine: str = NONE
    previous_readings: dict[str, int] = {}
    """Raw, of the last settled sample."""
    serial: int | None = None
    """Of the machine metered last: a new epoch does not make a stranger welcome."""
    told: Told | None = None
    """What was counted, in the words of the profile that counted it."""

    @property
    def previous(self) -> Previous:
        return Previous(
            epoch=self.previous_epoch,
            end=self.previous_end,
            machine=self.previous_machine,
            serial=self.serial or 0,
            readings=self.previous_readings,
        )


_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(Checkpoint)

encode: Final = _encoder.encode


def decode(checkpoint: bytes | None, *, lost: bool) -> Checkpoint:
    """One that a version wrote which this one cannot read is lost.

    ``lost``: there was a checkpoint, and the outbox that held it is damaged.
    """
    if checkpoint is None:
        return Checkpoint(reason=MeterReason.STATE_LOST if lost else MeterReason.FIRST)
    try:
        return _decoder.decode(checkpoint)
    except msgspec.DecodeError:
        return Checkpoint(reason=MeterReason.STATE_LOST)


def moved(checkpoint: bytes) -> bytes:
    """What is left under the name that a renamed machine had: if another machine gets the name, its epoch
    follows no epoch of that one.
    """
    found = decode(checkpoint, lost=False)
    return encode(Checkpoint(reason=MeterReason.FIRST if found.meter else found.reason))


def is_open(checkpoint: bytes | None) -> bool:
    """Whether there is a meter that goes on from it."""
    return checkpoint is not None and decode(checkpoint, lost=False).meter is not None
