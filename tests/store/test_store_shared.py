"""Rows that several share out among them: each machine's are somebody's, and only his."""

from collections.abc import Callable

import pytest

from contract.series import ORDER, STATE, USAGE, Row
from contract.stored import row_of_stored
from store.protocol import ALL_MACHINES, DividedStore, Machines

DAY = 86_400_000
NOW = 1_790_000_000_000
NAMES = ("a", "knit-01", "knit-1", "knit.01", "knit_01", "loom-9", "z")
SHARES = {
    "one": [ALL_MACHINES],
    "two": [Machines("", "knit-1"), Machines("knit-1")],
    "some of nobody": [
        Machines("", "a"),
        Machines("a", "knit-0"),
        Machines("knit-0", "loom"),
        Machines("loom"),
    ],
}


async def pages(store: DividedStore, among: Machines, **tags: str) -> list[Row]:
    found = store.pages(USAGE, NOW - DAY, NOW + DAY, tags, among)
    return [row_of_stored(stored, USAGE) async for page in found for stored in page]


@pytest.mark.parametrize("how", SHARES)
async def test_every_row_is_in_one_share_and_in_the_order_of_all(
    store: DividedStore, usage: Callable[..., Row], how: str
) -> None:
    rows = [
        usage(NOW + at * 1000, at, name, tenant=("acme", "other")[at % 2])
        for at in range(3)
        for name in NAMES
    ]
    await store.write(rows)
    everybody = await pages(store, ALL_MACHINES)
    assert len(everybody) == len(rows)
    shares = [await pages(store, share) for share in SHARES[how]]
    assert sorted((row for found in shares for row in found), key=str) == sorted(everybody, key=str)
    for share, found in zip(SHARES[how], shares, strict=True):
        assert found == [row for row in everybody if row.tags["machine"] in share]
    acme = [
        row for found in [await pages(store, each, tenant="acme") for each in SHARES[how]] for row in found
    ]
    assert {row.tags["tenant"] for row in acme} == {"acme"}
    assert len(acme) == 2 * len(NAMES)


async def test_a_share_of_more_rows_than_a_page_is_read_to_its_end(
    store: DividedStore, usage: Callable[..., Row]
) -> None:
    rows = [usage(NOW + at, at, name) for at in range(1_250) for name in ("loom-1", "loom-2")]
    for at in range(0, len(rows), 500):
        await store.write(rows[at : at + 500])
    found = await pages(store, Machines("loom-2"))
    assert [row.fields["sequence"] for row in found] == list(range(1_250))


async def test_a_machine_that_a_pattern_or_a_quote_could_take_for_another_is_not_taken_for_it(
    store: DividedStore, usage: Callable[..., Row]
) -> None:
    """No name of ours looks so; whoever else writes into the database may use any."""
    odd = ["a.c", "abc", "a/c", "a|c", "a'c", 'a"c', "a(c", "a c", "针", "^a", "a$"]
    await store.write([usage(NOW + at, at, name) for at, name in enumerate(odd)])
    for name in odd:
        found = await pages(store, Machines(name, name + "\0"))
        assert [row.tags["machine"] for row in found] == [name]


async def test_of_a_store_without_rows_no_share_has_any(store: DividedStore) -> None:
    assert await pages(store, Machines("", "m")) == []
    assert await pages(store, Machines("m")) == []


async def test_what_is_of_no_machine_cannot_be_shared_out(store: DividedStore) -> None:
    with pytest.raises(ValueError, match="no tag machine"):
        async for _ in store.pages(ORDER, 0, NOW, {}, Machines("m")):
            pass


async def test_states_are_shared_out_likewise(store: DividedStore, state: Callable[..., Row]) -> None:
    await store.write([state(NOW + at, at, name) for at, name in enumerate(NAMES)])
    found = store.pages(STATE, NOW, NOW + DAY, {"site": "north"}, Machines("knit-1", "z"))
    assert [stored[3] async for page in found for stored in page] == [
        "knit-1",
        "knit.01",
        "knit_01",
        "loom-9",
    ]


def test_a_share_begins_with_its_first_name_and_ends_before_the_next_one() -> None:
    share = Machines("b", "d")
    assert [name for name in ("a", "b", "c", "d") if name in share] == ["b", "c"]
    assert "z" in Machines("b")
    assert "" in ALL_MACHINES
