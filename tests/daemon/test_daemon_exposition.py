"""Metrics as text, read back by Prometheus' own parser."""

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from daemon.exposition import Family, by, counter, gauge, histogram, lines


def parsed(*families: Family) -> dict[str, dict[str, object]]:
    return {
        family.name: {
            "type": family.type,
            "help": family.documentation,
            "samples": {(s.name, *sorted(s.labels.items())): s.value for s in family.samples},
        }
        for family in text_string_to_metric_families("".join(lines(families)))
    }


def test_a_gauge_a_counter_and_their_help_are_read_back() -> None:
    found = parsed(
        gauge("queue_records", "Records that wait.", 3), counter("polls_total", "Polls\nin a \\ line", 2**53)
    )
    assert found["queue_records"] == {
        "type": "gauge",
        "help": "Records that wait.",
        "samples": {("queue_records",): 3},
    }
    assert found["polls"]["type"] == "counter"
    assert found["polls"]["help"] == "Polls\nin a \\ line"
    assert found["polls"]["samples"] == {("polls_total",): 2**53}


def test_what_nobody_knows_has_a_family_and_no_sample() -> None:
    assert parsed(gauge("offset_seconds", "Offset.", None))["offset_seconds"]["samples"] == {}


def test_the_buckets_of_a_histogram_add_up() -> None:
    found = parsed(histogram("late_seconds", "Late.", (0.001, 0.5), (3, 4, 5), 7.25))["late_seconds"]
    assert found["type"] == "histogram"
    assert found["samples"] == {
        ("late_seconds_bucket", ("le", "0.001")): 3,
        ("late_seconds_bucket", ("le", "0.5")): 7,
        ("late_seconds_bucket", ("le", "+Inf")): 12,
        ("late_seconds_sum",): 7.25,
        ("late_seconds_count",): 12,
    }


numbers = st.floats(allow_nan=False, allow_infinity=False) | st.integers(0, 2**53)


@given(st.dictionaries(st.text(), numbers))
def test_any_text_may_stand_in_a_label(values: dict[str, float]) -> None:
    [family] = [
        *text_string_to_metric_families("".join(lines([Family("g", "gauge", "G.", by("of", values))])))
    ]
    assert {s.labels["of"]: s.value for s in family.samples} == values
