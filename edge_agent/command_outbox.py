"""The commands that look after the outbox: ``resend`` and ``status``."""

import argparse
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from edge_agent.config import Settings
from edge_agent.outbox import Outbox
from edge_agent.outbox_file import OutboxError
from edge_agent.terminal import BAD_USAGE, FAILED, FINE, say, warn


def resend(settings: Settings, given: argparse.Namespace) -> int:
    zone = ZoneInfo(settings.timezone)
    start, end = _instant(given.start, zone), _instant(given.end, zone)
    if start >= end:
        warn("--from must be earlier than --to")
        return BAD_USAGE
    with _outbox(settings) as outbox:
        say(f"records put back into the queue: {outbox.resend(start, end)}")
    return FINE


def status(settings: Settings, _: argparse.Namespace) -> int:
    zone = ZoneInfo(settings.timezone)
    with _outbox(settings) as outbox:
        depth = outbox.depth()
    say(
        f"waiting for a receipt: {depth.records} records, {depth.bytes} bytes, {depth.batches} batches sealed"
    )
    say(f"oldest of them: {_told(depth.oldest_ms, zone)}")
    say(f"kept for resend: {depth.ring_records} records, {depth.ring_bytes} bytes")
    say(f"reaching back to: {_told(depth.ring_from, zone)}")
    say(f"rejected by the collector: {depth.rejected}")
    if depth.signatures:
        say(f"signatures that no collector has yet: {depth.signatures}")
    if depth.over_limit:
        limit = settings.outbox.limit_bytes
        say(f"ALARM: more waits than limit_bytes ({limit}); is the collector running?")
    return FAILED if depth.over_limit else FINE


def _outbox(settings: Settings) -> Outbox:
    kept = settings.outbox
    if not kept.path.is_file():
        raise OutboxError(f"{kept.path}: no such file; the agent makes it when it runs first")
    return Outbox.open(
        kept.path,
        site=settings.site,
        gateway=settings.gateway,
        limit_bytes=kept.limit_bytes,
        ring_bytes=kept.ring_bytes,
        ring_ms=kept.ring_days * 86_400_000,
    )


def _instant(given: datetime, zone: ZoneInfo) -> int:
    """UTC ms; an instant without an offset is the site's local time."""
    return int((given if given.tzinfo else given.replace(tzinfo=zone)).timestamp() * 1000)


def _told(instant_ms: int | None, zone: ZoneInfo) -> str:
    if instant_ms is None:
        return "none"
    return datetime.fromtimestamp(instant_ms / 1000, UTC).astimezone(zone).isoformat(timespec="seconds")
