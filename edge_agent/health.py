"""Whether an agent does its work, from what it reports. Pure."""

from collections.abc import Iterator
from typing import Final

from daemon.health import Grade, Trouble
from edge_agent.report import Report

LATE_MS: Final = 900_000
"""A record that waits for its receipt for longer is worth a look: the collector, or the way to it."""
_FAILING: Final = frozenset({("disk", "takes nothing"), ("outbox", "lost records")})
"""What is wrong and costs metering or custody; everything else is looked at by somebody and costs delay."""


def troubles(report: Report) -> Iterator[Trouble]:
    """A broker that is away is no failure: the agent meters on, and nothing is lost."""
    for subject in report.stuck:
        yield Trouble(subject=subject, kind="stuck", detail="makes no progress", grade=Grade.FAILING)
    if report.machines and len(report.ailing) >= report.machines:
        detail = f"none of {report.machines} is metered now"
        yield Trouble(subject="machines", kind="silent", detail=detail, grade=Grade.FAILING)
    details = {"disk": report.disk_trouble or "", "configuration": report.reloads.refused_why}
    for subject, kind in report.wrong.items():
        grade = Grade.FAILING if (subject, kind) in _FAILING else Grade.DEGRADED
        yield Trouble(subject=subject, kind=kind, detail=details.get(subject, ""), grade=grade)
    if report.depth and report.depth.oldest_ms is not None:
        waits_ms = report.now_ms - report.depth.oldest_ms
        if waits_ms > LATE_MS:
            detail = f"{report.depth.records} records wait, the oldest for {waits_ms // 1000} s"
            yield Trouble(subject="receipts", kind="late", detail=detail)
    for machine, kind in report.ailing.items():
        yield Trouble(subject=machine, kind=kind, detail="machine not metered")
