"""Documents as JSON fit their published schemas, and nothing else does."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from billing.document_shapes import AdjustmentShape, StatementShape
from billing.owners_page import owners_page
from billing.render_json import statement_json
from billing.render_owners import owners_json
from billing.render_totals import totals_json
from billing.totals import totals
from scripts.schemas import DOCUMENTS, documents
from tests.billing.case_file import CASES
from tests.billing.case_rating import assessed


def validator(name: str) -> jsonschema.Draft202012Validator:
    """Of the schema as it is published."""
    schema = json.loads((DOCUMENTS / f"{name}.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_the_published_schemas_are_those_of_the_shapes() -> None:
    there = {path.name: path.read_text("utf-8") for path in DOCUMENTS.glob("*.json")}
    assert there == documents(), "run `make schema`, and look at what changed"


STATEMENT, TOTALS, OWNERS = map(validator, ("statement", "totals", "owners"))


def test_every_statement_of_the_cases_fits(case_folder: Path) -> None:
    found = assessed(case_folder)[0]
    for statement in found.statements:
        told = json.loads(statement_json(statement))
        assert [error.message for error in STATEMENT.iter_errors(told)] == []
        msgspec.convert(told, StatementShape, strict=True)
    assert [error.message for error in TOTALS.iter_errors(json.loads(totals_json(totals(found, {}))))] == []
    assert [error.message for error in OWNERS.iter_errors(json.loads(owners_json(owners_page(found))))] == []


def test_days_and_orders_add_up_to_the_machines(case_folder: Path) -> None:
    for statement in assessed(case_folder)[0].statements:
        told = json.loads(statement_json(statement))
        for row in told["machines"]:
            days = [day for day in told["days"] if day["machine"] == row["machine"]]
            assert sum(day["run_ms"] for day in days) == row["run_ms"]
            times = ("run_ms", "setup_ms", "stop_ms", "held_ms", "idle_ms", "off_ms", "unknown_ms")
            assert sum(day[name] for day in days for name in times) == row["total_ms"]
        if told["whole"]["produced"] is not None:
            assert sum(order["pieces"]["produced"] for order in told["orders"]) == told["whole"]["produced"]


Change = Callable[[dict[str, Any]], object]
MISTAKES: dict[str, Change] = {
    "a field less": lambda told: told.pop("digest"),
    "a field more": lambda told: told.update({"discount": "1.00"}),
    "money as a number": lambda told: told.update({"total": 38.41}),
    "money with three places": lambda told: told.update({"total": "38.410"}),
    "a line without its clause": lambda told: told["charges"][0].pop("clause_id"),
    "a clause that there is not": lambda told: told["charges"][0].update({"clause": "tip"}),
    "another currency": lambda told: told.update({"currency": "EUR"}),
    "a time below zero": lambda told: told["days"][0].update({"run_ms": -1}),
    "a strip of other letters": lambda told: told["days"][0].update({"strip": "12X"}),
    "a cause that there is not": lambda told: told["orders"][0]["pieces"]["scrap"].update({"weather": 1}),
}


@pytest.mark.parametrize("change", MISTAKES.values(), ids=MISTAKES)
def test_what_is_no_statement_does_not_fit(change: Change) -> None:
    hongye = assessed(CASES / "a_day_on_the_picture")[0].statements[0]
    told = json.loads(statement_json(hongye))
    assert STATEMENT.is_valid(told)
    change(told)
    assert not STATEMENT.is_valid(told)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(told, StatementShape, strict=True)


def test_the_shape_of_an_adjustment_is_published() -> None:
    assert validator("adjustment").schema["$ref"] == f"#/$defs/{AdjustmentShape.__name__}"
