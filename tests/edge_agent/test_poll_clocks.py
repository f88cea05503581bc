"""The two clocks are read as one: a process may be stopped between any two instructions."""

from collections.abc import Iterator

from edge_agent.line import Jump, Line, follow
from edge_agent.poll import both

START_MS = 1_790_380_800_000


class Stopped:
    """A clock that ticks a millisecond a reading, and by ``pauses`` before some of them."""

    def __init__(self, pauses: dict[int, int]) -> None:
        self._pauses, self._readings, self._now = pauses, 0, 0

    def _read(self) -> int:
        self._now += 1 + self._pauses.get(self._readings, 0)
        self._readings += 1
        return self._now

    def wall_ms(self) -> int:
        return START_MS + self._read()

    def mono_ms(self) -> int:
        return self._read()

    async def sleep_until(self, mono_ms: int) -> None:
        raise NotImplementedError


def pauses() -> Iterator[dict[int, int]]:
    return ({reading: 600_000} for reading in range(6))


def test_a_pause_between_the_readings_of_two_clocks_is_no_step_of_the_wall_clock() -> None:
    for stopped in pauses():
        line = Line(wall=START_MS, mono=0)
        _, jump = follow(line, *both(Stopped(stopped)))
        assert jump is Jump.NONE, stopped


def test_clocks_that_never_read_together_are_read_all_the_same() -> None:
    always = dict.fromkeys(range(100), 2_000)
    wall, mono = both(Stopped(always))
    assert wall - START_MS < mono
