"""Complaints are in our words: whatever stands in whatever file, no library speaks to who wrote it."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from billing.calendar_file import read_calendar
from billing.config import load as load_billing
from billing.entries_file import read_entries
from billing.tariff_file import read_tariff
from collector.config import load as load_collector
from contract.complaint import BadConfigurationError, parse_toml
from contract.file_kinds import KINDS
from contract.remedies import remedy_of
from edge_agent.config import load as load_site
from edge_agent.profile import StopTable
from edge_agent.profile_file import load_profile
from edge_agent.stop_codes import load_stop_table
from scripts.schemas import EXAMPLES, OUT, ROOT

CASES = Path(__file__).parent / "complaint-words.txt"
"""Each case: lines of TOML; ``->``, kind of file; what is said about them."""
LIBRARY = re.compile(
    r"\b(Input|Value error|Extra inputs|Unable|dictionary|tuple|instance|(String|List) should)\b"
)
VALUES = ('"x y"', '""', "5", "-1", "true", "2.5", "[]", "[5]", "{ x = 1 }", "9999999999999999", "2026-01-01")
_SETTING = re.compile(r"^(\s*[A-Za-z_]+ = )([^\[{#]+?)(\s*#.*)?$", re.MULTILINE)

LOADERS: dict[str, Callable[[Path], object]] = {
    "site": load_site,
    "collector": load_collector,
    "billing": load_billing,
    "tariff": lambda path: read_tariff(path.name, path.read_text("utf-8")),
    "calendar": lambda path: read_calendar(path.name, path.read_text("utf-8"), "hebei", "general"),
    "entries": lambda path: read_entries(path.name, path.read_text("utf-8")),
    "profile": lambda path: load_profile(path, StopTable(label="none", codes=())),
    "stop-codes": load_stop_table,
}


def said(kind: str, text: str, folder: Path) -> str:
    """What is complained about in such a file."""
    file = folder / f"{kind}.toml"
    file.write_text(text, "utf-8")
    try:
        LOADERS[kind](file)
    except BadConfigurationError as error:
        return str(error).replace(f"{folder}/", "")
    return ""


def cases() -> Iterator[tuple[str, str, list[str]]]:
    for case in CASES.read_text("utf-8").split("\n\n"):
        if case.startswith("#"):
            continue
        text, _, rest = case.partition("\n-> ")
        kind, *told = rest.strip().splitlines()
        yield text + "\n", kind, told


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: case[0].splitlines()[-1])
def test_a_mistake_is_said_in_words(case: tuple[str, str, list[str]], tmp_path: Path) -> None:
    text, kind, told = case
    found = said(kind, text, tmp_path).splitlines()
    assert [line for line in told if line not in found] == [], found


@pytest.mark.parametrize("kind", LOADERS)
def test_no_library_speaks_to_the_writer_of_a_file(kind: str, tmp_path: Path) -> None:
    wrong = 0
    for example in EXAMPLES[kind]:
        text = (ROOT / "configs" / example).read_text("utf-8")
        for setting in _SETTING.finditer(text):
            for value in VALUES:
                changed = text[: setting.start(2)] + value + text[setting.end(2) :]
                words = said(kind, changed, tmp_path)
                wrong += bool(words)
                assert not LIBRARY.search(words), (setting[0], value, words)
    assert wrong > 20, "so little is looked at that this proves nothing"


def patterns(schema: object) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from (each for each in [schema.get("pattern")] if isinstance(each, str))
        yield from schema.get("patternProperties", {})
        for each in schema.values():
            yield from patterns(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from patterns(each)


def test_every_pattern_of_every_file_has_words() -> None:
    """But for those of billing's numbers and kinds, whose own rule speaks first."""
    found = {
        each for kind in LOADERS for each in patterns(json.loads((OUT / f"{kind}.json").read_text("utf-8")))
    }
    error = {"type": "string_pattern_mismatch", "msg": ""}
    bare = {each for each in found if "in the form" in remedy_of({**error, "ctx": {"pattern": each}})}
    assert len(found) > 8
    assert bare <= {each for each in found if "[0-9]+" in each or r"\*|" in each}


@pytest.mark.parametrize("kind", KINDS)
def test_every_example_is_known_for_what_it_is(kind: str) -> None:
    for example in EXAMPLES[kind]:
        text = (ROOT / "configs" / example).read_text("utf-8")
        if not parse_toml(example, text, KINDS[kind]).data:
            continue  # every line of it is a comment
        for other in KINDS.keys() - {kind}:
            with pytest.raises(BadConfigurationError) as bad:
                parse_toml(example, text, KINDS[other])
            (one,) = bad.value.complaints
            assert one.problem == f"is {KINDS[kind].what}"
            assert one.remedy == f"give {KINDS[other].what} here; {KINDS[kind].what} {KINDS[kind].goes}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_mark_of_a_kind_stands_at_the_top_of_no_other(kind: str) -> None:
    tops = {name: set(json.loads((OUT / f"{name}.json").read_text("utf-8"))["properties"]) for name in KINDS}
    assert KINDS[kind].marks <= tops[kind] - set().union(*(top for name, top in tops.items() if name != kind))


def test_a_file_with_nothing_to_know_it_by_is_complained_about_key_by_key(tmp_path: Path) -> None:
    assert "site: is required and not set; add it" in said("site", "hall = 1\n", tmp_path)


def test_the_mark_with_which_windows_begins_a_file_is_no_mistake(tmp_path: Path) -> None:
    text = (ROOT / "configs" / "stop-codes.toml").read_text("utf-8")
    assert said("stop-codes", "\ufeff" + text, tmp_path) == ""
