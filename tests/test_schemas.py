"""configs/schema/ is what the shapes say now, every example fits it, and a mistake does not."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scripts.schemas import ROOT, comments, files, stale

CONFIGS = ROOT / "configs"
MADE = files()


def load(file: Path) -> Any:
    """As an editor sees it: a date is a string."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: plain(each) for key, each in value.items()}
        if isinstance(value, list):
            return [plain(each) for each in value]
        return value.isoformat() if isinstance(value, date) else value

    return plain(tomllib.loads(file.read_text("utf-8")))


def named_schema(file: Path) -> Path:
    """What the first line of an example names (the convention of taplo and Even Better TOML)."""
    first = file.read_text("utf-8").splitlines()[0]
    assert first.startswith("#:schema "), f"{file}: begin it with #:schema and the path of its schema"
    return (file.parent / first.removeprefix("#:schema ")).resolve()


def validator(name: str) -> jsonschema.Draft7Validator:
    import json

    return jsonschema.Draft7Validator(json.loads(MADE[f"{name}.json"]))


TOML = sorted(CONFIGS.rglob("*.toml"))


def test_the_schemas_are_what_the_shapes_and_the_comments_say_now() -> None:
    assert not stale(), "run `make schema`, and look at what changed"


@pytest.mark.parametrize("name", sorted(MADE))
def test_each_is_a_schema_of_draft_7(name: str) -> None:
    jsonschema.Draft7Validator.check_schema(validator(name.removesuffix(".json")).schema)
    assert r"\A" not in MADE[name]
    assert '"null"' not in MADE[name]


@pytest.mark.parametrize("file", TOML, ids=lambda file: str(file.relative_to(CONFIGS)))
def test_every_example_names_its_schema_and_fits_it(file: Path) -> None:
    schema = named_schema(file)
    assert schema.is_file()
    found = [error.message for error in validator(schema.stem).iter_errors(load(file))]
    assert not found


@pytest.mark.parametrize("name", ["site", "profile", "collector", "plant"])
def test_the_keys_of_the_examples_are_explained(name: str) -> None:
    """An editor shows the words of the examples where one writes."""
    assert MADE[f"{name}.json"].count('"description"') >= 8


MISTAKES = [
    # kind, example; where; what stands there then
    ("site", "sites/knitting.toml", ("sites",), 1),
    ("site", "sites/knitting.toml", ("site",), "Qinghe"),
    ("site", "sites/knitting.toml", ("gateway",), "none"),
    ("site", "sites/knitting.toml", ("poll", "period_ms"), 50),
    ("site", "sites/knitting.toml", ("poll", "periodms"), 1000),
    ("site", "sites/knitting.toml", ("endpoint", 0, "port"), "502"),
    ("site", "sites/knitting.toml", ("machine", 0, "unit"), 256),
    ("site", "sites/knitting.toml", ("machine", 0, "serail"), 7),
    ("site", "sites/knitting.toml", ("machine", 0, "profile"), None),
    ("site", "sites/knitting.toml", ("outbox",), None),
    ("profile", "profiles/knit-flat.toml", ("register", 0, "type"), "u24"),
    ("profile", "profiles/knit-flat.toml", ("register", 0, "address"), 70_000),
    ("profile", "profiles/knit-flat.toml", ("word_order",), "BACD"),
    ("profile", "profiles/knit-flat.toml", ("bits", "running"), "status"),
    ("profile", "profiles/knit-flat.toml", ("bits", "Running"), "status.2"),
    ("profile", "profiles/knit-flat.toml", ("expect", "map_id"), 7),
    ("profile", "profiles/knit-flat.toml", ("state", 0, "state"), "running"),
    ("profile", "profiles/knit-flat.toml", ("counter", 0, "keeps"), "always"),
    ("profile", "profiles/knit-flat.toml", ("counter", 0, "register"), None),
    ("stop-codes", "stop-codes.toml", ("code", 0, "party"), "nobody"),
    ("stop-codes", "stop-codes.toml", ("code", 0, "zh"), None),
    ("collector", "collector.toml", ("store", "kind"), "oracle"),
    ("collector", "collector.toml", ("broker", "port"), 70_000),
    ("collector", "collector.toml", ("collector", "name"), "disputed"),
    ("billing", "billing.toml", ("tariff",), None),
    ("billing", "billing.toml", ("site", "zone"), "Asia/Shanghai"),
    ("billing", "billing.toml", ("tenant", 0, "id"), "Heng Xin"),
    ("tariff", "tariffs/house-2026.toml", ("rate", 0, "per_hour"), 12.0),
    ("tariff", "tariffs/house-2026.toml", ("rate", 0, "per_hour"), "12,00"),
    ("tariff", "tariffs/house-2026.toml", ("rate", 0, "class"), "idle"),
    ("tariff", "tariffs/house-2026.toml", ("rate", 0, "kind"), "Knit"),
    ("tariff", "tariffs/house-2026.toml", ("currency",), "USD"),
    ("calendar", "tariffs/calendars/hebei-south-2025-11.toml", ("day", 0, "months"), [13]),
    ("entries", "entries/example.toml", ("manual", 0, "amount"), 12.5),
    ("plant", "plants/mini.toml", ("duration",), "an hour"),
    ("plant", "plants/mini.toml", ("machines", 0, "kind"), "spinner"),
    ("plant", "plants/mini.toml", ("machines", 0, "behaviour", "scrap_share"), 1.5),
    ("plant", "plants/mini.toml", ("order", 0, "id"), "A-1"),
    ("plant", "plants/mini.toml", ("machines",), []),
]


@pytest.mark.parametrize("row", MISTAKES, ids=[f"{row[0]} {row[2]} {row[3]}" for row in MISTAKES])
def test_a_mistake_does_not_fit(row: tuple[str, str, tuple[str | int, ...], Any]) -> None:
    name, example, path, value = row
    data = load(CONFIGS / example)
    place = data
    for part in path[:-1]:
        place = place[part]
    if value is None:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    assert list(validator(name).iter_errors(data))


def test_comments_are_read_behind_a_setting_over_lines_and_above_it() -> None:
    text = """\
# About the file.

site = "x"   # behind
[poll]
hold = 3     # first
             # second
# above
# in two lines
#grid = 4
[[machine]]
name = "y"   # of a machine
"""
    told: dict[str, str] = {}
    for key, comment in comments(text):
        told[key] = f"{told.get(key, '')} {comment}".strip()
    assert told == {
        "site": "behind",
        "poll.hold": "first second",
        "poll.grid": "above in two lines",
        "machine.name": "of a machine",
    }
