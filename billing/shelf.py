"""The books on disk: a ledger, and a directory for each revision of each period. Nothing is ever overwritten.

``books/ledger.jsonl``, and in ``books/2026-10/1/`` of the first revision of October: ``pack.json`` (what the
pack holds), ``configuration.json`` (billing.toml, tariffs, calendars and entries, as they were),
``usage-...jsonl.gz`` and so on (the stored rows), ``statements/`` (what tenants get), once it is issued
``issued.json`` (the ledger's entry). ``books/days/2026-10-07/1.json`` is what closing that day left.
"""

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from billing import closed_day
from billing.closed_day import ClosedDay
from billing.evidence import DamagedError
from billing.ledger import Entry, Event, Ledger, line_of, next_entry, read_ledger
from billing.manifest import Manifest, canonical, read_manifest

PACK: Final = "pack.json"
TEXTS: Final = "configuration.json"
ISSUED: Final = "issued.json"
"""The entry of the ledger that issued a pack, a copy of which lies in it."""
STATEMENTS: Final = "statements"
ACCOUNTS: Final = "accounts"
"""What the site's accounts get: the totals of the period, and what owners get."""
STANDING: Final = "standing.json"
"""Of an adjustment, beside what owners get: the totals of its fresh rating, with what waits today."""
RATING: Final = "rating"
"""Of an adjustment: the fresh rating that it was found with."""
DAYS: Final = "days"
"""What closings of days left."""
_OURS: Final = 0o750
"""Bills are nobody's business who is not of the group."""
_UNFINISHED: Final = ".unfinished"
_CLOSE_AGAIN: Final = (
    "restore it from a copy, or take it away: the next closing walks the chains from further back"
)


def manifest_in(place: Path) -> Manifest:
    """Of a pack, wherever it lies. Raises DamagedError."""
    path = place / PACK
    try:
        return read_manifest(path.read_bytes())
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{path}: cannot be read ({error})") from None


def texts_in(place: Path) -> dict[str, str]:
    """The files of the configuration of a pack, as they were. Raises DamagedError."""
    path = place / TEXTS
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{path}: cannot be read ({error})") from None


class Shelf:
    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @property
    def ledger(self) -> Ledger:
        path = self.directory / "ledger.jsonl"
        return read_ledger(path.read_bytes()) if path.exists() else Ledger()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One at a time: two who freeze at once would both be the next revision."""
        self.directory.mkdir(_OURS, parents=True, exist_ok=True)
        with (self.directory / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def revisions(self, period: str) -> list[int]:
        """Of a period, in rising order; also such as no ledger names."""
        directory = self.directory / period
        return sorted(int(each.name) for each in directory.glob("*") if each.name.isdecimal())

    def place(self, period: str, revision: int) -> Path:
        return self.directory / period / str(revision)

    def manifests(self) -> list[Manifest]:
        """Of everything that was frozen. Raises DamagedError."""
        frozen = [entry for entry in self.ledger.entries if entry.event is Event.FROZEN]
        return [self.manifest(entry.period, entry.revision) for entry in frozen]

    def manifest(self, period: str, revision: int) -> Manifest:
        return manifest_in(self.place(period, revision))

    def closed(self, entry: Entry) -> ClosedDay | None:
        """What the closing of a day left; None of one that an earlier version closed. Raises DamagedError."""
        path = self._day(entry.period, entry.revision)
        try:
            data = path.read_bytes()
            day = closed_day.read(data)
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise DamagedError(f"{path}: cannot be read ({error}); {_CLOSE_AGAIN}") from None
        if closed_day.digest_of(data) != entry.pack:
            raise DamagedError(f"{path}: is not what was closed; {_CLOSE_AGAIN}")
        return day

    def keep(self, name: str, revision: int, data: bytes) -> None:
        """Before its entry is in the ledger: what no entry knows is overwritten by the next closing."""
        path = self._day(name, revision)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def _day(self, name: str, revision: int) -> Path:
        return self.directory / DAYS / name / f"{revision}.json"

    def texts(self, period: str, revision: int) -> dict[str, str]:
        return texts_in(self.place(period, revision))

    @contextmanager
    def new(self, period: str, revision: int) -> Iterator[tuple[Path, Callable[[Manifest], None]]]:
        """A directory that takes its place only once its manifest is written."""
        directory = self.directory / period / _UNFINISHED
        shutil.rmtree(directory, ignore_errors=True)
        (directory / STATEMENTS).mkdir(parents=True)

        def finish(manifest: Manifest) -> None:
            (directory / PACK).write_bytes(canonical(manifest))
            directory.rename(self.place(period, revision))

        try:
            yield directory, finish
        finally:
            shutil.rmtree(directory, ignore_errors=True)

    def issue_of(self, period: str, revision: int) -> Entry | None:
        """What a pack itself says of its issue; None where it says nothing, or nothing that can be read."""
        try:
            return msgspec.json.decode((self.place(period, revision) / ISSUED).read_bytes(), type=Entry)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None

    def mark_issued(self, entry: Entry) -> None:
        """Before it is in the ledger: who takes it from there leaves this behind."""
        path = self.place(entry.period, entry.revision) / ISSUED
        with path.open("wb") as file:
            file.write(line_of(entry))
            file.flush()
            os.fsync(file.fileno())

    def add(self, event: Event, at: int, names: tuple[str, int, str], by: str, override: str = "") -> Entry:
        """Appends an entry; it is durable when this returns."""
        return self.append(next_entry(self.ledger, event, at, names, (by, override)))

    def append(self, entry: Entry) -> Entry:
        """The next entry of the ledger; it is durable when this returns, or not there. Raises OSError.

        What was not written whole before is cut off: it never was an entry.
        """
        size = self.ledger.size
        with (self.directory / "ledger.jsonl").open("ab", buffering=0) as file:
            file.truncate(size)
            try:
                rest = line_of(entry)
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                file.truncate(size)
                raise
        return entry
