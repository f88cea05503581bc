"""The directory of ``run --out``: files that are there whole or not at all, and the instant of a first run.

A run that was ended in the middle is simply run again: it reads the period from its first day, finds what it
found, and leaves every file that has its bytes already. So that the bytes are the same, figures keep the
instant at which they were first made, for as long as they rest on the same.
"""

import os
import sys
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from billing.bad_usage import BadUsageError
from billing.crew import Crew
from billing.documents import STATEMENT
from billing.statement import Heading, Statement

_UNFINISHED = ".unfinished"


class UnwritableError(Exception):
    """Statements could not be written. The text says where and why."""


class _Page(Struct, frozen=True, kw_only=True):
    """What a statement as JSON says of itself."""

    digest: str
    generated_ms: int
    preliminary: bool


def write_files(out: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Each takes its place only when it is whole. Raises BadUsageError, UnwritableError."""
    made(out)
    _say(_written(out, files))


def _written(out: Path, files: Iterable[tuple[str, bytes]]) -> list[str]:
    """A line of each file. Raises UnwritableError."""
    try:
        return [f"{out / name}{'' if _put(out / name, data) else ' (as it was)'}\n" for name, data in files]
    except OSError as error:
        raise UnwritableError(f"--out {out}: cannot be written ({error})") from None


def _say(lines: Iterable[str]) -> None:
    sys.stderr.writelines(lines)


def _write_page(out: Path, stem: str, kinds: Iterable[str], page: Statement) -> list[str]:
    return _written(out, ((f"{stem}.{kind}", STATEMENT[kind](page)) for kind in kinds))


class Pages:
    """The pages of one period, statement by statement as they are made."""

    def __init__(self, out: Path, name: str, kinds: Iterable[str], crew: Crew) -> None:
        """``name``: of the period. Raises BadUsageError, UnwritableError."""
        made(out)
        self._out, self._name, self._crew = out, name, crew
        self._kinds = sorted(kinds, key="json".__ne__)  # it says when it was made, to the next run
        self._generated: int | None = None
        self.count = 0

    def add(self, statement: Statement) -> None:
        """Raises UnwritableError and LostProcessError, also for what was added before."""
        if self._generated is None:
            before = sorted(self._out.glob(f"*_{self._name}.json"))
            self._generated = first_made(before, statement.heading)
        heading = replace(statement.heading, generated=self._generated)
        page = replace(statement, heading=heading)
        stem = f"{statement.tenant.id}_{self._name}"
        self._crew.give(_say, _write_page, self._out, stem, self._kinds, page)
        self.count += 1

    def finish(self) -> None:
        """All of them lie there. Raises what ``add`` raises."""
        self._crew.finish()


def made(out: Path) -> None:
    """Raises BadUsageError, UnwritableError."""
    if out.exists() and not out.is_dir():
        raise BadUsageError(f"--out {out}: is a file; name a directory")
    try:
        out.mkdir(0o750, parents=True, exist_ok=True)  # bills are nobody else's business
    except OSError as error:
        raise UnwritableError(f"--out {out}: cannot be written ({error})") from None


def _put(path: Path, data: bytes) -> bool:
    """Whether it was another file before, or none."""
    if path.is_file() and path.read_bytes() == data:
        return False
    unfinished = path.with_name(f"{path.name}.{os.getpid()}{_UNFINISHED}")  # two runs may write at once
    unfinished.write_bytes(data)
    unfinished.replace(path)
    return True


def first_made(pages: Iterable[Path], heading: Heading) -> int:
    """When figures that rest on the same were first made, UTC ms: now, if none of the pages has them.

    ``pages``: as JSON. What is made while a period still runs is made anew each time.
    """
    if not heading.is_preliminary:
        for path in pages:
            if (page := _read(path)) and not page.preliminary and page.digest == heading.digest:
                return page.generated_ms
    return heading.generated


def _read(path: Path) -> _Page | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Page)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return None
