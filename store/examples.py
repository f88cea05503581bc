"""Where the commented examples of configuration files are, on this machine."""

from collections.abc import Iterable
from pathlib import Path


def example(name: str, above: Iterable[Path] = Path(__file__).resolve().parents) -> str:
    """What a person who needs such a file is told; they come with a checkout and with the Debian package."""
    found = next((file for place in above if (file := place / "configs" / name).is_file()), None)
    return f"{found} is a commented example" if found else f"the sources have an example, configs/{name}"
