"""One machine for one shift: its story, and its registers at any instant."""

import random
from collections.abc import Mapping

from simulators import behaviour, load
from simulators.device import HOLDING, Image
from simulators.header import Identity
from simulators.kinds import TYPES
from simulators.machine_type import MachineType, Seat
from simulators.records import Machine, Plant
from simulators.totals import Moment, Totals


class Script:
    """A pure function of plant, machine and start instant; the start only shifts it in time."""

    def __init__(self, machine: Machine, plant: Plant, start_ms: int) -> None:
        self.machine, self.type = machine, TYPES[machine.kind]
        self.leases = plant.leases_of(machine.name)
        self.start_ms = start_ms
        self.end_ms = start_ms + plant.duration_ms
        self.story = (load if self.type.flow else behaviour).tell(machine, plant)
        dice = random.Random(f"{plant.seed}/{plant.site}/{machine.name}/first")
        self.first: Mapping[str, int] = _first(machine, self.type, dice)
        """Each counter's value at the start."""
        seat = Seat(
            it=_identity(machine, self.type, self.first, dice),
            first=self.first,
            orders={order.number: order for order in plant.orders_of(machine.name)},
            story=self.story,
            seed=f"{plant.seed}/{plant.site}/{machine.name}",
        )
        self._map = self.type.make(seat)
        self._totals = Totals(self.story, self.type.watts, self.type.classes, self._map.rates)

    def image(self, now_ms: int) -> Image:
        """What the machine answers at `now_ms`, before, during and after the shift."""
        offset = now_ms - self.start_ms
        return self._map.image(self._totals.at(offset), offset, now_ms)

    def registers(self, now_ms: int) -> list[int]:
        """Its holding registers, of a machine that has them in one piece from 0 on."""
        ((_, words),) = self.image(now_ms)[HOLDING]
        return list(words)

    def moment(self, now_ms: int) -> Moment:
        """What has been counted since the start, before it is put into registers."""
        return self._totals.at(now_ms - self.start_ms)

    def counted(self, now_ms: int) -> dict[str, int]:
        """How far each quantity has moved since the start; see `Map.counted`."""
        return self._map.counted(self.moment(now_ms))


def build_scripts(plant: Plant, start_ms: int) -> dict[str, Script]:
    """All machines of a plant by name, starting at `start_ms` (UTC epoch ms)."""
    return {machine.name: Script(machine, plant, start_ms) for machine in plant.machines}


def _identity(machine: Machine, of: MachineType, first: Mapping[str, int], dice: random.Random) -> Identity:
    return Identity(
        map_id=of.map_id,
        serial=machine.serial,
        boot_count=first["boot_count"],
        uptime_ms=dice.randrange(3_600_000, 20 * 24 * 3_600_000),
        clock_off_s=dice.randint(-90, 90),
    )


def _first(machine: Machine, of: MachineType, dice: random.Random) -> dict[str, int]:
    """Some months of service, and what the plant file says instead."""
    run_s, boots = dice.randrange(2_000_000, 9_000_000), dice.randrange(3, 90)
    events = {name: dice.randrange(2**10) for name, bits in of.counters.items() if bits == 16}
    return (
        {"boot_count": boots, "power_on_s": run_s * 3 // 2} | of.after(run_s) | events | dict(machine.initial)
    )
