"""The heads of chains that frozen runs and closings of days walked to: the next one goes on from there."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple
from zoneinfo import ZoneInfo

from billing.chain import Head, Life, head_of
from billing.chain_walk import Start
from billing.evidence import DamagedError
from billing.ledger import Entry, Event
from billing.manifest import Manifest
from billing.period import Period, whole_days
from billing.shelf import Shelf


def heads_of(manifest: Manifest) -> dict[str, Head]:
    return {life: head_of(text) for life, text in manifest.heads.items()}


def newest_heads(shelf: Shelf, name: str) -> dict[str, Head]:
    """Of the latest frozen run of a period; none where there is none. Raises DamagedError."""
    frozen = shelf.ledger.revisions(name, Event.FROZEN)
    return heads_of(shelf.manifest(name, frozen[-1].revision)) if frozen else {}


class _Walked(NamedTuple):
    end: int
    """The midnight up to which it was walked, UTC ms."""
    number: int
    """Of its entry."""
    heads: Mapping[str, str]


def starts_of(shelf: Shelf, period: Period) -> dict[Life, Start]:
    """Where chains go on that were walked for an earlier period or day. Raises DamagedError.

    Only what the ledger knows is believed: a pack, or what a closing left, with another digest is none.
    """
    before = sorted(each for each in _walked(shelf) if each.end <= period.start)
    heads: dict[Life, Head] = {}
    for each in before:
        heads |= _by_life(each.heads)
    at = max((each.end for each in before), default=0)
    return {life: Start(head, at) for life, head in heads.items()}


def starts_in(manifest: Manifest) -> dict[Life, Head]:
    """The heads from which the walk of a frozen run went on."""
    return _by_life(manifest.starts)


def _by_life(heads: Mapping[str, str]) -> dict[Life, Head]:
    found: dict[Life, Head] = {}
    for name, text in heads.items():
        machine, epoch = name.split("/")
        found[machine, epoch] = head_of(text)
    return found


def _walked(shelf: Shelf) -> Iterator[_Walked]:
    for entry in shelf.ledger.entries:
        if entry.event is Event.FROZEN:
            manifest = _manifest(shelf, entry)
            yield _Walked(whole_days(manifest.period, manifest.zone).end, entry.number, manifest.heads)
        elif entry.event is Event.CLOSED and (day := shelf.closed(entry)):
            yield _Walked(whole_days(day.period, ZoneInfo(day.timezone)).end, entry.number, day.heads)


def _manifest(shelf: Shelf, entry: Entry) -> Manifest:
    manifest = shelf.manifest(entry.period, entry.revision)
    if manifest.digest != entry.pack:
        raise DamagedError(
            f"{entry.period}/{entry.revision}: its pack is not the one that was frozen; see `verify`"
        )
    return manifest
