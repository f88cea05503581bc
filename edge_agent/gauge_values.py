"""What the gauges of a profile show: numbers with a unit for people, never metered and never billed."""

import math
from collections.abc import Iterable

from edge_agent.profile import Gauge
from edge_agent.rules import Values


def gauges(wanted: Iterable[Gauge], values: Values) -> dict[str, float]:
    """What each shows. One that has no finite value, or whose flags are not as they must be, is left out."""
    good = (gauge for gauge in wanted if all(values.get(e.register) in e.values for e in gauge.when))
    found = ((gauge.name, _shown(gauge, values.get(gauge.register))) for gauge in good)
    return {name: value for name, value in found if value is not None}


def _shown(gauge: Gauge, value: object) -> float | None:
    if not isinstance(value, int | float):
        return None
    try:
        shown = (value * gauge.multiply + gauge.add) / gauge.divide
    except OverflowError:  # integers that no float holds
        return None
    return float(shown) if math.isfinite(shown) else None
