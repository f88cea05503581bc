"""How many connections of one process may be under way at once.

When a switch fails, all the machines behind it are called again and again. Each call to an address that does
not answer holds a place in the kernel's table of neighbours, and when that is full, those that do answer
cannot be reached either (Linux: gc_thresh3, 1024 by default).
"""


class Gate:
    def __init__(self, most: int) -> None:
        self._free = most

    def enter(self) -> bool:
        """Whether there was room; then ``leave`` must follow."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        self._free += 1
