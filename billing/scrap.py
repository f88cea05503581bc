"""Who pays for scrap: how many pieces of an order are charged. Pieces are whole, shares rounded down.

Planned scrap is part of the work: up to the allowance nobody asks who caused it. With basis ``produced`` the
tenant pays it, with basis ``good`` the host bears it. Beyond the allowance the tenant pays for what the
parties caused that the tariff names, and for nothing else.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from billing.charge import Places
from billing.clauses import Clause, Piece
from billing.counting import Count
from billing.wording import of_the_whole_order
from billing.words import NO_WORDS, Words
from contract.states import Party

PARTIES: Final = MappingProxyType(
    {Party.TENANT: "承租方", Party.HOST: "主办方", Party.UTILITY: "公用设施", Party.UNKNOWN: "原因未明"}
)
"""Who caused scrap, as a page says it."""
_ABSORBED: Final = (Party.TENANT, Party.UNKNOWN, Party.UTILITY, Party.HOST)
"""In this order the allowance takes scrap in: first what the tenant would have to pay beyond it."""


def billable(count: Count, piece: Piece, before: Count | None = None) -> tuple[Places, Words]:
    """The pieces to charge, by place, and how their number was found.

    ``before``: of the same order, before the period. The allowance is one of the whole order: charged is what
    it comes to now, less what it came to then.
    """
    if piece.paid_beyond is None:
        return count.places, NO_WORDS
    if before is None:
        whole, note = _pieces(count, piece)
        return count.spread(whole), note
    whole, note = _pieces(count.joined(before), piece)
    was, _ = _pieces(before, piece)
    return count.spread(whole - was), of_the_whole_order(note, was)


def _pieces(count: Count, piece: Piece) -> tuple[int, Words]:
    good, scrap = count.produced - count.scrap, max(0, count.scrap)
    allowed = min(scrap, int(count.produced * piece.allowance))
    beyond = beyond_allowance(count, allowed)
    paid = sum(n for party, n in beyond.items() if piece.paid_beyond and party in piece.paid_beyond)
    whole = good + paid + (allowed if piece.basis is Clause.PRODUCED else 0)
    return whole, _note(good, scrap, allowed, beyond)


def caused(count: Count) -> dict[Party, int]:
    """Scrap by the party that caused it. What only a machine counted is of unknown cause."""
    found = {Party(party): scrap for party, scrap in count.inspected.items() if scrap > 0}
    counted_only = max(0, count.scrap - sum(found.values()))
    found[Party.UNKNOWN] = found.get(Party.UNKNOWN, 0) + counted_only
    return found


def beyond_allowance(count: Count, allowed: int) -> dict[Party, int]:
    found = caused(count)
    for party in _ABSORBED:
        taken = min(allowed, found.get(party, 0))
        allowed -= taken
        found[party] = found.get(party, 0) - taken
    return found


def _note(good: int, scrap: int, allowed: int, beyond: Mapping[Party, int]) -> Words:
    over = {party: n for party, n in beyond.items() if n}
    en = ", ".join(f"{party} {n}" for party, n in over.items()) or "0"
    zh = "、".join(f"{PARTIES[party]} {n}" for party, n in over.items()) or "0"
    return Words(
        f"{good} good, {scrap} scrap: {allowed} planned, beyond it {en}",
        f"良品 {good}，次品 {scrap}：计划内 {allowed}，超出 {zh}",
    )
