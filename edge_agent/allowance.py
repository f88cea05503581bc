"""How much may be said of many in a while. Pure."""


class Allowance:
    """``lines`` in ``every_s`` seconds. What comes on top is not said, and counted."""

    def __init__(self, lines: int, every_s: float) -> None:
        self._lines, self.every_s = lines, every_s
        self._said, self._since = 0, float("-inf")
        self._unsaid = 0

    @property
    def unsaid(self) -> int:
        return self._unsaid

    def may(self, now: float) -> bool:
        """Whether one more may be said. ``now`` is monotonic seconds."""
        if now - self._since >= self.every_s:
            self._said, self._since = 0, now
        if self._said >= self._lines:
            self._unsaid += 1
            return False
        self._said += 1
        return True

    def settle(self) -> int:
        """So much was not said since this was last asked."""
        unsaid, self._unsaid = self._unsaid, 0
        return unsaid
