"""The configuration of a pack, as it was. Wiring."""

from pathlib import Path

from billing.config import Settings, load
from billing.manifest import Manifest
from billing.shelf import texts_in


def settings_in(place: Path, manifest: Manifest) -> Settings:
    """Raises DamagedError and BadConfigurationError."""
    texts = texts_in(place)

    def read(path: Path) -> str:
        if str(path) not in texts:
            raise FileNotFoundError(path)
        return texts[str(path)]

    return load(Path(manifest.config), read)
