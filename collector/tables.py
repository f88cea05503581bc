"""What the commands show, as tables of text. Pure."""

from collections.abc import Mapping, Sequence
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from collector.cases import Held
from collector.instant import lasted, shown
from collector.replay import Replayed
from collector.restore import latest_leases, latest_orders
from collector.silence import BACK_DAYS, Heard
from contract.facts import ABSENT, BatchFact, LeaseFact, OrderFact, Quarantined


class Table(Struct, frozen=True, kw_only=True):
    title: str
    headings: tuple[str, ...]
    rows: list[tuple[str, ...]]
    remarks: list[str]


_SILENT: Final = "SILENT"


def _sign(heard: Heard) -> str:
    return _SILENT if heard.is_silent else "ok"


def gateways(heard: Sequence[Heard], batches: Mapping[str, BatchFact], zone: ZoneInfo) -> Table:
    """``batches`` has the latest of each gateway that is in ``heard``."""
    return Table(
        title="Gateways",
        headings=("gateway", "last batch sealed", "silent for", "", "records", "rejected", "kept"),
        rows=[
            (one.name, shown(one.last, zone), lasted(one.silent_ms), _sign(one), *_counts(batches[one.name]))
            for one in heard
        ],
        remarks=[] if heard else ["No gateway has sent a batch within the last 30 days."],
    )


def _counts(batch: BatchFact) -> tuple[str, ...]:
    return str(batch.records), str(batch.rejected), str(batch.kept)


def _known(one: Heard, zone: ZoneInfo) -> tuple[str, str]:
    """Until when, and how long ago that is; beyond 30 days nobody looked."""
    if one.is_long_ago:
        return "", f"over {BACK_DAYS} days"
    return shown(one.last, zone), lasted(one.silent_ms)


def machines(heard: Sequence[Heard], zone: ZoneInfo) -> Table:
    return Table(
        title="Machines",
        headings=("machine", "usage known until", "silent for", ""),
        rows=[(one.name, *_known(one, zone), _sign(one)) for one in heard],
        remarks=[] if heard else ["No machine was ever metered."],
    )


_FEW: Final = 10
"""So many names a person still wants to read in one line."""


def unseen(machines: Sequence[str]) -> list[str]:
    """Machines that have no witness, in one line."""
    if not machines:
        return []
    more = f" and {len(machines) - _FEW} more" if len(machines) > _FEW else ""
    named = ", ".join(machines[:_FEW])
    return [f"Without a witness of what their panel shows (`gongfang-agent witness`): {named}{more}."]


def leases(facts: Sequence[LeaseFact], zone: ZoneInfo) -> Table:
    """By machine, then time; a star marks what was said last about each machine."""
    last = {(fact.site, fact.machine, fact.issued) for fact in latest_leases(facts)}
    ordered = sorted(facts, key=lambda fact: (fact.site, fact.machine, fact.issued))
    return Table(
        title="Leases",
        headings=("", "machine", "from", "tenant", "order", "by", "issued", "heard", "id"),
        rows=[
            (
                "*" if (fact.site, fact.machine, fact.issued) in last else "",
                f"{fact.site}/{fact.machine}",
                shown(fact.effective, zone),
                "(end)" if fact.ends else fact.tenant,
                fact.order_id,
                fact.by,
                shown(fact.issued, zone),
                shown(fact.heard, zone),
                fact.id,
            )
            for fact in ordered
        ],
        remarks=[] if facts else ["No lease is stored."],
    )


def orders(facts: Sequence[OrderFact], zone: ZoneInfo) -> Table:
    """As last announced, open ones first."""
    latest = sorted(latest_orders(facts), key=lambda fact: (fact.closed, fact.site, fact.order_id))
    return Table(
        title="Orders",
        headings=("site", "order", "tenant", "article", "wanted", "due", "", "by", "issued"),
        rows=[
            (
                fact.site,
                fact.order_id,
                fact.tenant,
                fact.article,
                str(fact.wanted),
                "" if fact.due == ABSENT else shown(fact.due, zone),
                "closed" if fact.closed else "open",
                fact.by,
                shown(fact.issued, zone),
            )
            for fact in latest
        ],
        remarks=[] if facts else ["No order is stored."],
    )


def _what(fact: Quarantined) -> str:
    return f"{fact.machine}/{fact.epoch}/{fact.sequence}" if fact.epoch != "none" else fact.machine


def quarantine(cases: Sequence[Held], zone: ZoneInfo) -> Table:
    """The newest last."""
    return Table(
        title="Quarantine",
        headings=("id", "received", "what", "reason", "detail", "replayed"),
        rows=[
            (
                one.id,
                shown(one.first.received, zone),
                _what(one.first),
                one.first.reason,
                one.first.detail,
                "no" if one.replayed is None else shown(one.replayed, zone),
            )
            for one in cases
        ],
        remarks=[_in_all(cases)],
    )


def _in_all(cases: Sequence[Held]) -> str:
    if not cases:
        return "Nothing is in quarantine."
    done = sum(one.replayed is not None for one in cases)
    return f"{len(cases)} in all, {done} replayed." if done else f"{len(cases)} in all."


def replayed(outcomes: Sequence[Replayed], *, dry: bool) -> Table:
    done = sum(one.is_done for one in outcomes)
    would = "would be replayed" if dry else "replayed"
    return Table(
        title="Replay",
        headings=("id", "what", "was", "outcome", "detail"),
        rows=[
            (one.case.id, _what(one.case.first), one.case.first.reason, one.outcome, one.detail)
            for one in outcomes
        ],
        remarks=[f"{done} of {len(outcomes)} {would}." if outcomes else "There is nothing to replay."],
    )
