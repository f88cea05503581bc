"""When the head of a chain is to be signed: at the end of each local day of the site. Pure.

The head of a day is the last record that belongs to it. It is known when a record is sealed that begins
later, some minutes after midnight; of a machine that is silent then, when nothing came for an hour.
"""

from typing import Final

import msgspec
from msgspec import Struct

from contract.names import NONE
from edge_agent.cuts import midnights, next_midnight

QUIET_MS: Final = 3_600_000
"""So long after a midnight what is still the head of a chain is signed as it stands."""
_DAY_MS: Final = 90_000_000
"""No local day is longer, daylight saving included."""


class Head(Struct, frozen=True):
    """The end of a chain as far as it is sealed."""

    machine: str
    epoch: str
    sequence: int
    digest: str
    until: int
    """Where its last record ends, UTC ms; 0 where an earlier version sealed it and did not say."""


class Times(Struct, frozen=True):
    """What of a record says to which day it belongs, and of which machine's chain it begins the next."""

    type: str
    sequence: int
    at: int = 0
    start: int = 0
    duration_ms: int = 0
    end: int = 0
    previous_epoch: str = NONE

    @property
    def until(self) -> int:
        return self.at or self.end or self.start + self.duration_ms

    @property
    def opens(self) -> bool:
        """Whether it is the first record of an epoch that follows another."""
        return self.type == "meter" and self.previous_epoch != NONE


_decoder = msgspec.json.Decoder(Times)


def times_of(body: bytes) -> Times:
    """Of the canonical form of a record."""
    return _decoder.decode(body)


def is_later(record: Times, head: Head, timezone: str) -> bool:
    """Whether ``record`` belongs to a later local day than the head that it follows.

    A transition exactly at midnight ends the day before, and is sealed before the interval that ends there.
    """
    if not head.until:
        return False
    midnight = next_midnight(head.until - 1, timezone)
    return record.at > midnight if record.at else record.start >= midnight


def quiet_until(now: int, timezone: str) -> int:
    """The midnight up to which a chain that went no further is not expected to go on. UTC ms."""
    passed = now - QUIET_MS
    return midnights(passed - _DAY_MS, passed, timezone)[-1]
