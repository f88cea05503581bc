"""A collector's report as metrics. Pure."""

from collections.abc import Iterator, Mapping
from typing import Final

from collector.announcement import KINDS
from collector.report import LATENCY_S, Latency, Queues, Report
from contract.messages import ExceptionReason
from daemon.exposition import Family, by, counter, gauge, histogram

_P: Final = "gongfang_collector_"

_OUTCOMES: Final = ("accepted", *ExceptionReason)
"""Of records, as ``ingest.py`` counts them: each by the reason why it was not accepted."""
_EVENTS: Final = {
    "batches": "Batches taken into work.",
    "unreadable": "Of them, those that are no batch at all.",
    "dropped": "Batches dropped unread, because too many waited; their gateways send them again.",
    "foreign": "Messages on topics that are none of ours.",
    "announcements_dropped": "Leases and orders dropped unread, because too many waited.",
    "refused_announcements": "Leases and orders that cannot be kept as facts.",
    "restored": "Topics given back to a broker that forgot them.",
    "gauges": "Messages of what machines show; outside custody.",
    "gauges_refused": "Of them, those that are none.",
    "gauges_dropped": "Points of gauges dropped, because too many waited; nobody sends them again.",
    "gauges_lost": "Points of gauges that their store did not take.",
    "signatures": "Signatures of chains that rest in the store, or in the quarantine.",
    "metered_twice": "Times at which a machine was seen with two meters.",
}


def families(report: Report, counts: Mapping[str, int], latencies: Mapping[str, Latency]) -> Iterator[Family]:
    """Times are seconds, sizes bytes, as is the custom."""
    yield from _collector(report)
    yield from _counted(counts)
    yield from _store(report, latencies)
    yield from _queues(report.queues)


def _collector(report: Report) -> Iterator[Family]:
    labels = {"collector": report.name, "version": report.version}
    yield Family(f"{_P}info", "gauge", "Who this is.", [("", labels, 1)])
    yield gauge(f"{_P}broker_connected", "1 while the broker is there.", report.is_connected)
    yield gauge(f"{_P}dropping", "1 while batches are dropped unread.", report.is_dropping)
    yield gauge(f"{_P}stuck", "Parts that make no progress; the watchdog starves.", len(report.stuck))
    yield gauge(f"{_P}refusing", "Gateways that send what cannot be accepted.", len(report.refusing))
    heard = {gateway: at / 1000 for gateway, at in report.heard.items()}
    last = "When the gateway's latest batch came (Unix time)."
    yield Family(f"{_P}last_batch_timestamp_seconds", "gauge", last, by("gateway", heard))


def _counted(counts: Mapping[str, int]) -> Iterator[Family]:
    for event, says in _EVENTS.items():
        yield counter(f"{_P}{event}_total", says, counts.get(event, 0))
    outcomes = {str(outcome): counts.get(outcome, 0) for outcome in _OUTCOMES}
    said = "Records by what became of them: accepted, or why not."
    yield Family(f"{_P}records_total", "counter", said, by("outcome", outcomes))
    kinds = {kind: counts.get(f"{kind}_messages", 0) for kind in KINDS}
    yield Family(
        f"{_P}announcements_total",
        "counter",
        "Leases, orders and witnesses, each try to keep one counted.",
        by("kind", kinds),
    )


def _store(report: Report, latencies: Mapping[str, Latency]) -> Iterator[Family]:
    yield gauge(f"{_P}store_takes", "0 while the store takes no records.", not report.store_trouble)
    wait = "For how long the store asked to be left alone."
    yield gauge(f"{_P}store_retry_after_seconds", wait, report.retry_after_ms / 1000)
    for work, latency in latencies.items():
        name, said = f"{_P}store_{work}_seconds", f"How long a {work} of the store took."
        yield histogram(name, said, LATENCY_S, latency.counts, latency.seconds)
    rows = "Rows of the quarantine: parts of cases, and marks that one was replayed."
    yield gauge(f"{_P}quarantine_rows", rows, report.quarantine_rows)


def _queues(queues: Queues) -> Iterator[Family]:
    waits = "Batches that wait to be judged."
    yield Family(f"{_P}room_batches", "gauge", waits, by("gateway", queues.room))
    yield gauge(f"{_P}room_places", "More, and batches are dropped unread.", queues.room_places)
    yield gauge(f"{_P}room_share", "Of the places, at most so many for one gateway.", queues.room_share)
    yield gauge(f"{_P}batches_under_way", "Batches being judged and written.", queues.under_way)
    yield gauge(f"{_P}batches_at_once", "At most so many.", queues.at_once)
    yield gauge(f"{_P}arrivals", "Messages of the broker not looked at yet.", queues.arrivals)
    yield gauge(f"{_P}announcements", "Announcements that wait to be kept.", queues.announcements)
    yield gauge(f"{_P}announcements_bytes", "What they take.", queues.announcements_bytes)
    limit = "More, and announcements are dropped unread."
    yield gauge(f"{_P}announcements_limit_bytes", limit, queues.announcements_limit_bytes)
    yield gauge(f"{_P}topics", "Topics remembered until the broker is restored.", queues.topics)
    yield gauge(f"{_P}machines_watched", "Machines watched for a second meter.", queues.machines)
    yield gauge(f"{_P}gauge_points", "Gauges that wait to be written, where they are kept.", queues.points)
