"""The requests that a machine is read with, for a person. Pure."""

from collections.abc import Iterator

from edge_agent.block import Block, holds
from edge_agent.plan import ReadPlan
from edge_agent.profile import Profile
from edge_agent.request import what


def plan_view(profile: Profile, made: ReadPlan) -> Iterator[str]:
    """One line a request."""
    once = len(made.fast) - made.again
    for at, block in enumerate(made.fast[:once]):
        yield f"reads {_told(profile, block)}{'' if at in made.needed else '; may be refused'}"
    for block in made.fast[once:]:
        yield f"reads {_span(block)} again: a state that changed meanwhile makes the read void"
    for block in made.slow:
        yield f"now and then {_told(profile, block)}"


def _span(block: Block) -> str:
    return f"{block.table} {block.address} to {block.end - 1}"


def _told(profile: Profile, block: Block) -> str:
    inside = [register.name for register in profile.registers if holds(block, register.block)]
    return f"{_span(block)} ({block.count} {what(block)}): {', '.join(inside)}"
