"""One running agent per outbox: a lock file beside it, held by the kernel while the process lives."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge_agent.outbox_file import OutboxError


@contextmanager
def owned(outbox: Path) -> Iterator[None]:
    """Raises OutboxError when another agent runs on the same outbox. Reading commands need no lock."""
    path = outbox.with_name(f"{outbox.name}.lock")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutboxError(f"{path}: {error.strerror}; the folder must exist and be writable") from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            owner = os.read(descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            told = f"{outbox}: in use by another agent (process {owner}); stop that one first"
            raise OutboxError(told) from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, str(os.getpid()).encode())
        yield
    finally:
        os.close(descriptor)
