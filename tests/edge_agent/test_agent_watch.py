"""A running agent tells of itself: over a plant that is driven, beside a real broker."""

import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from daemon.exposition import lines
from edge_agent.outbox import Outbox
from tests.demo.mini_plant import forget
from tests.edge_agent.test_agent_broker import Site, eventually, running


@pytest.fixture
async def site(tmp_path: Path, mosquitto: object) -> AsyncIterator[Site]:
    port: int = mosquitto.port  # type: ignore[attr-defined]  # a peer of conftest.py
    await forget(port)
    async with running(tmp_path, port) as it:
        yield it


async def metrics(site: Site) -> dict[str, float]:
    text = "".join(lines(await site.agent.watch.metrics()))
    return {
        "|".join([s.name.removeprefix("gongfang_agent_"), *s.labels.values()]): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }


async def test_what_is_counted_is_what_happened(site: Site) -> None:
    await site.pass_minutes(11)
    await eventually(site.office.batches)
    await site.agent.watch._parts.commit.flush()
    found = await metrics(site)
    good = {name: value for name, value in found.items() if name.endswith("|good")}
    assert sum(good.values()) == found["poll_lateness_seconds_count"]
    assert sum(good.values()) >= 3 * 11 * 6 - 3
    assert found["epochs_total|first"] == 3
    assert found["records_total|interval"] >= 3 * 2
    assert found["machines"] == 3
    assert (found["broker_connected"], found["disk_takes"], found["clock_set"]) == (1, 1, 1)
    assert found["outbox_records"] == sum(
        value for name, value in found.items() if name.startswith("records_total|")
    )
    assert found["metered_seconds_total|run"] > 60
    assert sum(value for name, value in found.items() if name.startswith("endpoint_connected|")) == 2
    assert (await site.agent.watch.health()).status == "ok"


async def test_whoever_asks_is_answered_while_the_outbox_hangs_and_does_not_queue_up_behind_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge_agent.watch._LOOK_S", 0.05)
    await site.pass_minutes(1)
    freed, depth = threading.Event(), Outbox.depth

    def hangs(outbox: Outbox) -> object:
        freed.wait(30)
        return depth(outbox)

    monkeypatch.setattr(Outbox, "depth", hangs)
    for _ in range(20):
        found = await metrics(site)
    assert found["outbox_look_age_seconds"] > 0.5
    assert found["outbox_calls"] < 10
    freed.set()


async def test_a_machine_named_like_a_part_of_the_agent_is_not_taken_for_it(site: Site) -> None:
    conditions = site.agent.watch._parts.conditions
    conditions.ails("disk", "bus", "silent", "no answer")
    found = await site.agent.watch.health()
    assert [(one.subject, one.kind, one.grade) for one in found.reasons] == [("disk", "silent", "degraded")]
    conditions.recovered("disk")
    assert (await site.agent.watch.health()).status == "ok"
