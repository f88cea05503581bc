"""What is wanted on disk and is not there yet: in order by machine, the last checkpoint only. Pure."""

from typing import Final

from edge_agent.held import Put

_FIRST_RETRY_S: Final = 1.0
_LONGEST_RETRY_S: Final = 30.0


def retry_after_s(failures: int) -> float:
    """How long to leave the disk alone that has refused ``failures`` times before: 1 s, doubling to 30 s."""
    return min(_FIRST_RETRY_S * 2.0 ** min(failures, 10), _LONGEST_RETRY_S)


def behind(before: Put, later: Put) -> Put:
    """Both as one: the records in order, the checkpoint of the later, if it has one."""
    return Put(
        machine=before.machine,
        records=(*before.records, *later.records),
        checkpoint=before.checkpoint if later.checkpoint is None else later.checkpoint,
    )


class Wanted:
    """``take`` hands out what there is, to be written in one transaction; then ``done`` or ``restore``."""

    def __init__(self) -> None:
        self._puts: dict[str, Put] = {}
        self._taken: dict[str, Put] = {}
        self.records = 0
        """Not on disk yet, those taken included."""

    @property
    def machines(self) -> int:
        """With anything that is not on disk yet."""
        return len(self._puts.keys() | self._taken.keys())

    def add(self, put: Put) -> None:
        before = self._puts.get(put.machine)
        self._puts[put.machine] = put if before is None else behind(before, put)
        self.records += len(put.records)

    def take(self) -> tuple[Put, ...]:
        self._taken, self._puts = self._puts, {}
        return tuple(self._taken.values())

    def done(self) -> None:
        self.records -= sum(len(put.records) for put in self._taken.values())
        self._taken = {}

    def restore(self) -> None:
        """What was taken is wanted still, before what came since."""
        for machine, later in self._puts.items():
            before = self._taken.get(machine)
            self._taken[machine] = later if before is None else behind(before, later)
        self._puts, self._taken = self._taken, {}
