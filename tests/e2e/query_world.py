"""A rehearsal over local midnight, what is asked about it, and how an answer is compared."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec.structs import replace

from contract.messages import Outcome
from contract.series import Row, row_of
from demo.files import Place
from demo.rehearsal import rehearse, verdict
from simulators.ledger import ledger
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store
from store.protocol import Store
from tests.demo.mini_plant import mini_plant
from tests.e2e.query_answers import Answer, Server
from tests.e2e.query_facts import DAY, MINUTE, YESTERDAY, Facts, bad_afternoon, midnight, read
from tests.e2e.query_page import Words

SITE: Final = "query-page"
START_MS: Final = midnight(DAY) - 15 * MINUTE
END_MS: Final = START_MS + 60 * MINUTE
ASKED: Final = (
    Words(day=YESTERDAY, tenant="hengxin", order="1001", now=START_MS + 11 * MINUTE),
    Words(day=DAY, tenant="ruifeng", order="2001", now=START_MS + 37 * MINUTE),
    Words(day=DAY, tenant="juntu", order="3002", now=END_MS + MINUTE),
    Words(day=DAY, tenant="nobody-here", order="none", now=END_MS + 20 * MINUTE),
)
BUSY: Final = ASKED[1]


@dataclass(frozen=True, kw_only=True)
class World:
    facts: Facts
    ask: Callable[[str], Answer]
    server: Server | None = None
    directory: Path


async def live(place: Place, config: InfluxConfig | SqliteConfig) -> Facts:
    """The facts that are stored after the rehearsal and the bad afternoon."""
    shift = await rehearse(replace(mini_plant(), site=SITE), START_MS, place)
    async with open_store(config) as store:
        rehearsed = await read(store)
        assert verdict(shift, rehearsed.intervals).differences == ()
        told = ledger(shift.scripts).pieces("produced", by=("order",))
        for order in ("1001", "2001", "3001", "3002"):
            own = (i.quantities["produced"] for i in rehearsed.intervals if i.order_id == order)
            assert sum(own) == told[(order,)]
        await _write(store, [row_of(fact) for fact in bad_afternoon(rehearsed)])
        return await read(store)


async def _write(store: Store, rows: list[Row]) -> None:
    written = await store.write(rows)
    assert {each.outcome for each in written} == {Outcome.ACCEPTED}, written


async def copy(facts: Facts, config: InfluxConfig) -> None:
    lists = (facts.intervals, facts.transitions, facts.meters, facts.losses, facts.batches)
    rows = [row_of(fact) for facts in (*lists, facts.quarantined, facts.results) for fact in facts]
    async with open_store(config) as store:
        await _write(store, rows)


def check(answer: Answer, expected: Answer) -> None:
    """The same rows in any order. The time of a row that sums up something means nothing."""
    if expected and "time" not in expected[0]:
        answer = [{name: value for name, value in row.items() if name != "time"} for row in answer]
    assert len(answer) == len(expected), (answer, expected)
    for one, other in zip(_sorted(answer), _sorted(expected), strict=True):
        assert one == pytest.approx(other)


def _sorted(rows: Answer) -> Answer:
    def place(row: dict[str, Any]) -> list[str]:
        return [
            f"{row[name]:.3f}" if isinstance(row[name], float | int) else row[name] for name in sorted(row)
        ]

    return sorted(rows, key=place)
