"""Whether somebody has seen that a machine's panel and its registers agree, as it is metered now. Pure."""

from collections.abc import Iterable

from contract.facts import WitnessFact
from contract.records import Meter


def unwitnessed(meters: Iterable[Meter], witnesses: Iterable[WitnessFact]) -> list[Meter]:
    """The meters that no witness covers, in their order.

    A witness is of one controller behind one profile: another controller, or another meaning of its
    registers, needs another.
    """
    held = {(one.site, one.machine, one.profile_digest, one.serial) for one in witnesses}
    return [
        meter
        for meter in meters
        if (meter.site, meter.machine, meter.profile_digest, meter.serial) not in held
    ]


def newest(meters: Iterable[Meter]) -> list[Meter]:
    """Of each machine, by name."""
    latest: dict[tuple[str, str], Meter] = {}
    for meter in meters:
        known = latest.get((meter.site, meter.machine))
        if known is None or known.at <= meter.at:
            latest[meter.site, meter.machine] = meter
    return [latest[name] for name in sorted(latest)]
