"""How many machines are metered, in one line for a log. Pure."""

from collections import Counter
from collections.abc import Mapping
from typing import Final

_NAMED: Final = 3
"""So many of those with one trouble are named."""


def roll(machines: int, met: int, ailing: Mapping[str, str], unsaid: int) -> str:
    """``met`` were asked at least once; ``ailing`` has the reason why one of them is not metered; ``unsaid``
    counts changes that nobody has told.
    """
    well = max(0, met - len(ailing))
    said = [f"{well:,} of {machines:,} metered"]
    said += [
        f"{kind} {amount:,} ({_names([name for name, why in ailing.items() if why == kind])})"
        for kind, amount in Counter(ailing.values()).most_common()
    ]
    if met < machines:
        said.append(f"{machines - met:,} not asked yet")
    if unsaid:
        said.append(f"{unsaid:,} changes since the line before this were not told one by one")
    return "; ".join(said)


def _names(names: list[str]) -> str:
    return ", ".join([*names[:_NAMED], *(["..."] if len(names) > _NAMED else [])])
