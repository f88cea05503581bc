"""The stored records behind a line as a cell can hold them. Pure."""

from collections import defaultdict

from billing.charge import Charge


def records_of(charge: Charge) -> dict[str, str]:
    """One range for each machine: a cell has its limits, and the JSON has every range.

    ``e1/5-288``, or from the first to the last of several: ``e1/5-20...e2/7-9(4)``. What is behind a line may
    be a fact or an entry too, under its own name.
    """
    of: dict[str, list[str]] = defaultdict(list)
    for record in charge.records:
        machine, _, span = record.partition("/")
        of[machine].append(span)
    return {machine: _bounded(spans) for machine, spans in of.items()}


def _bounded(spans: list[str]) -> str:
    return spans[0] if len(spans) == 1 else f"{spans[0]}...{spans[-1]}({len(spans)})"
