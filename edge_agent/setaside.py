"""A damaged outbox is put out of the way and kept: what can be rescued from it is somebody's money."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

_BESIDE: Final = ("-wal", "-shm", "")
"""The database file last: without its log it must never stand where it stood with it, nor the log alone."""


def set_aside(path: Path, now_ms: int) -> Path:
    """Renames the file and what SQLite keeps beside it, and says where to. Raises OSError."""
    moment = datetime.fromtimestamp(now_ms // 1000, UTC)
    stem = f"{path.name}-corrupt-{moment:%Y%m%dT%H%M%SZ}"
    kept = next(name for name in _names(path, stem) if not name.exists())
    for ending in _BESIDE:
        one = path.with_name(path.name + ending)
        if one.exists():
            one.rename(kept.with_name(kept.name + ending))
    _settle(path.parent)
    return kept


def _names(path: Path, stem: str) -> list[Path]:
    return [path.with_name(stem), *(path.with_name(f"{stem}-{n}") for n in range(2, 1000))]


def _settle(folder: Path) -> None:
    """The new names survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def suspicion(path: Path) -> Path:
    """The mark that a running agent met damage in ``path``: the next start looks at all of it."""
    return path.with_name(path.name + "-suspect")
