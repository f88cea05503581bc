"""Whether somebody has seen that a machine's panel and its registers agree, as it is metered now. Pure."""

from collections.abc import Iterable

from contract.facts import WitnessFact
from contract.records import Meter

Plate = tuple[str, str, str, int]
"""Site, machine, profile digest and serial number.

A witness is of one controller behind one profile: another controller, or another meaning of its registers,
needs another.
"""


def _plate(of: Meter | WitnessFact) -> Plate:
    return of.site, of.machine, of.profile_digest, of.serial


def witnessed(meters: Iterable[Meter], witnesses: Iterable[WitnessFact]) -> dict[tuple[str, str], str]:
    """The id of the first witness that covers a meter, by machine and epoch."""
    first: dict[Plate, str] = {}
    for witness in sorted(witnesses, key=lambda witness: (witness.issued, witness.id)):
        first.setdefault(_plate(witness), witness.id)
    return {(meter.machine, meter.epoch): first[_plate(meter)] for meter in meters if _plate(meter) in first}


def unwitnessed(meters: Iterable[Meter], witnesses: Iterable[WitnessFact]) -> list[Meter]:
    """The meters that no witness covers, in their order."""
    held = {_plate(witness) for witness in witnesses}
    return [meter for meter in meters if _plate(meter) not in held]


def newest(meters: Iterable[Meter]) -> list[Meter]:
    """Of each machine, by name."""
    latest: dict[tuple[str, str], Meter] = {}
    for meter in meters:
        known = latest.get((meter.site, meter.machine))
        if known is None or known.at <= meter.at:
            latest[meter.site, meter.machine] = meter
    return [latest[name] for name in sorted(latest)]
