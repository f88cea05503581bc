"""Words that nobody knows, and what they may mean, for a person. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from edge_agent.block import Table
from edge_agent.decode import Value
from edge_agent.motion import Kind, Motion
from edge_agent.panel_search import MOST, Place
from edge_agent.readings import Reading, likely, readings, texts
from edge_agent.register import RegisterType, WordOrder

_PLAIN = {RegisterType.U16, RegisterType.BIT}


def view(
    table: Table, words: Mapping[int, int], *, order: WordOrder | None = None, everything: bool = False
) -> Iterator[str]:
    """One line an address: the word, then what begins here."""
    beside: dict[int, list[Reading]] = {address: [] for address in words}
    lettered = {text.address: text for text in texts(words)}
    spelt = {text.address + at for text in lettered.values() for at in range(text.count)}
    for reading in readings(table, words) if everything else likely(table, words, order=order):
        register = reading.register
        free = everything or spelt.isdisjoint(range(register.address, register.end))
        if free and (register.type not in _PLAIN or register.word_order.swapped):
            beside[register.address].append(reading)
    yield f"{table:>8}   {'bit' if table.bits else 'word'}"
    for address in sorted(words):
        told = [f"{reading.label} {said(reading.value)}" for reading in beside[address]]
        if text := lettered.get(address):
            told.append(f'ascii[{text.count}] "{text.text}" or, bytes swapped, "{text.swapped}"')
        yield f"{_word(table, address, words[address])}   {'   '.join(told)}".rstrip()


def _word(table: Table, address: int, word: int) -> str:
    return f"{address:8}   {word}" if table.bits else f"{address:8}   {word:#06x} {word:5}"


def motion_view(motions: Sequence[Motion], seconds: float, looks: int) -> Iterator[str]:
    """What moved, counters first."""
    yield f"watched {seconds:.0f} s, looked {looks} times"
    if not motions:
        yield "nothing moved; is the machine running? watch for longer, or look at other addresses"
    for motion in motions:
        steps = f"{len(motion.steps)} steps" if len(motion.steps) > 1 else "one step"
        rate = "" if motion.kind is Kind.BOTH else f", {motion.per_minute:+.4g} a minute"
        yield f"{motion.kind}{rate}, in {steps}:"
        for way in motion.ways:
            low, high = said(way.least), said(way.most)
            between = {Kind.UP: f"{low} to {high}", Kind.DOWN: f"{high} to {low}"}.get(
                motion.kind, f"between {low} and {high}"
            )
            yield f"{way.reading.register.address:8}   {way.reading.label:10} {between}"


def places_view(number: str, places: Sequence[Place]) -> Iterator[str]:
    """Where a number of the panel stands."""
    if not places:
        yield f"{number}: nowhere here, in no type and order; look at other addresses or another table"
        return
    yield f"{number}:"
    for place in places[:MOST]:
        reading = place.reading
        unit = f" ({place.unit})" if place.unit else ""
        doubt = "" if place.is_likely else "   hardly"
        yield f"{reading.register.address:8}   {reading.label:10} {said(reading.value)}{unit}{doubt}"
    if len(places) > MOST:
        yield f"{'':8}   and {len(places) - MOST} more; a larger number would tell better"


def said(value: Value) -> str:
    """A number as short as it can be told."""
    return f"{value:.7g}" if isinstance(value, float) else str(value)
