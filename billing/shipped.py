"""The stop-code table that comes with the software: what most sites' agents use."""

from pathlib import Path


def shipped_stop_codes() -> str:
    """Its text: installed it lies with the agent, in a checkout in ``configs``. Raises OSError."""
    beside = Path(__file__).resolve().parent.parent
    installed = beside / "edge_agent" / "configs"
    directory = installed if installed.is_dir() else beside / "configs"
    return (directory / "stop-codes.toml").read_text("utf-8")
