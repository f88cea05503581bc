"""InfluxDB line protocol: a row as the bytes that every InfluxDB generation takes."""

from collections.abc import Iterable
from typing import Final

from contract.series import Row, Value

_MEASUREMENT: Final = str.maketrans({",": r"\,", " ": r"\ "})
_KEY: Final = str.maketrans({",": r"\,", "=": r"\=", " ": r"\ "})
_STRING: Final = str.maketrans({'"': r"\"", "\\": r"\\"})


def _value(value: Value) -> str:
    return f"{value}i" if isinstance(value, int) else f'"{value.translate(_STRING)}"'


def line(row: Row) -> str:
    """One point with its time in milliseconds; tags and fields sorted, so equal rows are equal bytes."""
    tags = "".join(f",{k.translate(_KEY)}={v.translate(_KEY)}" for k, v in sorted(row.tags.items()))
    fields = ",".join(f"{k.translate(_KEY)}={_value(v)}" for k, v in sorted(row.fields.items()))
    return f"{row.series.translate(_MEASUREMENT)}{tags} {fields} {row.time}"


def lines(rows: Iterable[Row]) -> bytes:
    return "\n".join(map(line, rows)).encode()
