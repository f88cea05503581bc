"""What an agent's polls and records came to, counted where it costs next to nothing. Pure.

Counts only rise while the agent runs. Whoever watches takes differences.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from typing import Final

from contract.names import DISPUTED
from contract.records import Interval, Meter, Record
from contract.states import TIME_FIELDS

LATENESS_MS: Final = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000)
"""Upper bounds of the histogram; what is later still has a place of its own."""

GOOD: Final = "good"
SKIPPED: Final = "skipped"
"""A slot that went by while the poll before it was not done."""
DESYNC: Final = "desync"
"""Late, cut or garbled: the connection is thrown away. Its reason in records is that of a lost link."""
PAUSED: Final = "paused"
"""A slot in which a silent unit was left alone."""


class Tally:
    """The polls behind one endpoint."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.polls: Counter[str] = Counter()
        """By what came of them: ``good``, ``skipped``, ``paused`` or the reason why there is no sample."""

    def came_to(self, outcome: str, times: int = 1) -> None:
        self.polls[outcome] += times


class Counts:
    """All of one agent."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        """By endpoint."""
        self.late = [0] * (len(LATENESS_MS) + 1)
        """Polls by how late they began."""
        self.late_ms = 0
        """The sum of it."""
        self.last_late_ms = 0
        self.records: Counter[str] = Counter()
        """By type."""
        self.epochs: Counter[str] = Counter()
        """Opened, by reason."""
        self.metered_ms: Counter[str] = Counter()
        """Time of closed intervals, by time field."""
        self.disputed_ms = 0
        """Of it, with a tenant or an order that changed meanwhile."""

    def behind(self, endpoint: str) -> Tally:
        return self.tallies.setdefault(endpoint, Tally(endpoint))

    def polls(self, endpoint: str) -> int:
        """Polls behind it that came to something, and slots that went by."""
        return self.behind(endpoint).polls.total()

    def forget(self, endpoint: str) -> None:
        """The endpoint is gone, and its series end."""
        self.tallies.pop(endpoint, None)

    def begin(self, late_ms: int) -> None:
        """A poll begins, so late."""
        self.late[bisect_left(LATENESS_MS, late_ms)] += 1
        self.late_ms += late_ms
        self.last_late_ms = late_ms

    def metered(self, records: Iterable[Record]) -> None:
        """These are facts now."""
        for record in records:
            self.records[type(record).__name__.lower()] += 1
            if isinstance(record, Meter):
                self.epochs[record.reason] += 1
            elif isinstance(record, Interval):
                self.metered_ms.update({name: getattr(record, name) for name in TIME_FIELDS})
                if DISPUTED in (record.tenant, record.order_id):
                    self.disputed_ms += record.duration_ms
