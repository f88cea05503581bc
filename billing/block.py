"""Block rules: what is charged of what was used. Integers in, integers out; time in ms, the rest as counted.

free      the first part of each use costs nothing
minimum   who used anything beyond it pays at least this much
step      beyond the minimum it goes in steps of this size
rounding  a step that was begun counts whole (up), or not at all (down), or from its half on (nearest)
"""

from enum import StrEnum

from msgspec import Struct


class Rounding(StrEnum):
    UP = "up"
    DOWN = "down"
    NEAREST = "nearest"


class Each(StrEnum):
    """What one use is: the rule is applied to each of them."""

    ORDER = "order"
    """All that one order used of machines of one kind in the period."""
    MACHINE = "machine"
    """What one order used of one machine in the period."""
    LEASE = "lease"
    """What was used of one machine under one lease."""
    DAY = "day"
    """What one order used of one machine on one local day."""
    STOP = "stop"
    """One unbroken stop of a machine, whatever cut it."""


class Block(Struct, frozen=True, kw_only=True):
    free: int = 0
    minimum: int = 0
    step: int = 1
    rounding: Rounding = Rounding.UP
    each: Each = Each.ORDER

    @property
    def is_plain(self) -> bool:
        """Whether what is used is what is charged."""
        return not self.free and not self.minimum and self.step == 1

    def billed(self, used: int) -> int:
        """A credit (less than nothing used) mirrors its charge."""
        if used < 0:
            return -self.billed(-used)
        beyond = used - self.free
        if beyond <= 0:
            return 0
        if beyond <= self.minimum:
            return self.minimum
        return self.minimum + stepped(beyond - self.minimum, self.step, self.rounding)

    def between(self, begun: int, ended: int) -> int:
        """What the part from ``begun`` to ``ended`` of one use adds, both counted from its beginning.

        The parts of a use sum to the whole of it, however it is cut.
        """
        return self.billed(max(0, ended)) - self.billed(max(0, begun))


PLAIN = Block()


def stepped(used: int, step: int, rounding: Rounding) -> int:
    """``used`` (zero or more) in whole steps."""
    match rounding:
        case Rounding.UP:
            return -(-used // step) * step
        case Rounding.DOWN:
            return used // step * step
        case Rounding.NEAREST:
            return (2 * used + step) // (2 * step) * step
