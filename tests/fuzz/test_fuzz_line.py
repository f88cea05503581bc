"""What the collector accepts comes back from each real store as it was, whatever stands in it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.judge import judge
from contract.facts import Quarantined, payload_bytes, payload_parts, payload_text
from contract.line import line
from contract.messages import Batch, Outcome
from contract.series import BY_NAME, Row, fact_of, row_of
from store.admission import flaw
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store
from store.protocol import Store

fuzz = settings(settings.get_profile("fuzz"))
NOW = 1_795_305_600_000
SITE, GATEWAY = "dongguan-3", "gw-1"


@pytest.fixture(params=["sqlite", "influx"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    config: SqliteConfig | InfluxConfig
    if request.param == "sqlite":
        config = SqliteConfig(kind="sqlite", path=tmp_path / "store.db")
    else:
        peer, database = (request.getfixturevalue(name) for name in ("influx", "influx_database"))
        config = InfluxConfig(kind="influx", url=peer.url, database=database)
    async with open_store(config) as opened:
        yield opened


async def comes_back(store: Store, row: Row) -> None:
    """Or its key holds other content, which an earlier example may have put there."""
    assert flaw(row) is None
    [written] = await store.write([row])
    if written.outcome is not Outcome.ACCEPTED:
        assert written.outcome is Outcome.REJECTED, written
        assert written.reason == "conflict", written
        return
    found = [each async for each in store.read(BY_NAME[row.series], row.time, row.time + 1, row.tags)]
    assert found == [row]
    assert fact_of(found[0]) == fact_of(row)


@pytest.mark.parametrize("name", ["interval", "transition", "meter", "loss"])
@fuzz
@given(data=st.data())
async def test_a_spoiled_record_that_is_accepted_comes_back_as_it_was(
    store: Store, golden: Callable[[str], bytes], mutant: Any, name: str, data: st.DataObject
) -> None:
    raw = data.draw(mutant(golden(f"{name}.json").strip()))
    batch = Batch(site=SITE, gateway=GATEWAY, session="s", sealed=NOW, records=[msgspec.Raw(raw)])
    [entry] = judge(batch, NOW)
    if entry.record is not None and entry.verdict is None:
        await comes_back(store, row_of(entry.record))


@fuzz
@given(
    payload=st.binary(max_size=200),
    times=st.integers(1, 400),
    detail=st.text(max_size=60),
    at=st.integers(0, 10**6),
)
async def test_any_payload_in_quarantine_comes_back_as_it_was(
    store: Store, payload: bytes, times: int, detail: str, at: int
) -> None:
    texts = payload_parts(payload_text(payload * times))
    facts = [
        Quarantined(
            site=SITE,
            gateway=GATEWAY,
            received=NOW + 10 * at + number,
            batch="0" * 64,
            part=number,
            parts=len(texts),
            machine="none",
            epoch="none",
            sequence=-1,
            reason="unreadable",
            detail="".join(c for c in detail if c.isprintable()),
            payload=text,
            replayed=0,
        )
        for number, text in enumerate(texts)
    ]
    for fact in facts:
        row = row_of(fact)
        assert "\n" not in line(row)
        await comes_back(store, row)
    assert payload_bytes("".join(fact.payload for fact in facts)) == payload * times
