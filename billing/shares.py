"""How the machines of a site are shared out among processes. Pure."""

from collections.abc import Collection
from typing import Final

from store.protocol import Machines

_WORTH: Final = 2_000
"""Machines times days: seconds of work. For less no process is worth its start."""
_MOST: Final = 8
"""Unless a person says otherwise: each of them reads what people said of all orders, and wants the disk."""


def shares(machines: Collection[str], days: int, jobs: int | None, cores: int) -> list[Machines]:
    """Ranges of names that have everybody's, each with as many of ``machines``; empty: one may do all of it.

    ``jobs``: as many as that; None: as many as there are ``cores``, and enough work for each.
    """
    worth = min(cores, _MOST, len(machines) * days // _WORTH)
    number = min(len(machines), worth if jobs is None else jobs)
    if number < 2:
        return []
    names = sorted(machines)
    edges = [names[len(names) * part // number] for part in range(1, number)]
    return [Machines(first, until) for first, until in zip(["", *edges], [*edges, None], strict=True)]
