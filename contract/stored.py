"""A row as it lies in a store, and the short way from there to its fact.

A month of a site has thirteen million rows, and nearly every one differs from the row before of its machine
in numbers alone. Numbers are checked while they are decoded; names and labels need no second look when they
are those of a row that was found fit. Whatever is otherwise goes the long way: ``fact_of`` decides.
"""

from collections.abc import Callable, Iterable, Mapping
from operator import attrgetter
from sys import intern
from typing import Any, Final, Literal

import msgspec
from msgspec import inspect

from contract.facts import Fact
from contract.records import Interval, Record, Transition
from contract.series import STATE, TOTAL, USAGE, Row, Series, Value, fact_of

Stored = tuple[Any, ...]
"""Time (UTC ms), the tags in the order of their series, the fields as the text of a JSON object."""

_fields: Final[msgspec.json.Decoder[dict[str, Value]]] = msgspec.json.Decoder(dict[str, Value])
_encoder: Final = msgspec.json.Encoder(order="sorted")
_DYNAMIC: Final = ("quantities", "totals")


def stored_of(row: Row, series: Series) -> Stored:
    return (row.time, *(row.tags[tag] for tag in series.tags), fields_text(row.fields))


def fields_text(fields: Mapping[str, Value]) -> str:
    return _encoder.encode(fields).decode()


def fields_in(text: str) -> dict[str, Any] | None:
    """Whatever stands in the fields of a row; None when that is no JSON object."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeError):
        return None


def name_of_stored(stored: Stored, series: Series, beside: Stored | None = None) -> str:
    """Series, machine, epoch, and sequence or id: of ``beside`` where the row itself does not say its own."""
    tags = dict(zip(series.tags, stored[1:-1], strict=True))
    fields = fields_in(stored[-1]) or (beside and fields_in(beside[-1])) or {}
    number = fields.get("sequence", fields.get("id", ""))
    named = (tags.get("machine", ""), tags.get("epoch", ""), str(number))
    return f"{series.name} {'/'.join(filter(None, named))}"


def row_of_stored(stored: Stored, series: Series) -> Row:
    """Raises msgspec.DecodeError when the fields are no flat JSON object."""
    time, *tags, fields = stored
    return Row(
        series=series.name,
        time=time,
        tags=dict(zip(series.tags, tags, strict=True)),
        fields=_fields.decode(fields),
    )


class Shape:
    """What rows of one series with the same fields have in common."""

    def __init__(self, series: Series, quantities: tuple[str, ...]) -> None:
        known = [
            each
            for each in msgspec.structs.fields(series.fact)
            if each.name not in {*series.tags, series.time, *_DYNAMIC}
        ]
        of = {each.name: each.type for each in known}
        texts = {name for name, kind in of.items() if isinstance(inspect.type_info(kind), inspect.StrType)}
        counts = [*quantities, *(name + TOTAL for name in quantities)]
        self._places = {f"count_{number}": name for number, name in enumerate(counts)}
        self._fields = [
            *((each.name, str if each.name in texts else each.type, each.default) for each in known),
            *((place, of["sequence"], msgspec.NODEFAULT) for place in self._places),
        ]
        # As they stand in the text: a decoder that finds each field where it looks takes a third less time.
        self._fields.sort(key=lambda field: self._places.get(field[0], field[0]))
        self.columns = tuple(self._places.get(name, name) for name, _, _ in self._fields)
        """The names of the fields, in their order."""
        self.decode = self.decoder({})
        texts -= {"digest"}  # of which no two are the same
        self.text_names = tuple(sorted(texts))
        self.texts = attrgetter(*self.text_names)
        self.same = (*series.tags, *self.text_names)
        self.names = quantities
        self.counts = _getter(list(self._places)[: len(quantities)])
        self.totals = _getter(list(self._places)[len(quantities) :])
        self._make = _maker(series, self.same, [name for name in of if name not in texts])

    def decoder(self, only: Mapping[str, str | int]) -> Callable[[str], Any]:
        """``only``: fields that have one value, or the text is refused (msgspec.DecodeError)."""
        flat = msgspec.defstruct(
            "Flat",
            [
                (name, Literal[only[name]], msgspec.NODEFAULT) if name in only else (name, kind, default)
                for name, kind, default in self._fields
            ],
            rename=lambda name: self._places.get(name, name),
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )
        return msgspec.json.Decoder(flat).decode

    def fact(self, same: tuple[str, ...], time: int, flat: object) -> Record:
        names = self.names
        quantities = dict(zip(names, self.counts(flat), strict=True))
        return self._make(same, flat, time, quantities, dict(zip(names, self.totals(flat), strict=True)))


def _getter(names: list[str]) -> Callable[[Any], tuple[int, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    return lambda flat: tuple(getattr(flat, name) for name in names)


def _maker(series: Series, same: Iterable[str], changing: Iterable[str]) -> Callable[..., Record]:
    """A call of the fact with all its fields by name: collecting them in between takes as long again."""
    given = [f"{name}=same[{place}]" for place, name in enumerate(same)]
    given += [f"{name}=flat.{name}" for name in changing]
    given += [f"{series.time}=time", *(f"{name}={name}" for name in _DYNAMIC if series is USAGE)]
    text = f"lambda same, flat, time, quantities, totals: fact({', '.join(given)})"
    made: Callable[..., Record] = eval(text, {"fact": series.fact})  # noqa: S307  names of fields, no input
    return made


class Seen:
    """What the row before of a machine was like."""

    def __init__(self, fact: Interval | Transition, series: Series, shape: Shape) -> None:
        self.shape = shape
        # One object for one text: nearly all texts of thousands of machines are the same.
        self.tags = tuple(intern(str(getattr(fact, tag))) for tag in series.tags)
        self.texts = tuple(map(intern, shape.texts(fact)))
        self.same = (*self.tags, *self.texts)


class Facts:
    """The facts of one series; what ``fact_of`` makes of the rows, sooner."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._machine = 1 + series.tags.index("machine") if series in {USAGE, STATE} else 0
        self._shapes: dict[tuple[str, ...], Shape] = {}
        self._seen: dict[str, Seen] = {}

    def fact(self, stored: Stored) -> Record | Fact:
        """Raises msgspec.DecodeError when the row is none of ours."""
        if not self._machine:
            return fact_of(row_of_stored(stored, self._series))
        seen = self._seen.get(stored[self._machine])
        if seen is not None:
            try:
                flat = seen.shape.decode(stored[-1])
            except msgspec.DecodeError:
                return self._looked_at(stored)
            if stored[1:-1] == seen.tags and seen.shape.texts(flat) == seen.texts:
                return seen.shape.fact(seen.same, stored[0], flat)
        return self._looked_at(stored)

    def seen(self, machine: str) -> Seen | None:
        """What the row was like that was made a fact last."""
        return self._seen.get(machine)

    def _looked_at(self, stored: Stored) -> Record | Fact:
        fact = fact_of(row_of_stored(stored, self._series))
        if isinstance(fact, Interval | Transition):
            self._seen[fact.machine] = Seen(fact, self._series, self._shape(fact))
        return fact

    def _shape(self, fact: Interval | Transition) -> Shape:
        names = tuple(fact.quantities) if isinstance(fact, Interval) else ()
        if names not in self._shapes:
            self._shapes[names] = Shape(self._series, names)
        return self._shapes[names]
