"""The HTTP of an InfluxDB: ping, query, write and the little that creates a bucket. No decisions here."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, Self, TypeVar

import msgspec
from aiohttp import ClientConnectorError, ClientError, ClientResponse, ClientSession, ClientTimeout
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException

from store import results
from store.answers import Answer, Meaning, answer, away
from store.config import InfluxConfig
from store.credentials import Credentials
from store.generation import Generation, generation
from store.results import Document

_T = TypeVar("_T")
CHUNK_ROWS: Final = 2000
"""Rows in one document of an answer."""


class AwayError(Exception):
    """The database cannot be used now."""

    def __init__(self, what: Answer) -> None:
        super().__init__(what.detail)
        self.answer = what


class InfluxLink:
    """Requests to one InfluxDB. Connections are opened when needed and kept."""

    def __init__(self, config: InfluxConfig, session: ClientSession, client: InfluxDBClientAsync) -> None:
        self._config = config
        self._session = session
        self._writer = client.write_api()

    @classmethod
    @asynccontextmanager
    async def opened(cls, config: InfluxConfig) -> AsyncIterator[Self]:
        secrets, timeout = Credentials.of(config), ClientTimeout(total=config.timeout_s)
        async with (
            ClientSession(headers=secrets.headers, timeout=timeout) as session,
            InfluxDBClientAsync(
                config.url, token=secrets.token, org=config.org, timeout=timeout, allow_redirects=False
            ) as client,
        ):
            yield cls(config, session, client)

    @asynccontextmanager
    async def _request(self, method: str, path: str, **more: Any) -> AsyncIterator[ClientResponse]:  # noqa: ANN401  aiohttp's own
        """Raises AwayError when there is no answer."""
        try:
            # A POST that is redirected would arrive as a GET.
            async with self._session.request(
                method, self._config.url + path, allow_redirects=False, **more
            ) as response:
                yield response
        except TimeoutError as error:
            raise AwayError(away(f"no answer within {self._config.timeout_s:g} s")) from error
        except (ClientError, OSError) as error:
            raise AwayError(away(f"no answer: {_told(error)}")) from error

    async def ping(self) -> Generation:
        """Raises AwayError."""
        async with self._request("GET", "/ping") as response:
            if response.status >= 300:
                raise AwayError(await _answer(response))
            if found := generation(response.headers):
                return found
            raise AwayError(away(f"{self._config.url} is not an InfluxDB"))

    async def query(self, text: str) -> AsyncIterator[Document]:
        """The answer to InfluxQL, a document at a time. Raises AwayError, also in the middle."""
        form = {"q": text, "db": self._config.database, "epoch": "ms"}
        form |= {"chunked": "true", "chunk_size": str(CHUNK_ROWS)}
        # An answer may take long as a whole, but not between two pieces.
        timeout = ClientTimeout(sock_connect=self._config.timeout_s, sock_read=self._config.timeout_s)
        async with self._request("POST", "/query", data=form, timeout=timeout) as response:
            if response.status >= 300:
                raise AwayError(await _answer(response))
            more = True
            async for line in results.lines(response.content.iter_any()):
                if line.strip():
                    document = _document(line)
                    more = document.is_partial
                    yield document
            if more:
                raise AwayError(away("the answer to a query ends in the middle"))

    async def write(self, body: bytes) -> Answer:
        """The answer of `/write`."""
        where = {"db": self._config.database, "precision": "ms"}
        try:
            async with self._request("POST", "/write", params=where, data=body) as response:
                return await _answer(response)
        except AwayError as error:
            return error.answer

    async def write_v2(self, body: bytes) -> Answer:
        """The answer of `/api/v2/write`."""
        try:
            stored = await self._writer.write(
                self._config.database,
                self._config.org,
                body,
                write_precision=WritePrecision.MS,  # type: ignore[arg-type]  # its members are str
            )
        except ApiException as error:
            return answer(error.status or 0, _text(error.body), error.headers or {})
        except TimeoutError:
            return away(f"no answer within {self._config.timeout_s:g} s")
        except (ClientError, OSError) as error:
            return away(f"no answer: {_told(error)}")
        return Answer(meaning=Meaning.STORED) if stored else away("the write was not confirmed")

    async def api(self, method: str, path: str, kind: type[_T], **more: Mapping[str, Any]) -> _T | None:
        """An object of the management interface; None where there is none (404). Raises AwayError."""
        async with self._request(method, path, **more) as response:
            if response.status == 404:
                return None
            if response.status >= 300:
                raise AwayError(await _answer(response))
            try:
                return msgspec.json.decode(await response.read() or b"null", type=kind)
            except (ValueError, RecursionError) as error:
                raise AwayError(away(f"the answer of {path} is not understood: {error}")) from error


async def _answer(response: ClientResponse) -> Answer:
    return answer(response.status, await response.text("utf-8", "replace"), response.headers)


def _document(line: bytes) -> Document:
    try:
        document = results.document(line)
    except msgspec.DecodeError as error:
        raise AwayError(away(f"an answer is not understood: {error}")) from error
    if document.trouble:
        raise AwayError(away(document.trouble))
    return document


def _text(body: object) -> str:
    return body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")


def _told(error: Exception) -> str:
    """Aiohttp says more of a connection that cannot be made than helps anybody."""
    if isinstance(error, ClientConnectorError):
        why = error.os_error.strerror or error.os_error
        return f"{error.host}:{error.port}: {why}; does InfluxDB run there?"
    return str(error)
