"""InfluxDB as a store: 1.x, 2.x or 3.x, whichever answers at the address."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import msgspec

from contract.line import line
from contract.names import TIME_LIMIT
from contract.series import Row, Series
from contract.stored import Stored, row_of_stored
from store import influxql, results
from store.admission import check_tags, flaw
from store.answers import Answer, Meaning, away
from store.config import InfluxConfig
from store.generation import Generation
from store.halving import attempts
from store.influx_http import AwayError, InfluxLink
from store.influx_place import prepare
from store.looking import Known, look
from store.protocol import ALL_MACHINES, ANY, Machines, StoreAwayError, Written
from store.results import Document
from store.settling import Settlement, in_order, is_partly_shown

_T = TypeVar("_T")
LONG_MS = 31 * influxql.DAY_MS
"""Before a longer time is read day by day, its ends are looked for."""
WRITING_S: Final = (0.05, 0.2, 1.0)
"""How long another's writing of a row is waited for: what is still half there then is other content."""


class InfluxStore:
    def __init__(self, link: InfluxLink, config: InfluxConfig, *, read_only: bool) -> None:
        self._link = link
        self._config = config
        self._read_only = read_only
        self._writing = asyncio.Lock()
        """Between looking and sending nobody else may write."""
        self._generation: Generation | None = None
        """None until it was asked, and again after any trouble: another may answer then."""
        self._not_before = 0.0
        """Of the event loop's clock: the database asked to be left alone until then."""

    @property
    def retry_after_ms(self) -> int:
        return max(0, int((self._not_before - asyncio.get_running_loop().time()) * 1000))

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        async with self._writing:
            return await self._write(rows)

    async def _write(self, rows: Sequence[Row]) -> list[Written]:
        flaws = [flaw(row) for row in rows]
        fit = [row for row, found in zip(rows, flaws, strict=True) if not found]
        try:
            known = await self._settled(fit)
        except AwayError as error:
            return Settlement.of(rows, flaws, ()).all_kept(error.answer.detail)
        settlement = Settlement.of(rows, flaws, known.rows, known.claims)
        return settlement.conclude(await self._send([line(row) for row in settlement.to_send]))

    async def _settled(self, rows: Sequence[Row]) -> Known:
        """What is known once nobody is seen writing one of ``rows``. Raises AwayError."""
        known = await self._known(rows)
        for pause_s in WRITING_S:
            if not is_partly_shown(rows, known.rows):
                break
            await asyncio.sleep(pause_s)
            known = await self._known(rows)
        return known

    async def _known(self, rows: Sequence[Row]) -> Known:
        """Raises AwayError."""
        if wait := self.retry_after_ms:
            raise AwayError(away(f"the database asked to wait {wait} ms more"))
        await self._prepared()
        plan = look(rows)
        try:
            questions = next(plan)
            while True:
                questions = plan.send([row async for row in self._all(questions)])
        except StopIteration as done:
            known: Known = done.value
            return known

    async def _all(self, questions: Iterable[str]) -> AsyncIterator[Row]:
        for question in questions:
            async for row in self._rows(question):
                yield row

    async def _send(self, lines: Sequence[str]) -> list[Written]:
        plan = attempts(lines)
        try:
            piece = next(plan)
            while True:
                piece = plan.send(await self._post("\n".join(piece).encode()))
        except StopIteration as done:
            written: list[Written] = done.value
            return written

    async def _post(self, body: bytes) -> Answer:
        try:
            generation = await self._prepared()
        except AwayError as error:
            return error.answer
        write = self._link.write_v2 if generation.has_v2_write else self._link.write
        answer = await write(body)
        if answer.meaning is Meaning.AWAY:
            self._remember(answer)
        return answer

    async def read(
        self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY
    ) -> AsyncIterator[Row]:
        async for page in self.pages(series, start, end, tags):
            for stored in page:
                yield row_of_stored(stored, series)

    async def pages(
        self,
        series: Series,
        start: int,
        end: int,
        tags: Mapping[str, str] = ANY,
        among: Machines = ALL_MACHINES,
    ) -> AsyncIterator[Sequence[Stored]]:
        check_tags(series, [*tags, *(["machine"] if among != ALL_MACHINES else [])])
        try:
            await self._prepared()
            alone = "" if among == ALL_MACHINES else await self._alone(series, tags, among)
            async for first, last in self._stretches(series, max(0, start), min(end, TIME_LIMIT), tags):
                question = influxql.select(series, first, last, tags, alone)
                async for page in in_order(self._stored(question)):
                    yield page
        except AwayError as error:
            raise StoreAwayError(f"InfluxDB cannot be read: {error.answer.detail}") from error

    async def count(self, series: Series, start: int, end: int, tags: Mapping[str, str] = ANY) -> int:
        check_tags(series, tags)
        question = influxql.count(series, max(0, start), min(end, TIME_LIMIT), tags)
        try:
            await self._prepared()
            counts = [row.fields.get("count") async for row in self._rows(question)]
        except AwayError as error:
            raise StoreAwayError(f"InfluxDB cannot be read: {error.answer.detail}") from error
        return sum(count for count in counts if isinstance(count, int))

    async def _alone(self, series: Series, tags: Mapping[str, str], among: Machines) -> str:
        """It is asked which machines there are: a tag has no order in a question. Raises AwayError."""
        told = self._told(influxql.machines(series, tags), results.values)
        return influxql.of_machines(sorted({name async for names in told for name in names if name in among}))

    async def _stretches(
        self, series: Series, start: int, end: int, tags: Mapping[str, str]
    ) -> AsyncIterator[tuple[int, int]]:
        if not series.dense:
            yield start, end
            return
        if end - start > LONG_MS:
            earliest = [row.time async for row in self._rows(influxql.first(series, start, end, tags))]
            latest = [row.time async for row in self._rows(influxql.last(series, start, end, tags))]
            start, end = min(earliest, default=end), max(latest, default=start) + 1
        for day in influxql.days(start, end):
            yield day

    async def _rows(self, question: str) -> AsyncIterator[Row]:
        """Raises AwayError."""
        async for rows in self._told(question, results.rows):
            for row in rows:
                yield row

    def _stored(self, question: str) -> AsyncIterator[list[Stored]]:
        """Raises AwayError."""
        return self._told(question, results.stored)

    async def _told(self, question: str, told: Callable[[Document], _T]) -> AsyncIterator[_T]:
        """What each document of the answer says. Raises AwayError."""
        try:
            async for document in self._link.query(question):
                yield told(document)
        except msgspec.ValidationError as error:
            raise AwayError(away(f"an answer is not understood: {error}")) from error
        except AwayError as error:
            self._remember(error.answer)
            raise

    async def _prepared(self) -> Generation:
        """Raises AwayError."""
        if self._generation is None:
            try:
                self._generation = await prepare(self._link, self._config, may_create=not self._read_only)
            except AwayError as error:
                self._remember(error.answer)
                raise
        return self._generation

    def _remember(self, answer: Answer) -> None:
        self._generation = None
        if answer.retry_after_ms:
            self._not_before = asyncio.get_running_loop().time() + answer.retry_after_ms / 1000


@asynccontextmanager
async def open_influx(config: InfluxConfig, *, read_only: bool = False) -> AsyncIterator[InfluxStore]:
    """Asks nothing yet: an InfluxDB that is away does not keep this from opening."""
    async with InfluxLink.opened(config) as link:
        yield InfluxStore(link, config, read_only=read_only)
