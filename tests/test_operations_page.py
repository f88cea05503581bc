"""What the operations guide promises to who watches is there: every gauge of its tables."""

import re
from collections import Counter
from pathlib import Path

import pytest

from collector import gauges as collector_gauges
from daemon.exposition import Family
from edge_agent import gauges as agent_gauges
from edge_agent.counts import Counts
from tests.collector.test_collector_watch import WELL as COLLECTOR
from tests.edge_agent.test_agent_health import WELL as AGENT

PAGE = (Path(__file__).parents[1] / "docs" / "operations.md").read_text("utf-8")
FAMILIES: dict[str, list[Family]] = {
    "agent": list(agent_gauges.families(AGENT, Counts())),
    "collector": list(
        collector_gauges.families(
            COLLECTOR, Counter(), dict.fromkeys(("write", "read", "count"), collector_gauges.Latency())
        )
    ),
}
NAMES = {process: {family.name for family in families} for process, families in FAMILIES.items()}


def section(title: str) -> str:
    found = re.search(rf"^### {re.escape(title)}\n(.*?)(?=^##)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


@pytest.mark.parametrize("process", NAMES)
def test_every_queue_of_the_table_has_its_gauge(process: str) -> None:
    table = section("Every queue, its gauge and its bound").split("`gongfang_")[1:]
    [mine] = [part for part in table if part.startswith(f"{process}_...`")]
    rows = [line.split("|")[2] for line in mine.splitlines() if line.startswith("| ") and "---" not in line][
        1:
    ]
    named = [name for row in rows for name in re.findall(r"`([a-z_]+)", row)]
    assert len(named) >= 7
    assert {f"gongfang_{process}_{name}" for name in named} <= NAMES[process]


def test_every_metric_that_is_worth_an_alarm_is_there() -> None:
    named = set(re.findall(r"`(gongfang_(?:agent|collector)_[a-z_]+)", section("/healthz and /metrics")))
    assert len(named) >= 12
    assert named <= NAMES["agent"] | NAMES["collector"]


@pytest.mark.parametrize("process", NAMES)
def test_every_metric_says_what_it_is_and_has_one_name(process: str) -> None:
    families = FAMILIES[process]
    assert len({family.name for family in families}) == len(families)
    for family in families:
        assert family.help.endswith("."), family.name
        assert (family.kind == "counter") == family.name.endswith("_total"), family.name
