"""Which rows of a write are sent to a database that would overwrite, and what each is told."""

from collections.abc import AsyncIterator, Sequence
from itertools import chain, islice, pairwise
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.messages import ExceptionReason, Outcome
from contract.series import Row
from contract.stored import Stored
from store.naming import Claims, claim
from store.protocol import ACCEPTED, DETAIL_CHARACTERS, kept, one_line, rejected
from store.settling import Settlement, in_order, is_partly_shown, key


def settle(rows: Sequence[Row], stored: Sequence[Row] = ()) -> Settlement:
    return Settlement.of(rows, [None] * len(rows), stored)


def outcomes(settlement: Settlement, sent: Any = ACCEPTED) -> list[Outcome]:
    return [one.outcome for one in settlement.conclude([sent] * len(settlement.to_send))]


def test_what_is_stored_is_not_sent_again(lease: Any) -> None:
    settlement = settle([lease(1), lease(2)], [lease(1), lease(9)])
    assert settlement.to_send == [lease(2)]
    assert outcomes(settlement, kept("away")) == ["accepted", "kept"]


def test_what_would_overwrite_is_not_sent(lease: Any) -> None:
    settlement = settle([lease(1, tenant="bolt")], [lease(1)])
    assert settlement.to_send == []
    (written,) = settlement.conclude([])
    assert (written.outcome, written.reason) == (Outcome.REJECTED, ExceptionReason.CONFLICT)


def part(row: Row, *names: str) -> Row:
    return replace(row, fields={name: row.fields[name] for name in names})


def test_a_row_that_is_stored_in_part_is_seen(lease: Any, usage: Any) -> None:
    rows = [lease(1), usage(1, 7)]
    assert is_partly_shown(rows, [part(rows[0], "id")])
    assert is_partly_shown(rows, [rows[0], part(rows[1], "sequence", "run_ms")])


def test_a_whole_row_and_another_content_are_no_parts(lease: Any, usage: Any) -> None:
    rows = [lease(1, tenant="bolt"), usage(1, 7)]
    assert not is_partly_shown(rows, rows)
    assert not is_partly_shown(rows, [part(lease(1), "id", "tenant"), lease(2), usage(1, 8)])


def test_a_flawed_row_is_not_sent(lease: Any) -> None:
    settlement = Settlement.of([lease(1), lease(2)], ["too odd", None], ())
    assert settlement.to_send == [lease(2)]
    assert settlement.conclude([ACCEPTED])[0] == rejected(ExceptionReason.INVALID, "too odd")


def test_the_order_of_the_tags_does_not_make_another_key(lease: Any) -> None:
    row = lease(1)
    turned = Row(series="lease", time=1, tags=dict(reversed(row.tags.items())), fields=row.fields)
    assert key(turned) == key(row)


def test_a_row_that_follows_another_shares_its_fate(lease: Any) -> None:
    settlement = settle([lease(1), lease(1), lease(1, tenant="bolt")])
    assert settlement.to_send == [lease(1)]
    assert outcomes(settlement) == ["accepted", "accepted", "rejected"]
    assert outcomes(settlement, kept("away")) == ["kept", "kept", "kept"]
    assert outcomes(settlement, rejected(ExceptionReason.TYPE, "t")) == ["rejected", "rejected", "kept"]


def test_a_row_whose_name_another_row_of_the_write_has_shares_its_fate(usage: Any) -> None:
    settlement = settle([usage(1, 7), usage(2, 7), usage(3, 8)])
    assert settlement.to_send == [usage(1, 7), usage(3, 8)]
    assert outcomes(settlement) == ["accepted", "rejected", "accepted"]
    assert outcomes(settlement, kept("away")) == ["kept", "kept", "kept"]
    assert outcomes(settlement, rejected(ExceptionReason.TYPE, "t")) == ["rejected", "kept", "rejected"]


def test_a_row_whose_name_is_stored_is_not_sent(usage: Any) -> None:
    settlement = Settlement.of([usage(2, 7), usage(3, 8)], [None] * 2, (), Claims([claim(usage(1, 7))]))
    assert settlement.to_send == [usage(3, 8)]
    assert outcomes(settlement) == ["rejected", "accepted"]


def test_when_nothing_can_be_asked_only_the_flawed_are_not_kept(usage: Any) -> None:
    settlement = Settlement.of([usage(1, 7), usage(2, 7)], [None, "too odd"], ())
    assert [one.outcome for one in settlement.all_kept("away")] == ["kept", "rejected"]


def test_of_rows_that_may_overwrite_the_last_is_sent() -> None:
    def row(kept: int) -> Row:
        return Row(series="batch", time=1, tags={"site": "s", "gateway": "g"}, fields={"kept": kept})

    settlement = settle([row(3), row(2)], [row(5)])
    assert settlement.to_send == [row(2)]
    assert outcomes(settlement) == ["accepted", "accepted"]


@given(st.lists(st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abc")))))
async def test_rows_of_one_instant_come_by_their_tags(drawn: list[list[tuple[int, str]]]) -> None:
    """And all of them in one page, wherever the answer was cut."""
    by_time = iter(sorted(chain.from_iterable(drawn), key=lambda pair: pair[0]))
    arrive = [[(time, "s", machine, "{}") for time, machine in islice(by_time, len(page))] for page in drawn]

    async def arriving() -> AsyncIterator[list[Stored]]:
        for page in arrive:
            yield page

    pages = [page async for page in in_order(arriving())]
    assert list(chain.from_iterable(pages)) == sorted(chain.from_iterable(arrive))
    assert all(before[-1][0] < page[0][0] for before, page in pairwise(pages))
    assert all(pages)


def test_a_detail_is_one_short_line() -> None:
    assert one_line(" a\n\tb \x00c  坊") == "a b c 坊"
    assert len(one_line("x" * 9_000)) == DETAIL_CHARACTERS
