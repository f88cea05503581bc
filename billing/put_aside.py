"""The days of a period that were added up, put aside until the pages are made that they are for.

So that memory follows the day, not the period. What was put aside is gone through tenant by tenant, as often
as is wanted.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from billing import machine_day, sums
from billing.aside import Aside
from billing.fold import Fold, Folded
from billing.machine_day import DayPart, MachineDay, machine_days
from billing.sums import Part, Sum, joined
from billing.usage import Key, Usage


class PutAside:
    """A context: what was put aside is gone with it."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._sums = self._open.enter_context(Aside[Part](sums.encode, sums.decode))
        self._days = self._open.enter_context(Aside[DayPart](machine_day.encode, machine_day.decode))

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
            self._days.put(tenant, day)

    def keep(self, key: Key, part: Sum) -> None:
        self._sums.put(key.tenant, (key, part))

    def finish(self, fold: Fold) -> Folded:
        """Holds as long as the context. Raises UnwritableError."""
        self.of(fold, None)
        return fold.finish(_Usages(self._sums), _Days(self._days))


class _Usages:
    def __init__(self, aside: Aside[Part]) -> None:
        self._aside = aside

    def __iter__(self) -> Iterator[Usage]:
        for tenant in self._aside.owners():
            yield from joined(self._aside.of(tenant))


class _Days(Mapping[str, tuple[MachineDay, ...]]):
    def __init__(self, aside: Aside[DayPart]) -> None:
        self._aside = aside

    def __getitem__(self, tenant: str) -> tuple[MachineDay, ...]:
        found = machine_days(self._aside.of(tenant))
        if not found:
            raise KeyError(tenant)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._aside.owners())

    def __len__(self) -> int:
        return len(self._aside.owners())
