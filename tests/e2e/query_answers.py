"""Asks a database as the page says, and gives every answer the same shape: rows by column."""

import json
import sqlite3
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
Answer = list[dict[str, Any]]


class Server(Struct, frozen=True, kw_only=True):
    """An InfluxDB; the token is for 2.x."""

    url: str
    database: str
    token: str = ""


def local(instant: int) -> str:
    """UTC ms as local time to the second, as SQLite prints it."""
    return datetime.fromtimestamp(instant // 1000, UTC).astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M:%S")


def ask_influx(server: Server, query: str) -> Answer:
    form = urllib.parse.urlencode({"q": query, "db": server.database, "epoch": "ms"}).encode()
    headers = {"Authorization": f"Token {server.token}"} if server.token else {}
    request = urllib.request.Request(f"{server.url}/query", form, headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return list(_rows(json.load(answer)))


def forget_bucket(server: Server) -> None:
    """Deletes the bucket of an InfluxDB 2.x."""
    url, headers = f"{server.url}/api/v2/buckets", {"Authorization": f"Token {server.token}"}
    named = urllib.request.Request(f"{url}?name={server.database}", headers=headers)
    with urllib.request.urlopen(named, timeout=20) as answer:
        ids = [bucket["id"] for bucket in json.load(answer)["buckets"]]
    for bucket in ids:
        gone = urllib.request.Request(f"{url}/{bucket}", headers=headers, method="DELETE")
        urllib.request.urlopen(gone, timeout=20).close()


def _rows(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for result in document["results"]:
        assert "error" not in result, result["error"]
        for series in result.get("series", []):
            for values in series["values"]:
                row = series.get("tags", {}) | dict(zip(series["columns"], values, strict=True))
                yield row | {"time": local(row["time"])}


def ask_sqlite(path: Path, query: str) -> Answer:
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        cursor = connection.execute(query)
        columns = [column[0] for column in cursor.description]
        return [dict(zip(columns, values, strict=True)) for values in cursor]
