"""Where the configuration files that come with the agent are."""

from pathlib import Path


def shipped() -> Path:
    """``configs`` inside the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent
    installed = package / "configs"
    return installed if installed.is_dir() else package.parent / "configs"
