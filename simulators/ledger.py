"""The truth about a plant, to the millisecond and the piece: what each machine did, and for whom.

It is told from the same stories that the registers are computed from, and never from registers.
"""

from bisect import bisect_right
from collections import Counter as Tally
from collections.abc import Iterator, Mapping
from typing import Literal

from msgspec import Struct

from simulators.codes import NONE, Party, State, party_of
from simulators.script import Script
from simulators.story import Counter, Segment

Key = Literal["machine", "order", "tenant"]


class Span(Struct, frozen=True, kw_only=True):
    """Half-open [start, end) in UTC epoch ms. Neighbours differ in at least one of the other fields."""

    start: int
    end: int
    state: State
    party: Party
    stop_code: int
    order: str
    tenant: str


class Entry(Struct, frozen=True, kw_only=True):
    """A counter moved by n at `at` (UTC epoch ms); before that instant it had not."""

    at: int
    counter: Counter
    n: int
    order: str
    tenant: str


class Account(Struct, frozen=True, kw_only=True):
    """One machine's part of a ledger."""

    spans: tuple[Span, ...]
    events: tuple[Entry, ...]
    """Of the pieces that its registers count."""
    counted: dict[str, int] = {}
    """How far each quantity moved, in the unit that is metered, as coarse as the machine itself counts."""


class Ledger(Struct, frozen=True, kw_only=True):
    """Spans tile [since_ms, until_ms); events lie in (since_ms, until_ms], as two readings show them."""

    since_ms: int
    until_ms: int
    machines: dict[str, Account]

    def ms_by_state(self) -> dict[tuple[str, State, Party], int]:
        """Time by (machine, state, party)."""
        found: Tally[tuple[str, State, Party]] = Tally()
        for name, span in self._spans():
            found[name, span.state, span.party] += span.end - span.start
        return dict(found)

    def ms_by_work(self) -> dict[tuple[str, str, str], int]:
        """Time by (machine, order, tenant), in whatever state."""
        found: Tally[tuple[str, str, str]] = Tally()
        for name, span in self._spans():
            found[name, span.order, span.tenant] += span.end - span.start
        return dict(found)

    def ms_by_work_and_state(self) -> dict[tuple[str, str, str, State, Party], int]:
        """Time by (machine, order, tenant, state, party)."""
        found: Tally[tuple[str, str, str, State, Party]] = Tally()
        for name, span in self._spans():
            found[name, span.order, span.tenant, span.state, span.party] += span.end - span.start
        return dict(found)

    def pieces(
        self, counter: Counter = "produced", by: tuple[Key, ...] = ("machine",)
    ) -> dict[tuple[str, ...], int]:
        """How far a counter moved, by any of machine, order and tenant."""
        found: Tally[tuple[str, ...]] = Tally()
        for name, account in self.machines.items():
            for event in account.events:
                if event.counter == counter:
                    known: Mapping[Key, str] = {"machine": name, "order": event.order, "tenant": event.tenant}
                    found[tuple(known[key] for key in by)] += event.n
        return dict(found)

    def transitions(self, machine: str) -> list[int]:
        """The instants inside the range at which state, party, stop code, order or tenant changes."""
        return [span.start for span in self.machines[machine].spans[1:]]

    def _spans(self) -> Iterator[tuple[str, Span]]:
        return ((name, span) for name, account in self.machines.items() for span in account.spans)


def ledger(scripts: Mapping[str, Script], since_ms: int | None = None, until_ms: int | None = None) -> Ledger:
    """From the first start to the last end, or as asked. Outside its shift a machine is idle, for nobody."""
    since = min(script.start_ms for script in scripts.values()) if since_ms is None else since_ms
    until = max(script.end_ms for script in scripts.values()) if until_ms is None else until_ms
    accounts = {name: _account(script, since, max(since, until)) for name, script in scripts.items()}
    return Ledger(since_ms=since, until_ms=max(since, until), machines=accounts)


def _account(script: Script, since: int, until: int) -> Account:
    events = tuple(event for event in script.story.events if event.counter in script.type.pieces)
    instants = [script.start_ms + event.at for event in events]
    inside = slice(bisect_right(instants, since), bisect_right(instants, until))
    entries = (
        Entry(
            at=script.start_ms + event.at,
            counter=event.counter,
            n=event.n,
            order=_order(event.order),
            tenant=event.tenant,
        )
        for event in events[inside]
    )
    before, after = script.counted(since), script.counted(until)
    counted = {name: total - before[name] for name, total in after.items()}
    return Account(spans=tuple(_spans(script, since, until)), events=tuple(entries), counted=counted)


def _spans(script: Script, since: int, until: int) -> Iterator[Span]:
    """Clipped, and merged where only what a ledger does not tell (speed, guard, badge) differs."""
    held: Span | None = None
    for segment in _all_segments(script, since, until):
        start, end = max(since, script.start_ms + segment.start), min(until, script.start_ms + segment.end)
        if start >= end:
            continue
        span = _span(segment, start, end)
        if held and _span(segment, held.start, held.end) == held:
            held = _span(segment, held.start, end)
            continue
        if held:
            yield held
        held = span
    if held:
        yield held


def _all_segments(script: Script, since: int, until: int) -> Iterator[Segment]:
    start, end = script.start_ms, script.end_ms
    yield Segment(start=min(0, since - start), end=0, state="idle")
    yield from script.story.segments
    yield Segment(start=end - start, end=max(end, until) - start, state="idle")


def _span(segment: Segment, start: int, end: int) -> Span:
    return Span(
        start=start,
        end=end,
        state=segment.state,
        party=party_of(segment.state, segment.stop_code),
        stop_code=segment.stop_code,
        order=_order(segment.order),
        tenant=segment.tenant,
    )


def _order(number: int) -> str:
    return str(number) if number else NONE
