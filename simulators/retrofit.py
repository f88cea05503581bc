"""A small I/O module wired to a machine whose controller tells nothing: contacts, lamps, a pulse per piece.

Discrete inputs 0 to 4: mains of the machine, running, piece, red lamp, amber lamp. Coils 0 to 3: the module's
own relays, unused. Input registers: 0 the inputs as one word, 1 the pulses at input 2, 2 and 3 for how many
seconds the module is up. It counts in 16 bits and forgets with its supply, as such modules do.
"""

from collections.abc import Mapping
from typing import Final

from simulators import knit
from simulators.device import COILS, DISCRETE_INPUTS, INPUT, Image
from simulators.header import Identity, abcd, uptime_s
from simulators.machine_type import MachineType
from simulators.totals import Moment, Rate

PULSE_MS: Final = 300
"""How long the contact stays closed for a piece."""
INPUTS: Final = 8


class Retrofit:
    """Turns a moment of a machine into what the module's terminals see."""

    rates: Mapping[str, Rate] = {}

    def __init__(self, it: Identity, first: Mapping[str, int]) -> None:
        self._it, self._first = it, first

    def image(self, now: Moment, offset: int, _now_ms: int) -> Image:
        inputs = _inputs(now, offset)
        pulses = now.since_boot + (0 if now.boots else self._first["pulses"])
        word = sum(bit << n for n, bit in enumerate(inputs))
        return {
            DISCRETE_INPUTS: ((0, inputs),),
            COILS: ((0, [0] * 4),),
            INPUT: ((0, [word, pulses & 0xFFFF, *abcd(uptime_s(self._it, now, offset))]),),
        }

    def counted(self, now: Moment) -> dict[str, int]:
        return {"produced": now.pieces}


def _inputs(now: Moment, offset: int) -> list[int]:
    state = now.segment.state
    pulse = now.last is not None and 0 <= offset - now.last.at < PULSE_MS
    lit = (state != "off", state in ("run", "test"), pulse, state == "fault", state == "stop")
    return [*map(int, lit), *[0] * (INPUTS - len(lit))]


TYPE: Final = MachineType(
    kind="retrofit",
    profile="retrofit-io",
    counters={"boot_count": 32, "pulses": 16},
    after=lambda _: {},
    make=lambda seat: Retrofit(seat.it, seat.first),
    behaviour=knit.TYPE.behaviour,
    watts=knit.TYPE.watts,
    stops=knit.TYPE.stops,
    faults=knit.TYPE.faults,
    pieces=frozenset({"produced"}),
    shows={"test": "run", "setup": "idle", "maint": "idle"},
    shows_code=False,
    shows_order=False,
    volatile=True,
    most_registers=16,
)
