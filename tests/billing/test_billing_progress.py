"""What a long run says on its way."""

from datetime import date

from billing.progress import Days, Read


def read(done: int, rows: int, days: int = 31) -> Read:
    return Read(day=date(2026, 10, max(done, 1)), done=done, days=days, rows=rows, share=done / days)


def test_a_line_for_each_day_with_its_rows_and_the_time_left() -> None:
    days = Days(100.0)
    assert days.line(read(0, 500), 107.0) == ""
    assert days.line(read(1, 1000), 110.0) == (
        "2026-10-01: 1,000 rows; 1 of 31 days, 1,000 rows, about 5 min left"
    )
    assert (
        days.line(read(30, 31_000), 130.0) == "2026-10-30: 30,000 rows; 30 of 31 days, 31,000 rows, 1 s left"
    )
    assert days.line(read(31, 31_000), 131.0) == "2026-10-31: 0 rows; 31 of 31 days, 31,000 rows"


def test_what_is_quick_or_one_day_says_nothing() -> None:
    assert Days(100.0).line(read(1, 1000), 101.0) == ""
    assert Days(100.0).line(read(1, 1000, days=1), 200.0) == ""
