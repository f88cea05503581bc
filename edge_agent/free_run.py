"""Metering while nobody knows the time. Pure."""

from contract.records import Record


class FreeRun:
    """The time since a start on a wall clock that was never set. Nothing of it is a fact yet.

    No record and no checkpoint leaves the machine: when the clock is put right they are dated anew; after a
    power cut before that, all of it is a gap, recovered from the machine's own counters.
    """

    def __init__(self, since: int, ended: str) -> None:
        self.since = since
        """Monotonic ms."""
        self.ended = ended
        """The epoch before it, whose instants were right."""
        self.held: list[Record] = []
