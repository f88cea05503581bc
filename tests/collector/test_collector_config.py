"""A configuration is wholly good or every complaint about it is said, with line and remedy."""

import re
from pathlib import Path

import pytest

from collector.config import BrokerConfig, load
from contract.complaint import BadConfigurationError

CONFIGS = Path(__file__).parent.parent.parent / "configs"
GOOD = '[collector]\nname = "c1"\n[store]\nkind = "sqlite"\npath = "store.db"\n[broker]\n'


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "collector.toml"
    path.write_text(text.replace("store.db", f"{tmp_path}/store.db"), "utf-8")
    return path


def complaints(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(BadConfigurationError) as caught:
        load(written(tmp_path, text))
    return [str(complaint).removeprefix(f"{tmp_path}/") for complaint in caught.value.complaints]


def test_the_example_is_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load(CONFIGS / "collector.toml")
    assert settings.broker.embedded
    assert settings.clock.pair.plant(5) == 5


def test_what_the_example_comments_out_is_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    example = (CONFIGS / "collector.toml").read_text("utf-8")
    keys = 'batches_at_once|batches_waiting|restore_after_s|host = "127|port = 1883'
    spoken = re.sub(rf"^#({keys})", r"\1", example, flags=re.MULTILINE)
    assert spoken != example
    (tmp_path / "spoken.toml").write_text(spoken, "utf-8")
    assert load(tmp_path / "spoken.toml") == load(CONFIGS / "collector.toml")


def test_every_complaint_comes_at_once_with_its_line(tmp_path: Path) -> None:
    text = '[collector]\nname = "C 1"\nbatches_at_once = 0\n[store]\nkind = "sqlite"\n[broker]\nprot = 1883\n'
    assert [line.split(": ")[:2] for line in complaints(tmp_path, text)] == [
        ["collector.toml:2", "collector.name"],
        ["collector.toml:3", "collector.batches_at_once"],
        ["collector.toml:7", "broker.prot"],
        ["collector.toml:4", "store.path"],
    ]


CONTRADICTIONS = {
    'password_file = "{here}/secret"': "needs a username",
    'tls_ca_file = "{here}/secret"': "needs tls",
    "port = 0": "port 0",
    'embedded = true\nshared = "group"': "shared",
    "embedded = true\ntls = true": "no TLS",
    'embedded = true\nhost = "0.0.0.0"': "password_file",
    'embedded = true\nusername = "u"': "password_file",
}


@pytest.mark.parametrize(("lines", "about"), CONTRADICTIONS.items())
def test_a_broker_that_contradicts_itself(tmp_path: Path, lines: str, about: str) -> None:
    (tmp_path / "secret").write_text("word\n", "utf-8")
    [complaint] = complaints(tmp_path, GOOD + lines.format(here=tmp_path))
    assert complaint.startswith("collector.toml:6: broker")
    assert about in complaint


def test_the_password_is_the_line_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("word\n", "utf-8")
    config = BrokerConfig(username="u", password_file=tmp_path / "secret", host="::1", embedded=True)
    address = config.address("c")
    assert (address.username, address.password, str(address)) == ("u", "word", "::1:1883, without TLS")


def test_a_file_that_is_not_there_is_a_complaint(tmp_path: Path) -> None:
    with pytest.raises(BadConfigurationError, match="cannot be read"):
        load(tmp_path / "none.toml")


def test_broken_toml_is_a_complaint_with_its_line(tmp_path: Path) -> None:
    [complaint] = complaints(tmp_path, "[collector\n")
    assert complaint.startswith("collector.toml:1:")


SECRETS = {b"": "is empty", b" \n": "is empty", b"\xff\xfe": "let the collector's user read"}


@pytest.mark.parametrize(("secret", "about"), SECRETS.items())
def test_a_password_file_without_a_password_is_a_complaint(tmp_path: Path, secret: bytes, about: str) -> None:
    (tmp_path / "secret").write_bytes(secret)
    [complaint] = complaints(tmp_path, f'{GOOD}username = "u"\npassword_file = "{tmp_path}/secret"\n')
    assert complaint.startswith("collector.toml:8: broker.password_file")
    assert about in complaint


@pytest.mark.parametrize("key", ["password_file", "tls_ca_file"])
def test_a_file_at_which_nobody_can_look_is_a_complaint(tmp_path: Path, key: str) -> None:
    """As where a directory is closed to the collector's user; a name that is too long does for root too."""
    [complaint] = complaints(tmp_path, f'{GOOD}username = "u"\ntls = true\n{key} = "/{300 * "x"}"\n')
    assert complaint.startswith(f"collector.toml:9: broker.{key}")
    assert "let the collector's user read" in complaint
