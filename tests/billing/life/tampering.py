"""A day of two machines with one of everything, signed, issued and adjusted: for whoever tampers with it."""

import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from contract.facts import CorrectedField, Target
from contract.records import Record
from tests.billing.life.conftest import DAY_MS, FIRST, HOUR_MS, LATER, Plant, month, sealed
from tests.billing.life.signing import days_signed, trusted
from tests.billing.rows import (
    make_correction,
    make_interval,
    make_lease,
    make_meter,
    make_order,
    make_quality,
    make_span,
    make_witness,
)

DAY: Final = ("--day", "2026-11-03")
NAME: Final = "2026-11-03"
BY: Final = ("--by", "Li Na")
START: Final = FIRST + 2 * DAY_MS


def second_machine() -> list[Record]:
    """A gap that nobody saw, a stretch whose tenant changed meanwhile, and a stop."""
    of: dict[str, Any] = {"machine": "knit-02", "epoch": "e7", "lease_id": "L2"}
    whose = {"tenant": "rongda", "order_id": "B-1"}
    gap = {"quality": "unknown", "method": "none", "reason": "silent", "unknown_ms": HOUR_MS}
    disputed = {
        "tenant": "disputed",
        "order_id": "disputed",
        "tenant_before": "rongda",
        "tenant_after": "hongye",
        "order_before": "B-1",
        "order_after": "A-1",
        "quality": "recovered",
        "method": "counters",
        "reason": "link",
    }
    eight = START + 8 * HOUR_MS
    return sealed(
        [
            make_meter(START, machine="knit-02", epoch="e7"),
            make_interval(START, eight, **of, **whose, idle_ms=8 * HOUR_MS),
            make_interval(eight, eight + HOUR_MS, **of, **whose, **gap),
            make_interval(eight + HOUR_MS, eight + 2 * HOUR_MS, **of, **disputed),
            make_interval(eight + 2 * HOUR_MS, eight + 3 * HOUR_MS, **of, **whose, stop_tenant_ms=600_000),
            make_span(eight + 3 * HOUR_MS - 600_000, eight + 3 * HOUR_MS, **of, **whose),
            make_interval(eight + 3 * HOUR_MS, START + DAY_MS, **of, **whose, idle_ms=13 * HOUR_MS),
            make_interval(START + DAY_MS, START + DAY_MS + HOUR_MS, **of, **whose),
        ]
    )


def facts() -> list[Any]:
    first, second = month()[:30], second_machine()
    corrected = {
        "machine": "knit-02",
        "target": Target.USAGE,
        "epoch": "e7",
        "sequence": 3,
        "issued": LATER - 9,
    }
    return [
        *first,
        *second,
        *days_signed(first)[:5],
        *days_signed(second)[:1],
        make_lease(FIRST, tenant="hongye", order_id="A-1"),
        make_lease(START, "L2", tenant="rongda", order_id="B-1", machine="knit-02"),
        make_order("A-1", "hongye", issued=FIRST),
        make_witness(FIRST),
        make_witness(START, "W-2", machine="knit-02"),
        make_correction(-1, -1, "rongda", **corrected),
        make_correction(
            -1, -1, "B-1", **{**corrected, "issued": LATER - 8, "field": CorrectedField.ORDER_ID, "id": "C-2"}
        ),
        make_quality(START + 8 * HOUR_MS + 60_000, scrap=1, cause="tenant", issued=LATER - 7),
    ]


def told_plant(stored: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Plant:
    """A configuration, as ``stored`` has one, with trusted keys; nothing stored yet."""
    folder.mkdir()
    for name in ("billing.toml", "tariff.toml"):
        shutil.copy(stored / name, folder / name)
    (folder / "keys.toml").write_text(trusted("a"), "utf-8")
    config = (folder / "billing.toml").read_text("utf-8")
    (folder / "billing.toml").write_text(
        f'{config}[signatures]\nkeys = "keys.toml"\nrequired = true\n', "utf-8"
    )
    monkeypatch.chdir(folder)
    return Plant(folder, monkeypatch)


def close(plant: Plant) -> None:
    """Frozen, issued, and adjusted once."""
    assert plant.call("freeze", *DAY, *BY) == 0
    assert plant.call("issue", *DAY, *BY) == 0
    plant.put([make_quality(START + 8 * HOUR_MS + 90_000, "Q-2", scrap=2, cause="host", issued=LATER + 5)])
    assert plant.call("adjust", *DAY, *BY, at=LATER + DAY_MS) == 0
    assert plant.call("issue", *DAY, *BY, at=LATER + DAY_MS) == 0
