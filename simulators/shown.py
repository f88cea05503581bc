"""What a machine's registers can tell of the truth at best: a ledger as somebody has it who only reads them.

A controller with the common header tells all. A retrofit module has no order register and no stop codes, and
setting up looks like idling to it. So a reader of it must not be blamed for what nobody could have read.
"""

from collections.abc import Iterable, Iterator, Mapping

from msgspec.structs import replace

from simulators.codes import NONE
from simulators.ledger import Account, Entry, Ledger, Span
from simulators.records import Lease
from simulators.script import Script


def as_shown(found: Ledger, scripts: Mapping[str, Script]) -> Ledger:
    machines = {name: _account(account, scripts[name]) for name, account in found.machines.items()}
    return replace(found, machines=machines)


def _account(account: Account, script: Script) -> Account:
    spans = tuple(_merged(_span(span, script) for span in account.spans))
    events = tuple(_entry(event, script) for event in account.events)
    return replace(account, spans=spans, events=events)


def _span(span: Span, script: Script) -> Span:
    of = script.type
    state = of.shows.get(span.state, span.state)
    if not of.shows_order:
        span = replace(span, order=NONE, tenant=_lessee(script, span.start))
    if of.shows_code:
        return replace(span, state=state)
    return replace(span, state=state, stop_code=0, party="unknown" if state in ("stop", "fault") else "none")


def _entry(event: Entry, script: Script) -> Entry:
    if script.type.shows_order:
        return event
    return replace(event, order=NONE, tenant=_lessee(script, event.at))


def _lessee(script: Script, at: int) -> str:
    """Where no order register names an order, the lease alone says whose the work is."""
    return next((lease.tenant for lease in script.leases if _holds(lease, at - script.start_ms)), NONE)


def _holds(lease: Lease, offset: int) -> bool:
    return lease.from_ms <= offset < lease.until_ms


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Neighbours that look alike are one."""
    held: Span | None = None
    for span in spans:
        if held and replace(span, start=held.start, end=held.end) == held:
            held = replace(held, end=span.end)
            continue
        if held:
            yield held
        held = span
    if held:
        yield held
