"""Complaints about configuration: the right file, line, key, and a remedy."""

import textwrap
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contract.complaint import (
    BadConfigurationError,
    Complaint,
    Path,
    TomlFile,
    complaints,
    locate,
    parse_toml,
)

TEXT = textwrap.dedent(
    """\
    # a comment = not a key
    site = "dongguan-3"

    [mqtt]
    host = "broker"
      port=1883   # indented, no spaces
    tls.ca = "ca.pem"

    [[machines]]
    name = "cnc-01"
    "display name" = "一号"

    [machines.serial]
    number = 5

    [[machines]]
    name = "cnc-02"

      [[machines.points]]
      address = 1

      [[machines.points]]
      address = 2

    [ stop . table ]   # spaces are legal
    'quoted.key' = 1
    codes = [
      [1, 2],
      ["a", "b"],
      { code = 3 },
      ["c", "d"]
    ]
    last = true
    """
)

LINES: dict[Path, int] = {
    ("site",): 2,
    ("mqtt",): 4,
    ("mqtt", "host"): 5,
    ("mqtt", "port"): 6,
    ("mqtt", "tls"): 7,
    ("mqtt", "tls", "ca"): 7,
    ("machines",): 9,
    ("machines", 0): 9,
    ("machines", 0, "name"): 10,
    ("machines", 0, "display name"): 11,
    ("machines", 0, "serial"): 13,
    ("machines", 0, "serial", "number"): 14,
    ("machines", 1): 16,
    ("machines", 1, "name"): 17,
    ("machines", 1, "points", 0): 19,
    ("machines", 1, "points", 0, "address"): 20,
    ("machines", 1, "points", 1): 22,
    ("machines", 1, "points", 1, "address"): 23,
    ("stop", "table"): 25,
    ("stop", "table", "quoted.key"): 26,
    ("stop", "table", "codes"): 27,
    ("stop", "table", "last"): 33,
}


@pytest.mark.parametrize("path", LINES, ids=str)
def test_every_key_and_table_is_found_on_its_line(path: Path) -> None:
    assert locate(TEXT)[path] == LINES[path]


def test_nothing_else_is_found() -> None:
    extra = {("machines", 1, "points"): 19}
    assert locate(TEXT) == LINES | extra


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("mqtt", "port"), 6),
        (("mqtt", "nothing"), 4),
        (("machines", 1, "points", 1, "no", "such"), 22),
        (("machines", 5, "name"), 9),
        (("stop", "table", "codes", 2, "code"), 27),
        (("nowhere",), 0),
        ((), 0),
    ],
)
def test_what_is_missing_is_told_at_the_table_around_it(path: Path, line: int) -> None:
    assert parse_toml("site.toml", TEXT).line_of(path) == line


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("a = 1\nb = \n", 2, "there is no value"),
        ("a = 1\n[mqtt\nb = 2\n", 2, "brackets of a table's name are open"),
        ("a = 1\na = 2\n", 2, "stands above already"),
        ('a = "open\n', 1, "a quote is open at the end of the line"),
        ("a = [1,\n2\n", 3, "a list is open at the end of the file"),
    ],
)
def test_a_syntax_error_is_told_with_its_line(text: str, line: int, problem: str) -> None:
    with pytest.raises(BadConfigurationError) as refused:
        parse_toml("site.toml", text)
    (complaint,) = refused.value.complaints
    assert (complaint.file, complaint.line, complaint.key) == ("site.toml", line, "")
    assert problem in complaint.problem
    assert "TOML" in complaint.remedy


@pytest.mark.parametrize(
    ("complaint", "text"),
    [
        (
            Complaint(file="f", line=3, key="a.b", problem="is 5", remedy="make it 6"),
            "f:3: a.b: is 5; make it 6",
        ),
        (Complaint(file="f", line=0, key="a", problem="is 5"), "f: a: is 5"),
        (Complaint(file="f", line=9, key="", problem="broken"), "f:9: broken"),
    ],
)
def test_a_complaint_reads_as_file_line_key_problem_remedy(complaint: Complaint, text: str) -> None:
    assert str(complaint) == text


def test_an_error_tells_every_complaint_on_its_own_line() -> None:
    found = [Complaint(file="f", line=n, key="k", problem="p") for n in (1, 2)]
    assert str(BadConfigurationError(found)) == "f:1: k: p\nf:2: k: p"
    assert BadConfigurationError(found).complaints == tuple(found)


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Tcp(Strict):
    kind: Literal["tcp"]
    port: int = Field(ge=1, le=65535)
    password: str = Field(default="", max_length=3)


class Rtu(Strict):
    kind: Literal["rtu"]
    device: str


class Machine(Strict):
    name: str
    link: Annotated[Tcp | Rtu, Field(discriminator="kind")]

    @model_validator(mode="after")
    def sensible(self) -> "Machine":
        if self.name == "none":
            raise ValueError("choose another name: none is reserved")
        return self


class Site(Strict):
    site: str
    machines: list[Machine]


def complain(text: str, under: Path = ()) -> list[Complaint]:
    file: TomlFile = parse_toml("site.toml", textwrap.dedent(text))
    data: Any = file.data
    for part in under:
        data = data[part]
    with pytest.raises(ValidationError) as refused:
        Site.model_validate(data)
    return complaints(file, [dict(error) for error in refused.value.errors()], under)


GOOD = """\
site = "s"
[[machines]]
name = "a"
link = { kind = "tcp", port = 502 }
"""


def test_every_complaint_is_told_at_once() -> None:
    found = complain(
        """\
        sight = "s"
        [[machines]]
        name = 5
        [machines.link]
        kind = "tcp"
        port = 70000
        """
    )
    assert [(c.line, c.key) for c in found] == [
        (0, "site"),
        (3, "machines.0.name"),
        (6, "machines.0.link.port"),
        (1, "sight"),
    ]
    assert [c.problem for c in found] == [
        "is required and not set",
        "is 5",
        "is 70000",
        "is not a known key here",
    ]
    assert found[2].remedy == "65535 is the most"
    assert "spelling" in found[3].remedy


def test_a_missing_key_is_told_at_its_table_without_the_tag_of_a_union() -> None:
    (found,) = complain(
        """\
        site = "s"
        [[machines]]
        name = "a"
        [machines.link]
        kind = "rtu"
        """
    )
    assert str(found) == "site.toml:4: machines.0.link.device: is required and not set; add it"


def test_an_unknown_key_in_a_union_is_told_on_its_line() -> None:
    (found,) = complain(
        """\
        site = "s"
        [[machines]]
        name = "a"
        [machines.link]
        kind = "tcp"
        port = 5
        prot = 6
        """
    )
    assert (found.line, found.key) == (7, "machines.0.link.prot")


def test_a_wrong_tag_is_told() -> None:
    (found,) = complain(GOOD.replace("tcp", "udp"))
    assert (found.line, found.key, found.problem) == (4, "machines.0.link.kind", "is 'udp'")
    assert found.remedy == "write one of 'tcp', 'rtu'"


def test_a_rule_of_ours_is_told_in_its_own_words() -> None:
    (found,) = complain(GOOD.replace('"a"', '"none"'))
    assert (found.line, found.key) == (2, "machines.0")
    assert found.remedy == "choose another name: none is reserved"


def test_a_secret_is_never_quoted() -> None:
    (found,) = complain(GOOD.replace("port = 502", 'port = 502, password = "hunter2"'))
    assert "hunter2" not in str(found)
    assert found.problem == "has a wrong value"


@pytest.mark.parametrize("address", ["http://u:hunter2@h:1", "http://h:1/?p=hunter2"])
def test_an_address_with_a_secret_in_it_is_never_quoted(address: str) -> None:
    (found,) = complain(GOOD.replace("port = 502", f'port = "{address}"'))
    assert "hunter2" not in str(found)


def test_a_key_of_an_inline_table_is_named_on_the_line_of_the_table() -> None:
    (found,) = complain(GOOD.replace("502", "0"))
    assert (found.line, found.key, found.problem) == (4, "machines.0.link.port", "is 0")


def test_a_table_inside_a_file_is_complained_about_where_it_stands() -> None:
    text = "[plant]\n" + GOOD.replace("[[machines]]", "[[plant.machines]]").replace('"a"', "7")
    (found,) = complain(text, under=("plant",))
    assert (found.line, found.key) == (4, "plant.machines.0.name")
