"""Where what arrives waits, bounded: batches, each gateway in its turn, and announcements. Pure.

After an outage one gateway has a day to tell, another has what happens now. Each is served one batch at a
time in turn, so the second never waits for more than one batch of the first.
"""

from collections import OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Room(Generic[K, V]):
    """At most ``places`` wait, at most ``share`` of them for one owner. Who has nothing is forgotten."""

    def __init__(self, places: int, share: int) -> None:
        self.places, self.share = places, share
        self._lines: OrderedDict[K, deque[V]] = OrderedDict()
        self._taken = 0

    def __len__(self) -> int:
        return self._taken

    def waiting(self) -> dict[K, int]:
        """How many wait, by owner."""
        return {owner: len(line) for owner, line in self._lines.items()}

    def enter(self, owner: K, thing: V) -> bool:
        """Whether there was room."""
        line = self._lines.get(owner, deque())
        if self._taken >= self.places or len(line) >= self.share:
            return False
        self._lines.setdefault(owner, line).append(thing)
        self._taken += 1
        return True

    def leave(self) -> V:
        """The next: the first of the owner whose turn it is. Raises IndexError when nobody waits."""
        if not self._lines:
            raise IndexError("nobody waits")
        owner, line = self._lines.popitem(last=False)
        thing = line.popleft()
        if line:
            self._lines[owner] = line
        self._taken -= 1
        return thing


class Backlog(Generic[V]):
    """First come, first served; bounded by what it takes of memory, since many small things are no harm."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.bytes = 0
        self._waiting: deque[tuple[V, int]] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def enter(self, thing: V, size: int) -> bool:
        """Whether there was room."""
        if self.bytes + size > self.limit_bytes:
            return False
        self._waiting.append((thing, size))
        self.bytes += size
        return True

    def leave(self) -> V:
        """The first. Raises IndexError when nothing waits."""
        thing, size = self._waiting.popleft()
        self.bytes -= size
        return thing
