"""A record has one name and one time in its epoch, in every store: one suite over all of them."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from contract.messages import ExceptionReason, Outcome
from contract.series import LOSS, STATE, USAGE, Row
from store.protocol import ACCEPTED, Store

DAY = 86_400_000
NOW = 1_790_000_000_000
GRID = 300_000

Rows = list[Row]
Maker = Callable[[Any, Any, Any], tuple[Rows, Rows]]


@pytest.fixture
def makers(usage: Any, state: Any, loss: Any) -> tuple[Any, Any, Any]:
    return usage, state, loss


async def refusals(store: Store, rows: Sequence[Row]) -> list[str]:
    """The detail of every row, which must be a conflict or be accepted without one."""
    written = await store.write(rows)
    assert {(one.outcome, one.reason) for one in written} <= {
        (Outcome.ACCEPTED, None),
        (Outcome.REJECTED, ExceptionReason.CONFLICT),
    }
    return [one.detail for one in written]


async def stored(store: Store, read: Any) -> Rows:
    return [row for series in (USAGE, STATE, LOSS) for row in await read(store, series)]


async def test_a_name_is_stored_only_once(store: Store, usage: Any, read: Any) -> None:
    await store.write([usage(NOW, 7)])
    rows = [usage(NOW + 1, 7), usage(NOW, 7, tenant="bolt"), usage(NOW + 1, 8), usage(NOW + 2, 7, epoch="e2")]
    taken = f"its name is stored in usage at {NOW}"
    assert await refusals(store, rows) == [taken, taken, "", ""]
    assert await read(store, USAGE) == [usage(NOW, 7), *rows[2:]]


@pytest.mark.parametrize("merged_first", [True, False])
async def test_an_interval_and_one_that_it_was_merged_into_are_not_both_stored(
    store: Store, usage: Any, read: Any, *, merged_first: bool
) -> None:
    """Of two copies of an outbox one merged what the other did not."""
    merged = [usage(5, 9, sequence_first=6)]
    parts = [usage(6, 7, sequence_first=7), usage(7, 8, sequence_first=8)]
    first, second = (merged, parts) if merged_first else (parts, merged)
    assert {one.outcome for one in await store.write(first)} == {"accepted"}
    assert {one.reason for one in await store.write(second)} == {ExceptionReason.CONFLICT}
    assert len(await read(store, USAGE)) == len(first)
    around = [usage(4, 5, sequence_first=5), usage(9, 10, sequence_first=10), usage(6, 7, epoch="e2")]
    assert {one.outcome for one in await store.write([*around, *first])} == {"accepted"}


NAMES: dict[str, Maker] = {
    "a restored checkpoint goes on off the grid": lambda usage, _, __: (
        [usage(NOW + n * GRID, n) for n in range(9)],
        [usage(NOW + n * GRID + 20_000, n) for n in (4, 5)],
    ),
    "a transition has the name of an interval": lambda usage, state, _: (
        [usage(NOW, 1), usage(NOW + GRID, 5)],
        [state(NOW + GRID, 1), state(NOW + 2 * GRID, 5)],
    ),
    "an interval has the name of a transition": lambda usage, state, _: (
        [state(NOW, 1), state(NOW + 9 * GRID, 7)],
        [usage(NOW, 1), usage(NOW + GRID, 7)],
    ),
    "a merged interval overlaps at its end": lambda usage, _, __: (
        [usage(NOW, 6, sequence_first=2)],
        [usage(NOW + 1, 8, sequence_first=6), usage(NOW - 1, 2, sequence_first=1)],
    ),
    "a merged interval contains another": lambda usage, _, __: (
        [usage(NOW, 4), usage(NOW + 9, 9)],
        [usage(NOW - 1, 5, sequence_first=3), usage(NOW + 1, 20, sequence_first=1)],
    ),
    "what is said to be lost is there": lambda usage, _, loss: (
        [usage(NOW, 4), loss(NOW + 9, 10, 20)],
        [loss(NOW, 3, 5), usage(NOW + 9, 15)],
    ),
    "another tenant at the same time": lambda usage, _, __: (
        [usage(NOW, 118)],
        [usage(NOW, 119, tenant="bolt"), usage(NOW, 117, tenant="bolt")],
    ),
    "another transition at the same time, elsewhere": lambda _, state, __: (
        [state(NOW, 3)],
        [Row(series="state", time=NOW, tags=state(NOW, 4).tags | {"area": "b"}, fields={"sequence": 4})],
    ),
    "a later name at an earlier time": lambda usage, state, _: (
        [usage(NOW, 5), state(NOW, 6)],
        [usage(NOW - GRID, 7), state(NOW - 1, 8)],
    ),
    "a name that was never stored, now at a later time": lambda usage, _, __: (
        [usage(NOW + n * GRID, n) for n in range(9) if n != 4],
        [usage(NOW + 10 * GRID, 4), usage(NOW + 11 * GRID, 5)],
    ),
    "the epoch was silent for a long time": lambda usage, _, __: (
        [usage(NOW - 100 * DAY, 5)],
        [usage(NOW, 5), usage(NOW + 1, 4)],
    ),
}


@pytest.mark.parametrize("rows", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("writes", [1, 2])
async def test_what_cannot_be_true_beside_what_is_stored_is_a_conflict(
    store: Store, makers: tuple[Any, Any, Any], read: Any, rows: Maker, writes: int
) -> None:
    good, bad = rows(*makers)
    if writes == 1:
        details = await refusals(store, [*good, *bad])
    else:
        details = [*await refusals(store, good), *await refusals(store, bad)]
    assert [not detail for detail in details] == [True] * len(good) + [False] * len(bad)
    assert sorted(await stored(store, read), key=repr) == sorted(good, key=repr)


LATE: dict[str, Maker] = {
    "the batch before it": lambda usage, state, _: (
        [usage(NOW + n * GRID, 2 * n) for n in range(9, 20)],
        [row for n in range(9) for row in (usage(NOW + n * GRID, 2 * n), state(NOW + n * GRID, 2 * n + 1))],
    ),
    "a kept record among its neighbours": lambda usage, _, __: (
        [usage(NOW + n * GRID, n) for n in range(9) if n != 4],
        [usage(NOW + 4 * GRID, 4)],
    ),
    "a transition inside a merged interval": lambda usage, state, _: (
        [usage(NOW, 8, sequence_first=5)],
        [state(NOW + 1, 6), state(NOW + 2, 7)],
    ),
    "a merged interval around its transitions": lambda usage, state, _: (
        [state(NOW + 1, 6), state(NOW + 2, 7), usage(NOW + 9, 9)],
        [usage(NOW, 8, sequence_first=5)],
    ),
    "what comes after a loss": lambda usage, _, loss: (
        [loss(NOW, 1, 900), usage(NOW + GRID, 901)],
        [usage(NOW - GRID, 0), usage(NOW + 2 * GRID, 902)],
    ),
    "far apart": lambda usage, _, __: (
        [usage(NOW + n * DAY, n * 1000) for n in range(120)],
        [usage(NOW + n * DAY + 1, n * 1000 + 1) for n in range(120)],
    ),
}


@pytest.mark.parametrize("rows", LATE.values(), ids=LATE)
async def test_what_comes_late_finds_its_place(
    store: Store, makers: tuple[Any, Any, Any], read: Any, rows: Maker
) -> None:
    first, late = rows(*makers)
    assert await store.write(first) == [ACCEPTED] * len(first)
    assert await store.write(late) == [ACCEPTED] * len(late)
    assert await store.write([*late, *first]) == [ACCEPTED] * len([*late, *first])
    assert sorted(await stored(store, read), key=repr) == sorted([*first, *late], key=repr)
