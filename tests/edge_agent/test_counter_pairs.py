"""A count in two parts that a machine shows half carried: a unit too much for one read is not billed."""

import pytest
from msgspec.structs import replace

from contract.records import Interval, Quality
from edge_agent.counters import Kind, classify
from edge_agent.profile import Counter, Quantity
from tests.edge_agent.meter_bench import PROFILE, SCHEME, Bench

LITRES = Counter(
    name="pieces", width_bits=32, retained=True, max_per_hour=100_000, fraction="part", counts=1000
)
"""100 m3/h: with a minute of slack, a step of 1,864 litres in a second is believed."""


@pytest.mark.parametrize(
    ("step", "elapsed_ms", "kind"),
    [
        (28, 1_000, Kind.NORMAL),
        (999, 1_000, Kind.NORMAL),
        (1_000, 1_000, Kind.UNSURE),
        (1_028, 1_000, Kind.UNSURE),
        (1_028, 60_000, Kind.NORMAL),
        (28_000, 1_000_000, Kind.NORMAL),
        (9_000, 1_000, Kind.DOUBTFUL),
    ],
)
def test_a_step_of_a_unit_that_only_the_slack_explains_is_unsure(
    step: int, elapsed_ms: int, kind: Kind
) -> None:
    found = classify(LITRES, 5_500, 5_500 + step, elapsed_ms=elapsed_ms, up_ms=None)
    assert found.kind is kind
    plain = replace(LITRES, fraction=None)
    assert classify(plain, 5_500, 5_500 + step, elapsed_ms=elapsed_ms, up_ms=None).kind is not Kind.UNSURE


def bench() -> Bench:
    others = tuple(counter for counter in PROFILE.counters if counter.name != "pieces")
    profile = replace(
        PROFILE,
        counters=(LITRES, *others),
        quantities=(Quantity(name="volume_l", counter="pieces"),),
    )
    return Bench(replace(SCHEME, profile=profile))


def volume(made: Bench) -> int:
    made.machine.stop()
    intervals = [record for record in made.written if isinstance(record, Interval)]
    return intervals[-1].totals["volume_l"]


def test_a_read_torn_at_the_carry_is_neither_believed_nor_billed() -> None:
    """The whole part is the new one, the fraction the old: 101.999 between 100.999 and 101.003."""
    made = bench()
    made.see(0)
    made.see(1, pieces=4)
    made.see(2, pieces=1_000)
    made.see(3, pieces=4 - 1_000)
    made.see_every_second(4, 400)
    made.written += made.machine.stop()
    assert volume(made) == 8
    assert {r.quality for r in made.written if isinstance(r, Interval)} == {Quality.ACTUAL}


def test_a_machine_that_shows_its_total_once_a_minute_is_believed_a_poll_later() -> None:
    made = bench()
    made.see(0)
    for minute in range(1, 6):
        made.see_every_second(60 * minute - 59, 60 * minute - 1)
        made.see(60 * minute, pieces=1_400)
    made.see_every_second(301, 310)
    made.written += made.machine.stop()
    assert volume(made) == 5 * 1_400
    assert {r.quality for r in made.written if isinstance(r, Interval)} == {Quality.ACTUAL}
