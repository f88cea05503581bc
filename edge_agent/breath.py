"""Long work in the event loop, so that whoever else waits for it has his turn."""

import asyncio
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

T = TypeVar("T")

AT_A_TIME: Final = 20
"""Of a piece of work that is cut beforehand."""
_TURN_S: Final = 0.01
_SWITCH_S: Final = 0.000_2
"""Python's own is 5 ms. The loop asks a thread that computes for the interpreter after each look at its
sockets, some hundred times a second, and would spend most of its time waiting for that.
"""


@contextmanager
def beside_the_loop() -> Iterator[None]:
    """Around work in a thread that computes: the loop gets its turn back at once."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


class Breath:
    """Taken now and then in the middle of work."""

    def __init__(self) -> None:
        self._since = asyncio.get_running_loop().time()

    async def draw(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._since > _TURN_S:
            await asyncio.sleep(0)
            self._since = loop.time()


def pieces(whole: Sequence[T]) -> Iterator[Sequence[T]]:
    """``whole`` in pieces of bounded size."""
    return (whole[start : start + AT_A_TIME] for start in range(0, len(whole), AT_A_TIME))
