"""One machine for one shift: its story, and its registers at any instant."""

import random
from collections.abc import Mapping
from typing import Final

from simulators import knit, weld
from simulators.behaviour import tell
from simulators.header import Identity
from simulators.kinds import COUNTERS
from simulators.knit import Knit
from simulators.records import Machine, Plant
from simulators.totals import Moment, Totals
from simulators.weld import Weld

REGISTERS: Final = 56
"""Both maps occupy addresses 0 to 55."""


class Script:
    """A pure function of plant, machine and start instant; the start only shifts it in time."""

    def __init__(self, machine: Machine, plant: Plant, start_ms: int) -> None:
        self.machine = machine
        self.start_ms = start_ms
        self.end_ms = start_ms + plant.duration_ms
        self.story = tell(machine, plant)
        dice = random.Random(f"{plant.seed}/{plant.site}/{machine.name}/first")
        self.first: Mapping[str, int] = _first(machine, dice)
        """Each counter's value at the start."""
        self._totals = Totals(self.story, machine.kind)
        self._map = self._make_map(plant, _identity(machine, self.first, dice))

    def registers(self, now_ms: int) -> list[int]:
        """Registers 0 to 55 as they are read at `now_ms`, before, during and after the shift."""
        offset = now_ms - self.start_ms
        return self._map.registers(self._totals.at(offset), offset, now_ms)

    def moment(self, now_ms: int) -> Moment:
        """What has been counted since the start, before it is put into registers."""
        return self._totals.at(now_ms - self.start_ms)

    def _make_map(self, plant: Plant, it: Identity) -> Knit | Weld:
        orders = {order.number: order for order in plant.orders_of(self.machine.name)}
        if self.machine.kind == "knit":
            return Knit(it, self.first, orders)
        return Weld(it, self.first, orders, self.story.pieces)


def build_scripts(plant: Plant, start_ms: int) -> dict[str, Script]:
    """All machines of a plant by name, starting at `start_ms` (UTC epoch ms)."""
    return {machine.name: Script(machine, plant, start_ms) for machine in plant.machines}


def _identity(machine: Machine, first: Mapping[str, int], dice: random.Random) -> Identity:
    return Identity(
        map_id=knit.MAP_ID if machine.kind == "knit" else weld.MAP_ID,
        serial=machine.serial,
        boot_count=first["boot_count"],
        uptime_ms=dice.randrange(3_600_000, 20 * 24 * 3_600_000),
        clock_off_s=dice.randint(-90, 90),
    )


def _first(machine: Machine, dice: random.Random) -> dict[str, int]:
    """Some months of service, and what the plant file says instead."""
    run_s, boots = dice.randrange(2_000_000, 9_000_000), dice.randrange(3, 90)
    served = knit.after(run_s) if machine.kind == "knit" else weld.after(run_s)
    events = {name: dice.randrange(2**10) for name, bits in COUNTERS[machine.kind].items() if bits == 16}
    return {"boot_count": boots, "power_on_s": run_s * 3 // 2} | served | events | dict(machine.initial)
