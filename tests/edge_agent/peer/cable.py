"""A serial line between two programs: two pseudo terminals and somebody who carries bytes between them."""

import contextlib
import os
import pty
import select
import threading
import tty


class Cable:
    def __init__(self) -> None:
        pairs = [pty.openpty() for _ in range(2)]
        for end in (end for pair in pairs for end in pair):
            tty.setraw(end)
        self._ours = [ours for ours, _ in pairs]
        self._theirs = [theirs for _, theirs in pairs]
        self.one, self.other = (os.ttyname(theirs) for theirs in self._theirs)
        self._stop = os.pipe()
        self._carrier = threading.Thread(target=self._carry, daemon=True)
        self._carrier.start()

    def _carry(self) -> None:
        across = {self._ours[0]: self._ours[1], self._ours[1]: self._ours[0]}
        while self._stop[0] not in (readable := select.select([*across, self._stop[0]], [], [])[0]):
            for end in readable:
                with contextlib.suppress(OSError):
                    os.write(across[end], os.read(end, 4096))

    def close(self) -> None:
        os.write(self._stop[1], b"!")
        self._carrier.join()
        for end in (*self._ours, *self._theirs, *self._stop):
            os.close(end)
