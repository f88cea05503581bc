"""What an answer of InfluxDB to a write means. A refusal is read, not assumed (DESIGN 5).

The texts were seen in InfluxDB 1.6.7 and 2.7.12; for 3 they are those of its documentation. A text that is
not in the table is never taken for the fault of a line.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from msgspec import Struct

from contract.messages import ExceptionReason

LONGEST_WAIT_MS: Final = 600_000
"""No Retry-After is obeyed for longer."""


class Meaning(StrEnum):
    STORED = "stored"
    REFUSED = "refused"
    """Some line or the size of the whole: other lines may pass."""
    AWAY = "away"
    """Nothing about the lines: none can be written now."""


class Answer(Struct, frozen=True, kw_only=True):
    meaning: Meaning
    reason: ExceptionReason | None = None
    """Of a refusal: what is wrong with a line sent alone; None when it is not the line's fault."""
    detail: str = ""
    retry_after_ms: int = 0


# The words may stand behind these beginnings only: further on, a text quotes what a tenant typed.
_BEGINNING: Final = r"\A(?:failure writing points to database: )?(?:partial write: )?"
_TEXTS: Final = tuple(
    (re.compile(_BEGINNING + words), reason)
    for words, reason in (
        (r"unable to parse ", ExceptionReason.INVALID),
        (r"points beyond retention policy", ExceptionReason.RETENTION),
        (r"dropped \d+ points outside retention policy", ExceptionReason.RETENTION),
        (r"field type conflict", ExceptionReason.TYPE),
        (r"invalid column type for column", ExceptionReason.TYPE),
    )
)


def answer(status: int, body: str, headers: Mapping[str, str]) -> Answer:
    """``headers`` finds its names whatever their case."""
    text = message(body)
    detail = f"{status} {text}".strip()
    if status == 204:  # the only success of a write; a 200 with a page comes from something in between
        return Answer(meaning=Meaning.STORED)
    if status in (400, 422):  # malformed; understood and refused
        return Answer(meaning=Meaning.REFUSED, reason=_reason(text), detail=detail)
    if status == 413:  # too large
        return Answer(meaning=Meaning.REFUSED, detail=detail)
    return Answer(meaning=Meaning.AWAY, detail=detail, retry_after_ms=wait_ms(headers))


def away(detail: str) -> Answer:
    """There was no answer, or one that ends the attempt."""
    return Answer(meaning=Meaning.AWAY, detail=detail)


def _reason(text: str) -> ExceptionReason | None:
    return next((reason for pattern, reason in _TEXTS if pattern.search(text)), None)


def message(body: str) -> str:
    """What the body says: `error` in 1.x, `message` in 2.x, the first of `data` in 3.x, or itself."""
    try:
        said = msgspec.json.decode(body.encode(), type=dict[str, Any])
    except (ValueError, RecursionError):  # no JSON, or nested without bottom
        return body
    match said:
        case {"data": [{"error_message": str(text)}, *_]}:
            return text
        case {"error": str(text)} | {"message": str(text)}:
            return text
    return body


def wait_ms(headers: Mapping[str, str]) -> int:
    """Retry-After (RFC 9110, 10.2.3), a number of seconds or a date; the latter against the answer's Date."""
    wanted = headers.get("Retry-After", "").strip()
    if wanted.isascii() and wanted.isdigit():
        return min(int(wanted[:9]) * 1000, LONGEST_WAIT_MS)  # Python refuses thousands of digits
    try:
        pause = parsedate_to_datetime(wanted) - parsedate_to_datetime(headers.get("Date", ""))
    except (ValueError, TypeError):
        return 0
    return max(0, min(int(pause.total_seconds() * 1000), LONGEST_WAIT_MS))
