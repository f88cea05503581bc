"""The days of a period that were added up, put aside until the pages are made that they are for.

So that memory follows the day, not the period. What was put aside is gone through tenant by tenant, as often
as is wanted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from msgspec import Struct

from billing import machine_day, sums
from billing.aside import Aside, Places, unwritable
from billing.fold import Fold, Folded
from billing.machine_day import DayPart, MachineDay, machine_days
from billing.sums import Part, Sum, joined
from billing.usage import Key, Usage

T = TypeVar("T")


class Handed(Struct, frozen=True):
    """Where a process has put aside what another one reads."""

    directory: Path
    sums: Places
    days: Places


class PutAside:
    """A context: what was put aside is gone with it, unless it lies in a ``directory``."""

    def __init__(self, directory: Path | None = None, handed: Handed | None = None) -> None:
        """Raises UnwritableError."""
        within = handed.directory if handed else directory
        sums_at, days_at = (within / "sums", within / "days") if within else (None, None)
        self._directory, self._open = directory, ExitStack()
        try:
            if directory:
                directory.mkdir(exist_ok=True)
        except OSError as error:
            raise unwritable(error) from None
        self.sums = self._open.enter_context(
            Aside[Part](sums.encode, sums.decode, sums_at, handed.sums if handed else None)
        )
        self.days = self._open.enter_context(
            Aside[DayPart](machine_day.encode, machine_day.decode, days_at, handed.days if handed else None)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def of(self, fold: Fold, until: int | None) -> None:
        """After all that begins before ``until`` (UTC ms); None: after the last fact.

        Raises UnwritableError.
        """
        for key, part in fold.sums_put_aside(is_over=until is None):
            self.keep(key, part)
        for tenant, day in fold.days_put_aside(until):
            self.days.put(tenant, day)

    def keep(self, key: Key, part: Sum) -> None:
        self.sums.put(key.tenant, (key, part))

    def finish(self, fold: Fold) -> Folded:
        """Holds as long as the context. Raises UnwritableError."""
        self.of(fold, None)
        return fold.finish(*gone_through([self]))

    def handed(self) -> Handed:
        """Of what lies in a directory: what another process needs to read it, when this is closed."""
        if self._directory is None:
            raise ValueError("without a directory it is gone with its context")
        return Handed(self._directory, self.sums.places, self.days.places)


def gone_through(parts: Sequence[PutAside]) -> tuple[Iterable[Usage], Mapping[str, tuple[MachineDay, ...]]]:
    """Tenant by tenant, as often as is wanted, what was put aside of parts that have no machine in common."""
    return _Usages([part.sums for part in parts]), _Days([part.days for part in parts])


def _owners(asides: Iterable[Aside[T]]) -> list[str]:
    return sorted({owner for aside in asides for owner in aside.places})


class _Usages:
    def __init__(self, asides: Sequence[Aside[Part]]) -> None:
        self._asides = asides

    def __iter__(self) -> Iterator[Usage]:
        for tenant in _owners(self._asides):
            yield from joined(chain.from_iterable(aside.of(tenant) for aside in self._asides))


class _Days(Mapping[str, tuple[MachineDay, ...]]):
    def __init__(self, asides: Sequence[Aside[DayPart]]) -> None:
        self._asides = asides

    def __getitem__(self, tenant: str) -> tuple[MachineDay, ...]:
        found = machine_days(chain.from_iterable(aside.of(tenant) for aside in self._asides))
        if not found:
            raise KeyError(tenant)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(_owners(self._asides))

    def __len__(self) -> int:
        return len(_owners(self._asides))
