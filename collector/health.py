"""Whether a collector does its work, from what it reports. Pure."""

from collections.abc import Iterator
from typing import Final

from collector.report import Report
from daemon.health import Grade, Trouble

SILENT_MS: Final = 900_000
"""A gateway closes an interval of each machine every five minutes: three times that is worth a look."""


def troubles(report: Report) -> Iterator[Trouble]:
    """Without broker or store a collector takes nothing into custody. Nothing is lost by that: agents keep
    what has no receipt; but it has to be mended.
    """
    for subject in report.stuck:
        yield Trouble(subject=subject, kind="stuck", detail="makes no progress", grade=Grade.FAILING)
    if not report.is_connected:
        yield Trouble(subject="broker", kind="away", grade=Grade.FAILING)
    if report.store_trouble:
        yield Trouble(subject="store", kind="takes nothing", detail=report.store_trouble, grade=Grade.FAILING)
    if report.is_dropping:
        yield Trouble(subject="batches", kind="dropped unread", detail="gateways send theirs again")
    for gateway in report.refusing:
        yield Trouble(subject=gateway, kind="sends what cannot be accepted")
    for subject, kind in report.wrong.items():
        yield Trouble(subject=subject, kind=kind)
    for gateway, at in report.heard.items():
        silent_ms = report.now_ms - at
        if silent_ms > SILENT_MS:
            yield Trouble(subject=gateway, kind="silent", detail=f"no batch for {silent_ms // 1000} s")
