"""Tell systemd that the agent is up (sd_notify(3)): a datagram to the socket it names."""

import contextlib
import os
import socket


def notify(state: str) -> None:
    """``state`` is such as ``READY=1``. Does nothing where systemd did not start us."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    name = "\0" + address[1:] if address.startswith("@") else address
    # Telling is a courtesy: an agent that cannot tell meters all the same.
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.sendto(state.encode(), name)
