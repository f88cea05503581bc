"""Evidence beside the store: rows that were frozen and are not there any more as they were. Pure."""

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from billing.period import shown
from contract.series import Row

Key = tuple[int, tuple[tuple[str, str], ...]]


def key_of(row: Row) -> Key:
    return row.time, tuple(sorted(row.tags.items()))


def record_of(row: Row, zone: ZoneInfo) -> str:
    """Which record or fact a row is, for a person: series, machine, epoch, sequence or id, and time."""
    number = row.fields.get("sequence", row.fields.get("id", ""))
    named = (row.tags.get("machine", ""), row.tags.get("epoch", ""), str(number))
    return f"{row.series} {'/'.join(filter(None, named))}, {shown(row.time, zone)}"


def differences(kept: Mapping[Key, Row], stored: Mapping[Key, Row], zone: ZoneInfo) -> Iterator[str]:
    """Of a day of one series. What is stored only came later, and is for an adjustment."""
    for key, row in kept.items():
        other = stored.get(key)
        if other is None:
            yield f"{record_of(row, zone)}: is in the evidence, and in the store no more"
        elif other.fields != row.fields:
            yield f"{record_of(row, zone)}: {'; '.join(_fields(row, other))}"


def _fields(kept: Row, stored: Row) -> Iterator[str]:
    for name in sorted({*kept.fields, *stored.fields}):
        one, other = kept.fields.get(name, "nothing"), stored.fields.get(name, "nothing")
        if one != other:
            yield f"{name} is {other} in the store, {one} in the evidence"
