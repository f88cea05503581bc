"""A month closed, then late news of ten kinds: booked plus adjustments is a fresh rating each time.

And what went out before keeps its bytes, whatever comes.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pytest

from contract.facts import CorrectedField, Target
from contract.records import Interval, Record
from contract.states import Party
from tests.billing.life.conftest import DAY_MS, FIRST, HOUR_MS, LATER, MONTH, TARIFF, Plant, month, sealed
from tests.billing.life.test_billing_adjust import booked, fresh
from tests.billing.rows import (
    make_correction,
    make_interval,
    make_lease,
    make_meter,
    make_order,
    make_quality,
    make_witness,
)

BY: Final = ("--by", "Li Na", "--override", "the rest is heard later")
RICH: Final = (
    TARIFF.replace('id = "house"', 'id = "house"\nprices = "net"\nvat_category = "lease"')
    + """
[[vat]]
name = "lease"
percent = "13"
valid_from = 2026-01-01

[[setup_fee]]
kind = "*"
price = "20.00"

[[minimum]]
per = "order"
amount = "300.00"

[[scrap_credit]]
kind = "*"
causes = ["host"]
of = ["run"]
"""
)
"""With what looks at an order as a whole, so that a late piece moves more than its own line."""


def of_day(day: int, records: list[Record]) -> list[Record]:
    start = FIRST + (day - 1) * DAY_MS

    def is_of(record: Record) -> bool:
        at = record.start if isinstance(record, Interval) else record.at - 1  # type: ignore[union-attr]
        return start <= at < start + DAY_MS

    return [record for record in records if is_of(record)]


KNIT_01 = month()
KNIT_02 = month("knit-02")
LOST: Final = of_day(14, KNIT_01)
"""A database that was restored from an older copy had them no more."""
LATE: Final = [record for day in range(28, 31) for record in of_day(day, KNIT_02)]
"""Its gateway was offline over the end of the month."""


def strangers() -> list[Record]:
    """Two hours without a lease, one of them for an order that nobody had announced."""
    eight = FIRST + 9 * DAY_MS + 8 * HOUR_MS
    return sealed(
        [
            make_meter(eight, machine="knit-03"),
            make_interval(eight, eight + HOUR_MS, machine="knit-03", order_id="C-9"),
            make_interval(eight + HOUR_MS, eight + 2 * HOUR_MS, machine="knit-03"),
        ]
    )


@pytest.fixture
def closed(plant: Plant) -> Plant:
    (plant.folder / "tariff.toml").write_text(RICH, "utf-8")
    plant.database.unlink()
    for other in plant.folder.glob("store.db-*"):
        other.unlink()
    leases = [
        make_lease(FIRST, tenant="hongye", order_id="A-1"),
        make_lease(FIRST, "L1", tenant="hongye", order_id="A-1", machine="knit-02"),
    ]
    held_back = {id(record) for record in [*LOST, *LATE]}
    there = [record for record in [*KNIT_01, *KNIT_02] if id(record) not in held_back]
    witnesses = [make_witness(FIRST, f"W-{n}", machine=f"knit-0{n}") for n in (1, 2, 3)]
    plant.put([*there, *strangers(), *leases, *witnesses])
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("issue", *MONTH, *BY[:2]) == 0
    return plant


def at(day: int, hour: float) -> int:
    return FIRST + (day - 1) * DAY_MS + round(hour * HOUR_MS)


def corrected(
    day: int, hours: tuple[float, float], field: CorrectedField, new: str, n: int, **more: Any
) -> Any:
    span = (at(day, hours[0]), at(day, hours[1]))
    return make_correction(*span, new, id=f"C-{n}", issued=LATER + n * 1000, field=field, **more)


def entries(plant: Plant) -> None:
    (plant.folder / "entries.toml").write_text(
        '[[manual]]\nid = "damage-1"\nday = 2026-11-20\ntenant = "hongye"\nen = "a bent needle bed"\n'
        'zh = "针床"\namount = "85.00"\nby = "Li Na"\nwhy = "seen by both"\n',
        "utf-8",
    )
    config = plant.config.read_text("utf-8")
    plant.config.write_text(f'entries = ["entries.toml"]\n{config}', "utf-8")


KINDS: dict[str, Callable[[Plant], None]] = {
    "inspection finds scrap of the tenant's": lambda plant: plant.put(
        [make_quality(at(7, 8.5), "Q-1", scrap=3, cause="tenant", issued=LATER)]
    ),
    "inspection finds scrap of the host's": lambda plant: plant.put(
        [make_quality(at(9, 8.5), "Q-2", scrap=5, cause="host", issued=LATER + 1)]
    ),
    "a stretch that waited is assigned": lambda plant: plant.put(
        [corrected(10, (9, 10), CorrectedField.TENANT, "rongda", 3, machine="knit-03")]
    ),
    "an announcement of the day before is heard at last": lambda plant: plant.put(
        [make_order("C-9", "rongda", issued=at(10, 7))]
    ),
    "a lease is corrected": lambda plant: plant.put(
        [
            corrected(3, (8, 10), CorrectedField.TENANT, "rongda", 5),
            corrected(3, (8, 10), CorrectedField.ORDER_ID, "B-1", 6),
        ]
    ),
    "a lease's correction is corrected": lambda plant: plant.put(
        [corrected(3, (8, 10), CorrectedField.TENANT, "hongye", 7, supersedes="C-5")]
    ),
    "a stop was the host's": lambda plant: plant.put(
        [corrected(5, (9, 10), CorrectedField.PARTY, Party.HOST, 8, target=Target.STATE)]
    ),
    "rows are there again that a restored database had lost": lambda plant: plant.put(LOST),
    "intervals come late": lambda plant: plant.put(LATE),
    "a line is written by hand": entries,
}


def test_a_month_closed_then_ten_kinds_of_late_news(
    closed: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = {1: closed.bytes_of(1)}
    for number, (kind, happen) in enumerate(KINDS.items(), 1):
        happen(closed)
        when = LATER + number * DAY_MS
        assert booked(closed) != fresh(closed, capsys), f"{kind}: changes nothing"
        assert closed.call("adjust", *MONTH, *BY, at=when) == 0, capsys.readouterr().err
        assert closed.call("issue", *MONTH, *BY[:2], at=when) == 0
        assert booked(closed) == fresh(closed, capsys), kind
        for revision, before in kept.items():
            assert closed.bytes_of(revision) == before, (kind, revision)
        kept[number + 1] = closed.bytes_of(number + 1)
    assert len(kept) == 1 + len(KINDS) == 11
    assert closed.call("adjust", *MONTH, *BY, at=LATER + 30 * DAY_MS) == 0
    assert "nothing to adjust" in capsys.readouterr().err
    assert closed.call("verify", *MONTH, at=LATER + 30 * DAY_MS) == 0, capsys.readouterr().out


def test_all_of_it_at_once_is_the_same_money(closed: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    """One adjustment for everything, or ten: the tenants owe the same."""
    for happen in KINDS.values():
        happen(closed)
    assert closed.call("adjust", *MONTH, *BY, at=LATER + 10 * DAY_MS) == 0
    assert closed.call("issue", *MONTH, *BY[:2], at=LATER + 10 * DAY_MS) == 0
    assert booked(closed) == fresh(closed, capsys)
    totals = {
        tenant: sum((line[2] for line in of.values()), Decimal(0)) for tenant, of in booked(closed).items()
    }
    assert set(totals) == {"hongye", "rongda"}
    assert all(total > 0 for total in totals.values())
