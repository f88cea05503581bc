"""A tenant's time on machines as pictures: a strip for each day, or where there are too many, a bar. Pure.

strips   a figure for each machine, a row for each day, a cell for each five minutes
bars     a figure for each machine, a bar for each day, as high as its hours
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from billing import figures, svg
from billing.machine_day import Day, MachineDay
from billing.period import local, midnight
from billing.phases import CALLED, OPEN, OPEN_CALLED, PHASES, Phase
from billing.strip import CELL_MS, runs
from billing.suspense import Item

LEFT: Final = 70.0
CELL: Final = 2.0
"""The width of a cell of a strip."""
WIDTH: Final = LEFT + 300 * CELL + 74
"""Three hundred cells are the 25 hours of the longest day."""
_HOUR_MS: Final = 3_600_000
_TOP, _PITCH = 30.0, 12.0
_BAR_TOP, _BAR_HEIGHT, _BAR_BELOW = 26.0, 84.0, 16.0
_FULL: Final = 9.0
_HEIGHTS: Final = {Phase.STOP: 0.62, Phase.HELD: 0.62, Phase.IDLE: 0.3, Phase.OFF: 0.12}
"""Of a row; what is not named fills it. So a strip can be read without colours."""


class Row(NamedTuple):
    """A day of a machine."""

    day: Day
    used: MachineDay | None
    waiting: tuple[tuple[int, int], ...] = ()
    """Stretches in suspense or disputed, UTC ms."""
    called: str = ""
    """What stands before it, where that is not the day."""

    @property
    def time(self) -> tuple[int, ...]:
        return self.used.time if self.used else (0,) * len(PHASES)

    @property
    def waiting_ms(self) -> int:
        return sum(end - start for start, end in self.waiting)


def rows_of(days: Iterable[MachineDay], items: Iterable[Item], zone: ZoneInfo) -> dict[str, list[Row]]:
    """By machine; of each by day. A day with nothing of the tenant's has no row."""
    found: dict[tuple[str, str], Row] = {(day.machine, day.day.name): Row(day.day, day) for day in days}
    for item in items:
        for day in _days_of(item, zone):
            key = (item.machine, day.name)
            row = found.get(key, Row(day, None))
            part = (max(item.start, day.start), min(item.end, day.end))
            found[key] = row._replace(waiting=(*row.waiting, part))
    rows: dict[str, list[Row]] = {}
    for machine, name in sorted(found):
        rows.setdefault(machine, []).append(found[machine, name])
    return rows


def _days_of(item: Item, zone: ZoneInfo) -> Iterator[Day]:
    at = local(item.start, zone).date()
    while (start := midnight(at, zone)) < item.end:
        at += timedelta(days=1)
        yield Day(local(start, zone).date().isoformat(), start, midnight(at, zone))


def of_one_day(rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """Where all is of one day, a row for each machine; else nothing."""
    days = {row.day for each in rows.values() for row in each}
    if len(days) != 1:
        return []
    return [row._replace(called=machine) for machine, each in rows.items() for row in each]


def strips(key: str, machine: str, rows: Sequence[Row]) -> str:
    """One machine, a row for each day; or one day, a row for each machine."""
    looks: dict[str, list[svg.Box]] = {}
    for number, row in enumerate(rows):
        top = _TOP + number * _PITCH
        for at, cells, letter in runs(row.used.strip) if row.used else ():
            looks.setdefault(letter, []).append(_cells(letter, at * CELL, cells * CELL, top))
        for start, end in row.waiting:
            left, width = _px(start - row.day.start), _px(end - start)
            looks.setdefault(OPEN, []).append(_cells(OPEN, left, width, top))
    height = _TOP + len(rows) * _PITCH + 2
    drawn = [svg.boxes(f"is-{letter}", looks[letter]) for letter in sorted(looks)]
    labels = [part for number, row in enumerate(rows) for part in _beside(number, row)]
    return svg.picture(
        key,
        _said(machine, rows),
        (WIDTH, height),
        *_head(machine, rows),
        *_hours(rows, height),
        *drawn,
        *labels,
    )


def _px(ms: int) -> float:
    return float(CELL * Fraction(ms, CELL_MS))


def _cells(letter: str, at: float, width: float, top: float) -> svg.Box:
    height = _FULL * _HEIGHTS.get(Phase(letter), 1.0) if letter != OPEN else _FULL
    return LEFT + at, top + _FULL - height, width, height


def _head(machine: str, rows: Sequence[Row]) -> Iterator[str]:
    yield svg.text(0, 11, machine, "name")
    yield svg.text(LEFT, 11, "  ".join(_sums(rows, "zh")), "sums")
    yield svg.text(WIDTH, 11, "运行 run", "end")


def _hours(rows: Sequence[Row], height: float) -> Iterator[str]:
    """Lines and names of the hours. On a day when the clocks change, they are off by the hour."""
    last = max(row.day.end - row.day.start for row in rows) // _HOUR_MS
    for hour in range(0, last + 1, 2):
        x = LEFT + _px(hour * _HOUR_MS)
        yield svg.tag(
            "path", class_="grid", d=f"M{svg.number(x)} {svg.number(_TOP - 3)}V{svg.number(height)}"
        )
        yield svg.text(x, _TOP - 6, str(hour), "hour")


def _beside(number: int, row: Row) -> Iterator[str]:
    base = _TOP + number * _PITCH + 8
    yield svg.text(0, base, row.called or row.day.name)
    yield svg.text(WIDTH, base, figures.clock(row.time[0]), "end")


def bars(key: str, name: str, rows: Sequence[Row], most_ms: int) -> str:
    """A bar for each day, stacked from run upwards. ``most_ms``: the time that fills the height."""
    pitch = 600 / max(1, len(rows))
    floor, width = _BAR_TOP + _BAR_HEIGHT, min(pitch * 0.8, 40.0)
    looks: dict[str, list[svg.Box]] = {}
    for number, row in enumerate(rows):
        at = floor
        for letter, ms in (*zip(PHASES, row.time, strict=True), (OPEN, row.waiting_ms)):
            height = float(_BAR_HEIGHT * Fraction(ms, most_ms))
            at -= height
            if ms:
                left = LEFT + number * pitch + (pitch - width) / 2
                looks.setdefault(letter, []).append((left, at, width, height))
    drawn = [svg.boxes(f"is-{letter}", looks[letter]) for letter in sorted(looks)]
    size = (WIDTH, floor + _BAR_BELOW)
    labels = [*_head(name, rows)][:-1], [*_scale(most_ms)], [*below(rows, pitch, floor)]
    return svg.picture(key, _said(name, rows), size, *(part for each in labels for part in each), *drawn)


def _scale(most_ms: int) -> Iterator[str]:
    for part in range(3):
        y = _BAR_TOP + _BAR_HEIGHT * (1 - part / 2)
        yield svg.line(f"M{svg.number(LEFT)} {svg.number(y)}h600")
        yield svg.text(LEFT - 6, y + 3, f"{svg.number(most_ms * part / 2 / _HOUR_MS)} h", "end")


def below(rows: Sequence[Row], pitch: float, floor: float) -> Iterator[str]:
    """Names of the days, as many as have room: the day of the month, at its first the month too."""
    room = max(1, -(-14 // int(max(1, pitch))))
    for number, row in enumerate(rows):
        if number % room == 0:
            day = row.day.name[8:] if number and row.day.name[8:] != "01" else row.day.name[5:]
            yield svg.text(LEFT + (number + 0.5) * pitch, floor + 11, day, "hour")


def together(rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """All machines of a tenant, day by day."""
    found: dict[str, Row] = {}
    for each in rows.values():
        for row in each:
            found[row.day.name] = _added(found.get(row.day.name), row)
    return [found[name] for name in sorted(found)]


def _added(before: Row | None, row: Row) -> Row:
    sums = tuple(map(sum, zip(before.time, row.time, strict=True))) if before else row.time
    waiting = (*before.waiting, *row.waiting) if before else row.waiting
    return Row(row.day, MachineDay(machine="", day=row.day, time=sums), waiting)


def _sums(rows: Sequence[Row], language: str) -> list[str]:
    whole = [sum(row.time[place] for row in rows) for place in range(len(PHASES))]
    said = [
        f"{getattr(CALLED[phase], language)} {figures.clock(ms)}"
        for phase, ms in zip(PHASES, whole, strict=True)
        if ms
    ]
    waiting = sum(row.waiting_ms for row in rows)
    return [*said, *([f"{getattr(OPEN_CALLED, language)} {figures.clock(waiting)}"] if waiting else [])]


def _said(name: str, rows: Sequence[Row]) -> tuple[str, str]:
    """Title and description."""
    ends = f"{rows[0].day.name} – {rows[-1].day.name}"
    return (
        f"{name}: 机台时间 machine time, {ends}",
        f"{'，'.join(_sums(rows, 'zh'))}。{', '.join(_sums(rows, 'en'))}.",
    )
