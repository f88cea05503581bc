"""Tells systemd (Type=notify) how the service is. Does nothing where nobody listens."""

import contextlib
import os
import socket


def notify(*states: str) -> None:
    """``READY=1``, ``STOPPING=1``, ``STATUS=...`` (sd_notify(3)). Work goes on when nobody hears."""
    listener = os.environ.get("NOTIFY_SOCKET", "")
    if not listener:
        return
    address = "\0" + listener[1:] if listener.startswith("@") else listener
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as channel,
    ):
        channel.sendto("\n".join(states).encode(), address)
