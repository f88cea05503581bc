"""Python's garbage collector, spared what lasts as long as the process.

With 4,500 machines it would look through 300,000 objects now and then, of which none is garbage, and polls
would wait 100 ms for it.
"""

import asyncio
import gc
from typing import Final

_SETTLED_S: Final = 60.0
"""By then every machine that answers has its connection and its meter."""
_YOUNG: Final = 10_000
"""So many objects more than before make it look at the young ones: most of a poll's are gone by then."""


async def spare() -> None:
    """Returns when it is done."""
    gc.collect()
    gc.set_threshold(_YOUNG, 20, 10)
    await asyncio.sleep(_SETTLED_S)
    gc.freeze()
