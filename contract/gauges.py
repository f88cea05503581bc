"""What machines show, on its way to whoever looks: floats, outside custody, never metered and never billed.

A message is worth something until the next one comes. It goes out once (QoS 0), is not retained, has no
receipt, and rests in a database or bucket of its own. There is one golden file per form, as for all else.
"""

import math
from typing import Final

import msgspec
from msgspec import Struct

from contract.names import Ms, Name, QuantityName

SERIES: Final = "gauge"
TAGS: Final = ("site", "area", "machine", "kind")
RESERVED: Final = frozenset({*TAGS, "time"})
"""What no gauge is called: a column beside the gauges has the name already."""


class Gauges(Struct, frozen=True, kw_only=True):
    """What a machine's gauges showed at one instant. Those without a value are left out."""

    machine: Name
    area: Name
    kind: Name
    at: Ms
    values: dict[QuantityName, float]


class Point(Struct, frozen=True, kw_only=True):
    """The same with its site, ready to be stored."""

    site: str
    shown: Gauges


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Gauges)


def encode(gauges: Gauges) -> bytes:
    return _encoder.encode(gauges)


def decode(site: str, machine: str, payload: bytes) -> Point | str:
    """The point of a message on the topic of ``machine``, or what is wrong with it."""
    try:
        gauges = _decoder.decode(payload)
    except msgspec.DecodeError as error:
        return str(error)
    if gauges.machine != machine:
        return f"speaks for {gauges.machine} on the topic of {machine}"
    if not gauges.values:
        return "shows nothing"
    if odd := [name for name, value in gauges.values.items() if name in RESERVED or not math.isfinite(value)]:
        return f"has a gauge {min(odd)!r}, which is no name or no number"
    return Point(site=site, shown=gauges)


def line(point: Point) -> str:
    """InfluxDB line protocol, time in milliseconds. ``point`` has at least one value.

    Nothing has to be escaped: names have none of its characters, and numbers are never whole to it.
    """
    shown = point.shown
    fields = ",".join(f"{name}={float(value)!r}" for name, value in sorted(shown.values.items()))
    tags = f"area={shown.area},kind={shown.kind},machine={shown.machine},site={point.site}"
    return f"{SERIES},{tags} {fields} {shown.at}"
