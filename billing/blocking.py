"""What stands between a period and its freezing: findings of rules that block, and what waits for a person.

Pure. A finding is named by its rule, machine and time range, so that a recorded override can name it too.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from billing.attribution import Place
from billing.findings import Finding, Rule
from billing.suspense import Item
from billing.wording import DOUBTS


class Effect(StrEnum):
    """What a finding of a rule does to its period."""

    BLOCK = "block"
    REMARK = "remark"


_REMARKS: Final = frozenset(
    {
        Rule.OPEN_STOP,
        Rule.UNPLACED,
        Rule.EPOCH,
        Rule.CLOCK,
        Rule.UNPRICED,
        Rule.UNMEASURED,
        Rule.UNNAMED,
        Rule.UNTESTED,
        Rule.BANDS,
        Rule.QUALITY,
        Rule.UNWITNESSED,
        Rule.STOP_TABLE,
    }
)
DEFAULTS: Final[Mapping[Rule, Effect]] = MappingProxyType(
    {rule: Effect.REMARK if rule in _REMARKS else Effect.BLOCK for rule in Rule}
)
"""What makes a figure wrong blocks; what people should know, and what the tariff leaves out, is a remark."""


class Judged(Struct, frozen=True, kw_only=True):
    finding: Finding
    effect: Effect


def judged(
    findings: Iterable[Finding], items: Iterable[Item], effects: Mapping[Rule, Effect]
) -> tuple[Judged, ...]:
    """Every finding and open item, what blocks first; ``effects``: where a site differs from the defaults."""
    known = {**DEFAULTS, **effects}
    every = sorted([*findings, *map(_waiting, items)])
    told = [Judged(finding=finding, effect=known[finding.rule]) for finding in every]
    return tuple(sorted(told, key=lambda one: one.effect is not Effect.BLOCK))


def open_items(
    findings: Iterable[Finding], items: Iterable[Item], effects: Mapping[Rule, Effect]
) -> tuple[Finding, ...]:
    """What blocks: nothing may be frozen while any of these is neither mended nor overridden on record."""
    return tuple(one.finding for one in judged(findings, items, effects) if one.effect is Effect.BLOCK)


def _waiting(item: Item) -> Finding:
    rule = Rule.DISPUTED if item.place is Place.DISPUTED else Rule.SUSPENSE
    text = f"{DOUBTS[item.doubt].en}; a person must assign it (gongfang-billing suspense)"
    return Finding(rule=rule, machine=item.machine, at=item.start, end=item.end, text=text)
