"""What only the real InfluxDB can show: its refusals, its limits, its users, its absence."""

import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from contract.messages import ExceptionReason, Outcome
from contract.series import LEASE, USAGE
from store.config import InfluxConfig
from store.influx import InfluxStore, open_influx
from store.protocol import ACCEPTED, StoreAwayError, Written

DAY = 86_400_000
NOW = int(time.time()) * 1000

TYPE = (Outcome.REJECTED, ExceptionReason.TYPE)
RETENTION = (Outcome.REJECTED, ExceptionReason.RETENTION)
KEPT = (Outcome.KEPT, ExceptionReason.STORE)
ACCEPT = (Outcome.ACCEPTED, None)


def outcomes(written: list[Written]) -> list[tuple[Outcome, ExceptionReason | None]]:
    return [(one.outcome, one.reason) for one in written]


@pytest.fixture(params=["influx", "influx2"])
def real_config(request: pytest.FixtureRequest) -> InfluxConfig:
    config: InfluxConfig = request.getfixturevalue(f"{request.param}_config")
    return config.model_copy(update={"retention_days": 30})


@pytest.fixture
async def real(real_config: InfluxConfig) -> AsyncIterator[InfluxStore]:
    async with open_influx(real_config) as store:
        yield store


async def test_a_field_of_another_type_is_rejected_and_its_neighbours_are_not(
    real: InfluxStore, usage: Any, read: Any
) -> None:
    rows = [usage(NOW + n, n) for n in range(50)]
    assert await real.write(rows[:10]) == [ACCEPTED] * 10
    rows[30] = usage(NOW + 30, 30, run_ms="many")
    written = await real.write(rows)
    assert outcomes(written)[30] == TYPE
    assert "type string, already exists as type integer" in written[30].detail
    del rows[30], written[30]
    assert written == [ACCEPTED] * 49
    assert await read(real, USAGE) == rows


async def test_what_is_older_than_the_retention_is_rejected_beside_what_is_not(
    real: InfluxStore, lease: Any, read: Any
) -> None:
    written = await real.write([lease(NOW - 40 * DAY), lease(NOW)])
    assert outcomes(written) == [RETENTION, ACCEPT]
    assert outcomes(await real.write([lease(NOW - 40 * DAY)])) == [RETENTION]
    assert await read(real, LEASE) == [lease(NOW)]


async def test_when_everything_is_older_than_the_retention_everything_is_kept(
    real: InfluxStore, lease: Any
) -> None:
    written = await real.write([lease(NOW - 40 * DAY), lease(NOW - 41 * DAY)])
    assert outcomes(written) == [KEPT, KEPT]
    assert "every line was refused" in written[0].detail


async def test_an_existing_place_is_used_as_it_is(
    real: InfluxStore, real_config: InfluxConfig, lease: Any
) -> None:
    await real.write([lease(NOW)])
    async with open_influx(real_config.model_copy(update={"retention_days": 0})) as again:
        assert outcomes(await again.write([lease(NOW - 40 * DAY)])) == [RETENTION]


async def test_a_place_that_is_gone_is_made_again(
    influx_config: InfluxConfig, influx: Any, lease: Any, read: Any
) -> None:
    async with open_influx(influx_config) as store:
        await store.write([lease(NOW)])
        influx.query(f'DROP DATABASE "{influx_config.database}"')
        assert outcomes(await store.write([lease(NOW + 1)])) == [KEPT]
        assert await store.write([lease(NOW + 1)]) == [ACCEPTED]
        assert await read(store, LEASE) == [lease(NOW + 1)]


async def test_a_new_database_has_the_retention_that_was_asked_for(
    influx_config: InfluxConfig, influx: Any, lease: Any
) -> None:
    async with open_influx(influx_config.model_copy(update={"retention_days": 7})) as store:
        await store.write([lease(NOW)])
    shown = json.loads(influx.query(f'SHOW RETENTION POLICIES ON "{influx_config.database}"'))
    assert shown["results"][0]["series"][0]["values"][0][:2] == ["autogen", "168h0m0s"]


async def test_an_outage_keeps_rows_and_ends(
    influx_config: InfluxConfig, influx: Any, lease: Any, read: Any
) -> None:
    async with open_influx(influx_config) as store:
        await store.write([lease(NOW)])
        influx.kill()
        assert outcomes(await store.write([lease(NOW), lease(NOW + 1)])) == [KEPT, KEPT]
        with pytest.raises(
            StoreAwayError, match=r"no answer: 127\.0\.0\.1:\d+: .*; does InfluxDB run there\?"
        ):
            await read(store, LEASE)
        influx.start()
        assert await store.write([lease(NOW), lease(NOW + 1)]) == [ACCEPTED] * 2
        assert await read(store, LEASE) == [lease(NOW), lease(NOW + 1)]


async def test_numbers_of_another_program_are_not_taken_for_ours(
    influx_config: InfluxConfig, influx: Any, lease: Any, read: Any
) -> None:
    async with open_influx(influx_config) as store:
        await store.write([lease(NOW)])
        influx.write(influx_config.database, f"lease,site=x,machine=y ratio=0.5 {NOW}")
        with pytest.raises(StoreAwayError, match="not understood"):
            await read(store, LEASE)


def config_of(peer: Any, **more: Any) -> InfluxConfig:
    return InfluxConfig(kind="influx", url=peer.url, database=f"test_{uuid4().hex}", **more)


@pytest.fixture(scope="module")
def narrow(start_influxd: Callable[..., Any]) -> Any:
    """An InfluxDB at its limits."""
    return start_influxd(INFLUXDB_DATA_MAX_VALUES_PER_TAG="2", INFLUXDB_HTTP_MAX_BODY_SIZE="100000")


async def test_a_series_limit_keeps_the_new_and_stores_the_known(narrow: Any, lease: Any, read: Any) -> None:
    async with open_influx(config_of(narrow)) as store:
        assert await store.write([lease(NOW, "a"), lease(NOW, "b")]) == [ACCEPTED] * 2
        written = await store.write([lease(NOW + 1, "a"), lease(NOW + 1, "c"), lease(NOW + 1, "b")])
        assert outcomes(written) == [ACCEPT, KEPT, ACCEPT]
        assert "max-values-per-tag limit exceeded" in written[1].detail
        assert len(await read(store, LEASE)) == 4


async def test_a_write_that_is_too_large_goes_in_parts(narrow: Any, lease: Any, read: Any) -> None:
    async with open_influx(config_of(narrow)) as store:
        rows = [lease(NOW + n, text="x" * 30_000) for n in range(10)]
        assert await store.write(rows) == [ACCEPTED] * 10
        assert await read(store, LEASE) == rows


@pytest.fixture(scope="module")
def guarded(start_influxd: Callable[..., Any]) -> Any:
    """An InfluxDB 1.x with an administrator and a user."""
    peer = start_influxd(INFLUXDB_HTTP_AUTH_ENABLED="true")
    peer.query("CREATE USER root WITH PASSWORD 'r00t' WITH ALL PRIVILEGES")
    return peer


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        ("root:r00t", (Outcome.ACCEPTED, "")),
        ("root:wrong", (Outcome.KEPT, "401 authorization failed")),
        ("nobody:r00t", (Outcome.KEPT, "401 authorization failed")),
    ],
)
async def test_a_password_is_needed_where_one_is_set(
    guarded: Any, tmp_path: Path, lease: Any, user: str, expected: Any
) -> None:
    secret = tmp_path / "password"
    username, password = user.split(":")
    secret.write_text(password)
    async with open_influx(config_of(guarded, username=username, password_file=secret)) as store:
        (written,) = await store.write([lease(NOW)])
    assert (written.outcome, written.detail) == expected


async def test_without_a_password_where_one_is_set_rows_are_kept(guarded: Any, lease: Any) -> None:
    async with open_influx(config_of(guarded)) as store:
        (written,) = await store.write([lease(NOW)])
    assert (written.outcome, written.detail[:3]) == (Outcome.KEPT, "401")


async def test_a_wrong_token_or_organisation_keeps_the_rows(
    influx2_config: InfluxConfig, tmp_path: Path, lease: Any, read: Any
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("wrong")
    changes: dict[str, dict[str, Any]] = {
        "401": {"token_file": wrong},
        "there is no organisation 'nobody'": {"org": "nobody"},
        "this is InfluxDB 2: [store] needs org": {"org": ""},
    }
    for detail, change in changes.items():
        async with open_influx(influx2_config.model_copy(update=change)) as store:
            (written,) = await store.write([lease(NOW)])
            assert written.outcome is Outcome.KEPT
            assert written.detail.startswith(detail)
