"""Instants as people write and read them. Pure: now is an argument."""

import re
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from contract.names import TIME_LIMIT

_AHEAD: Final = re.compile(r"\+(\d{1,6})([smhd])")
_UNIT_MS: Final = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}


def parse_instant(text: str, now: int) -> int:
    """``now``, ``+10m`` (s, m, h, d) or ISO 8601 with its offset from UTC, as UTC ms. Raises ValueError."""
    if text == "now":
        return now
    if ahead := _AHEAD.fullmatch(text):
        return _bounded(text, now + int(ahead[1]) * _UNIT_MS[ahead[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no instant: give now, +10m or 2026-11-23T08:00+08:00") from None
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} could be any time zone: add its offset, as in {text}+08:00")
    return _bounded(text, round(moment.timestamp() * 1000))


def _bounded(text: str, milliseconds: int) -> int:
    if milliseconds < 0:
        raise ValueError(f"{text!r} is before 1970")
    if milliseconds >= TIME_LIMIT:
        raise ValueError(f"{text!r} is beyond the year 2262, which no store can hold")
    return milliseconds


def shown(ms: int, zone: ZoneInfo) -> str:
    """An instant for a person, local with its offset, so that it can be typed in again; any integer."""
    if not 0 <= ms < TIME_LIMIT:
        return f"{ms} ms"
    return datetime.fromtimestamp(ms // 1000, zone).isoformat(" ")


def lasted(ms: int) -> str:
    """A duration for a person, in its two largest units."""
    seconds = max(0, ms) // 1000
    parts = [
        (seconds // 86_400, "d"),
        (seconds // 3600 % 24, "h"),
        (seconds // 60 % 60, "min"),
        (seconds % 60, "s"),
    ]
    first = next((i for i, (amount, _) in enumerate(parts) if amount), len(parts) - 1)
    return " ".join(f"{amount} {unit}" for amount, unit in parts[first : first + 2])
