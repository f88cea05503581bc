"""The gateway's key: Ed25519, in a file that nobody but its owner can read. Never shown, never logged."""

import base64
import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_OTHERS: Final = 0o077
"""Nobody but the owner has anything to do with a key."""
_CREDENTIALS: Final = Path("/run/credentials")
_BESIDE_CREDENTIALS: Final = 0o037
"""systemd gives a credential to its service as a reading group or by an access list: it may be 0440 there."""
_MOST_BYTES: Final = 4096


class BadKeyError(Exception):
    """A file is no key that can be used. The text says why, and what to do."""


class GatewayKey:
    """Signs. Made by ``read_key``, which loads the library for it: not every gateway wants to spare that."""

    def __init__(self, private: "Ed25519PrivateKey") -> None:
        self._private = private
        raw = private.public_key().public_bytes_raw()
        self.public: Final = base64.b64encode(raw).decode("ascii")
        """What billing is told to trust: the 32 bytes, base64."""
        self.fingerprint: Final = hashlib.sha256(raw).hexdigest()

    def __repr__(self) -> str:
        return f"GatewayKey({self.fingerprint[:16]})"

    def sign(self, data: bytes) -> str:
        """Ed25519 over ``data``, hexadecimal."""
        return self._private.sign(data).hex()


def new_key(path: Path) -> GatewayKey:
    """Makes a key and its file, mode 0600. Raises BadKeyError, also when anything stands there already."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415  see GatewayKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    private = Ed25519PrivateKey.generate()
    text = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise BadKeyError(
            f"{path}: is there already, and a key is never written over; name another"
        ) from None
    except OSError as error:
        raise BadKeyError(f"{path}: cannot be made ({error.strerror})") from None
    return GatewayKey(private)


def read_key(path: Path) -> GatewayKey:
    """Raises BadKeyError."""
    if found := _too_open(path):
        raise BadKeyError(found)
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        with path.open("rb") as file:
            private = load_pem_private_key(file.read(_MOST_BYTES), password=None)
    except OSError as error:
        raise BadKeyError(
            f"{path}: cannot be read ({error.strerror}); let the agent's user read it"
        ) from None
    except (ValueError, TypeError):  # whatever stands there is not repeated
        raise BadKeyError(f"{path}: is no key in PEM form; make one with `gongfang-agent key new`") from None
    if not isinstance(private, Ed25519PrivateKey):
        raise BadKeyError(f"{path}: is no Ed25519 key; make one with `gongfang-agent key new`")
    return GatewayKey(private)


def _too_open(path: Path) -> str:
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return f"{path}: cannot be read ({error.strerror}); make a key with `gongfang-agent key new`"
    if not stat.S_ISREG(mode):
        return f"{path}: is no file"
    forbidden = _BESIDE_CREDENTIALS if path.resolve().is_relative_to(_CREDENTIALS) else _OTHERS
    if mode & forbidden:
        return f"{path}: others than its owner can get at it (mode {stat.S_IMODE(mode):04o}); chmod 0600 it"
    return ""
