"""The command that takes cases out of quarantine: judged again, written, and marked as replayed."""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence

from collector import keeping, ledger, tables
from collector.answer import Judged
from collector.cases import Held, held, mark, named
from collector.clock import plant_clock
from collector.config import Settings
from collector.ingest import case_of
from collector.instant import shown
from collector.isolate import Quarantine
from collector.quarantine import UNREADABLE, Case
from collector.replay import Again, Replayed, chosen, concluded, read_again, refused
from collector.terminal import say, show
from collector.verdict import Unreadable, Verdict
from contract.messages import Outcome
from store.opening import open_store
from store.protocol import Store, StoreAwayError


def replay(settings: Settings, *, name: str | None, reason: str | None, dry: bool) -> int:
    """``name`` is the id of a case; without it those with ``reason``, or all. Returns the exit code.

    Raises StoreAwayError and UnusableStoreError.
    """
    return asyncio.run(_replay(settings, name, reason, dry=dry))


async def _replay(settings: Settings, name: str | None, reason: str | None, *, dry: bool) -> int:
    now = plant_clock(settings.clock.pair)
    async with open_store(settings.store, read_only=dry) as store:
        cases = held(await ledger.quarantined(store, 0))
        if name is None:
            selected = chosen(cases, reason)
        elif (one := named(cases, name)) is None:
            say(f"There is nothing called {name} in quarantine; `quarantine list` shows what there is.")
            return 1
        elif one.replayed is not None:
            say(f"{name} was replayed already, {shown(one.replayed, settings.zone)}.")
            return 0
        else:
            selected = [one]
        outcomes = await replay_cases(store, selected, now, dry=dry)
    show(tables.replayed(outcomes, dry=dry))
    return int(not all(one.is_done for one in outcomes))


async def replay_cases(
    store: Store, cases: Sequence[Held], now: Callable[[], int], *, dry: bool = False
) -> list[Replayed]:
    """What became of each, in order; with ``dry`` what would, and nothing is written.

    Ending at any instant is harmless: what is written twice is written once, and a case is marked last.
    """
    quarantine = Quarantine(store, now, look_back_ms=now(), most=sys.maxsize)
    outcomes = [await _again(store, quarantine, one, now(), dry=dry) for one in cases]
    if not dry:
        await _mark(quarantine, [one for one in outcomes if one.is_done])
    return outcomes


async def _again(store: Store, quarantine: Quarantine, one: Held, now: int, *, dry: bool) -> Replayed:
    again = read_again(one, now)
    if isinstance(again, Unreadable):
        return refused(one, again.why)
    if isinstance(again, Again):
        judge = keeping.foretold_records if dry else keeping.keep_records
        judged = await judge(store, again.entries)
        return concluded(one, judged if dry else await _isolated(quarantine, one, again, judged))
    keep = keeping.foretold_announcement if dry else keeping.keep_announcement
    return _of_announcement(one, await keep(store, again))


def _of_announcement(one: Held, verdict: Verdict) -> Replayed:
    said = f"{verdict.reason}: {verdict.detail}" if verdict.reason else ""
    is_done = verdict.outcome is Outcome.ACCEPTED
    return Replayed(case=one, outcome=str(verdict.outcome), detail=said, is_done=is_done)


async def _isolated(quarantine: Quarantine, one: Held, again: Again, judged: list[Judged]) -> list[Judged]:
    """Of a whole batch each bad record becomes a case of its own; a single record is one already."""
    bad = [case_of(again.batch, one.first.batch, *x) for x in judged if x[1].outcome is Outcome.REJECTED]
    if one.first.reason == UNREADABLE and bad and not await quarantine.put(bad):
        raise StoreAwayError("bad records of a batch cannot be quarantined now")
    return judged


async def _mark(quarantine: Quarantine, done: Sequence[Replayed]) -> None:
    marks: defaultdict[tuple[str, str], list[Case]] = defaultdict(list)
    for one in done:
        marks[one.case.first.site, one.case.first.gateway].append(mark(one.case, one.detail or one.outcome))
    for of_one_gateway in marks.values():
        if not await quarantine.put(of_one_gateway):
            raise StoreAwayError("what was replayed cannot be marked now; replaying it again is harmless")
