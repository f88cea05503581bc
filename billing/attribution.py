"""Whose it was (DESIGN 4, "Attribution"). Pure: a claim and the books in, an attribution out.

Resolved in this order: a recorded correction; the lease in force; the stored tenant; the order's announced
tenant; else nobody. What is worth money and has no certain payer goes to suspense, or to the disputed list;
what is worth none is unallocated time of the host. Facts are never rewritten.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec
from msgspec import Struct

from billing.announcements import Announcements
from billing.corrections import Corrections
from billing.timeline import NO_LEASES, Timeline, is_used
from contract.facts import CorrectedField, LeaseFact, OrderFact, Target
from contract.names import DISPUTED, NONE


class Place(StrEnum):
    """Where usage goes."""

    TENANT = "tenant"
    UNALLOCATED = "unallocated"
    SUSPENSE = "suspense"
    DISPUTED = "disputed"


class Source(StrEnum):
    """What named the payer."""

    CORRECTION = "correction"
    LEASE = "lease"
    STORED = "stored"
    ORDER = "order"
    NOBODY = "nobody"


class Doubt(StrEnum):
    """Why a person must look."""

    NONE = "none"
    CHANGED_IN_GAP = "changed_in_gap"
    OTHER_LEASE = "other_lease"
    ORDER_OF_ANOTHER = "order_of_another"
    NO_PAYER = "no_payer"
    NO_WITNESS = "no_witness"


class Claim(Struct, frozen=True, kw_only=True):
    """What a stored record, or a part of a state span, says about itself."""

    machine: str
    epoch: str
    sequence: int
    target: Target
    start: int
    end: int
    tenant: str
    order_id: str
    """By the machine's own register where it has one (0 is no order), else by the lease: the agent knows."""
    lease_id: str
    has_worth: bool
    """Whether there is billable time in it, a piece, good or not, or anything else that has a price."""


class Books(Struct, frozen=True, kw_only=True):
    """The facts that attribution is decided by."""

    leases: Mapping[str, Timeline] = {}
    orders: Announcements = Announcements()
    corrections: Corrections = Corrections()
    tolerance_ms: int = 5000
    """How long another lease may be in force than the one that a record names."""
    witnesses: Mapping[tuple[str, str], str] | None = None
    """By machine and epoch, the id of a witness of what its panel shows; None where none is demanded."""
    priced: frozenset[str] = frozenset()
    """Measures beside time and pieces that have a price: whose they are must be known."""


class Attribution(Struct, frozen=True, kw_only=True):
    place: Place
    source: Source = Source.NOBODY
    doubt: Doubt = Doubt.NONE
    tenant: str = NONE
    """Who pays; ``none`` unless the place is the tenant's."""
    order_id: str = NONE
    candidates: tuple[str, ...] = ()
    """Tenants that a person may have to choose from."""
    facts: tuple[str, ...] = ()
    """Ids of the corrections, the lease, the order announcement and the witness that decided."""


def attribute(claim: Claim, books: Books) -> Attribution:
    found = _resolved(claim, books)
    if books.witnesses is None or found.place is not Place.TENANT or found.source is Source.CORRECTION:
        return found
    if claim.epoch == NONE:  # what a person found, not what a machine counted
        return found
    witness = books.witnesses.get((claim.machine, claim.epoch))
    if witness is None:
        return _nobody(claim, Place.SUSPENSE, Doubt.NO_WITNESS, found.tenant)
    return msgspec.structs.replace(found, facts=(*found.facts, witness))


def _resolved(claim: Claim, books: Books) -> Attribution:
    name = (claim.machine, claim.epoch, claim.sequence)
    tenant = books.corrections.latest(name, claim.target, claim.start, CorrectedField.TENANT)
    order = books.corrections.latest(name, claim.target, claim.start, CorrectedField.ORDER_ID)
    decided = tuple(correction.id for correction in (tenant, order) if correction)
    if (claim.tenant == DISPUTED and not tenant) or (claim.order_id == DISPUTED and not order):
        return _nobody(claim, Place.DISPUTED, Doubt.CHANGED_IN_GAP)
    timeline = books.leases.get(claim.machine, NO_LEASES)
    lease = timeline.by_id.get(claim.lease_id)
    order_id = order.new if order else claim.order_id
    if tenant:
        place = Place.UNALLOCATED if tenant.new == NONE else Place.TENANT
        return Attribution(
            place=place, source=Source.CORRECTION, tenant=tenant.new, order_id=order_id, facts=decided
        )
    others = _others(claim, timeline)
    announced = books.orders.at(order_id, claim.start)
    if sum(ms for ms, _ in others) > books.tolerance_ms:
        named = (lease, *(other for _, other in others))
        return _nobody(claim, Place.SUSPENSE, Doubt.OTHER_LEASE, *(_tenant(fact) for fact in named))
    payer, source = _payer(claim, lease, announced)
    if payer == NONE:
        return _nobody(claim, Place.SUSPENSE, Doubt.NO_PAYER)
    if announced and announced.tenant != payer:
        return _nobody(claim, Place.SUSPENSE, Doubt.ORDER_OF_ANOTHER, payer, announced.tenant)
    facts = (*decided, *((lease.id,) if lease else ()), *((announced.id,) if announced else ()))
    return Attribution(place=Place.TENANT, source=source, tenant=payer, order_id=order_id, facts=facts)


def _payer(claim: Claim, lease: LeaseFact | None, announced: OrderFact | None) -> tuple[str, Source]:
    """The first that is named: by the lease, by the record, by the order's announcement."""
    rungs = (
        (_tenant(lease), Source.LEASE),
        (claim.tenant, Source.STORED),
        (announced.tenant if announced else NONE, Source.ORDER),
    )
    return next((rung for rung in rungs if rung[0] != NONE), (NONE, Source.NOBODY))


def _tenant(lease: LeaseFact | None) -> str:
    return lease.tenant if lease else NONE


def _others(claim: Claim, timeline: Timeline) -> list[tuple[int, LeaseFact | None]]:
    """For how long (ms) another lease than the claim's was in force, and which."""
    pieces = timeline.pieces(claim.start, claim.end)
    return [(end - start, lease) for start, end, lease in pieces if not is_used(lease, claim.lease_id)]


def _nobody(claim: Claim, place: Place, doubt: Doubt, *candidates: str) -> Attribution:
    """Nobody pays yet; without worth nobody has to."""
    if not claim.has_worth:
        return Attribution(place=Place.UNALLOCATED, order_id=claim.order_id)
    named = tuple(dict.fromkeys(tenant for tenant in candidates if tenant != NONE))
    return Attribution(place=place, doubt=doubt, order_id=claim.order_id, candidates=named)
