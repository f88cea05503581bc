"""What a run found, as a table for a person. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from contract.names import DISPUTED
from tests.chaos import layout
from tests.chaos.live import FRESH_MS, Outlasted, percentile
from tests.chaos.run import Told
from tests.chaos.steps import jumps

WARM_MS: Final = 20_000
"""A process has loaded what it needs after so long."""
GROWTH_KIB: Final = 4 * 1024
"""Memory is flat when a life ends with no more than this above what it had after warming up: less than a
tenth, and the allocator's doing."""
LONG_MS: Final = 60_000


def wrong(told: Told) -> list[str]:
    """Everything that makes the run a failure."""
    found = list(told.judgement.faults)
    found += [f"{told.left} records are left in the outboxes"] if told.left else []
    found += told.tracebacks
    found += [] if told.said else ["the store never heard all orders and leases"]
    found += [f"{len(told.stored.quarantined)} rows in the quarantine"] if told.stored.quarantined else []
    expected = len(layout.PLACE) + sum(_metered(step.fault.target) for step in jumps(told.outages))
    if told.judgement.epochs != expected:
        found.append(f"{told.judgement.epochs} epochs where clocks put back explain {expected}")
    found += [f"{name} fell by itself with {code}" for name, code in _unexplained_falls(told)]
    found += growing(told.rss)
    if told.outlasted and told.outlasted.stale:
        found.append(f"{told.outlasted.stale} live states were older than {FRESH_MS} ms")
    if told.outlasted and told.outlasted.drain_ms is None:
        found.append("the backlog was still there at the end")
    return found


def _metered(gateway: str) -> int:
    return sum(endpoint.gateway == gateway for endpoint in layout.PLACE.values())


def _unexplained_falls(told: Told) -> Iterator[tuple[str, int]]:
    """An agent may fall while its disk is full, and at its start just after."""
    full = [(o.fault.target, o.began, o.ended + 5_000) for o in told.outages if o.fault.kind == "full"]
    for fall in told.falls:
        if not any(fall.name == name and began <= fall.at_ms <= ended for name, began, ended in full):
            yield fall.name, fall.code


def growing(rss: Mapping[str, Sequence[tuple[int, int]]]) -> list[str]:
    """Processes whose memory grew through a long life."""
    found = []
    for life, samples in rss.items():
        warm = [kib for at, kib in samples if at - samples[0][0] > WARM_MS]
        if not warm or samples[-1][0] - samples[0][0] < LONG_MS:
            continue
        third = max(1, len(warm) // 3)
        early, late = max(warm[:third]), min(warm[-third:])
        if late - early > GROWTH_KIB:
            found.append(f"{life}: memory grew from {early:,} to {late:,} KiB")
    return found


def table(told: Told) -> str:
    rows = list(_rows(told))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name:<{width}}  {text}" for name, text in rows)


def _rows(told: Told) -> Iterator[tuple[str, str]]:
    verdict, judgement = told.judgement.verdict, told.judgement
    kinds = Counter(f"{o.fault.kind} {_what(o.fault.target)}" for o in told.outages)
    yield "faults", f"{len(told.outages)}: " + ", ".join(f"{name} {n}" for name, n in sorted(kinds.items()))
    yield "starts of processes", ", ".join(f"{name} {n}" for name, n in told.starts.items())
    yield "falls", ", ".join(f"{fall.name} ({fall.code})" for fall in told.falls) or "none"
    yield "machine time", f"{verdict.duration_ms / 3_600_000:.1f} h of {verdict.machines} machines"
    records = Counter(type(record).__name__.lower() for record in told.stored.records)
    kinds_of = ", ".join(f"{name} {n}" for name, n in sorted(records.items()))
    yield "records", f"{len(told.stored.records):,}: {kinds_of}"
    sent = sum(batch.records for batch in told.batches)
    yield "batches", f"{len(told.batches):,} facts of batches, with {sent:,} records"
    yield "waiting at once", f"{told.waiting:,} records at most; empty {told.drained_s:.1f} s after the end"
    yield "quarantine", str(len(told.stored.quarantined))
    yield "epochs", f"{judgement.epochs} of {verdict.machines} machines"
    yield "pieces", ", ".join(f"{name} {count:,}" for name, count in verdict.pieces.items())
    yield "orders, tenants", f"{verdict.orders}, {verdict.tenants}"
    gap = f"{_minutes(judgement.gap_ms)}, of which {_minutes(verdict.unknown_ms)} stay unknown"
    yield "time in gaps", f"{gap}; the faults explain {_minutes(judgement.allowed_ms)}"
    yield "disputed", f"{verdict.disputed} intervals, {_pieces_disputed(told)} pieces"
    yield (
        "heard late",
        f"{judgement.late} intervals, {_minutes(judgement.late_ms)} of them under another lease",
    )
    yield "worst time error", f"{judgement.worst_ms / 1000:.1f} s of one machine in one state (plant time)"
    yield "memory", _memory(told.rss)
    yield "machine stalls", f"{len(told.stalls)}"
    if told.outlasted:
        yield from _storeless(told.outlasted)


def _storeless(found: Outlasted) -> Iterator[tuple[str, str]]:
    away_h = found.away_ms * layout.SCALE / 3_600_000
    drained = "never" if found.drain_ms is None else f"in {found.drain_ms / 1000:.0f} s"
    yield "without a store", f"{away_h:.1f} h (plant); {found.backlog:,} records waited, gone {drained}"
    for name, ages in (("meanwhile", found.during), ("while it drained", found.after)):
        middle, late = percentile(ages, 0.5), percentile(ages, 0.99)
        worst = ages[-1] if ages else 0
        yield f"live, {name}", f"{len(ages):,} states, {middle} ms old, 99 % {late} ms, worst {worst} ms"


def _what(target: str) -> str:
    if ">" in target:
        client, server = target.split(">")
        end = server if server in {"broker", "store"} else "machines"
        return f"{'agent' if client in layout.GATEWAYS else 'collector'}>{end}"
    return {**dict.fromkeys(layout.GATEWAYS, "agent"), **dict.fromkeys(layout.COLLECTORS, "collector")}.get(
        target, target
    )


def _pieces_disputed(told: Told) -> int:
    disputed = (i for i in told.stored.usage if DISPUTED in {i.tenant, i.order_id})
    return sum(interval.quantities["produced"] for interval in disputed)


def _minutes(ms: int) -> str:
    return f"{ms / 60_000:.1f} min"


def _memory(rss: Mapping[str, Sequence[tuple[int, int]]]) -> str:
    most = Counter[str]()
    for life, samples in rss.items():
        name = life.split("/")[0]
        most[name] = max(most[name], *(kib for _, kib in samples))
    return ", ".join(f"{name} {kib / 1024:.0f} MiB" for name, kib in sorted(most.items())) + " at most"
