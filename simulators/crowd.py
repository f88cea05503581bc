"""A crowd of flat-knitting machines as a closed formula: any of thousands at any instant, and cheaply.

A plant's machines have a story each, drawn from a seed; a crowd has one cycle, through which every machine
runs at an offset of its own. So what each of them counted between two instants is known without a ledger.
The registers are those of map A (``knit.py``), and the answer of a machine is a frame of bytes in which only
what moves is written anew.
"""

from struct import Struct as Layout
from typing import Final

from simulators.codes import YARN_BREAK, Bit
from simulators.kinds import WATTS
from simulators.knit import COURSES, GAUGE, MAP_ID, SPEED, WIDTH_INCH

REGISTERS: Final = 56
RUN_S, STOP_S, SETUP_S = 1020, 100, 80
CYCLE_S: Final = RUN_S + STOP_S + SETUP_S
PIECE_S: Final = 60
"""Running time of one piece."""
BAD_EVERY: Final = 40
"""Of so many pieces one is spoilt."""
_STEP_S: Final = 37
"""How far the next machine is ahead in the cycle: prime to it, so that never many change at once."""

_ON: Final = Bit.POWER.value | Bit.ORDER.value | Bit.VALID.value
_RUN: Final = (_ON | Bit.READY.value | Bit.RUNNING.value, 1, 0)
_STOP: Final = (_ON | Bit.STOPPED.value, 3, YARN_BREAK)
_SETUP: Final = (_ON | Bit.READY.value | Bit.SETUP.value, 8, 0)
"""Status word, the vendor's state and the stop code of each phase of the cycle."""

_UP: Final = Layout(">IHHIHH")
"""From register 6: uptime_s, heartbeat, status, clock, vendor state, stop code."""
_COUNTS: Final = Layout(">IIIIIHHIHH")
"""From register 20: run_s, stop_s, power_on_s, pieces, spoilt, target, remaining, courses, row, rows."""
_ENERGY: Final = Layout(">I")
"""Register 52, 0.01 kWh."""


class Member:
    """One machine. Its cycle began before time did, so that it is a pure function of the instant."""

    def __init__(self, number: int, serial: int) -> None:
        self.serial = serial
        self._offset_s = number * _STEP_S
        self.frame = bytearray(2 * REGISTERS)
        """Its registers as they travel, as of the last ``show``."""
        self._put(0, MAP_ID, 1 << 8)
        self._put(2, serial >> 16, serial & 0xFFFF, 0, 7)
        self._put(15, 1, 0, 4000 + number % 1000, 1, 17)
        self._put(36, SPEED, SPEED)
        self._put(42, GAUGE, WIDTH_INCH)
        self._shown_s = -1

    def _put(self, address: int, *words: int) -> None:
        for place, word in enumerate(words, address):
            self.frame[2 * place : 2 * place + 2] = word.to_bytes(2, "big")

    def show(self, now_s: int) -> bytearray:
        """The registers at ``now_s`` (seconds since 1970)."""
        if now_s == self._shown_s:
            return self.frame
        self._shown_s = now_s
        run_s, stop_s, phase = self.worked(now_s)
        pieces = run_s // PIECE_S
        up_s = (now_s + self._offset_s) % _LIFE_S
        _UP.pack_into(self.frame, 12, up_s, up_s & 0xFFFF, phase[0], now_s, phase[1], phase[2])
        _COUNTS.pack_into(
            *(self.frame, 40, run_s, stop_s, run_s + stop_s, pieces, pieces // BAD_EVERY, 0, 0),
            *(run_s * COURSES // PIECE_S & 0xFFFFFFFF, run_s % PIECE_S * COURSES // PIECE_S, COURSES),
        )
        _ENERGY.pack_into(self.frame, 104, run_s * WATTS["knit"]["run"] // 36_000)
        return self.frame

    def worked(self, now_s: int) -> tuple[int, int, tuple[int, int, int]]:
        """Seconds of running and of stops up to ``now_s``, counted in its own past, and the phase then."""
        cycles, into = divmod((now_s + self._offset_s) % _LIFE_S, CYCLE_S)
        run_s, stop_s = cycles * RUN_S + min(into, RUN_S), cycles * STOP_S
        if into < RUN_S:
            return run_s, stop_s, _RUN
        if into < RUN_S + STOP_S:
            return run_s, stop_s + into - RUN_S, _STOP
        return run_s, stop_s + STOP_S, _SETUP


_LIFE_S: Final = 1 << 28
"""Counters start again after eight years, which is no concern of a rehearsal."""
