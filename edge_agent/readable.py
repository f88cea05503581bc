"""Whether a file that a configuration names can be read by who runs here."""

import os
from pathlib import Path


def is_there(file: Path) -> bool:
    """Also where this user may not even look: whoever reads it says why that fails."""
    try:
        return file.is_file()
    except OSError:
        return True


def unreadable(file: Path) -> tuple[str, str] | None:
    """What is wrong with it, and the remedy; None when it can be read."""
    if not is_there(file):
        return f"there is no file {file}", "make it, or mend the path"
    if not os.access(file, os.R_OK):
        return f"{file} cannot be read", "let the agent's user read it"
    return None
