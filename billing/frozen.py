"""The heads of chains that frozen runs walked to, read from the shelf: a closing goes on from there."""

from collections.abc import Mapping

from billing.chain import Head, Life, head_of
from billing.chain_walk import Start
from billing.evidence import DamagedError
from billing.ledger import Event
from billing.manifest import Manifest
from billing.period import Period, whole_days
from billing.shelf import Shelf


def heads_of(manifest: Manifest) -> dict[str, Head]:
    return {life: head_of(text) for life, text in manifest.heads.items()}


def newest_heads(shelf: Shelf, name: str) -> dict[str, Head]:
    """Of the latest frozen run of a period; none where there is none. Raises DamagedError."""
    frozen = shelf.ledger.revisions(name, Event.FROZEN)
    return heads_of(shelf.manifest(name, frozen[-1].revision)) if frozen else {}


def starts_of(shelf: Shelf, period: Period) -> dict[Life, Start]:
    """Where chains go on that were walked for an earlier period. Raises DamagedError.

    Only what the ledger knows is believed: a pack with another digest than was frozen is none.
    """
    before = [one for one in _frozen(shelf) if whole_days(one.period, one.zone).end <= period.start]
    before.sort(key=lambda one: (one.period.end, one.revision))
    heads: dict[Life, Head] = {}
    for manifest in before:
        heads |= _by_life(manifest.heads)
    at = max((whole_days(one.period, one.zone).end for one in before), default=0)
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


def _frozen(shelf: Shelf) -> list[Manifest]:
    found = []
    for entry in shelf.ledger.entries:
        if entry.event is Event.FROZEN:
            manifest = shelf.manifest(entry.period, entry.revision)
            if manifest.digest != entry.pack:
                raise DamagedError(
                    f"{entry.period}/{entry.revision}: its pack is not the one that was frozen; see `verify`"
                )
            found.append(manifest)
    return found
