"""An agent's report as metrics. Pure. Nothing is labelled by machine: a plant has 4,500 of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from daemon.exposition import Family, Sample, by, counter, gauge, histogram
from edge_agent.counts import LATENESS_MS, Counts, Tally
from edge_agent.report import EndpointReport, Queues, Report

_P: Final = "gongfang_agent_"


def families(report: Report, counts: Counts) -> Iterator[Family]:
    """Times are seconds, sizes bytes, as is the custom."""
    yield from _agent(report)
    yield from _polls(counts)
    yield from _endpoints(report.endpoints)
    yield from _metered(counts)
    yield from _outbox(report)
    yield from _queues(report.queues)


def _agent(report: Report) -> Iterator[Family]:
    labels = {"site": report.site, "gateway": report.gateway, "version": report.version}
    yield Family(f"{_P}info", "gauge", "Who this is.", [("", labels, 1)])
    yield gauge(f"{_P}machines", "Machines of the configuration in force.", report.machines)
    ailing = Counter(report.ailing.values())
    yield Family(
        f"{_P}machines_ailing", "gauge", "Machines that are not metered now, by reason.", by("kind", ailing)
    )
    wrong = Counter(report.wrong.values())
    yield Family(
        f"{_P}conditions", "gauge", "What is wrong with the agent's own parts, by kind.", by("kind", wrong)
    )
    yield gauge(f"{_P}stuck", "Parts that make no progress; the watchdog starves.", len(report.stuck))
    yield gauge(f"{_P}broker_connected", "1 while the broker is there.", report.is_connected)
    yield gauge(f"{_P}disk_takes", "0 while the disk takes nothing.", report.disk_trouble is None)
    yield gauge(f"{_P}clock_set", "0 while the wall clock was never set.", not report.is_free)
    moved = "By how much the wall clock moved against the monotonic one since the start."
    yield gauge(f"{_P}clock_moved_seconds", moved, report.clock_moved_ms / 1000)
    reloads = report.reloads
    outcomes: Mapping[str, int] = {"taken": reloads.taken, "refused": reloads.refused}
    yield Family(f"{_P}reloads_total", "counter", "New configurations.", by("outcome", outcomes))
    yield gauge(f"{_P}reload_refused", "1 while the latest one changed nothing.", bool(reloads.refused_why))
    since = "When the configuration in force was taken (Unix time)."
    yield gauge(f"{_P}configuration_taken_timestamp_seconds", since, reloads.taken_ms / 1000)


def _polls(counts: Counts) -> Iterator[Family]:
    bounds = [ms / 1000 for ms in LATENESS_MS]
    name, late = f"{_P}poll_lateness_seconds", "How late polls began."
    yield histogram(name, late, bounds, counts.late, counts.late_ms / 1000)
    yield gauge(f"{_P}poll_lateness_last_seconds", "How late the last one began.", counts.last_late_ms / 1000)
    outcomes = "Polls by what came of them: good, skipped, paused, or why there is no sample."
    yield Family(f"{_P}polls_total", "counter", outcomes, _by_endpoint(counts.tallies))


def _endpoints(endpoints: Iterable[EndpointReport]) -> Iterator[Family]:
    said: Mapping[str, tuple[str, Callable[[EndpointReport], int]]] = {
        "connected": ("1 while there is a connection.", lambda one: one.connected),
        "silent_units": ("Units that are left alone for a while.", lambda one: one.silent),
        "refused_blocks": ("Blocks that were refused, and are asked again later.", lambda one: one.refused),
        "polls": ("Polls under way, or waiting for their turn.", lambda one: one.polls),
    }
    for name, (says, of) in said.items():
        samples = {one.name: of(one) for one in endpoints}
        yield Family(f"{_P}endpoint_{name}", "gauge", says, by("endpoint", samples))


def _by_endpoint(tallies: Mapping[str, Tally]) -> Iterator[Sample]:
    for endpoint, tally in list(tallies.items()):
        for outcome, times in list(tally.polls.items()):
            yield "", {"endpoint": endpoint, "outcome": outcome}, times


def _metered(counts: Counts) -> Iterator[Family]:
    yield Family(f"{_P}records_total", "counter", "Records made.", by("type", counts.records))
    yield Family(f"{_P}epochs_total", "counter", "Epochs opened, by reason.", by("reason", counts.epochs))
    seconds = {field.removesuffix("_ms"): ms / 1000 for field, ms in counts.metered_ms.items()}
    yield Family(
        f"{_P}metered_seconds_total", "counter", "Machine time in closed intervals.", by("as", seconds)
    )
    disputed = "Machine time in closed intervals that is disputed."
    yield counter(f"{_P}disputed_seconds_total", disputed, counts.disputed_ms / 1000)


def _outbox(report: Report) -> Iterator[Family]:
    depth, relief = report.depth, report.relief
    if depth is not None:
        yield gauge(f"{_P}outbox_records", "Records without a receipt.", depth.records)
        yield gauge(f"{_P}outbox_bytes", "Their bytes.", depth.bytes)
        yield gauge(f"{_P}outbox_batches", "Batches sealed and without a receipt.", depth.batches)
        age = None if depth.oldest_ms is None else (report.now_ms - depth.oldest_ms) / 1000
        yield gauge(f"{_P}outbox_oldest_seconds", "Age of the oldest of them; absent when none waits.", age)
        yield gauge(f"{_P}ring_records", "Records kept for resend.", depth.ring_records)
        yield gauge(f"{_P}ring_bytes", "Their bytes.", depth.ring_bytes)
        reach = None if depth.ring_from is None else (report.now_ms - depth.ring_from) / 1000
        yield gauge(f"{_P}ring_reach_seconds", "How far back resend reaches; absent when empty.", reach)
        yield gauge(f"{_P}rejected_records", "Records in the ring that a collector rejected.", depth.rejected)
    yield gauge(f"{_P}outbox_limit_bytes", "Beyond this, room is made.", report.limit_bytes)
    yield gauge(f"{_P}outbox_look_age_seconds", "How old the look at the outbox is.", report.depth_age_s)
    yield counter(f"{_P}merged_records_total", "Intervals merged to make room.", relief.merged)
    yield counter(f"{_P}ring_dropped_records_total", "Receipted records dropped early.", relief.ring_dropped)
    yield counter(f"{_P}lost_records_total", "Records in whose place there is a loss record.", relief.lost)


def _queues(queues: Queues) -> Iterator[Family]:
    yield gauge(f"{_P}wanted_records", "Records in memory that wait for the disk.", queues.wanted_records)
    yield gauge(f"{_P}wanted_limit_records", "More, and the agent falls.", queues.wanted_limit)
    yield gauge(f"{_P}wanted_machines", "Machines with something for the disk.", queues.wanted_machines)
    yield gauge(f"{_P}outbox_calls", "Calls that wait for the outbox's thread.", queues.outbox_calls)
    yield gauge(f"{_P}batches_in_flight", "Batches under way.", queues.in_flight)
    yield gauge(f"{_P}batches_unreadable", "Batches that no collector could read.", queues.unreadable)
    yield gauge(f"{_P}live_states_unsent", "Live states that wait for the broker.", queues.unsent)
    waiting = "Machines whose gauges wait for the broker."
    yield gauge(f"{_P}machine_gauges_unsent", waiting, queues.gauges)
    yield gauge(f"{_P}arrivals", "Messages of the broker not looked at yet.", queues.arrivals)
    yield gauge(f"{_P}orders", "Announced orders that are remembered.", queues.orders)
    yield gauge(f"{_P}leases", "Leases that may still matter to a meter.", queues.leases)
    yield gauge(f"{_P}free_records", "Records that wait for the clock to be set.", queues.free)
