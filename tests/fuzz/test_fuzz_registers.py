"""Whatever stands in a machine's registers: a sample or a fault, and records that any collector accepts."""

import math
from collections.abc import Callable, Mapping
from functools import cache
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.judge import judge, read_batch
from contract.chain import GENESIS, seal
from contract.messages import Batch, encode
from contract.records import Interval, Reason, Record
from contract.series import fact_of, row_of
from contract.topics import Topic
from edge_agent.block import Block, Key, answers_from, keys_of
from edge_agent.gauge_values import gauges
from edge_agent.interpret import Reader
from edge_agent.machine import Machine
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.sample import Fault, Sample
from edge_agent.scheme import Identity, Scheme
from edge_agent.stop_codes import load_stop_table
from store.admission import flaw

fuzz = settings(settings.get_profile("fuzz"))
EIGHT = 1_790_380_800_000
CONFIGS = Path(__file__).parents[2] / "configs"
SHIPPED = [
    *sorted((CONFIGS / "profiles").glob("*.toml")),
    Path(__file__).parents[1] / "edge_agent" / "profiles" / "odd.toml",
]
"""And one with every kind of register."""

ODD = [0, 1, 2, 0x7FFF, 0x8000, 0xFFFF, 0xFFFE, 0x4B4E, 0x5744, 0x8001, 0x8803, 0x8805, 0x8841, 0x8881]
words16 = st.sampled_from(ODD) | st.integers(0, 0xFFFF)


@cache
def reader_of(path: Path) -> Reader:
    return Reader(load_profile(path, load_stop_table(CONFIGS / "stop-codes.toml")))


def keys(reader: Reader) -> list[Key]:
    return [key for block in (*reader.plan.fast, *reader.plan.slow) for key in keys_of(block)]


def held(key: Key) -> st.SearchStrategy[int]:
    return st.integers(0, 1) if key[0].bits else words16


def sample_of(reader: Reader, words: Mapping[Key, int], at: int) -> Sample | Fault:
    return reader.sample(answers_from(reader.plan.fast, words), at)


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@fuzz
@given(data=st.data())
def test_any_words_are_a_sample_or_a_fault(path: Path, data: st.DataObject) -> None:
    reader = reader_of(path)
    profile, words = reader.profile, {key: data.draw(held(key)) for key in keys(reader)}
    seen = sample_of(reader, words, EIGHT)
    assert isinstance(seen, Sample | Fault)
    if isinstance(seen, Fault):
        assert seen.detail
    else:
        assert seen.readings.keys() == {counter.name for counter in profile.counters}
        assert all(0 <= reading < 1 << 63 for reading in seen.readings.values())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@fuzz
@given(data=st.data())
def test_any_answers_are_a_sample_or_a_fault_and_gauges_that_are_numbers(
    path: Path, data: st.DataObject
) -> None:
    """Some refused, some other when asked again."""
    reader = reader_of(path)
    answers = [
        data.draw(st.none() | st.lists(st.integers(0, 1) if block.table.bits else words16, **_exactly(block)))
        for block in (*reader.plan.fast, *reader.plan.slow)
    ]
    fast = answers[: len(reader.plan.fast)]
    seen = reader.sample(fast, EIGHT)
    assert isinstance(seen, Sample | Fault)
    assert isinstance(seen, Fault) or None not in [fast[at] for at in reader.plan.needed]
    values = reader.values(answers)
    assert values.keys() == {register.name for register in reader.profile.registers}
    assert all(math.isfinite(shown) for shown in gauges(reader.profile.gauges, values).values())


def _exactly(block: Block) -> dict[str, int]:
    return {"min_size": block.count, "max_size": block.count}


def machine(profile: Profile) -> Machine:
    identity = Identity(
        site="qinghe",
        area="hall-1",
        machine="m-1",
        kind=profile.kind,
        gateway="gw1",
        profile=profile.label,
        profile_digest=profile.digest,
        stop_table=profile.stop_table.label,
        agent="1",
        timezone="Asia/Shanghai",
    )
    scheme = Scheme(identity=identity, profile=profile, poll_ms=1000, hold_polls=3, grid_ms=60_000)
    numbers = count()
    return Machine(scheme, serial=None, name_epoch=lambda: f"e{next(numbers)}")


def right_words(reader: Reader) -> dict[Key, int]:
    """A machine that says that its data is valid, whatever else: fuzz would seldom get past that."""
    profile, words = reader.profile, dict.fromkeys(keys(reader), 0)
    for rule in profile.rules:
        for mask in (*rule.all, *((profile.roles.valid,) if profile.roles.valid else ())):
            register = next(each for each in profile.registers if each.name == mask.register)
            words[register.table, register.address] |= mask.mask & 0xFFFF
        if isinstance(sample_of(reader, words, EIGHT), Sample):
            break
        words = dict.fromkeys(keys(reader), 0)
    return words


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
@fuzz
@given(data=st.data())
def test_what_is_metered_from_any_words_is_accepted_by_the_collector(path: Path, data: st.DataObject) -> None:
    reader = reader_of(path)
    words, metered = right_words(reader), machine(reader.profile)
    records: list[Record] = []
    at = 0
    for _ in range(data.draw(st.integers(1, 12))):
        at += data.draw(st.sampled_from([1000, 1000, 1000, 4000, 61_000, 3_600_000, 57_600_000]))
        for key in data.draw(st.lists(st.sampled_from(sorted(words)), max_size=4)):
            words = words | {key: data.draw(held(key))}
        if data.draw(st.integers(0, 9)) == 0:
            records += metered.missed(Reason.SILENT, EIGHT + at, at)
        else:
            records += metered.sampled(_sense(reader, words), {}, EIGHT + at, at)
        assert (
            Machine(
                metered.scheme, serial=None, name_epoch=lambda: "e", checkpoint=metered.checkpoint()
            ).checkpoint()
            == metered.checkpoint()
        )
    records += metered.stop()
    accepted(records, EIGHT + at)


def _sense(reader: Reader, words: dict[Key, int]) -> Callable[[int], Sample | Fault]:
    return lambda at: sample_of(reader, words, at)


def accepted(records: list[Record], now: int) -> None:
    heads: dict[str, str] = {}
    sealed: list[Any] = []
    for record in records:
        sealed.append(seal(record, heads.get(record.epoch, GENESIS)))
        heads[record.epoch] = sealed[-1].digest
    payload = encode(
        Batch(
            site="qinghe",
            gateway="gw1",
            session="s",
            sealed=now,
            records=[msgspec.Raw(encode(record)) for record in sealed[:60]],
        )
    )
    batch = read_batch(Topic("batch", "qinghe", "gw1"), payload)
    assert isinstance(batch, Batch), batch
    for entry in judge(batch, now):
        assert entry.verdict is None, entry
        assert entry.record is not None
        row = row_of(entry.record)
        assert flaw(row) is None
        assert fact_of(row) == entry.record
    intervals = [record for record in sealed if isinstance(record, Interval)]
    for before, after in pairwise(intervals):
        assert before.epoch != after.epoch or before.end == after.start
