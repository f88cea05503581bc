"""Where a site's profiles lie, and reading them."""

from pathlib import Path

from edge_agent.readable import is_there
from edge_agent.shipped import shipped


def places(profile: str, directory: Path) -> tuple[Path, ...]:
    """A path when it ends in .toml, else a name: the site's own profiles come before the shipped ones."""
    if profile.endswith(".toml"):
        return (directory / profile,)
    return directory / "profiles" / f"{profile}.toml", shipped() / "profiles" / f"{profile}.toml"


def find(profile: str, directory: Path) -> Path | None:
    return next((place for place in places(profile, directory) if is_there(place)), None)


def named(directory: Path) -> dict[str, Path]:
    """Every profile that a site in ``directory`` can name, the site's own before the shipped ones."""
    folders = (shipped() / "profiles", directory / "profiles")
    return {file.stem: file for folder in folders for file in sorted(folder.glob("*.toml"))}
