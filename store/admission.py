"""Which rows every store can hold, so that moving from one store to another loses nothing.

The limits are InfluxDB's, the narrowest of all: 64-bit integers, strings below 64 KiB, instants that fit
into 64-bit nanoseconds. What no store may see is stopped here, before it is part of a request.
"""

from collections.abc import Iterable
from typing import Final, get_args

from contract.names import INT64_MAX, TIME_LIMIT
from contract.records import Record
from contract.series import ALL, BY_NAME, Row, Series, Value

STRING_BYTES: Final = 2**16 - 1

RECORD_SERIES: Final = frozenset(series.name for series in ALL if series.fact in get_args(Record))
"""Their rows have a name, machine + epoch + sequence, which no other row may have (DESIGN 5)."""


def check_tags(series: Series, tags: Iterable[str]) -> None:
    """Raises ValueError, because reading by a tag that a series does not have is a mistake in a program."""
    if unknown := set(tags) - set(series.tags):
        raise ValueError(f"{series.name} has no tag {', '.join(sorted(unknown))}")


def flaw(row: Row) -> str | None:
    """Why no store can hold the row, or None."""
    series = BY_NAME.get(row.series)
    if series is None:
        return f"there is no series {row.series!r}"
    if set(row.tags) != set(series.tags):
        return f"{row.series} has the tags {', '.join(series.tags)}, not {', '.join(row.tags)}"
    if type(row.time) is not int or not 0 <= row.time < TIME_LIMIT:
        return f"time {row.time!r} is not from 1970 to 2262"
    if not row.fields:
        return "there are no fields"
    if row.series in RECORD_SERIES and type(row.fields.get("sequence")) is not int:
        return "a record needs a sequence"
    flaws = [_tag_flaw(name, value) for name, value in row.tags.items()]
    flaws += [_field_flaw(name, value) for name, value in row.fields.items()]
    return next((found for found in flaws if found), _clash(row))


def _clash(row: Row) -> str | None:
    both = {*row.tags, "time"} & set(row.fields)
    return f"{', '.join(sorted(both))} cannot be a field too" if both else None


def _tag_flaw(name: str, value: str) -> str | None:
    # A backslash in a tag has no escape in line protocol, and before a comma it swallows the comma.
    if value and value.isprintable() and "\\" not in value:
        return _text_flaw(name, value)
    return f"tag {name} is {value!r}"


def _field_flaw(name: str, value: Value) -> str | None:
    if not (name and name.isascii() and name.isprintable() and "\\" not in name):
        return f"no field can be named {name!r}"
    if type(value) is int:
        return None if -INT64_MAX - 1 <= value <= INT64_MAX else f"{name} is beyond 64 bits"
    if type(value) is str:
        return _text_flaw(name, value)
    return f"{name} is neither an integer nor a text"


def _text_flaw(name: str, value: str) -> str | None:
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return f"{name} is not Unicode text"
    return f"{name} has {size} bytes, more than {STRING_BYTES}" if size > STRING_BYTES else None
