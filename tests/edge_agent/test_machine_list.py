"""Machine lists from spreadsheets: every way of writing one table means the same machines, and what is wrong
is said by row and column. ``sheets/NAME.csv`` is a list, ``sheets/NAME.said`` what is said about it.
"""

import csv
import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.complaint import BadConfigurationError
from contract.sheet import read_sheet
from edge_agent.config import Settings, load
from edge_agent.machine_list import COLUMNS
from edge_agent.shipped import shipped

SHEETS = Path(__file__).parent / "sheets"
SITE = """\
machines = "machines.csv"
site = "qinghe"
gateway = "gw1"
area = "hall-a"

[outbox]
path = "outbox.db"

[[endpoint]]
name = "bus"
host = "localhost"
port = 1502

[[endpoint]]
name = "other"
host = "192.0.2.7"
"""
TWIN = """
[[endpoint]]
name = "twin"
host = "127.0.0.1"
port = 1502

[[machine]]
name = "toml-01"
endpoint = "twin"
unit = 77
profile = "knit-flat"
"""


@pytest.fixture
def site(tmp_path: Path) -> Callable[..., Settings]:
    """``site(csv_bytes, more_toml)`` loads a site with that list."""
    (tmp_path / "profiles").mkdir()
    knit = (shipped() / "profiles" / "knit-flat.toml").read_text("utf-8")
    mute = knit.replace('name = "knit-flat"', 'name = "mute"', 1).replace('serial = "serial"', "")
    (tmp_path / "profiles" / "mute.toml").write_text(mute, "utf-8")

    def loaded(data: bytes, more: str = "") -> Settings:
        (tmp_path / "machines.csv").write_bytes(data)
        (tmp_path / "site.toml").write_text(SITE + more, "utf-8")
        return load(tmp_path / "site.toml")

    return loaded


def rows(settings: Settings) -> list[tuple[object, ...]]:
    return [
        (m.name, m.endpoint, m.unit, m.profile.label, m.area, m.serial, m.name_en, m.name_zh)
        for m in settings.machines
    ]


GOOD = [
    ("knit-01", "bus", 1, "knit-flat@1", "hall-a", 240101, "", "横机一号"),
    ("knit-02", "bus", 2, "knit-flat@1", "hall-b", 240102, "Knit, the second", "横机二号"),
    ("knit-04", "bus", 4, "knit-flat@1", "hall-a", None, "", ""),
]


def rewritten(delimiter: str, ending: str, quoting: int) -> str:
    told = io.StringIO()
    writer = csv.writer(told, delimiter=delimiter, lineterminator=ending, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows(csv.reader((SHEETS / "good.csv").read_text("utf-8").splitlines()))
    return told.getvalue()


@pytest.mark.parametrize(
    "encoding",
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("gbk", "GBK"), ("gb18030", "GBK"), ("utf-16", "UTF-16")],
    ids=lambda pair: pair[0],
)
@pytest.mark.parametrize(
    "delimiter", [(",", "comma"), (";", "semicolon"), ("\t", "tab")], ids=lambda pair: pair[1]
)
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"], ids=["lf", "crlf", "cr"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL], ids=["some-quoted", "all-quoted"])
def test_one_table_means_the_same_machines_however_a_spreadsheet_writes_it(
    site: Callable[..., Settings],
    encoding: tuple[str, str],
    delimiter: tuple[str, str],
    ending: str,
    quoting: int,
) -> None:
    settings = site(rewritten(delimiter[0], ending, quoting).encode(encoding[0]))
    assert rows(settings) == GOOD
    (sheet,) = settings.sheets
    assert sheet.endswith(f"machines.csv: 3 rows, {encoding[1]}, fields cut at {delimiter[1]}")


def test_headings_are_known_in_any_case_and_a_line_that_names_the_delimiter_is_none(
    site: Callable[..., Settings],
) -> None:
    table = 'sep=;\r\n"# plan";;\r\n Name ;ENDPOINT;Name ZH;Profile\r\nknit-01;bus;一,号;knit-flat\r\n'
    settings = site(table.encode())
    assert rows(settings) == [("knit-01", "bus", 1, "knit-flat@1", "hall-a", None, "", "一,号")]


@pytest.mark.parametrize("said", sorted(SHEETS.glob("*.said")), ids=lambda path: path.stem)
def test_what_is_wrong_is_said_by_row_and_column(
    site: Callable[..., Settings], tmp_path: Path, said: Path
) -> None:
    more = TWIN if said.stem == "doubles" else ""
    with pytest.raises(BadConfigurationError) as bad:
        site(said.with_suffix(".csv").read_bytes(), more)
    columns = ", ".join(dict.fromkeys(COLUMNS.values()))
    told = str(bad.value).replace(f"{tmp_path}/", "").replace(str(shipped()), "SHIPPED")
    told = told.replace(columns, "COLUMNS")
    assert told == said.read_text("utf-8").rstrip("\n")


@pytest.mark.parametrize("begins", [b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"], ids=["xlsx", "xls"])
def test_a_workbook_is_no_list_and_that_is_all_that_is_said_of_it(
    site: Callable[..., Settings], begins: bytes
) -> None:
    with pytest.raises(BadConfigurationError) as bad:
        site(begins + bytes(range(256)) * 40)
    (found,) = bad.value.complaints
    assert found.problem == "is a workbook of a spreadsheet, not CSV"
    assert found.remedy == "save it from the spreadsheet as CSV, and name that file"


def test_a_thousand_rows_with_one_mistake_are_told_once_and_the_others_stay_visible(
    site: Callable[..., Settings],
) -> None:
    table = "name,endpoint,unit,profile\n" + "".join(
        f"knit-{n},{'bos' if n % 2 else 'bus'},{n % 256},{'loom' if n == 7 else 'knit-flat'}\n"
        for n in range(2000)
    )
    with pytest.raises(BadConfigurationError) as bad:
        site(table.encode())
    told = str(bad.value).splitlines()
    assert len(bad.value.complaints) > 2000
    assert len(told) < 10
    assert sum("'bos' is no endpoint" in line for line in told) == 3
    assert any(
        "endpoint: and 997 more like these, up to line 2001; name one of: bus" in line for line in told
    )
    assert any("'loom' is not there" in line for line in told)


def test_several_lists_and_the_toml_are_one_list(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("name,endpoint,profile\nknit-01,bus,knit-flat\n")
    (tmp_path / "b.csv").write_text("name;endpoint;profile\nknit-01;other;knit-flat\nknit-02;bus;knit-flat\n")
    text = SITE.replace('"machines.csv"', '["a.csv", "b.csv", "c.csv"]') + TWIN.replace("twin", "third")
    (tmp_path / "site.toml").write_text(
        text.replace("port = 1502\n\n[[machine]]", "port = 1503\n\n[[machine]]")
    )
    with pytest.raises(BadConfigurationError) as bad:
        load(tmp_path / "site.toml")
    assert str(bad.value).replace(f"{tmp_path}/", "").splitlines() == [
        "b.csv:2: name: is the same as in a.csv:2; give each its own name",
        "b.csv:3: unit: is the same as in a.csv:2; two machines cannot share one unit of one endpoint",
        "site.toml:1: machines: c.csv cannot be read (No such file or directory); mend the path",
    ]


def test_a_counter_that_wraps_within_the_longest_silence_is_found_before_start(
    site: Callable[..., Settings], tmp_path: Path
) -> None:
    table = b"name,endpoint,profile\nknit-01,bus,slow\n"
    knit = (shipped() / "profiles" / "knit-flat.toml").read_text("utf-8")
    slow = knit.replace('name = "knit-flat"', 'name = "slow"', 1).replace(
        'register = "pieces"\nkeeps = "retained"\nmax_per_hour = 3600 ',
        'register = "pieces"\nwidth = 16\nkeeps = "retained"\nmax_per_hour = 70 ',
    )
    (tmp_path / "profiles" / "slow.toml").write_text(slow, "utf-8")
    assert site(table, "[poll]\noutage_h = 90\n").poll.outage_h == 90
    with pytest.raises(BadConfigurationError) as bad:
        site(table, "[poll]\noutage_h = 96\n")
    (found,) = bad.value.complaints
    assert found.key == "poll.outage_h"
    assert found.problem == "is 96, but pieces of slow@1 wraps after 936 h"


def test_an_address_stands_where_a_name_would_and_is_one_connection(site: Callable[..., Settings]) -> None:
    table = (
        b"name,endpoint,unit,profile\n"
        b"knit-01,tcp://192.0.2.40,1,knit-flat\n"
        b"knit-02,tcp://192.0.2.40:502,2,knit-flat\n"
        b"knit-03,tcp://127.0.0.1:1502,3,knit-flat\n"
        b"knit-04,rtu:///dev/ttyUSB8?baud=9600&parity=N,4,knit-flat\n"
    )
    settings = site(table, "[endpoint_defaults]\ntimeout_ms = 300\nkeep_open = false\n")
    assert [machine.endpoint for machine in settings.machines] == [
        "tcp://192.0.2.40:502", "tcp://192.0.2.40:502", "bus", "rtu:///dev/ttyUSB8",
    ]  # fmt: skip
    endpoints = {endpoint.name: endpoint for endpoint in settings.endpoints}
    assert set(endpoints) == {"bus", "other", "tcp://192.0.2.40:502", "rtu:///dev/ttyUSB8"}
    assert (endpoints["tcp://192.0.2.40:502"].timeout_ms, endpoints["rtu:///dev/ttyUSB8"].keep_open) == (
        300,
        False,
    )
    assert endpoints["bus"].timeout_ms == 1_000


LINE = SITE + '\n[[endpoint]]\nname = "line"\nurl = "rtu+tcp://192.0.2.9:4001?baud=9600&parity=N"\n'
PAUSES = SITE.replace("port = 1502\n", "port = 1502\npause_ms = 10\n")
OVERLOADS = [
    ("a slow line", LINE, "line", 20, "line is asked 20 times in each 1000 ms, which takes 2.7 s at least"),
    ("no line is known", SITE, "bus", 200, ""),
    ("pauses", PAUSES, "bus", 200, "bus is asked 200 times in each 1000 ms, which takes 2.0 s at least"),
]


@pytest.mark.parametrize("case", OVERLOADS, ids=[row[0] for row in OVERLOADS])
def test_an_endpoint_that_is_asked_more_than_it_can_answer_is_found_before_start(
    tmp_path: Path, case: tuple[str, str, str, int, str]
) -> None:
    _, text, endpoint, machines, says = case
    rows = "".join(f"knit-{n},{endpoint},{n + 1},knit-flat\n" for n in range(machines))
    (tmp_path / "machines.csv").write_text("name,endpoint,unit,profile\n" + rows)
    (tmp_path / "site.toml").write_text(text)
    if not says:
        assert len(load(tmp_path / "site.toml").machines) == machines
        return
    with pytest.raises(BadConfigurationError) as bad:
        load(tmp_path / "site.toml")
    (found,) = bad.value.complaints
    assert (found.line, found.key) == (machines + 1, "endpoint")
    assert found.problem == says


def test_four_and_a_half_thousand_rows_are_looked_at_while_a_person_waits(
    site: Callable[..., Settings],
) -> None:
    """A guard against work that grows with the square of the list; benchmarks measure."""
    table = "name,endpoint,unit,profile,serial\n" + "".join(
        f"knit-{n},e{n // 250},{n % 250 + 1},knit-flat,{n + 1}\n" for n in range(4500)
    )
    endpoints = "".join(f'\n[[endpoint]]\nname = "e{n}"\nhost = "192.0.2.{n + 10}"\n' for n in range(18))
    began = time.monotonic()
    settings = site(table.encode("gbk"), endpoints)
    urls = re.sub(r",e(\d+),(\d+)", r",tcp://198.51.\1.\2,1", table)
    each = site(urls.encode("gbk"), endpoints)
    assert time.monotonic() - began < 20
    assert len(each.endpoints) == 2 + 18 + 4500
    assert len(settings.machines) == 4500
    assert len({id(machine.profile) for machine in settings.machines}) == 1


@settings(deadline=None)
@given(st.one_of(st.binary(), st.text(alphabet='nameudpoit,;\t"\n\r#1 ').map(str.encode)))
def test_no_file_breaks_the_reader(data: bytes) -> None:
    sheet = read_sheet("machines.csv", b"name,unit\n" + data, COLUMNS)
    assert all(row.line >= 2 for row in sheet.rows)
    read_sheet("machines.csv", data, COLUMNS)


def test_a_machine_in_the_site_s_own_file_is_looked_at_in_all_that_is_well_formed(
    site: Callable[..., Settings], tmp_path: Path
) -> None:
    """One ill-formed key hides no other mistake; nothing is said about what stands in its place."""
    table = b"name,endpoint,profile\nknit-01,bus,knit-flat\n"
    ill = '\n[[machine]]\nname = "knit-01"\nendpoint = "bos"\nunit = "1"\nprofile = "loom-99"\nserail = 5\n'
    with pytest.raises(BadConfigurationError) as bad:
        site(table, ill)
    told = str(bad.value).replace(f"{tmp_path}/", "").splitlines()
    assert [line.split("; ")[0] for line in told] == [
        "machines.csv:2: name: is the same as in site.toml:18",
        "site.toml:20: machine.0.endpoint: 'bos' is no endpoint of this file",
        "site.toml:21: machine.0.unit: is '1'",
        "site.toml:22: machine.0.profile: 'loom-99' is not there",
        "site.toml:23: machine.0.serail: is not a known key here",
    ]
