"""A small disk of its own for an outbox, that can be filled: a tmpfs, where one may be mounted."""

import contextlib
import os
import subprocess
from pathlib import Path
from typing import Final

SIZE: Final = "48m"
_BLOCK: Final = bytes(65_536)


def mount(directory: Path) -> bool:
    """Whether the directory is now a small disk. Only root may do that."""
    directory.mkdir(parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return False
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(directory)],
        check=False,
        capture_output=True,
    )
    return done.returncode == 0


def unmount(directory: Path, keep: Path) -> None:
    """Copies what is on the disk into ``keep`` first: after a failure somebody will want to look."""
    keep.mkdir(parents=True, exist_ok=True)
    release(directory)
    for file in directory.iterdir():
        (keep / file.name).write_bytes(file.read_bytes())
    subprocess.run(["umount", str(directory)], check=False, capture_output=True)


def fill(directory: Path) -> None:
    with contextlib.suppress(OSError), (directory / "filler").open("wb", buffering=0) as filler:
        while filler.write(_BLOCK):
            pass
    with contextlib.suppress(OSError), (directory / "filler").open("ab", buffering=0) as filler:
        while filler.write(b"0"):
            pass


def release(directory: Path) -> None:
    (directory / "filler").unlink(missing_ok=True)
