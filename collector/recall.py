"""What of a gateway rests in the quarantine already, without reading its payloads for each bad batch."""

import hashlib
from collections import OrderedDict
from collections.abc import Iterable
from typing import Final

import msgspec
from msgspec import Struct

from collector.quarantine import bare
from contract.facts import Quarantined
from contract.series import QUARANTINE, whole_fact
from store.protocol import Store

MOST: Final = 5000
"""So many of the newest rows of a gateway are remembered: an hour's, but for a flood."""
GATEWAYS: Final = 64
"""So many gateways are remembered; another is read again when it has something bad."""


class Source(Struct, frozen=True):
    """Whose quarantine it is."""

    site: str
    gateway: str

    @property
    def tags(self) -> dict[str, str]:
        return {"site": self.site, "gateway": self.gateway}


def digest(fact: Quarantined) -> bytes:
    """Equal for parts of the same thing, heard twice."""
    return hashlib.sha256(msgspec.msgpack.encode(bare(fact))).digest()


class Recall:
    def __init__(self, store: Store, most: int = MOST) -> None:
        self._store, self._most = store, most
        self._rows: OrderedDict[Source, dict[int, bytes]] = OrderedDict()

    async def digests(self, source: Source, start: int, end: int) -> set[bytes]:
        """Of the rows in ``[start, end)`` (UTC ms), at most the newest. Raises StoreAwayError.

        The store is asked how many there are, and for the rows only if another collector or a replay wrote
        some too.
        """
        rows = self._rows.get(source)
        if rows is not None:
            rows = self._newest({at: found for at, found in rows.items() if start <= at < end})
            since = min(rows, default=start) if len(rows) == self._most else start
            if await self._store.count(QUARANTINE, since, end, source.tags) != len(rows):
                rows = None
        if rows is None:
            rows = self._newest(await self._read(source, start, end))
        self._keep(source, rows)
        return set(rows.values())

    def add(self, source: Source, facts: Iterable[Quarantined]) -> None:
        """``facts`` rest in the store now."""
        if source in self._rows:
            self._rows[source] |= {fact.received: digest(fact) for fact in facts}

    async def _read(self, source: Source, start: int, end: int) -> dict[int, bytes]:
        rows = self._store.read(QUARANTINE, start, end, source.tags)
        facts = [(row.time, whole_fact(row)) async for row in rows]
        return {at: digest(fact) for at, fact in facts if isinstance(fact, Quarantined)}

    def _newest(self, rows: dict[int, bytes]) -> dict[int, bytes]:
        return dict(sorted(rows.items())[-self._most :])

    def _keep(self, source: Source, rows: dict[int, bytes]) -> None:
        self._rows[source] = rows
        self._rows.move_to_end(source)
        while len(self._rows) > GATEWAYS:
            self._rows.popitem(last=False)
