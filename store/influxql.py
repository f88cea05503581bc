"""InfluxQL as text: what is asked over `/query`, in the dialect that InfluxDB 1.x, 2.x and 3.x share."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from contract.series import BY_NAME, METER, STATE, Row, Series
from store.naming import RANGED, Life

DAY_MS: Final = 86_400_000
GAP_MS: Final = 3_600_000
"""Rows further apart are looked for in questions of their own, or one late row would ask for weeks."""
MOST_ROWS: Final = 200
"""Looked for in one question."""
NEAR_NAMES: Final = 100
"""Sequences nearer than this are asked for as one range."""
MOST_RANGES: Final = 50
"""Asked for in one question."""

_NOBODY: Final = "\n"
_IN_NAME: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_IN_TEXT: Final = str.maketrans({"\\": "\\\\", "'": "\\'", "\n": "\\n"})


def name(identifier: str) -> str:
    return f'"{identifier.translate(_IN_NAME)}"'


def text(value: str) -> str:
    return f"'{value.translate(_IN_TEXT)}'"


def _having(tags: Mapping[str, str]) -> str:
    return " AND ".join(f"{name(tag)} = {text(value)}" for tag, value in tags.items())


def select(series: Series, start: int, end: int, tags: Mapping[str, str], tail: str = "") -> str:
    """The rows with time in ``[start, end)``, in order of time."""
    return f"SELECT * {_of(series, start, end, tags)}{tail}"


def of_machines(names: Iterable[str]) -> str:
    """Behind ``select``: of these alone. Of many, one pattern is found faster than each of them."""
    anyone = "|".join(re.escape(each).replace("/", r"\/") for each in names)
    being = f"=~ /^(?:{anyone})$/" if anyone else f"= {text(_NOBODY)}"
    return f" AND {name('machine')} {being}"


def machines(series: Series, tags: Mapping[str, str]) -> str:
    """The names of all machines that have rows, as `value`."""
    having = f" WHERE {_having(tags)}" if tags else ""
    return f"SHOW TAG VALUES FROM {name(series.name)} WITH KEY = {name('machine')}{having}"


def count(series: Series, start: int, end: int, tags: Mapping[str, str]) -> str:
    """How many rows ``select`` would give, as `count`; nothing at all for none."""
    # Only fields can be counted, so it must be one that every row has.
    counted = "sequence" if "sequence" in series.fact.__struct_fields__ else "id"
    return f'SELECT count({name(counted)}) AS "count" {_of(series, start, end, tags)}'


def _of(series: Series, start: int, end: int, tags: Mapping[str, str]) -> str:
    having = f" AND {_having(tags)}" if tags else ""
    return f"FROM {name(series.name)} WHERE time >= {start}ms AND time < {end}ms{having}"


def first(series: Series, start: int, end: int, tags: Mapping[str, str]) -> str:
    return select(series, start, end, tags, " LIMIT 1")


def last(series: Series, start: int, end: int, tags: Mapping[str, str]) -> str:
    return select(series, start, end, tags, " ORDER BY time DESC LIMIT 1")


def newest(series: Iterable[str], lives: Iterable[Life], since: int = 0) -> str:
    """The newest row, at or after ``since``, of each series for each machine and epoch."""
    bound = f"time >= {since}ms AND " if since else ""
    return (
        f'SELECT last("sequence") AS "sequence" FROM {", ".join(map(name, series))} '  # noqa: S608  quoted
        f'WHERE {bound}({_living(lives)}) GROUP BY "machine", "epoch"'
    )


def _living(lives: Iterable[Life]) -> str:
    return " OR ".join(f"({_having({'machine': machine, 'epoch': epoch})})" for machine, epoch in lives)


def named(life: Life, ranges: Iterable[tuple[int, int]]) -> Iterator[str]:
    """Questions whose answers hold every record of ``life`` that is, or stands for, a sequence in ``ranges``.

    They cost a look at every record of the epoch: InfluxDB has no index of a field.
    """
    wanted = list(_ranges(ranges))
    while wanted:
        some, wanted = wanted[:MOST_RANGES], wanted[MOST_RANGES:]
        exact = (f'"sequence" >= {lo} AND "sequence" <= {hi}' for lo, hi in some)
        yield _named(life, (METER.name, STATE.name), '"sequence"', exact)
        around = (
            f'"sequence" >= {lo} AND ("sequence" <= {hi} OR "sequence_first" <= {hi})' for lo, hi in some
        )
        yield _named(life, sorted(RANGED), '"sequence", "sequence_first"', around)


def _named(life: Life, series: Iterable[str], fields: str, conditions: Iterable[str]) -> str:
    anyone = " OR ".join(f"({condition})" for condition in conditions)
    return (
        f"SELECT {fields} FROM {', '.join(map(name, series))} "  # noqa: S608  quoted
        f'WHERE {_living([life])} AND ({anyone}) GROUP BY "machine", "epoch"'
    )


def _ranges(ranges: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """``ranges`` in order, with those that lie near each other as one."""
    begun: tuple[int, int] | None = None
    for low, high in sorted(ranges):
        if begun and low - begun[1] <= NEAR_NAMES:
            begun = begun[0], max(begun[1], high)
            continue
        if begun:
            yield begun
        begun = low, high
    if begun:
        yield begun


def presence(rows: Iterable[Row]) -> Iterator[str]:
    """Questions whose answers hold every stored record of the machines and times of ``rows``, in short.

    One field costs InfluxDB a tenth of what all fields cost, and a record is seldom there already.
    """
    for series, together in _groups(rows):
        fields = ("sequence", "sequence_first") if series.name in RANGED else ("sequence",)
        yield _lookup(", ".join(map(name, (*fields, *series.tags))), series, together)


def contents(rows: Iterable[Row]) -> Iterator[str]:
    """Questions whose answers hold every stored row that has the key of one of ``rows``, and a few others."""
    for series, together in _groups(rows):
        yield _lookup("*", series, together)


def _groups(rows: Iterable[Row]) -> Iterator[tuple[Series, list[Row]]]:
    in_order = sorted(rows, key=lambda row: (row.series, row.time))
    for of_series, found in groupby(in_order, attrgetter("series")):
        for together in _near(found):
            yield BY_NAME[of_series], together


def _near(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """``rows``, in order of time, cut where there is a gap or too much to ask."""
    together: list[Row] = []
    for row in rows:
        if together and (row.time - together[-1].time > GAP_MS or len(together) >= MOST_ROWS):
            yield together
            together = []
        together.append(row)
    if together:
        yield together


def _lookup(what: str, series: Series, rows: Sequence[Row]) -> str:
    # Asking for every tag of every row would be exact and take ten times as long.
    tag = next(tag for tag in ("machine", "gateway", "site") if tag in series.tags)
    anyone = " OR ".join(_having({tag: value}) for value in dict.fromkeys(row.tags[tag] for row in rows))
    where = f"time >= {rows[0].time}ms AND time <= {rows[-1].time}ms AND ({anyone})"
    return f"SELECT {what} FROM {name(series.name)} WHERE {where}"  # noqa: S608  quoted above


def days(start: int, end: int) -> Iterator[tuple[int, int]]:
    """``[start, end)`` cut at midnight UTC."""
    while start < end:
        midnight = (start // DAY_MS + 1) * DAY_MS
        yield start, min(midnight, end)
        start = midnight


def create_database(database: str, retention_days: int) -> str:
    """For 1.x, where it changes nothing if the database is there with the same retention."""
    duration = f" WITH DURATION {retention_days}d" if retention_days else ""
    return f"CREATE DATABASE {name(database)}{duration}"
