"""Where the time line is cut, whatever the machine does: the grid, and midnight in the site's time zone.

Both are half-open boundaries: an instant on a boundary belongs to what begins there.
"""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


def grid(after: int, until: int, grid_ms: int) -> range:
    """Multiples of ``grid_ms`` since the Unix epoch in ``(after, until]``."""
    return range(after - after % grid_ms + grid_ms, until + 1, grid_ms)


def next_midnight(after: int, timezone: str) -> int:
    """The first local midnight later than ``after`` (UTC ms), daylight saving included."""
    zone = ZoneInfo(timezone)
    today = datetime.fromtimestamp(after // 1000, UTC).astimezone(zone).date()
    tomorrow = datetime.combine(today + timedelta(days=1), time(), tzinfo=zone)
    return int(tomorrow.timestamp()) * 1000


def midnights(after: int, until: int, timezone: str) -> list[int]:
    """Local midnights in ``(after, until]``."""
    found, instant = [], next_midnight(after, timezone)
    while instant <= until:
        found.append(instant)
        instant = next_midnight(instant, timezone)
    return found
