"""What an announcement must be before an agent follows it or a collector keeps it: one table for both."""

from typing import Any

import pytest
from msgspec.structs import replace

from contract.announcements import FAR_AHEAD_MS, flaw
from contract.messages import Lease, Order
from contract.names import TIME_LIMIT

NOW = 1_800_000_000_000
LEASE = Lease(
    id="l-1", machine="knit-01", by="Li", tenant="zhang", order_id="A-17", effective=NOW, issued=NOW
)
ORDER = Order(
    id="o-1",
    order_id="A-17",
    tenant="zhang",
    article="x",
    by="Li",
    wanted=3,
    due=None,
    closed=False,
    issued=NOW,
)

FLAWS: dict[str, tuple[Lease | Order, dict[str, Any], str]] = {
    "a lease of another machine": (LEASE, {"machine": "knit-02"}, "it names machine knit-02"),
    "a lease to nobody by name": (LEASE, {"tenant": "none"}, "tenant none is a reserved word"),
    "a lease for a disputed order": (LEASE, {"order_id": "disputed"}, "order disputed is a reserved word"),
    "a lease from beyond the calendar": (LEASE, {"effective": TIME_LIMIT}, "from is beyond the year 2262"),
    "a lease of next week": (LEASE, {"issued": NOW + FAR_AHEAD_MS + 1}, "issued more than a day ahead"),
    "another order": (ORDER, {"order_id": "A-18"}, "it names order A-18"),
    "an order of nobody": (ORDER, {"tenant": "none"}, "tenant none is a reserved word"),
    "an order due beyond the calendar": (ORDER, {"due": TIME_LIMIT}, "due is beyond the year 2262"),
    "an order of next week": (ORDER, {"issued": NOW + FAR_AHEAD_MS + 1}, "issued more than a day ahead"),
}


@pytest.mark.parametrize(("sound", "changes", "why"), FLAWS.values(), ids=FLAWS)
def test_a_flawed_announcement_says_why(sound: Lease | Order, changes: dict[str, Any], why: str) -> None:
    assert why in flaw(replace(sound, **changes), "knit-01" if isinstance(sound, Lease) else "A-17", NOW)


@pytest.mark.parametrize("ahead", [-FAR_AHEAD_MS, 0, FAR_AHEAD_MS])
def test_an_announcement_within_a_day_of_the_clock_is_sound(ahead: int) -> None:
    assert flaw(replace(LEASE, issued=NOW + ahead), "knit-01", NOW) == ""
    assert flaw(replace(ORDER, issued=NOW + ahead), "A-17", NOW) == ""


def test_a_lease_that_ends_names_nobody_and_is_sound() -> None:
    assert flaw(replace(LEASE, tenant=None, order_id=None), "knit-01", NOW) == ""


def test_nothing_is_ahead_of_a_clock_that_was_never_set() -> None:
    assert flaw(LEASE, "knit-01", None) == ""
