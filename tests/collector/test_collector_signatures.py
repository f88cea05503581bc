"""Signatures of a batch rest in the store, or in the quarantine, before its receipt counts them."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from collector.ingest import Ingest
from collector.isolate import Quarantine
from contract.series import QUARANTINE, SIGNATURE, Row, fact_of
from contract.signature import Signature, decode_signature
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store
from store.protocol import Store, Written, kept

GOLDEN = Path(__file__).parent.parent / "contract" / "golden" / "signature.json"


@pytest.fixture(params=["sqlite", "influx"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    config: Any = SqliteConfig(kind="sqlite", path=tmp_path / "store.db")
    if request.param == "influx":
        url, database = request.getfixturevalue("influx").url, request.getfixturevalue("influx_database")
        config = InfluxConfig(kind="influx", url=url, database=database)
    async with open_store(config) as opened:
        yield opened


def signature(plant: SimpleNamespace, **changes: Any) -> Signature:
    golden = decode_signature(GOLDEN.read_bytes())
    of = {"site": "qinghe", "gateway": "gw1", "until": plant.NOW, "signed": plant.NOW}
    return msgspec.structs.replace(golden, **{**of, **changes})


def ingest(store: Store, plant: SimpleNamespace) -> Ingest:
    from collections import Counter

    return Ingest(store, Quarantine(store, lambda: plant.NOW), lambda: plant.NOW, "c1", Counter())


async def stored(store: Store, series: Any) -> list[Any]:
    return [fact_of(row) async for row in store.read(series, 0, 4_000_000_000_000)]


async def test_what_was_signed_is_stored_once_and_counted(store: Store, plant: SimpleNamespace) -> None:
    signed = [signature(plant), signature(plant, machine="knit-02")]
    payload = plant.batch(plant.chained(plant.meter()), signatures=signed)
    for _ in range(2):  # its receipt was lost
        receipt = await ingest(store, plant).take(plant.TOPIC, payload)
        assert receipt is not None
        assert (receipt.records, receipt.accepted, receipt.signatures) == (1, 1, 2)
    assert sorted(await stored(store, SIGNATURE), key=lambda one: one.machine) == signed
    assert await stored(store, QUARANTINE) == []


async def test_a_batch_may_bring_nothing_but_signatures(store: Store, plant: SimpleNamespace) -> None:
    receipt = await ingest(store, plant).take(plant.TOPIC, plant.batch([], signatures=[signature(plant)]))
    assert receipt is not None
    assert (receipt.records, receipt.signatures, receipt.exceptions) == (0, 1, [])


BAD: dict[str, tuple[Callable[[SimpleNamespace], object], str]] = {
    "no object": (lambda _: 7, "Expected"),
    "a field is missing": (lambda _: {"machine": "knit-01"}, "missing required"),
    "its digest is none": (lambda plant: signature(plant, digest="x"), "digest"),
    "of another gateway": (lambda plant: signature(plant, gateway="gw2"), "is of qinghe/gw2"),
    "of another site": (lambda plant: signature(plant, site="north"), "is of north/gw1"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_no_signature_of_its_gateway_is_quarantined_and_its_neighbours_are_stored(
    name: str, store: Store, plant: SimpleNamespace
) -> None:
    make, said = BAD[name]
    good = signature(plant, machine="knit-02")
    payload = plant.batch([], signatures=[make(plant), good])
    receipt = await ingest(store, plant).take(plant.TOPIC, payload)
    assert receipt is not None
    assert receipt.signatures == 2
    assert await stored(store, SIGNATURE) == [good]
    (case,) = await stored(store, QUARANTINE)
    assert case.reason == "signature"
    assert said in case.detail
    assert json.loads(case.payload) == json.loads(msgspec.json.encode(make(plant)))


async def test_another_signature_in_the_same_place_is_quarantined(
    store: Store, plant: SimpleNamespace
) -> None:
    for sequence in (3, 4):
        payload = plant.batch([], signatures=[signature(plant, sequence=sequence)])
        receipt = await ingest(store, plant).take(plant.TOPIC, payload)
        assert receipt is not None
        assert receipt.signatures == 1
    assert [one.sequence for one in await stored(store, SIGNATURE)] == [3]
    (case,) = await stored(store, QUARANTINE)
    assert case.detail.startswith("conflict:")


class Away:
    """A store that takes no rows of a series."""

    retry_after_ms = 0

    def __init__(self, store: Store, series: str) -> None:
        self._store, self._series = store, series

    async def write(self, rows: Sequence[Row]) -> list[Written]:
        if any(row.series == self._series for row in rows):
            return [kept("full") for _ in rows]
        return await self._store.write(rows)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.mark.parametrize("series", ["signature", "quarantine"])
async def test_what_does_not_rest_is_not_counted_so_that_it_comes_again(
    series: str, store: Store, plant: SimpleNamespace
) -> None:
    away: Any = Away(store, series)
    records = plant.chained(plant.meter())
    payload = plant.batch(records, signatures=[signature(plant), signature(plant, gateway="gw2")])
    receipt = await ingest(away, plant).take(plant.TOPIC, payload)
    assert receipt is not None
    assert (receipt.accepted, receipt.signatures) == (1, 0)
