"""An InfluxDB as the place where gauges rest for a while; it forgets by itself."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from contract.gauges import Point, line
from store.answers import Meaning
from store.gauge_store import GaugeInfluxConfig, GaugesLostError
from store.generation import Generation
from store.influx_http import AwayError, InfluxLink
from store.influx_place import prepare


class InfluxGauges:
    def __init__(self, link: InfluxLink, config: GaugeInfluxConfig) -> None:
        self._link, self._config = link, config
        self._generation: Generation | None = None
        """None until it was asked, and again after any trouble: another may answer then."""

    async def write(self, points: Sequence[Point]) -> None:
        try:
            if self._generation is None:
                self._generation = await prepare(self._link, self._config, may_create=True)
        except AwayError as error:
            raise GaugesLostError(error.answer.detail) from error
        send = self._link.write_v2 if self._generation.has_v2_write else self._link.write
        answer = await send("\n".join(map(line, points)).encode())
        if answer.meaning is not Meaning.STORED:
            self._generation = None
            raise GaugesLostError(answer.detail)


@asynccontextmanager
async def open_influx_gauges(config: GaugeInfluxConfig) -> AsyncIterator[InfluxGauges]:
    """Asks nothing yet: an InfluxDB that is away does not keep this from opening."""
    async with InfluxLink.opened(config) as link:
        yield InfluxGauges(link, config)
