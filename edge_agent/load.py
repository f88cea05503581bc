"""What the machines behind an endpoint ask of it, and whether it can keep up: for a person to look over."""

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final

from edge_agent.block import Block
from edge_agent.line_time import answer_ms, gap_ms, line_ms, pause_ms
from edge_agent.plan import read_plan
from edge_agent.settings import Endpoint, MachineSettings

_ROOM: Final = 0.9
"""Of the line's time; the rest is for asking units that are silent."""


def load(endpoint: Endpoint, machines: Iterable[MachineSettings], period_ms: int) -> Iterator[str]:
    """``machines`` of the whole site."""
    behind = [machine for machine in machines if machine.endpoint == endpoint.name]
    types = {machine.profile.label: machine.profile for machine in behind}
    fast = {label: read_plan(profile).fast for label, profile in types.items()}
    blocks = [block for machine in behind for block in fast[machine.profile.label]]
    if not blocks:
        yield f"{endpoint.name}  {endpoint.address}, no machine behind it"
        return
    each = period_ms // len(blocks)
    yield (
        f"{endpoint.name}  {endpoint.address}, machines {len(behind)}"
        f"{'' if endpoint.period_ms is None else f' every {period_ms} ms'}, requests {len(blocks)} a period:"
        f" each must be answered within {each} ms"
    )
    if endpoint.address.line is not None:
        yield from (f"  {told}" for told in _on_the_line(endpoint, blocks, period_ms))


def busy_ms(endpoint: Endpoint, blocks: list[Block]) -> float:
    """A period's questions and answers on the endpoint's serial line, pauses included."""
    pause = max(0.0, pause_ms(endpoint) - gap_ms(endpoint.address))
    return line_ms(blocks, endpoint.address, endpoint.turnaround_ms) + len(blocks) * pause


def _on_the_line(endpoint: Endpoint, blocks: list[Block], period_ms: int) -> Iterator[str]:
    busy = busy_ms(endpoint, blocks)
    told = (
        f"{busy / 1000:.2f} s on the line in each {period_ms / 1000:g} s,"
        f" with {endpoint.turnaround_ms} ms for a machine to react"
    )
    if busy <= period_ms * _ROOM:
        yield told
    else:
        wanted = ceil(busy / _ROOM / 100) * 100
        yield (
            f"{told}: THE PERIOD CANNOT BE KEPT; choose a period_ms of {wanted} or more, a faster line,"
            " or fewer machines on it"
        )
    longest = max(answer_ms(block, endpoint.address) for block in blocks) + endpoint.turnaround_ms
    if longest >= endpoint.timeout_ms:
        wanted = ceil(longest * 2)
        yield f"TIMEOUT_MS IS TOO SHORT: an answer takes {ceil(longest)} ms; choose {wanted} or more"
