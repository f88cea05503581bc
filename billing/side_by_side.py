"""The rows of a period, read and added up by several processes, each with some of the machines. Wiring.

Each opens the store for itself. What it added up lies in a file, and the little that is left comes back.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Final

import msgspec

from billing.aside import unwritable
from billing.crew import Crew, lost, say
from billing.fold import joined
from billing.progress import Progress, Read
from billing.put_aside import Handed, PutAside, gone_through
from billing.reading import Reader
from billing.seal import sealed_together
from billing.share import Added, Work, add_up, read_books
from store.opening import open_store
from store.protocol import Machines, Share

_LOOK_S: Final = 0.2
"""How often it is looked how far they are."""
_PPM: Final = 1_000_000
_CALLED: Final = "gongfang-billing-"
"""So begins what a run puts aside; then its process id."""


async def add_up_by(
    crew: Crew, work: Work, shares: Sequence[Machines], aside: ExitStack, progress: Progress
) -> Added:
    """What one process would have added up. It holds as long as ``aside``.

    Raises StoreAwayError, UnwritableError and LostProcessError.
    """
    try:
        _tidy_up(Path(gettempdir()))
        place = Path(aside.enter_context(TemporaryDirectory(prefix=f"{_CALLED}{os.getpid()}-")))
    except OSError as error:
        raise unwritable(error) from None
    crew.begin(len(shares), 3)
    work = msgspec.structs.replace(work, waiting=work.waiting // len(shares))
    running = [
        asyncio.wrap_future(crew.do(_add_up, work, share, place, number))
        for number, share in enumerate(shares)
    ]
    for each in running:  # what becomes of the others when one failed, nobody asks
        each.add_done_callback(_heard)
    waiting = set(running)
    while waiting:
        done, waiting = await asyncio.wait(waiting, timeout=_LOOK_S, return_when=asyncio.FIRST_EXCEPTION)
        try:
            for each in done:
                each.result()
        except BrokenProcessPool:
            raise lost() from None
        progress(all_together(work, crew.said))
    added = [each.result()[0] for each in running]
    lying = [aside.enter_context(PutAside(handed=each.result()[1])) for each in running]
    return Added(
        folded=joined([each.folded for each in added], *gone_through(lying)),
        sealed=sealed_together(each.sealed for each in added),
        unread=tuple(finding for each in added for finding in each.unread),
    )


def _heard(future: "asyncio.Future[Any]") -> None:
    if not future.cancelled():
        future.exception()


def _tidy_up(within: Path) -> None:
    """What a run left behind that was killed."""
    for path in within.glob(f"{_CALLED}*"):
        pid = path.name.removeprefix(_CALLED).partition("-")[0]
        if pid.isdecimal() and not Path(f"/proc/{pid}").exists():
            shutil.rmtree(path, ignore_errors=True)


def all_together(work: Work, said: Sequence[int]) -> Read:
    """Days are done when the last one has done them. ``said``: by each its days, its rows, its millionths."""
    (first, last), done = work.period.days(work.settings.zone), min(said[::3])
    return Read(
        day=first + timedelta(days=max(0, done - 1)),
        done=done,
        days=(last - first).days + 1,
        rows=sum(said[1::3]),
        share=sum(said[2::3]) / len(said[2::3]) / _PPM,
    )


def _add_up(work: Work, machines: Machines, place: Path, number: int) -> tuple[Added, Handed]:
    """In a process of the crew."""
    return asyncio.run(_added(work, machines, place / str(number), number))


async def _added(work: Work, machines: Machines, directory: Path, number: int) -> tuple[Added, Handed]:
    def tell(read: Read) -> None:
        say(number, [read.done, read.rows, int(read.share * _PPM)])

    async with open_store(work.settings.store, read_only=True) as store:
        reader = Reader(Share(store, machines), work.settings.site.id)
        books = await read_books(reader, work)
        reader.findings.clear()  # whoever sent us reads the same, and says so
        with PutAside(directory) as aside:
            added = await add_up(reader, books, work, aside, tell)
            handed = aside.handed()
    folded = msgspec.structs.replace(added.folded, usages=(), days={})
    return msgspec.structs.replace(added, folded=folded, unread=tuple(reader.findings)), handed
