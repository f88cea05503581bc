"""aiomqtt 2.5 without what it leaves behind, in the log and open, when a connection breaks.

It registers a socket with the loop a turn late, when the socket may be closed; it keeps the reason of a lost
connection in a future that nobody may ask; and it lets go of a broken socket without closing it.
"""

import logging
from types import TracebackType
from typing import Any, Final

import aiomqtt
from paho.mqtt import client as mqtt

QUIET: Final = logging.getLogger("gongfang.aiomqtt")
"""Each error comes back as an exception: the library's own log would say it twice."""
QUIET.setLevel(logging.CRITICAL + 1)


class Client(aiomqtt.Client):
    def _on_socket_register_write(self, client: mqtt.Client, userdata: object, sock: Any) -> None:  # noqa: ANN401  paho names no type
        del userdata

        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # noqa: BLE001  whatever it is, the connection is lost by it
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def register() -> None:
            if sock.fileno() >= 0:
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(register)

    def _on_socket_unregister_write(self, client: mqtt.Client, userdata: object, sock: Any) -> None:  # noqa: ANN401  see above
        if sock.fileno() >= 0:  # one that is closed is not in the loop any more
            super()._on_socket_unregister_write(client, userdata, sock)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await super().__aexit__(kind, error, trace)
        finally:
            if self._disconnected.done() and not self._disconnected.cancelled():
                self._disconnected.exception()  # looked at, so that nobody misses it
            if (sock := self._client.socket()) is not None and sock.fileno() >= 0:
                self._loop.remove_reader(sock.fileno())
                self._loop.remove_writer(sock.fileno())
                sock.close()
