"""From Modbus registers to statements, through everything that is real; and a judge that can say no."""

import asyncio
import shlex
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from billing.__main__ import main as billing
from billing.config import load as load_billing
from billing.run import assess
from contract.chain import GENESIS, is_linked
from contract.records import Interval, Meter, Record, Transition
from contract.series import METER, STATE, USAGE, fact_of
from demo import show
from demo.rehearsal import verdict
from edge_agent import quantities, turn
from edge_agent.turn import Turn
from store.config import InfluxConfig, SqliteConfig
from store.opening import open_store
from tests.demo.mini_plant import embedded, forget, production, rehearsed


def _sqlite(directory: Path) -> SqliteConfig:
    return SqliteConfig(kind="sqlite", path=directory / "store.db")


async def test_the_embedded_pair_stores_what_the_machines_did(tmp_path: Path) -> None:
    shift, stored = await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    found = verdict(shift, stored)
    assert found.differences == ()
    assert (found.machines, found.tenants, found.unknown_ms, found.disputed) == (3, 3, 0, 0)
    assert found.pieces["produced"] > 50
    assert found.pieces["scrap"] > 0
    assert found.pieces["rework"] > 0


async def test_mosquitto_and_influxdb_store_what_the_machines_did(
    tmp_path: Path, mosquitto: object, influx: object, influx_database: str
) -> None:
    port, url = mosquitto.port, influx.url  # type: ignore[attr-defined]  # peers of conftest.py
    await forget(port)
    place = production(tmp_path, port, url, influx_database)
    config = InfluxConfig(kind="influx", url=url, database=influx_database)
    shift, stored = await rehearsed(place, config)
    assert verdict(shift, stored).differences == ()


async def test_mosquitto_and_influxdb_2_store_what_the_machines_did(
    tmp_path: Path, mosquitto: object, influx2: object
) -> None:
    port = mosquitto.port  # type: ignore[attr-defined]  # peers of conftest.py
    await forget(port)
    token = tmp_path / "token"
    token.write_text(influx2.token)  # type: ignore[attr-defined]
    config = InfluxConfig(
        kind="influx",
        url=influx2.url,  # type: ignore[attr-defined]
        database=f"rehearsal-{tmp_path.name}-{port}",
        org=influx2.org,  # type: ignore[attr-defined]
        token_file=token,
    )
    store = "\n".join(
        f'{key} = "{value}"'
        for key, value in config.model_dump().items()
        if key in {"kind", "url", "database", "org", "token_file"}
    )
    place = replace(production(tmp_path, port, config.url, config.database), store=store)
    shift, stored = await rehearsed(place, config)
    assert verdict(shift, stored).differences == ()


async def test_the_chain_can_be_walked_again_from_the_store(tmp_path: Path) -> None:
    await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    chains: dict[tuple[str, str], list[Record]] = {}
    async with open_store(_sqlite(tmp_path), read_only=True) as store:
        for series in (METER, USAGE, STATE):
            async for row in store.read(series, 0, 2**53):
                fact = fact_of(row)
                assert isinstance(fact, Meter | Interval | Transition)
                chains.setdefault((fact.machine, fact.epoch), []).append(fact)
    assert len(chains) == 3
    for chain in chains.values():
        chain.sort(key=lambda record: record.sequence)
        assert [record.sequence for record in chain] == list(range(len(chain)))
        previous = GENESIS
        for record in chain:
            assert is_linked(record, previous)
            previous = record.digest


async def test_every_tenant_gets_a_statement_whose_lines_add_up(tmp_path: Path) -> None:
    place = embedded(tmp_path)
    shift, _ = await rehearsed(place, _sqlite(tmp_path))
    settings = load_billing(place.billing)
    async with open_store(settings.store, read_only=True) as store:
        found = await assess(store, settings, shift.start_ms, shift.end_ms, now=shift.end_ms)
    assert {statement.tenant.id for statement in found.statements} == {"hengxin", "ruifeng", "juntu"}
    for statement in found.statements:
        assert statement.total == sum(charge.amount for charge in statement.charges) > 0
    assert (found.suspense, found.disputed) == ((), ())
    pages = show.documents(found, tmp_path / "out")
    named = ["hengxin", "juntu", "ruifeng", "totals", "owners"]
    assert [page.stem for page in pages] == named
    for page in pages:
        forms = {other.suffix for other in page.parent.glob(f"{page.stem}.*")}
        assert forms == {".html", ".xlsx", ".csv", ".json"}
    for statement in found.statements:
        drawn = sum(sum(day.time) for day in statement.days)
        assert drawn == statement.whole.total_ms > 0


# --- a judge that could not say no would be worth nothing -------------------------------------------------


async def test_a_meter_that_is_off_by_one_piece_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(before: dict[str, int], after: dict[str, int]) -> dict[str, int]:
        honest = quantities.between(before, after)
        return honest | {"produced": max(0, honest["produced"] - 1)}

    monkeypatch.setattr(turn, "between", short)
    shift, stored = await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    wrong = verdict(shift, stored).differences
    assert {"machine", "order", "tenant"} <= {difference.key[0] for difference in wrong}


async def test_a_piece_given_to_the_wrong_order_at_a_changeover_is_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest: Callable[..., None] = Turn._write

    def generous(self: Turn, record: Record) -> None:
        """The last interval of an order keeps one piece back, and the next one has it: totals stay true."""
        if isinstance(record, Interval):
            owed = owing.pop(record.machine, 0)
            changes = self.scheme.grid_ms and record.end % self.scheme.grid_ms != 0
            kept = int(changes and record.quantities["produced"] > 0)
            made = record.quantities | {"produced": record.quantities["produced"] + owed - kept}
            owing[record.machine] = kept
            record = replace(record, quantities=made)
        honest(self, record)

    owing: dict[str, int] = {}
    monkeypatch.setattr(Turn, "_write", generous)
    shift, stored = await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    wrong = verdict(shift, stored).differences
    assert "order" in {difference.key[0] for difference in wrong}
    assert "machine" not in {difference.key[0] for difference in wrong}


async def test_any_quantity_that_is_off_by_one_is_found_out(tmp_path: Path) -> None:
    shift, stored = await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    for what in ("energy_wh", "courses", "weld_starts", "arc_ms", "weld_mm", "wire_g", "gas_l"):
        counting = next(interval for interval in stored if what in interval.measured.split(","))
        off = replace(counting, quantities=counting.quantities | {what: counting.quantities[what] + 1})
        found = verdict(shift, [off if interval is counting else interval for interval in stored])
        assert [difference.key for difference in found.differences] == [("machine", counting.machine, what)]


async def test_time_in_the_wrong_state_is_found_out(tmp_path: Path) -> None:
    shift, stored = await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    longest = max(stored, key=lambda interval: interval.run_ms)
    shifted = replace(longest, run_ms=longest.run_ms - 240_000, idle_ms=longest.idle_ms + 240_000)
    wrong = verdict(shift, [shifted if interval is longest else interval for interval in stored])
    assert {difference.key[2] for difference in wrong.differences} <= {"run_ms", "idle_ms"}
    assert wrong.differences


async def test_a_lost_interval_a_doubled_one_and_a_silent_machine_are_found_out(tmp_path: Path) -> None:
    shift, stored = await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    busy = max(stored, key=lambda interval: interval.quantities["produced"])
    assert verdict(shift, [interval for interval in stored if interval is not busy]).differences
    assert verdict(shift, [*stored, busy]).differences
    others = [interval for interval in stored if interval.machine != busy.machine]
    assert ("machine", busy.machine, "intervals") in {d.key for d in verdict(shift, others).differences}


async def test_a_shift_that_was_only_watched_in_part_is_found_out(tmp_path: Path) -> None:
    shift, stored = await rehearsed(embedded(tmp_path), _sqlite(tmp_path))
    middle = (shift.start_ms + shift.end_ms) // 2
    assert verdict(shift, stored).true
    assert not verdict(shift, [interval for interval in stored if interval.end <= middle]).true
    assert not verdict(shift, [interval for interval in stored if interval.start >= middle]).true
    pieceless = [i for i in stored if i.quantities["produced"] == 0 and i.quantities["scrap"] == 0][3:6]
    assert not verdict(shift, [interval for interval in stored if interval not in pieceless]).true
    careless = [replace(interval, polls_missed=1_000) for interval in stored]
    assert not verdict(shift, careless).true


async def test_a_difference_is_told_with_a_command_that_goes_on_from_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = embedded(tmp_path)
    shift, stored = await rehearsed(place, _sqlite(tmp_path))
    settings = load_billing(place.billing)
    async with open_store(settings.store, read_only=True) as store:
        assessment = await assess(store, settings, shift.start_ms, shift.end_ms, now=shift.end_ms)
    found = verdict(shift, stored[1:])
    step = show.next_step(assessment, place.billing)
    told = str(show.judgement(found, step))
    assert "stored IS NOT what the ledgers say" in told
    assert step in told
    assert step not in str(show.judgement(verdict(shift, stored), step))
    (command,) = (line for line in told.splitlines() if "gongfang-billing" in line)
    assert await asyncio.to_thread(billing, shlex.split(command)[1:]) in {0, 1}
    assert "findings block this period" in capsys.readouterr().err
