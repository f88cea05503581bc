"""Endpoints that are asked more in a period than can be answered, however fast the machines are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from contract.complaint import Complaint
from edge_agent.line_time import gap_ms, line_ms, pause_ms
from edge_agent.machine_list import Listed
from edge_agent.plan import read_plan
from edge_agent.profile import Profile
from edge_agent.settings import Endpoint

_FASTEST_MS: Final = 0.05
"""A question and its answer within one machine."""


def overloads(
    machines: Iterable[Listed],
    endpoints: Sequence[Endpoint],
    profiles: Mapping[str, Profile],
    period_ms: int,
) -> Iterator[Complaint]:
    """Where even machines that react at once would be late. What is likely, ``check`` tells.

    ``period_ms``: of endpoints that have none of their own.
    """
    behind: dict[str, list[Listed]] = {}
    for machine in machines:
        if machine.says("profile", "endpoint") and machine.shape.profile in profiles:
            behind.setdefault(machine.shape.endpoint, []).append(machine)
    plans = {name: read_plan(profile).fast for name, profile in profiles.items()}
    for endpoint in endpoints:
        asked = behind.get(endpoint.name, [])
        blocks = [block for machine in asked for block in plans[machine.shape.profile]]
        each_ms = max(pause_ms(endpoint) - gap_ms(endpoint.address), _FASTEST_MS)
        every_ms = endpoint.period_ms or period_ms
        least_ms = line_ms(blocks, endpoint.address, 0) + len(blocks) * each_ms
        if least_ms > every_ms:
            problem = (
                f"{endpoint.name} is asked {len(blocks)} times in each {every_ms} ms,"
                f" which takes {least_ms / 1000:.1f} s at least"
            )
            remedy = "choose a longer period_ms, a faster line, or fewer machines on it"
            yield asked[-1].complain("endpoint", problem, remedy)
