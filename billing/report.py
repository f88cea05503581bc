"""Utilisation and yield by machine, kind, tenant or order: sums first, one division at the end."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from enum import StrEnum
from fractions import Fraction
from operator import add, itemgetter
from typing import Final

from msgspec import Struct

from billing import kpi
from billing.attribution import Place
from billing.usage import Usage
from contract.names import NONE
from contract.states import TIME_FIELDS

COVERAGE: Final = Fraction(95, 100)
"""Below this share of observed time a key figure says nothing."""
_COUNTED: Final = frozenset({"produced", "scrap", "energy_wh"})
_times: Final = itemgetter(*TIME_FIELDS)
_STOPS: Final = ("stop_tenant_ms", "stop_host_ms", "stop_utility_ms", "stop_unknown_ms")


class By(StrEnum):
    MACHINE = "machine"
    KIND = "kind"
    TENANT = "tenant"
    ORDER = "order"


class ReportRow(Struct, frozen=True, kw_only=True):
    """Milliseconds and pieces; a ratio is None where it would not be true."""

    name: str
    tenant: str
    """Whose order, in a report by order; else ``none``."""
    run_ms: int
    setup_ms: int
    """Trial runs included."""
    stop_ms: int
    stop_tenant_ms: int
    """The part of ``stop_ms`` that the tenant caused."""
    fault_ms: int
    idle_ms: int
    maint_ms: int
    off_ms: int
    unknown_ms: int
    """Time of a machine without any record included."""
    total_ms: int
    busy_ms: int
    """Planned busy time: the calendar time less maintenance and off. There is no shift calendar yet."""
    produced: int | None
    scrap: int | None
    good: int | None
    energy_wh: int | None
    coverage: Fraction | None
    """Of the planned busy time, how much was observed."""
    availability: Fraction | None
    utilisation_efficiency: Fraction | None
    allocation_efficiency: Fraction | None
    quality_ratio: Fraction | None


class Report:
    """Adds usage up by one of these. A site has more orders in a month than one should hold usages of."""

    def __init__(self, by: By) -> None:
        self._by = by
        self._sums: dict[tuple[str, str], _Sum] = defaultdict(_Sum)

    def add(self, usage: Usage) -> None:
        self._sums[_name(usage, self._by)].add(usage)

    def rows(
        self, *, holes: Mapping[tuple[str, str], int] | None = None, threshold: Fraction = COVERAGE
    ) -> list[ReportRow]:
        """``holes``: milliseconds by (kind, machine) without any record: calendar time, but nobody's."""
        missing: dict[tuple[str, str], int] = defaultdict(int)
        for (kind, machine), ms in (holes or {}).items():
            if self._by in {By.MACHINE, By.KIND}:
                missing[machine if self._by is By.MACHINE else kind, NONE] += ms
        names = sorted({*self._sums, *missing})
        return [_row(name, self._sums.get(name, _NOTHING), missing[name], threshold) for name in names]


def report(
    usages: Iterable[Usage],
    by: By,
    *,
    holes: Mapping[tuple[str, str], int] | None = None,
    threshold: Fraction = COVERAGE,
) -> list[ReportRow]:
    found = Report(by)
    for usage in usages:
        found.add(usage)
    return found.rows(holes=holes, threshold=threshold)


def report_of_nothing(name: str) -> ReportRow:
    """Of a tenant who has lines, and used nothing."""
    return _row((name, NONE), _NOTHING, 0, COVERAGE)


class _Sum:
    """What the usages of one row come to."""

    __slots__ = ("counted", "fault_ms", "is_metered", "time", "uncounted")

    def __init__(self) -> None:
        self.time = [0] * len(TIME_FIELDS)
        self.fault_ms = 0
        """While an order was active."""
        self.is_metered = False
        self.counted = dict.fromkeys(_COUNTED, 0)
        self.uncounted = frozenset[str]()
        """What a machine among them does not count."""

    def add(self, usage: Usage) -> None:
        self.time = list(map(add, self.time, _times(usage.time)))
        if usage.order_id != NONE:
            self.fault_ms += usage.time["fault_ms"]
        if usage.total_ms:
            self.is_metered = True
            self.uncounted |= _COUNTED - usage.measured
            for name in _COUNTED:
                self.counted[name] += usage.quantities.get(name, 0)

    def pieces(self, name: str) -> int | None:
        """The sum of a quantity, or None when a machine among them does not count it."""
        return self.counted[name] if self.is_metered and name not in self.uncounted else None


_NOTHING: Final = _Sum()


def _name(usage: Usage, by: By) -> tuple[str, str]:
    if by is By.MACHINE:
        return usage.machine, NONE
    if by is By.KIND:
        return usage.kind, NONE
    if usage.place is not Place.TENANT:
        return f"({usage.place})", NONE
    return (usage.tenant, NONE) if by is By.TENANT else (usage.order_id, usage.tenant)


def _row(name: tuple[str, str], found: _Sum, missing_ms: int, threshold: Fraction) -> ReportRow:
    time = dict(zip(TIME_FIELDS, found.time, strict=True))
    stop_ms = sum(time[field] for field in _STOPS)
    unknown_ms = time["unknown_ms"] + missing_ms
    total_ms = sum(time.values()) + missing_ms
    busy_ms = total_ms - time["maint_ms"] - time["off_ms"]
    elements = kpi.Elements(
        apt=time["run_ms"],
        aust=time["setup_ms"] + time["test_ms"],
        adet=stop_ms + found.fault_ms,
        pbt=busy_ms,
    )
    produced, scrap = found.pieces("produced"), found.pieces("scrap")
    good = None if produced is None or scrap is None else produced - scrap
    coverage = kpi.ratio(busy_ms - unknown_ms, busy_ms)
    is_known = coverage is not None and coverage >= threshold
    return ReportRow(
        name=name[0],
        tenant=name[1],
        run_ms=elements.apt,
        setup_ms=elements.aust,
        stop_ms=stop_ms,
        stop_tenant_ms=time["stop_tenant_ms"],
        fault_ms=time["fault_ms"],
        idle_ms=time["idle_ms"],
        maint_ms=time["maint_ms"],
        off_ms=time["off_ms"],
        unknown_ms=unknown_ms,
        total_ms=total_ms,
        busy_ms=busy_ms,
        produced=produced,
        scrap=scrap,
        good=good,
        energy_wh=found.pieces("energy_wh"),
        coverage=coverage,
        availability=kpi.availability(elements) if is_known else None,
        utilisation_efficiency=kpi.utilisation_efficiency(elements) if is_known else None,
        allocation_efficiency=kpi.allocation_efficiency(elements) if is_known else None,
        quality_ratio=kpi.quality_ratio(good, produced) if is_known else None,
    )
