"""docs/profiles.md keeps its promises: its example is a profile, and every fragment has keys that exist."""

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from edge_agent.block import Block, Table
from edge_agent.plan import plan
from edge_agent.profile import StopTable
from edge_agent.profile_file import load_profile
from edge_agent.profile_shape import (
    CounterShape,
    GaugeShape,
    QuantityShape,
    RangeShape,
    RegisterShape,
    StateShape,
    TopShape,
)

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text("utf-8")
SHAPES = {
    "register": RegisterShape,
    "counter": CounterShape,
    "quantity": QuantityShape,
    "state": StateShape,
    "range": RangeShape,
    "gauge": GaugeShape,
}
NEEDS = {"name": "x", "address": 0, "type": "u16"}


def blocks(first: int, last: int) -> list[str]:
    """The TOML of sections ``first`` to ``last``."""
    begin, end = PAGE.index(f"\n## {first}. "), PAGE.find(f"\n## {last + 1}. ")
    return re.findall(r"```toml\n(.*?)```", PAGE[begin : end if end > 0 else None], re.DOTALL)


def test_the_example_is_a_profile_that_check_takes(tmp_path: Path) -> None:
    text = "\n".join(block for block in blocks(1, 5) if "state_read" not in block)
    (tmp_path / "loom-60.toml").write_text(text, "utf-8")
    profile = load_profile(tmp_path / "loom-60.toml", StopTable(label="t@1", codes=()))
    assert plan(profile) == (Block(Table.HOLDING, 100, 31),)
    assert "`reads holding 100 to 130 (31 registers)`" in PAGE
    assert {quantity.name for quantity in profile.quantities} == {"produced", "woven_mm"}


@pytest.mark.parametrize("block", blocks(7, 11), ids=lambda block: block.strip().splitlines()[0])
def test_every_fragment_has_keys_that_exist(block: str) -> None:
    data: dict[str, Any] = tomllib.loads(block)
    top = {key: value for key, value in data.items() if key not in SHAPES}
    for key, members in data.items():
        if key in SHAPES:
            for member in members:
                SHAPES[key].model_validate(member)
    if top and set(top) <= set(RegisterShape.model_fields) - set(TopShape.model_fields):
        RegisterShape.model_validate(NEEDS | top)
    elif top:
        TopShape.model_validate({"name": "x", "version": "1", "kind": "k"} | top)


def test_every_key_of_a_profile_is_on_the_page() -> None:
    keys = {name for shape in (*SHAPES.values(), TopShape) for name in shape.model_fields}
    missing = {
        key for key in keys if f"`{key.rstrip('_')}" not in PAGE and f"{key.rstrip('_')} =" not in PAGE
    }
    assert not missing
