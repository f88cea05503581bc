"""Counts -> lines: block rule, then the price of each tier, then one rounding."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing import figures, words
from billing.block import Block, Each
from billing.calendars import BETWEEN, Band
from billing.charge import Exact, Place, Places, Priced, by_machine, line_id, shared_out
from billing.clauses import Clause, Energy, Piece, QuantityPrice, Rate
from billing.counting import Count, Counts, LineKey
from billing.scrap import billable
from billing.tariff import Tariff
from billing.terms import Terms, charged, in_uses, terms_of
from billing.wording import CLAUSES, REWORK_ONCE, first_part, tier
from billing.words import NO_WORDS, Words


def counted_lines(counts: Counts, tariff: Tariff) -> Iterator[Priced]:
    """The lines of everything that is counted, in the order of their keys."""
    terms: dict[str, Terms] = {}
    for key, count in counts.items():
        line, clause = _Lines(key, count), count.clause
        match clause:
            case Energy():
                yield from line.energy(clause, tariff)
            case Rate() | Piece() | QuantityPrice():
                if clause.id not in terms:
                    terms[clause.id] = terms_of(clause)
                yield from line.counted(clause, terms[clause.id], tariff)


class _Lines:
    """The lines of one count."""

    def __init__(self, key: LineKey, count: Count) -> None:
        self._key, self._count = key, count

    def counted(self, clause: Rate | Piece | QuantityPrice, terms: Terms, tariff: Tariff) -> Iterator[Priced]:
        note = NO_WORDS
        places: Places = self._count.places
        if isinstance(clause, Piece):
            places, note = billable(self._count, clause)
        firsts, rest = blocks(clause.block, places, is_first_apart=clause.first is not None)
        if clause.first is not None and firsts:
            yield self._line(in_uses(terms), clause.first, firsts, part=_first(clause), suffix="first")
        per, has_tiers = 1 / terms.ratio, len(clause.tiers.steps) > 1
        whole = int(sum(rest.values()))
        for number, quantity, price in clause.tiers.parts(whole, per):
            part = tier(number) if has_tiers else _band_of(clause, tariff)
            own = rest if quantity == whole else shared_out(quantity, rest)
            suffix = f"tier-{number}" if has_tiers else ""
            yield self._line(terms, price, own, part=part, suffix=suffix, note=note)
        if isinstance(clause, Piece) and clause.is_rework_once and self._count.rework:
            yield self._rework(clause, terms)

    def _rework(self, piece: Piece, terms: Terms) -> Priced:
        once = msgspec.structs.replace(terms, clause=Clause.REWORK, label=CLAUSES[Clause.REWORK])
        places = self._count.spread(-self._count.rework)
        price = piece.tiers.steps[0].price
        return self._line(once, price, places, suffix="rework", note=REWORK_ONCE)

    def energy(self, energy: Energy, tariff: Tariff) -> Iterator[Priced]:
        calendar = tariff.calendar(energy.calendar) if energy.calendar else None
        bands = calendar.bands if calendar else (Band(name=""),)
        key = calendar.key if calendar else ""
        by_band: dict[str, dict[Place, Exact]] = defaultdict(dict)
        for place, wh in self._count.places.items():
            by_band[_cheapest(place.cell.band(key), bands)][place] = wh
        ratio = (1 + Fraction(energy.loss_percent) / 100) / 1000
        terms = Terms(
            clause=Clause.ENERGY,
            label=energy.label or CLAUSES[Clause.ENERGY],
            base=words.WH,
            counted=words.KWH,
            priced=words.KWH,
            ratio=ratio,
            scale=1000,
        )
        for band in bands:
            if places := by_band.get(band.name):
                price, note = energy.price * band.factor + energy.fixed, _energy_note(energy, band)
                part = band.words if band.name else NO_WORDS
                yield self._line(terms, price, places, part=part, suffix=band.name, note=note)

    def _line(
        self,
        terms: Terms,
        price: Decimal,
        places: Places,
        *,
        part: Words = NO_WORDS,
        suffix: str = "",
        note: Words = NO_WORDS,
    ) -> Priced:
        key, count, quantity = self._key, self._count, int(sum(places.values()))
        charge = charged(
            terms,
            quantity,
            price,
            id=line_id(key.tenant, key.order_id, key.kind, key.clause_id, suffix),
            tenant=key.tenant,
            order_id=key.order_id,
            kind=key.kind,
            clause_id=key.clause_id,
            part=part,
            note=note,
            metered=count.metered if terms.base != words.TIME else quantity,
            vat=count.clause.vat,
            known_ms=count.known_ms,
            busy_ms=count.busy_ms,
            machines=by_machine(quantity, places),
            records=tuple(count.records),
        )
        return Priced(charge=charge, places=places)


def blocks(block: Block, places: Places, *, is_first_apart: bool) -> tuple[Places, Places]:
    """What is charged, spread over the places that used it: the first blocks (in uses), and the rest."""
    if block.is_plain or block.each is Each.STOP:  # each stop had its rule when it was counted
        return {}, places
    uses: dict[tuple[str, ...], dict[Place, Exact]] = defaultdict(dict)
    for place, used in places.items():
        uses[_use(block.each, place)][place] = used
    firsts: dict[Place, Exact] = {}
    rest: dict[Place, Exact] = {}
    for use in uses.values():
        used = int(sum(use.values()))
        billed = block.billed(used)
        if is_first_apart and billed > 0:
            firsts |= shared_out(1, use)
            billed -= block.minimum
        if used:
            rest |= shared_out(billed, use)
    return firsts, rest


def _use(each: Each, place: Place) -> tuple[str, ...]:
    match each:
        case Each.LEASE:
            return place.machine, place.cell.lease_id
        case Each.DAY:
            return place.machine, place.cell.day
        case Each.MACHINE:
            return (place.machine,)
        case _:
            return ()


def _cheapest(touched: str, bands: tuple[Band, ...]) -> str:
    """Nobody knows how much lies in which of several bands: all of it goes where it costs least."""
    names = set(touched.split(BETWEEN))
    return min((band for band in bands if band.name in names), key=lambda band: (band.factor, band.name)).name


def _energy_note(energy: Energy, band: Band) -> Words:
    parts = [f"{energy.price} × {band.factor}"] if band.name else []
    parts += [f"{energy.price}"] if energy.adders and not band.name else []
    parts += [str(adder.price) for adder in energy.adders]
    said = " + ".join(parts)
    if not energy.loss_percent:
        return Words(said, said)
    return Words(
        f"{said}; line loss {energy.loss_percent} %".removeprefix("; "),
        f"{said}；线损 {energy.loss_percent}%".removeprefix("；"),
    )


def _first(clause: Rate | Piece | QuantityPrice) -> Words:
    least = clause.block.minimum
    shown = figures.clock(least) if isinstance(clause, Rate) else f"{least:,}"
    return first_part(shown)


def _band_of(clause: Rate | Piece | QuantityPrice, tariff: Tariff) -> Words:
    if isinstance(clause, Rate) and clause.band:
        return tariff.calendar(clause.calendar).band(clause.band).words
    return NO_WORDS
