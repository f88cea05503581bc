"""The cookbook keeps its word: every query of docs/queries.md is taken from the page, asked and checked.

A plant is rehearsed over local midnight, through Mosquitto and InfluxDB and through the embedded pair; some
facts of a bad afternoon are stored beside it. Expected figures come from the facts, never from a query.
"""

import asyncio
import csv
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from typing import Any, Final
from uuid import uuid4

import pytest

from store.config import InfluxConfig, SqliteConfig
from tests.demo.mini_plant import embedded, production
from tests.e2e import query_page as page
from tests.e2e.query_answers import Answer, Server, ask_influx, ask_sqlite, forget_bucket
from tests.e2e.query_expected import EXPECTED
from tests.e2e.query_facts import DAY
from tests.e2e.query_page import Block, Words, filled
from tests.e2e.query_world import ASKED, BUSY, SITE, World, check, copy, live


@pytest.fixture(scope="module")
def influxql(tmp_path_factory: pytest.TempPathFactory, mosquitto: Any, influx: Any) -> Iterator[World]:
    """Through Mosquitto and InfluxDB 1.x."""
    directory, database = tmp_path_factory.mktemp("queries"), f"test_{uuid4().hex}"
    config = InfluxConfig(kind="influx", url=influx.url, database=database)
    facts = asyncio.run(live(production(directory, mosquitto.port, influx.url, database), config))
    server = Server(url=influx.url, database=database)
    yield World(facts=facts, ask=partial(ask_influx, server), server=server, directory=directory)
    influx.query(f'DROP DATABASE "{database}"')


@pytest.fixture(scope="module")
def influxql2(influxql: World, influx2: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """The same facts in InfluxDB 2.x."""
    directory, database = tmp_path_factory.mktemp("queries2"), f"test_{uuid4().hex}"
    token = directory / "influx.token"
    token.write_text(influx2.token)
    config = InfluxConfig(
        kind="influx", url=influx2.url, database=database, org=influx2.org, token_file=token
    )
    asyncio.run(copy(influxql.facts, config))
    server = Server(url=influx2.url, database=database, token=influx2.token)
    yield World(facts=influxql.facts, ask=partial(ask_influx, server), server=server, directory=directory)
    forget_bucket(server)


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> World:
    """Through the embedded pair."""
    directory = tmp_path_factory.mktemp("queries")
    path = directory / "store.db"
    facts = asyncio.run(live(embedded(directory), SqliteConfig(kind="sqlite", path=path)))
    return World(facts=facts, ask=partial(ask_sqlite, path), directory=directory)


# --- every query, in every store --------------------------------------------------------------------------


@pytest.mark.parametrize("words", ASKED, ids=lambda words: f"{words.day}-{words.order}")
@pytest.mark.parametrize("query", page.blocks("influxql"), ids=lambda query: query.id)
@pytest.mark.parametrize("where", ["influxql", "influxql2"])
def test_influxdb_answers_what_the_facts_say(
    where: str, query: Block, words: Words, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(where)
    check(world.ask(filled(query, words)), EXPECTED[query.id](world.facts, words))


@pytest.mark.parametrize("words", ASKED, ids=lambda words: f"{words.day}-{words.order}")
@pytest.mark.parametrize("query", page.blocks("sqlite"), ids=lambda query: query.id)
def test_the_embedded_store_answers_what_the_facts_say(sqlite: World, query: Block, words: Words) -> None:
    check(sqlite.ask(filled(query, words)), EXPECTED[query.id](sqlite.facts, words))


@pytest.mark.parametrize("name", EXPECTED)
def test_no_query_is_asked_in_vain(sqlite: World, name: str) -> None:
    assert any(EXPECTED[name](sqlite.facts, words) for words in ASKED)


def test_every_block_of_the_page_is_known_here() -> None:
    strange = [info for info in page.fences() if not page.is_readable(info)]
    assert strange == []
    asked = [block.id for block in page.blocks("influxql", "sqlite")]
    assert set(asked) == EXPECTED.keys()
    names = [block.name for block in page.blocks("influxql", "sqlite", "run", "seen")]
    assert len(names) == len(set(names))
    assert {block.id for block in page.blocks("run")} == RUN
    assert {block.id for block in page.blocks("seen")} == {"watch-retained"}


def test_every_question_can_be_asked_of_both_stores() -> None:
    both = {b.id for b in page.blocks("influxql")} ^ {b.id for b in page.blocks("sqlite")}
    assert both == {"now-state", "now-heard", "now", "stop-pareto"}


def test_a_wrong_figure_would_be_noticed(sqlite: World) -> None:
    query = page.block("sqlite", "tenant-day")
    answer = sqlite.ask(filled(query, BUSY))
    answer[0]["produced"] += 1
    with pytest.raises(AssertionError):
        check(answer, EXPECTED[query.id](sqlite.facts, BUSY))


# --- what the page warns of -------------------------------------------------------------------------------


def test_without_tz_a_day_is_a_utc_day(influxql: World) -> None:
    query = filled(page.block("influxql", "coverage"), BUSY).replace("tz('Asia/Shanghai')", "")
    rehearsed = [row["machine"] for row in influxql.ask(query) if not row["machine"].endswith("-09")]
    assert rehearsed == [], "00:00 to 00:45 in Shanghai is the day before in UTC"


def test_in_a_subquery_tz_stands_inside(influxql: World) -> None:
    query = filled(page.block("influxql", "yield"), BUSY)
    inside, outside = query, query.replace(" tz('Asia/Shanghai'))", ")") + " tz('Asia/Shanghai')"
    assert len(influxql.ask(inside)) > len(influxql.ask(outside))


@pytest.mark.parametrize(
    "query",
    [
        pytest.param('SELECT "run_ms" FROM "usage" WHERE "machine" = "knit-01"', id="a-name-for-a-text"),
        pytest.param('SELECT "machine", "tenant" FROM "usage"', id="tags-alone"),
        pytest.param('SELECT "run_ms" FROM "usage" WHERE "order_id" = 2001', id="a-number-for-an-order"),
        pytest.param('SELECT "run_ms" FROM "usage" WHERE time <= 1890352000000', id="a-time-without-ms"),
    ],
)
def test_a_mistake_that_the_page_names_finds_nothing_and_says_nothing(influxql: World, query: str) -> None:
    assert influxql.ask(query) == []


def test_last_without_a_group_is_the_last_row_of_anybody(influxql: World) -> None:
    query = 'SELECT last("duration_ms"), "machine" FROM "usage"'
    newest = max(influxql.facts.intervals, key=lambda each: each.start)
    assert [row["machine"] for row in influxql.ask(query)] == [newest.machine]


def test_influxdb_divides_by_nothing_without_a_word(influxql: World) -> None:
    query = """SELECT sum("produced") / sum("rework") AS "ratio" FROM "usage" WHERE "machine" = 'mesh-09'"""
    assert [row["ratio"] for row in influxql.ask(query)] == [0]


def test_a_mean_of_ratios_is_another_figure(sqlite: World) -> None:
    expected = {row["machine"]: row["quality_ratio"] for row in EXPECTED["yield"](sqlite.facts, BUSY)}
    own = [
        1 - interval.quantities["scrap"] / interval.quantities["produced"]
        for interval in sqlite.facts.intervals
        if interval.machine == "knit-09" and interval.quantities["produced"]
    ]
    assert sum(own) / len(own) != pytest.approx(expected["knit-09"], rel=0.01)


# --- as a person asks -------------------------------------------------------------------------------------

RUN: Final = {
    *("influx-shell", "influx-shell-csv", "curl-1x", "curl-2x", "sqlite-shell"),
    *("stop-pareto", "watch-retained"),
}


def run(world: World, name: str, port: int = 0) -> str:
    """What a shell block of the page prints, run where its files are."""
    text = page.block("run", name).text
    program = text.split()[0]
    if shutil.which(program) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{program} is not installed")
    if world.server:
        text = text.replace("http://127.0.0.1:8086", world.server.url)
        text = text.replace("-port 8086", f"-port {world.server.url.rpartition(':')[2]}")
        text = re.sub(r"(db=|-database )gongfang\b", rf"\g<1>{world.server.database}", text)
    text = text.replace("-p 1883", f"-p {port}")
    done = subprocess.run(
        ["bash", "-uo", "pipefail", "-c", text],
        cwd=world.directory,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode in {0, 27}, done.stderr  # mosquitto_sub ends with 27 when its time is over
    return done.stdout


def asked(world: World, name: str, file: str = "query.influxql") -> None:
    dialect = "sqlite" if file.endswith(".sql") else "influxql"
    (world.directory / file).write_text(filled(page.block(dialect, name), BUSY))


def numbers(rows: Answer) -> list[tuple[object, ...]]:
    """Each machine with its numbers, in order of the columns' names."""
    return sorted(
        (row["machine"], *(round(float(row[name]), 3) for name in sorted(row) if name != "machine"))
        for row in rows
    )


def of_csv(text: str) -> Answer:
    """The shell of InfluxDB writes the heading again before each series."""
    heading, *lines = text.splitlines()
    rows = []
    for row in csv.DictReader([heading, *(line for line in lines if line != heading)]):
        tags = dict(tag.split("=") for tag in (row.pop("tags") or "").split(",") if tag)
        rows.append(tags | {name: value for name, value in row.items() if name not in {"name", "time"}})
    return rows


@pytest.mark.parametrize(
    ("where", "name"),
    [("influxql", "influx-shell-csv"), ("influxql", "curl-1x"), ("influxql2", "curl-2x")],
)
def test_a_query_in_a_file_is_sent_from_the_command_line(
    where: str, name: str, request: pytest.FixtureRequest
) -> None:
    world: World = request.getfixturevalue(where)
    asked(world, "tenant-day")
    expected = numbers(EXPECTED["tenant-day"](world.facts, BUSY))
    assert numbers(of_csv(run(world, name))) == expected


def test_the_shell_of_influxdb_prints_local_time(influxql: World) -> None:
    asked(influxql, "utilisation-by-hour")
    printed = run(influxql, "influx-shell")
    assert "tags: machine=knit-01" in printed
    assert f"{DAY}T00:00:00+08:00" in printed


def test_a_query_in_a_file_is_asked_of_the_embedded_store(sqlite: World) -> None:
    asked(sqlite, "tenant-day", "query.sql")
    rows: Answer = list(csv.DictReader(run(sqlite, "sqlite-shell").splitlines()))
    assert numbers(rows) == numbers(EXPECTED["tenant-day"](sqlite.facts, BUSY))


def test_awk_makes_the_pareto_of_stops(influxql: World) -> None:
    asked(influxql, "stop-spans", "stop-spans.influxql")
    columns = ("lost_s", "times", "span_state", "span_party", "span_stop_code")
    expected = [
        tuple(str(row[name]) for name in columns) for row in EXPECTED["stop-pareto"](influxql.facts, BUSY)
    ]
    printed = [tuple(line.split(",")) for line in run(influxql, "stop-pareto").splitlines()]
    assert sorted(printed) == sorted(expected)
    assert [int(row[0]) for row in printed] == sorted((int(row[0]) for row in expected), reverse=True)


def test_the_broker_shows_what_the_page_shows(influxql: World, mosquitto: Any) -> None:
    told = dict(line.split(" ", 1) for line in run(influxql, "watch-retained", mosquitto.port).splitlines())
    for line in page.block("seen", "watch-retained").text.splitlines():
        topic, shown = line.replace("/qinghe/", f"/{SITE}/").split(" ", 1)
        pieces = ".*".join(re.escape(piece) for piece in shown.split("..."))
        assert re.fullmatch(pieces, told[topic]), f"{topic} says {told[topic]}"
