"""Counts -> lines: block rule, then the price of each tier, then one rounding."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction

import msgspec

from billing import figures, words
from billing.calendars import BETWEEN, Band
from billing.charge import Exact, Place, Places, Priced, by_machine, line_id, shared_out
from billing.clauses import Clause, Energy, Piece, QuantityPrice, Rate
from billing.counting import Count, Counts, LineKey
from billing.tariff import Tariff
from billing.terms import Terms, charged, in_uses, terms_of
from billing.uses import Charged, charged_of
from billing.wording import CLAUSES, REWORK_ONCE, first_part, repriced, tier
from billing.words import NO_WORDS, Words


def counted_lines(counts: Counts, tariff: Tariff, orders: Counts, leases: Counts) -> Iterator[Priced]:
    """The lines of everything that is counted, in the order of their keys.

    ``orders`` and ``leases``: the counts of what they had used before the period.
    """
    terms: dict[str, Terms] = {}
    found = charged_of(counts, orders, leases)
    for key, count in counts.items():
        line, clause = _Lines(key, count), count.clause
        match clause:
            case Energy():
                yield from line.energy(clause, tariff)
            case Rate() | Piece() | QuantityPrice():
                if clause.id not in terms:
                    terms[clause.id] = terms_of(clause)
                yield from line.counted(clause, terms[clause.id], tariff, found[key])


class _Lines:
    """The lines of one count."""

    def __init__(self, key: LineKey, count: Count) -> None:
        self._key, self._count = key, count

    def counted(
        self, clause: Rate | Piece | QuantityPrice, terms: Terms, tariff: Tariff, of: Charged
    ) -> Iterator[Priced]:
        if clause.first is not None and of.firsts:
            yield self._line(in_uses(terms), clause.first, of.firsts, part=_first(clause), suffix="first")
        whole = int(sum(of.rest.values()))
        for number, quantity, price, was in clause.tiers.parts(whole, 1 / terms.ratio, of.before):
            own = of.rest if quantity == whole else shared_out(quantity, of.rest)
            part = _band_of(clause, tariff)
            if len(clause.tiers.steps) > 1:
                part = repriced(number, was) if was else tier(number)
            suffix = "" if len(clause.tiers.steps) == 1 else f"tier-{number}" + ("-repriced" if was else "")
            yield self._line(terms, price, own, part=part, suffix=suffix, note=of.note)
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
