"""Secrets of the store, read from their files. They are sent and never shown."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from store.config import InfluxConfig
from store.protocol import UnusableStoreError


@dataclass(frozen=True, kw_only=True)
class Credentials:
    token: str = field(default="", repr=False)
    """Of the 2.x interface, where 1.8 takes ``user:password``."""
    authorization: str = field(default="", repr=False)
    """The header."""

    @classmethod
    def of(cls, config: InfluxConfig) -> Self:
        """Raises UnusableStoreError when a file is missing or empty."""
        if config.token_file:
            token = _secret(config.token_file)
            return cls(token=token, authorization=f"Token {token}")
        if config.password_file:
            pair = f"{config.username}:{_secret(config.password_file)}"
            return cls(token=pair, authorization=f"Basic {base64.b64encode(pair.encode()).decode()}")
        return cls()

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": self.authorization} if self.authorization else {}


def _secret(path: Path) -> str:
    try:
        secret = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UnusableStoreError(f"the secret in {path} cannot be read: {type(error).__name__}") from None
    if not secret or not secret.isprintable() or not secret.isascii():
        raise UnusableStoreError(f"{path} must hold one secret in plain ASCII, and nothing else")
    return secret
