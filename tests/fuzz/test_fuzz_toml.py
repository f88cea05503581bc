"""Every kind of file that people write: a value, or complaints about it; never anything else."""

import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from billing import config as billing_config
from billing.calendar_file import read_calendar
from billing.entries_file import read_entries
from billing.tariff_file import read_tariff
from collector import config as collector_config
from contract.complaint import BadConfigurationError, Complaint, parse_toml
from edge_agent import config as agent_config
from edge_agent.profile import StopTable
from edge_agent.profile_file import load_profile
from edge_agent.stop_codes import load_stop_table
from simulators.plant import PlantError, load_plant, parse_plant

fuzz = settings(settings.get_profile("fuzz"))
TABLE = StopTable(label="fuzz@1", codes=())

Load = Callable[[Path], object]


def _tariff_with_calendars(path: Path) -> object:
    shipped = Path(__file__).parents[2] / "configs/tariffs"
    text = path.read_text("utf-8", "replace")
    return read_tariff(str(path), text, lambda name: (shipped / name).read_text("utf-8"))


KINDS: dict[str, tuple[str, Load]] = {
    "site": ("configs/sites/knitting.toml", agent_config.load),
    "profile A": ("configs/profiles/knit-flat.toml", lambda path: load_profile(path, TABLE)),
    "profile B": ("configs/profiles/weld-cell.toml", lambda path: load_profile(path, TABLE)),
    "profile C": ("tests/edge_agent/profiles/odd.toml", lambda path: load_profile(path, TABLE)),
    "stop codes": ("configs/stop-codes.toml", load_stop_table),
    "collector": ("configs/collector.toml", collector_config.load),
    "billing": ("configs/billing.toml", billing_config.load),
    "tariff": (
        "configs/tariffs/house-2026.toml",
        lambda path: read_tariff(str(path), path.read_text("utf-8", "replace")),
    ),
    "tariff of everything": ("configs/tariffs/park-2026.toml", _tariff_with_calendars),
    "calendar": (
        "configs/tariffs/calendars/hebei-south-2025-11.toml",
        lambda path: read_calendar(str(path), path.read_text("utf-8", "replace"), "tou", "below_1kv"),
    ),
    "entries": (
        "configs/entries/example.toml",
        lambda path: read_entries(str(path), path.read_text("utf-8", "replace")),
    ),
    "plant": ("configs/plants/demo.toml", load_plant),
}
NASTY = [
    b"",
    b"\xef\xbb\xbfx = 1",
    b"\xff",
    b"x = " + b"9" * 5000,
    b"x = " + b"[" * 5000,
    b"x = " + b"{a=" * 5000,
    b"a." * 5000 + b"b = 1",
    b"[" + b"a." * 5000 + b"b]",
    b"x = 1979-13-45",
    b"x = 9999-12-31T23:59:59+23:59",
    b'x = "\\u0000"',
    b'x = "\\ud800"',
    b"x = nan",
    b"x = 1e400",
    b"[[machine]]\n" * 500,
]


@contextmanager
def beside_the_examples(repository: Path, name: str, content: bytes) -> Iterator[Path]:
    """The file with ``content``, where the files that an example names are found."""
    with TemporaryDirectory() as directory:
        for each in ("profiles", "tariffs", "stop-codes.toml"):
            (Path(directory) / each).symlink_to(repository / "configs" / each)
        path = Path(directory) / ("of" if "/sites/" in name else ".") / f"fuzz-{Path(name).name}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
        yield path


def check(repository: Path, kind: str, content: bytes) -> None:
    name, load = KINDS[kind]
    with beside_the_examples(repository, name, content) as path:
        complaints = complaints_of(lambda: load(path))
    lines = content.count(b"\n") + content.count(b"\r") + 2
    for complaint in complaints:
        assert str(complaint)
        assert not isinstance(complaint, Complaint) or (complaint.problem and complaint.line <= lines)


def complaints_of(load: Callable[[], object]) -> Sequence[object]:
    try:
        load()
    except (BadConfigurationError, PlantError) as error:
        return error.complaints or pytest.fail("nothing but that something is wrong")
    return ()


@pytest.mark.parametrize("kind", KINDS)
def test_the_shipped_example_is_good(repository: Path, kind: str) -> None:
    """Or the fuzzing would be of something else."""
    name, load = KINDS[kind]
    load(repository / name)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", NASTY, ids=lambda content: repr(content[:20]))
def test_a_nasty_file_is_complained_about(repository: Path, kind: str, content: bytes) -> None:
    check(repository, kind, content)


@pytest.mark.parametrize("kind", KINDS)
@fuzz
@given(data=st.data())
def test_a_spoiled_example_is_a_value_or_complaints(
    repository: Path, mutant: Any, kind: str, data: st.DataObject
) -> None:
    check(repository, kind, data.draw(mutant((repository / KINDS[kind][0]).read_bytes())))


VALUES = [
    '"\\u0000"',
    '""',
    '"x"',
    "-1",
    "0",
    "1e3",
    "nan",
    "inf",
    "true",
    "[]",
    "{}",
    "[[]]",
    "[{}]",
    "9" * 30,
    "-9223372036854775808",
    "1979-05-27",
    "07:32:00",
    '"' + "x" * 5000 + '"',
    '"共坊"',
    '["a", 1, {}]',
    '{ a = { b = [1, "x"] } }',
]


@pytest.mark.parametrize("kind", KINDS)
@fuzz
@given(data=st.data())
def test_any_value_under_any_known_key_is_a_value_or_complaints(
    repository: Path, kind: str, data: st.DataObject
) -> None:
    """Deeper than spoiled bytes, most of which end in the syntax."""
    lines = (repository / KINDS[kind][0]).read_text("utf-8").splitlines()
    keyed = [n for n, line in enumerate(lines) if "=" in line and not line.startswith(("#", " "))]
    for number in data.draw(st.lists(st.sampled_from(keyed), min_size=1, max_size=3)):
        key = lines[number].split("=")[0]
        lines[number] = f"{key}= {data.draw(st.sampled_from(VALUES))}"
    check(repository, kind, "\n".join(lines).encode())


@fuzz
@given(text=st.text())
@example(text="x = " + "9" * 5000)
@example(text="x = " + "[" * 5000)
def test_any_text_is_toml_or_a_complaint(text: str) -> None:
    for parse in (partial(parse_toml, "file"), parse_plant, partial(read_tariff, "file")):
        complaints_of(partial(parse, text))


def test_what_is_no_file_is_complained_about(tmp_path: Path) -> None:
    (tmp_path / "locked").write_text("x = 1")
    for path in (tmp_path, tmp_path / "none", Path("x" * 5000), Path(os.devnull)):
        for kind, (_, load) in KINDS.items():
            if kind not in {"tariff", "tariff of everything", "calendar", "entries"}:  # given as text
                with pytest.raises((BadConfigurationError, PlantError)):
                    load(path)


def test_a_tariff_whose_name_no_file_can_have_is_complained_about(repository: Path) -> None:
    text = (repository / "configs/billing.toml").read_text("utf-8")
    check(repository, "billing", re.sub(r"(?m)^tariff.*$", 'tariff = "\\\\u0000"', text).encode())


def test_kinds_that_are_lists_are_complained_about() -> None:
    rate = '[[rate]]\nkind = []\nclass = "setup"\nper_hour = "1"\n[[setup_fee]]\nkind = []\nprice = "1"\n'
    assert complaints_of(lambda: read_tariff("file", rate))
