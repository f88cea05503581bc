"""What the tests of billing share: rows in Python (``rows.py``), cases in files (``case_file.py``)."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.billing.case_file import CASES, read_case
from tests.billing.rows import (
    MIDNIGHT,
    SITE,
    at,
    make_correction,
    make_interval,
    make_lease,
    make_meter,
    make_order,
    make_quality,
    make_span,
    make_witness,
)


@pytest.fixture(params=sorted(path.parent.name for path in CASES.glob("*/case.txt")))
def case_folder(request: pytest.FixtureRequest) -> Path:
    return CASES / str(request.param)


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Rows for tests that write them in Python."""
    return SimpleNamespace(
        interval=make_interval,
        span=make_span,
        meter=make_meter,
        lease=make_lease,
        order=make_order,
        witness=make_witness,
        correction=make_correction,
        quality=make_quality,
        case=read_case,
        at=at,
        midnight=MIDNIGHT,
        site=SITE,
        cases=CASES,
    )
