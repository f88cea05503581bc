"""The picture on a statement: the tenant's time on each machine, and what became of the pieces. Pure.

As fine as a page can show: strips of days; beyond some two pages of them a bar for each day of each machine;
beyond two dozen machines a bar for each day of all machines together.
"""

from typing import Final

from msgspec import Struct

from billing import svg
from billing.machine_day import MOST_STRIPS
from billing.phases import CALLED, OPEN, OPEN_CALLED, PHASES
from billing.picture_time import Row, bars, of_one_day, rows_of, strips, together
from billing.picture_yield import REWORK, SORTS, by_day, by_order
from billing.statement import Statement
from billing.words import Words
from billing.yields import NOTHING, Yield

MOST_MACHINES: Final = 24


class Swatch(Struct, frozen=True):
    """A line of a legend: the name of a look, and what it stands for."""

    look: str
    called: Words


class Picture(Struct, frozen=True, kw_only=True):
    time: tuple[str, ...]
    """Figures, each an SVG element."""
    time_legend: tuple[Swatch, ...]
    has_strips: bool
    pieces: tuple[str, ...]
    pieces_legend: tuple[Swatch, ...]


def picture(statement: Statement) -> Picture:
    rows = rows_of(statement.days, statement.open_items, statement.heading.zone)
    has_strips = sum(map(len, rows.values())) <= MOST_STRIPS and all(
        row.used.strip for each in rows.values() for row in each if row.used and any(row.used.time)
    )
    if has_strips and (row_each := of_one_day(rows)):
        time = [strips("m", row_each[0].day.name, row_each)]
    elif has_strips:
        time = [strips(f"m{n}", machine, each) for n, (machine, each) in enumerate(rows.items())]
    elif len(rows) <= MOST_MACHINES:
        time = [_bars(f"m{n}", machine, each) for n, (machine, each) in enumerate(rows.items())]
    else:
        time = [_bars("m", f"{len(rows)} 台 machines", together(rows))]
    days = _by_day(statement)
    orders = [(order.order_id, order.pieces) for order in statement.orders]
    return Picture(
        time=tuple(time),
        time_legend=_time_legend(rows),
        has_strips=has_strips,
        pieces=(
            *([by_day("d", days)] if len(days) > 1 else []),
            *([by_order("o", orders)] if orders else []),
        ),
        pieces_legend=_pieces_legend([pieces for _, pieces in orders]),
    )


def _bars(key: str, name: str, rows: list[Row]) -> str:
    """The height is a whole day of so many machines as had any."""
    most = max(sum(row.time) + row.waiting_ms for row in rows)
    day = max(row.day.end - row.day.start for row in rows)
    return bars(key, name, rows, max(1, -(-most // day)) * day if most > day else day)


def _by_day(statement: Statement) -> list[tuple[str, Yield]]:
    found: dict[str, Yield] = {}
    for day in statement.days:
        if day.pieces:
            found[day.day.name] = found.get(day.day.name, NOTHING) + day.pieces
    made = [name for name, pieces in found.items() if pieces.produced or pieces.rework]
    return [(name, found[name]) for name in sorted(made)]


def _time_legend(rows: dict[str, list[Row]]) -> tuple[Swatch, ...]:
    """Only what can be seen."""
    every = [row for each in rows.values() for row in each]
    seen = [phase for n, phase in enumerate(PHASES) if any(row.time[n] for row in every)]
    waits = [Swatch(OPEN, OPEN_CALLED)] if any(row.waiting for row in every) else []
    return (*(Swatch(phase.value, CALLED[phase]) for phase in seen), *waits)


def _pieces_legend(yields: list[Yield]) -> tuple[Swatch, ...]:
    seen = [sort for sort in (*SORTS, REWORK) if any(sort.pieces(each) for each in yields)]
    return tuple(Swatch(sort.look, sort.called) for sort in seen)


def swatch(look: str) -> str:
    """A box as the figures draw it. The words stand beside it."""
    box = svg.boxes(f"is-{look}", [(0.5, 0.5, 17.0, 9.0)])
    return svg.tag("svg", box, viewBox="0 0 18 10", width=18, height=10, aria_hidden="true")
