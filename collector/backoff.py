"""How long to wait before the next attempt. Pure: the dice are an argument."""

from collections.abc import Callable, Iterator
from typing import Final

FIRST_S: Final = 0.5
LONGEST_S: Final = 30.0


def waits(dice: Callable[[], float]) -> Iterator[float]:
    """Seconds, doubling up to the longest, each anywhere in its upper half; ``dice`` gives ``[0, 1)``.

    Without the jitter all that lost the same broker would come back at the same moment.
    """
    longest = FIRST_S
    while True:
        yield longest * (1 + dice()) / 2
        longest = min(2 * longest, LONGEST_S)
