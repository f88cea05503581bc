"""What waits for a person: usage in suspense or disputed, put together where it belongs together."""

import shlex
from collections.abc import Iterable
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from billing.attribution import Attribution, Claim, Doubt, Place
from billing.period import shown
from contract.names import DISPUTED, NONE
from contract.records import Interval


class Item(Struct, frozen=True, kw_only=True):
    """Neighbouring records of one machine with the same doubt."""

    place: Place
    doubt: Doubt
    machine: str
    epoch: str
    sequences: tuple[int, ...]
    """Of one record its own, of several the first and the last."""
    start: int
    end: int
    tenant: str
    order_id: str
    lease_id: str
    """As the records say."""
    tenant_before: str = NONE
    tenant_after: str = NONE
    order_before: str = NONE
    order_after: str = NONE
    """Of the gap during which they changed."""
    candidates: tuple[str, ...] = ()
    run_ms: int = 0
    setup_ms: int = 0
    test_ms: int = 0
    stop_ms: int = 0
    """Stopped by the tenant, from the state spans, before any grace."""
    produced: int = 0
    scrap: int = 0
    rework: int = 0

    @property
    def tenants(self) -> tuple[str, ...]:
        """Everybody whose it may be."""
        named = (self.tenant, self.tenant_before, *self.candidates, self.tenant_after)
        return tuple(dict.fromkeys(name for name in named if name not in {NONE, DISPUTED}))

    @property
    def orders(self) -> tuple[str, ...]:
        named = (self.order_before, self.order_id, self.order_after)
        return tuple(dict.fromkeys(name for name in named if name not in {NONE, DISPUTED}))


def interval_item(interval: Interval, claim: Claim, attribution: Attribution) -> Item:
    return msgspec.structs.replace(
        span_item(claim, attribution),
        tenant_before=interval.tenant_before,
        tenant_after=interval.tenant_after,
        order_before=interval.order_before,
        order_after=interval.order_after,
        run_ms=interval.run_ms,
        setup_ms=interval.setup_ms,
        test_ms=interval.test_ms,
        stop_ms=0,
        produced=interval.quantities.get("produced", 0),
        scrap=interval.quantities.get("scrap", 0),
        rework=interval.quantities.get("rework", 0),
    )


def span_item(claim: Claim, attribution: Attribution) -> Item:
    return Item(
        place=attribution.place,
        doubt=attribution.doubt,
        machine=claim.machine,
        epoch=claim.epoch,
        sequences=(claim.sequence,),
        start=claim.start,
        end=claim.end,
        tenant=claim.tenant,
        order_id=claim.order_id,
        lease_id=claim.lease_id,
        candidates=attribution.candidates,
        stop_ms=claim.end - claim.start,
    )


class Gathering:
    """Touching items of one doubt become one, so that a person decides once, not once per five minutes."""

    def __init__(self) -> None:
        self._fresh: list[Item] = []
        self._open: dict[tuple[str, ...], Item] = {}
        self._done: list[Item] = []

    def add(self, item: Item) -> None:
        self._fresh.append(item)

    def settle(self) -> None:
        """After each day: what comes later begins later."""
        for item in sorted(self._fresh, key=lambda item: (item.start, item.sequences)):
            key = (item.place, item.doubt, item.machine, item.epoch, *_said(item))
            before = self._open.get(key)
            if before and item.start <= before.end:
                self._open[key] = _joined(before, item)
                continue
            self._done += [before] if before else []
            self._open[key] = item
        self._fresh.clear()

    def finish(self) -> list[Item]:
        self.settle()
        return sorted([*self._done, *self._open.values()], key=place_of)


def place_of(item: Item) -> tuple[str, int, str]:
    """Where it stands in a list."""
    return item.machine, item.start, item.epoch


def _said(item: Item) -> tuple[str, str, str]:
    return item.tenant, item.order_id, item.lease_id


def gathered(items: Iterable[Item]) -> list[Item]:
    gathering = Gathering()
    for item in items:
        gathering.add(item)
    return gathering.finish()


_SUMS = ("run_ms", "setup_ms", "test_ms", "stop_ms", "produced", "scrap", "rework")
_NAMES = ("tenant_before", "tenant_after", "order_before", "order_after")


def _joined(one: Item, other: Item) -> Item:
    sums = {field: getattr(one, field) + getattr(other, field) for field in _SUMS}
    names = {f: getattr(one, f) if getattr(one, f) != NONE else getattr(other, f) for f in _NAMES}
    return msgspec.structs.replace(
        one,
        **sums,
        **names,
        end=max(one.end, other.end),
        sequences=_ends({*one.sequences, *other.sequences}),
        candidates=tuple(dict.fromkeys((*one.candidates, *other.candidates))),
    )


def _ends(sequences: set[int]) -> tuple[int, ...]:
    first, last = min(sequences), max(sequences)
    return (first,) if first == last else (first, last)


def command(item: Item, zone: ZoneInfo, config: str = "") -> str:
    """What to type to decide the item: complete but for the names in angle brackets.

    What more than one may be is never filled in: a guess that is typed unread becomes a decision.
    """
    ranged = f"--from {shown(item.start, zone)} --to {shown(item.end, zone)}"
    tenant = item.tenants[0] if len(item.tenants) == 1 else "<TENANT>"
    order = "<ORDER>" if len(item.orders) > 1 else "".join(item.orders) or NONE
    return (
        f"gongfang-billing assign --config {shlex.quote(config or 'configs/billing.toml')}"
        f" --machine {item.machine} {ranged}"
        f" --tenant {tenant} --order {order} --by <YOUR-NAME> --why <REASON>"
    )
