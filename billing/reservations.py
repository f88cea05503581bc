"""What was reserved and not used: idle time under a lease, nobody came, given back too late."""

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from msgspec import Struct

from billing import money, words
from billing.attribution import Place as Where
from billing.bookings import Booking, Returned
from billing.charge import Place, Priced, by_machine, line_id
from billing.clauses import Clause, Reservation
from billing.grain import LEASED_OFF_MS, RESERVED_MS, USED_MS, Cell
from billing.known import Known, Lease
from billing.period import Period, by_day, local, midnight_to
from billing.tariff import Tariff
from billing.terms import About, Terms, charged, plainly
from billing.usage import Usage
from billing.wording import CHARGED_AS_UNUSED, CLAUSES
from billing.words import NO_WORDS


class _Found(Struct, kw_only=True):
    """What one line has."""

    clause: Reservation
    places: dict[Place, int] = {}
    """Milliseconds by machine, and by day where that was kept apart."""
    records: dict[str, None] = {}
    bookings: int = 0

    def add(self, machine: str, ms: int, records: Iterable[str], day: str = "") -> None:
        place = Place(machine, Cell(day=day))
        self.places[place] = self.places.get(place, 0) + ms
        self.records |= dict.fromkeys(records)


_Key = tuple[str, str, str, str, Clause, bool]


def reservation_lines(usages: Iterable[Usage], tariff: Tariff, known: Known) -> Iterator[Priced]:
    if not tariff.reservations:
        return
    paid = [usage for usage in usages if usage.place is Where.TENANT]
    booked = {(booking.machine, booking.lease_id): booking for booking in known.bookings}
    missed = missed_leases(paid, known) if known.missed is None else known.missed
    found: dict[_Key, _Found] = {}
    for usage in paid:
        _waiting(usage, tariff, booked, missed, found)
    for usage in known.earlier.leases:
        _waited_before(usage, tariff, booked, missed, found)
    for lease, booking in booked.items():
        _given_back(booking, tariff, known, found, is_missed=lease in missed)
    for key, line in sorted(found.items(), key=lambda each: each[0]):
        yield from _lines(key, line)


def may_be_missed(usages: Iterable[Usage], known: Known) -> list[Booking]:
    """Bookings that began before the period and end in it, and under which nothing was done in it but wait.

    Whether somebody came before it, and how long the machine waited, stands in earlier records.
    """
    used, waited = _used_and_waited(usages)
    begun = [each for each in known.bookings if each.start < known.period.start and _is_over(each, known)]
    waiting = {lease for lease, ms in waited.items() if ms and not used.get(lease)}
    return [booking for booking in begun if (booking.machine, booking.lease_id) in waiting]


def missed_leases(usages: Iterable[Usage], known: Known) -> frozenset[Lease]:
    """The leases that are over, and under which the machine did nothing but wait from first to last.

    ``usages``: of everybody who may have been there.
    """
    used, waited = _used_and_waited(usages)
    used_before, before = _used_and_waited(known.earlier.leases)
    booked = {(booking.machine, booking.lease_id): booking for booking in known.bookings}
    return frozenset(
        lease
        for lease, booking in booked.items()
        if waited.get(lease) and not used.get(lease) and not used_before.get(lease)
        if _is_over(booking, known) and (known.period.start <= booking.start or before.get(lease))
    )


def _used_and_waited(usages: Iterable[Usage]) -> tuple[dict[Lease, int], dict[Lease, int]]:
    """By lease the time in which somebody was there, and in which the machine waited, ms."""
    used, waited = dict[Lease, int](), dict[Lease, int]()
    for usage in usages:
        if usage.place is Where.TENANT:
            for of, measure in ((used, USED_MS), (waited, RESERVED_MS), (waited, LEASED_OFF_MS)):
                for cell, ms in usage.cells(measure):
                    lease = (usage.machine, cell.lease_id)
                    of[lease] = of.get(lease, 0) + ms
    return used, waited


def _is_over(booking: Booking, known: Known) -> bool:
    """It ended within the period, and was not given back before: one can say whether nobody came."""
    if booking.is_cancelled or booking.end is None:
        return False
    until = known.period.end if known.until is None else min(known.until, known.period.end)
    return known.period.start < booking.end <= until


def _waiting(
    usage: Usage,
    tariff: Tariff,
    booked: Mapping[Lease, Booking],
    missed: frozenset[Lease],
    found: dict[_Key, _Found],
) -> None:
    """Time under a lease in which the machine was idle or switched off."""
    for clause, lease, day, ms in _idle(usage, tariff):
        order_id = booked[lease].order_id if lease in booked else usage.order_id
        kind = Clause.NO_SHOW if lease in missed else Clause.UNUSED
        key = (usage.tenant, order_id, usage.kind, clause.id, kind, False)
        line = found.setdefault(key, _Found(clause=clause))
        line.add(usage.machine, ms, usage.records, day)


def _waited_before(
    usage: Usage,
    tariff: Tariff,
    booked: Mapping[Lease, Booking],
    missed: frozenset[Lease],
    found: dict[_Key, _Found],
) -> None:
    """Before the period nobody could say yet that nobody came: that time was charged as unused."""
    for clause, lease, _, ms in _idle(usage, tariff):
        if lease in missed:
            key = (usage.tenant, booked[lease].order_id, usage.kind, clause.id, Clause.NO_SHOW, True)
            found.setdefault(key, _Found(clause=clause)).add(usage.machine, ms, usage.records)


def _idle(usage: Usage, tariff: Tariff) -> Iterator[tuple[Reservation, Lease, str, int]]:
    """Each lease under which the machine was idle or switched off, on which day, and for how long (ms)."""
    clause = tariff.reservation(tariff.machine(usage.machine, usage.kind))
    if clause is None:
        return
    for measure in (RESERVED_MS, LEASED_OFF_MS):
        for cell, ms in usage.cells(measure):
            if ms:
                yield clause, (usage.machine, cell.lease_id), cell.day, ms


def _given_back(
    booking: Booking, tariff: Tariff, known: Known, found: dict[_Key, _Found], *, is_missed: bool
) -> None:
    kind = known.kinds.get(booking.machine)
    clause = tariff.reservation(tariff.machine(booking.machine, kind)) if kind else None
    if clause is None or kind is None:
        return
    of = Clause.CANCELLED if booking.is_cancelled else Clause.NO_SHOW if is_missed else Clause.UNUSED
    late = [day for part in booking.returned for day in _late(part, clause, known)]
    begins = known.period.start <= booking.start < known.period.end
    if late or is_missed:
        key = (booking.tenant, booking.order_id, kind, clause.id, of, False)
        line = found.setdefault(key, _Found(clause=clause))
        line.bookings += is_missed or (booking.is_cancelled and begins)
        for day in late:
            name = local(day.start, known.zone).date().isoformat()
            line.add(booking.machine, day.end - day.start, (), name)
        line.records |= {f"lease/{booking.lease_id}": None}


def _late(part: Returned, clause: Reservation, known: Known) -> list[Period]:
    """What was given back too late of the period, cut at midnight."""
    deadline = part.start - clause.notice_ms
    if clause.is_same_day_late:
        deadline = min(deadline, midnight_to(part.start, known.zone) - 1)
    if part.at <= deadline or (part.is_reused and clause.is_waived_when_reused):
        return []
    start, end = max(part.start, known.period.start), min(part.end, known.period.end)
    return by_day(Period(start=start, end=end), known.zone) if start < end else []


def _lines(key: _Key, found: _Found) -> Iterator[Priced]:
    clause, of, was_unused = found.clause, key[4], key[5]
    percent, fee = {
        Clause.UNUSED: (clause.unused_percent, Decimal(0)),
        Clause.NO_SHOW: (clause.no_show_percent, clause.no_show_fee),
        Clause.CANCELLED: (clause.cancelled_percent, clause.cancelled_fee),
    }[of]
    if was_unused:
        percent -= clause.unused_percent
    ms, label = sum(found.places.values()), CLAUSES[of]
    if percent and ms:
        terms = Terms(
            clause=of,
            label=label,
            base=words.MILLISECOND,
            counted=words.SECOND,
            priced=words.HOUR,
            ratio=Fraction(percent) / 100 / money.HOUR_MS,
            scale=1000,
        )
        about = _about(key, found)
        about["machines"] = by_machine(ms, found.places)
        yield Priced(charge=charged(terms, ms, clause.per_hour, **about), places=found.places)
    if fee and found.bookings:
        about = _about(key, found)
        about["id"] = line_id(about["id"], "fee")
        yield Priced(charge=charged(plainly(of, label, words.TIME), found.bookings, fee, **about))


def _about(key: _Key, found: _Found) -> About:
    tenant, order_id, kind, clause_id, of, was_unused = key
    return {
        "id": line_id(tenant, order_id, kind, clause_id, of, "before" if was_unused else ""),
        "tenant": tenant,
        "order_id": order_id,
        "kind": kind,
        "clause_id": clause_id,
        "part": found.clause.label,
        "note": CHARGED_AS_UNUSED if was_unused else NO_WORDS,
        "vat": found.clause.vat,
        "records": tuple(found.records),
    }
