"""What the system says about an attempt to connect, for people and for who decides what comes next."""

import errno
import os
import socket
import ssl
from types import MappingProxyType
from typing import Final

from edge_agent.link import Unreached

_CAUSES: Final = MappingProxyType(
    {
        errno.ECONNREFUSED: Unreached.REFUSED,
        errno.EHOSTUNREACH: Unreached.NO_WAY,
        errno.ENETUNREACH: Unreached.NO_WAY,
        errno.ENETDOWN: Unreached.NO_WAY,
        errno.EHOSTDOWN: Unreached.NOBODY,
        errno.ETIMEDOUT: Unreached.NOBODY,
        errno.ECONNRESET: Unreached.HUNG_UP,
        errno.EPIPE: Unreached.HUNG_UP,
        errno.ENOENT: Unreached.NO_PORT,
        errno.ENODEV: Unreached.NO_PORT,
        errno.ENXIO: Unreached.NO_PORT,
        errno.ENOTTY: Unreached.NO_PORT,
        errno.EACCES: Unreached.NOT_ALLOWED,
        errno.EPERM: Unreached.NOT_ALLOWED,
        errno.EBUSY: Unreached.TAKEN,
        errno.EAGAIN: Unreached.TAKEN,
    }
)


def told(error: OSError) -> str:
    """Asyncio's words for a refusal name no reason, and pyserial's have each number twice."""
    if isinstance(error, socket.gaierror):
        return error.strerror or str(error)
    plain = error.errno and not isinstance(error, ssl.SSLError)
    return os.strerror(error.errno) if plain and error.errno else str(error)


def unreached(error: BaseException) -> Unreached:
    match error:
        case ssl.SSLError():
            return Unreached.CERTIFICATES
        case socket.gaierror():
            return Unreached.NO_NAME
        case OSError():
            return _CAUSES.get(error.errno or 0, Unreached.OTHERWISE)
    return Unreached.OTHERWISE
