"""Python 3.11's ``asyncio.wait_for`` swallows a cancellation that arrives together with its result.

Both pymodbus and aiomqtt wait with it. A task that was asked to stop and did not hear it keeps a whole agent
from stopping, so every call into them is followed by a look at how often this task was asked.
"""

import asyncio


def cancellations() -> int:
    """How often the running task was asked to stop."""
    task = asyncio.current_task()
    return task.cancelling() if task else 0


def heed(before: int) -> None:
    """Raises CancelledError if the task was asked to stop since it had been asked ``before`` times."""
    if cancellations() > before:
        raise asyncio.CancelledError
