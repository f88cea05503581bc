"""What a run without a store says of it is reckoned from what was seen, and can be bad news."""

from tests.chaos.live import FRESH_MS, Outlasted, Seen, outlasted, percentile

DEPTHS = [(0, 10), (100, 900), (200, 1_800), (300, 700), (400, 150), (500, 10)]


def found(*seen: Seen) -> Outlasted:
    return outlasted(50, 250, DEPTHS, seen)


def test_a_backlog_is_what_waited_and_is_gone_when_little_waits() -> None:
    away = found()
    assert (away.away_ms, away.backlog, away.drain_ms) == (200, 1_800, 150)


def test_a_backlog_that_stays_is_never_gone() -> None:
    assert outlasted(50, 250, DEPTHS[:4], []).drain_ms is None


def test_ages_count_while_the_store_is_away_and_while_the_backlog_drains_only() -> None:
    away = found(Seen(40, 9_000), Seen(60, 30), Seen(240, 10), Seen(260, 70), Seen(400, 5), Seen(401, 9_000))
    assert (away.during, away.after, away.stale) == ((10, 30), (5, 70), 0)


def test_a_stale_state_is_counted() -> None:
    assert found(Seen(60, FRESH_MS + 1), Seen(300, FRESH_MS + 1), Seen(301, FRESH_MS)).stale == 2


def test_percentiles_are_of_what_is_there() -> None:
    assert [percentile([], 0.5), percentile([1, 2, 3, 4], 0.5), percentile([1, 2, 3, 4], 0.99)] == [0, 3, 4]
