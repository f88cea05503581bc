"""What became of a tenant's pieces as pictures: by day, and by order. Pure."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from types import MappingProxyType
from typing import Final, NamedTuple

from billing import figures, svg
from billing.words import Words
from billing.yields import CAUSES, NOTHING, Yield
from contract.names import NONE
from contract.states import Party

LEFT: Final = 120.0
PLOT: Final = 440.0
WIDTH: Final = 744.0
MOST_ORDERS: Final = 24
_TOP, _PITCH, _HEIGHT = 8.0, 15.0, 10.0
_HEAD: Final = 16.0
_COLUMNS: Final = (
    (Words("pieces", "产量"), 618.0),
    (Words("scrap", "次品"), 678.0),
    (Words("rework", "返工"), 736.0),
)
_COLUMN: Final = 84.0
_ACROSS: Final = 600.0


class Sort(NamedTuple):
    """One look of pieces, and how many of a yield have it. None is drawn below zero."""

    look: str
    called: Words
    pieces: Callable[[Yield], int]


def _of_cause(party: Party) -> Callable[[Yield], int]:
    return lambda pieces: max(0, pieces.scrap.get(party, 0))


_CALLED: Final = MappingProxyType(
    {
        Party.TENANT: Words("scrap, by tenant", "次品（承租方原因）"),
        Party.HOST: Words("scrap, by host", "次品（主办方原因）"),
        Party.UTILITY: Words("scrap, by utility", "次品（公用设施原因）"),
        Party.UNKNOWN: Words("scrap, cause unknown", "次品（原因未知）"),
    }
)
SORTS: Final = (
    Sort("good", Words("good", "良品"), lambda pieces: max(0, pieces.good)),
    Sort("unsorted", Words("pieces, scrap not counted", "产量（未计次品）"), lambda pieces: pieces.unsorted),
    *(Sort(party.value, _CALLED[party], _of_cause(party)) for party in CAUSES),
)
"""They lie one after the other."""
REWORK: Final = Sort("rework", Words("rework, among them", "其中返工"), lambda pieces: pieces.rework)


def drawn(pieces: Yield) -> int:
    return sum(sort.pieces(pieces) for sort in SORTS)


def by_order(key: str, orders: Sequence[tuple[str, Yield]]) -> str:
    """A bar for each order, the largest first; what has no room is one bar at the end."""
    shown = _largest(orders)
    most = max(1, *(drawn(pieces) for _, pieces in shown))
    looks: dict[str, list[svg.Box]] = {}
    for number, (_, pieces) in enumerate(shown):
        top, at = _HEAD + number * _PITCH, LEFT
        for sort in SORTS:
            width = float(PLOT * Fraction(sort.pieces(pieces), most))
            if width:
                looks.setdefault(sort.look, []).append((at, top, width, _HEIGHT))
            at += width
        if pieces.rework:
            width = float(PLOT * Fraction(min(pieces.rework, most), most))
            looks.setdefault(REWORK.look, []).append((LEFT, top + _HEIGHT, width, 3.0))
    labels = [svg.text(x, 9, f"{called.zh} {called.en}", "end") for called, x in _COLUMNS]
    labels += [part for number, each in enumerate(shown) for part in _row(number, *each)]
    whole = sum((pieces for _, pieces in orders), NOTHING)
    size = (WIDTH, _HEAD + len(shown) * _PITCH + 4)
    return svg.picture(key, _said("按订单 by order", whole), size, *_drawn(looks), *labels)


def _largest(orders: Sequence[tuple[str, Yield]]) -> list[tuple[str, Yield]]:
    ranked = sorted(orders, key=lambda each: (-drawn(each[1]), each[0]))
    kept, rest = ranked[:MOST_ORDERS], ranked[MOST_ORDERS:]
    if not rest:
        return kept
    more = sum((pieces for _, pieces in rest), NOTHING)
    return [*kept, (f"其余 {len(rest)} 单 more", more)]


def _row(number: int, name: str, pieces: Yield) -> Iterator[str]:
    base = _HEAD + number * _PITCH + 8.5
    yield svg.text(0, base, figures.NOTHING if name == NONE else _short(name))
    counts = (pieces.produced, None if pieces.unsorted else sum(pieces.scrap.values()), pieces.rework)
    for (_, x), count in zip(_COLUMNS, counts, strict=True):
        yield svg.text(x, base, figures.count(count), "end")


def _short(name: str) -> str:
    return name if len(name) <= 20 else f"{name[:18]}…"


def by_day(key: str, days: Sequence[tuple[str, Yield]]) -> str:
    """A column for each day; rework beside it."""
    pitch = _ACROSS / max(1, len(days))
    most = max(1, *(max(drawn(pieces), pieces.rework) for _, pieces in days))
    width, floor, left = min(pitch * 0.6, 30.0), _TOP + _COLUMN, 70.0
    looks: dict[str, list[svg.Box]] = {}
    for number, (_, pieces) in enumerate(days):
        x, at = left + number * pitch + pitch * 0.1, floor
        for sort in SORTS:
            height = float(_COLUMN * Fraction(sort.pieces(pieces), most))
            at -= height
            if height:
                looks.setdefault(sort.look, []).append((x, at, width, height))
        if pieces.rework:
            height = float(_COLUMN * Fraction(pieces.rework, most))
            looks.setdefault(REWORK.look, []).append((x + width, floor - height, width / 3, height))
    whole = sum((pieces for _, pieces in days), NOTHING)
    labels = [*_scale(most, left), *_names([name for name, _ in days], pitch, left, floor)]
    return svg.picture(key, _said("按日 by day", whole), (WIDTH, floor + 16), *labels, *_drawn(looks))


def _scale(most: int, left: float) -> Iterator[str]:
    for part in range(3):
        y = _TOP + _COLUMN * (1 - part / 2)
        yield svg.line(f"M{svg.number(left)} {svg.number(y)}h{svg.number(_ACROSS)}")
        yield svg.text(left - 6, y + 3, f"{most * part / 2:,g}", "end")


def _names(days: Sequence[str], pitch: float, left: float, floor: float) -> Iterator[str]:
    room = max(1, -(-14 // int(max(1, pitch))))
    for number, day in enumerate(days):
        if number % room == 0:
            said = day[8:] if number and day[8:] != "01" else day[5:]
            yield svg.text(left + number * pitch + pitch * 0.4, floor + 11, said, "hour")


def _drawn(looks: dict[str, list[svg.Box]]) -> list[str]:
    return [svg.boxes(f"is-{look}", found) for look, found in sorted(looks.items())]


def _counted(pieces: Yield, language: str) -> list[str]:
    """Every sort of which there are any, in figures."""
    return [
        f"{getattr(sort.called, language)} {sort.pieces(pieces):,}"
        for sort in (*SORTS, REWORK)
        if sort.pieces(pieces)
    ]


def _said(what: str, pieces: Yield) -> tuple[str, str]:
    told = f"{'，'.join(_counted(pieces, 'zh'))}。{', '.join(_counted(pieces, 'en'))}."
    return f"产出 yield, {what}", told
