"""Which InfluxDB it is, by the version that it gives in its answer to `/ping`."""

import re
from collections.abc import Mapping

from msgspec import Struct

_VERSION = re.compile(r"\Av?(\d{1,3})\.(\d{1,3})")


class Generation(Struct, frozen=True):
    major: int
    minor: int

    @property
    def has_v2_write(self) -> bool:
        """Whether it takes `/api/v2/write`; without, it takes `/write`."""
        return (self.major, self.minor) >= (1, 8)

    @property
    def has_buckets(self) -> bool:
        """Whether a database is a bucket, made over `/api/v2/buckets`."""
        return self.major == 2


def generation(headers: Mapping[str, str]) -> Generation | None:
    """None when no InfluxDB answered. ``headers`` finds its names whatever their case."""
    found = _VERSION.match(headers.get("X-Influxdb-Version", ""))
    return Generation(int(found[1]), int(found[2])) if found else None
