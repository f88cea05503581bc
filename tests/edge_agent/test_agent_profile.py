"""``gongfang-agent profile``: from dumps to a profile that decodes them."""

from pathlib import Path

import pytest

from edge_agent.__main__ import main

DUMPS = Path(__file__).parent / "dumps"
FIRST, LATER = str(DUMPS / "loom-first.json"), str(DUMPS / "loom-later.json")

LOOM = """\
name = "zj-200"
version = "1"
kind = "loom"
word_order = "BADC"
{more}
[[register]]
name = "serial"
address = 104
type = "u32"

[[register]]
name = "status"
address = 200
type = "u16"

[[register]]
name = "pieces"
address = 204
type = "u32"

[[register]]
name = "run_s"
address = 206
type = "u32"

[roles]
serial = "serial"

[bits]
power = "status.0"
running = "status.1"

[[state]]
state = "run"
all = ["power", "running"]

[[state]]
state = "unknown"

[[counter]]
register = "pieces"
keeps = "retained"
max_per_hour = 4000

[[counter]]
register = "run_s"
keeps = "retained"
max_per_hour = 4000

[[quantity]]
name = "produced"
counter = "pieces"

[run_time]
counter = "run_s"
unit_ms = 1000
"""


@pytest.fixture
def loom(tmp_path: Path) -> Path:
    file = tmp_path / "zj-200.toml"
    file.write_text(LOOM.format(more=""), "utf-8")
    return file


def test_new_writes_a_draft_and_check_lists_what_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["profile", "new", "--from", FIRST, LATER, "--name", "zj-200"]) == 0
    assert "profiles/zj-200.toml: drafted; 11 places want a person" in capsys.readouterr().out
    text = Path("profiles/zj-200.toml").read_text("utf-8")
    head = "# Drafted from loom-first.json, loom-later.json: tcp://192.0.2.20:502, unit 17, "
    assert text.splitlines()[0] == head + "2026-11-22T00:10+00:00."
    assert text.splitlines()[1:] == (DUMPS / "loom.toml").read_text("utf-8").splitlines()[1:]
    assert main(["profile", "check", "zj-200"]) == 1
    told = capsys.readouterr().out
    assert "profiles/zj-200.toml:7: TODO: what reports and tariffs call such machines" in told
    assert told.endswith("11 places want a person\n")


def test_new_does_not_write_over_what_somebody_worked_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "zj-200.toml"
    out.write_text("mine")
    command = ["profile", "new", "--from", FIRST, "--name", "zj-200", "--out", str(out)]
    assert main(command) == 2
    assert "is there already; --force writes over it" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert main([*command, "--force"]) == 0


def test_check_is_satisfied_when_nothing_is_left(loom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "check", str(loom)]) == 0
    told = capsys.readouterr().out
    assert "reads holding 200 to 207 (8 registers): status, pieces, run_s" in told
    assert told.endswith("nothing is left to do\n")


def test_check_says_everything_that_is_wrong(loom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    loom.write_text(loom.read_text().replace('"BADC"', '"XYZ"').replace("status.1", "statos.1"))
    assert main(["profile", "check", str(loom)]) == 2
    told = capsys.readouterr().err
    assert "word_order" in told
    assert "statos" in told


def test_a_dump_is_decoded_through_the_profile(loom: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "test", str(loom), "--words", FIRST, LATER]) == 0
    told = capsys.readouterr().out
    assert told.splitlines()[:7] == [
        f"{FIRST}  (tcp://192.0.2.20:502 unit 17, 2026-11-22T00:00:00+00:00, zj-200@1)",
        "  state    run",
        "  serial   7001234",
        "  bits     power running",
        "  meters   produced 22808",
        "  counters pieces 22808  run_s 91234",
        f"{LATER}  (tcp://192.0.2.20:502 unit 17, 2026-11-22T00:10:00+00:00, zj-200@1)",
    ]
    assert "  reads holding 200 to 207 (8 registers): status, pieces, run_s" in told


WRONG = [
    ("address = 204", "address = 212", "no answer for"),
    ('"BADC"', '"ABCD"', "no state for status"),
    ("[roles]", "[expect]\nserial = [7]\n\n[roles]", "zj-200@1 expects 0x0007"),
    ('all = ["power", "running"]', 'none = ["power"]', "no state for status 0x0003"),
]


@pytest.mark.parametrize("case", WRONG, ids=[row[2][:24] for row in WRONG])
def test_what_does_not_fit_is_said(
    loom: Path, capsys: pytest.CaptureFixture[str], case: tuple[str, str, str]
) -> None:
    old, new, says = case
    loom.write_text(LOOM.format(more="").replace(old, new, 1), "utf-8")
    assert main(["profile", "test", str(loom), "--words", LATER]) == 1
    assert says in capsys.readouterr().out


def test_a_request_longer_than_the_device_allows_is_said(
    loom: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dump = tmp_path / "dump.json"
    dump.write_text(Path(LATER).read_text().replace('"limit": null', '"limit": 4', 1))
    assert main(["profile", "test", str(loom), "--words", str(dump)]) == 1
    assert "it gives at most 4 at once, not 8 from 200" in capsys.readouterr().out


def test_list_names_the_sites_own_before_the_shipped_ones(
    tmp_path: Path, loom: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "profiles").mkdir()
    loom.rename(tmp_path / "profiles" / "zj-200.toml")
    assert main(["profile", "list", "--dir", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert f"zj-200@1, kind loom, meters produced  ({tmp_path}/profiles/zj-200.toml)" in told
    assert "knit-flat@1, kind knit, meters produced, scrap, courses, energy_wh" in told
    (tmp_path / "profiles" / "broken.toml").write_text("name = 1")
    assert main(["profile", "list", "--dir", str(tmp_path)]) == 1
    assert "broken               WRONG:" in capsys.readouterr().out


def test_show_tells_all_that_a_profile_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "show", "knit-flat"]) == 0
    told = capsys.readouterr().out
    assert "  holding 26 to 27 pieces               u32 ABCD\n" in told
    assert "  fault    any of fault e_stop\n" in told
    assert "  energy_wh            energy * 10 / 1\n" in told


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "loom-99"), "there is no profile 'loom-99'; searched"),
        (("test", "knit-flat", "--words", "gone.json"), "No such file"),
        (("test", "knit-flat", "--words", LATER, "--unit", "3"), "say which unit: --unit; the dump has 17"),
        (("new", "--from", LATER, "--name", "Loom 60"), "is no name"),
        ((), "required: action"),
    ],
)
def test_bad_usage_exits_with_2(
    arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code: object = main(["profile", *arguments])
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert says in capsys.readouterr().err
