r"""The alphabets of DESIGN 4: what may stand in a topic, a tag or a record.

Patterns end in ``\Z`` because ``$`` would let a trailing line feed through.
"""

import re
from typing import Annotated, Final

from msgspec import Meta

NONE: Final = "none"
"""Written where there is nothing: a tag or a string field is never empty and never left out."""
DISPUTED: Final = "disputed"
"""Tenant or order of a gap during which it changed, for a person to split."""
RESERVED: Final = frozenset({NONE, DISPUTED})

NAME: Final = r"\A[a-z0-9][a-z0-9._-]{0,63}\Z"
ORDER_ID: Final = r"\A[A-Za-z0-9._-]{1,64}\Z"
QUANTITY: Final = r"\A[a-z][a-z0-9_]{0,39}\Z"
HEX64: Final = r"\A[0-9a-f]{64}\Z"
HEX128: Final = r"\A[0-9a-f]{128}\Z"
LABEL: Final = r"\A[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,127}\Z"
TEXT: Final = r"\A[^\x00-\x1f\x7f]{1,512}\Z"

INT64_MAX: Final = 2**63 - 1
"""The largest integer that every store holds."""
TIME_LIMIT: Final = INT64_MAX // 1_000_000
"""The first millisecond (UTC) that InfluxDB, which counts nanoseconds, cannot hold: in the year 2262."""

Name = Annotated[str, Meta(pattern=NAME)]
OrderId = Annotated[str, Meta(pattern=ORDER_ID)]
Hex64 = Annotated[str, Meta(pattern=HEX64)]
Hex128 = Annotated[str, Meta(pattern=HEX128)]
Label = Annotated[str, Meta(pattern=LABEL)]
"""A version, a profile, a time zone, the id of a message: printable, without spaces."""
Text = Annotated[str, Meta(pattern=TEXT)]
"""What a person typed (any script), without control characters."""
DECIMAL: Final = r"\A\d{1,18}(?:\.\d{1,9})?\Z"

QuantityName = Annotated[str, Meta(pattern=QUANTITY)]
Decimal = Annotated[str, Meta(pattern=DECIMAL)]
"""A number as a person reads it: digits, and a point with more digits."""
Count = Annotated[int, Meta(ge=0, le=INT64_MAX)]
Ms = Annotated[int, Meta(ge=0, le=INT64_MAX)]
"""Milliseconds: an instant since the Unix epoch in UTC, or a duration."""

_name, _order = re.compile(NAME), re.compile(ORDER_ID)


def is_tenant(text: str) -> bool:
    """Whether a fact may say so of a tenant: a name, or that it is nobody."""
    return _name.match(text) is not None


def is_order(text: str) -> bool:
    """Likewise of an order."""
    return _order.match(text) is not None


def is_name(text: str) -> bool:
    """Whether ``text`` may name a site, area, machine, gateway, kind or tenant of somebody."""
    return is_tenant(text) and text not in RESERVED


def is_order_id(text: str) -> bool:
    return is_order(text) and text not in RESERVED
