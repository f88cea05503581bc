"""A site's configuration: every complaint about it, its profiles and its stop codes at once."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contract.clock import REAL, ClockPair
from contract.complaint import BadConfigurationError, Complaint
from edge_agent.config import load
from edge_agent.shipped import shipped

SITE = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"

[broker]
host = "broker.example"

[outbox]
path = "data/outbox.db"

[[endpoint]]
name = "bus"
host = "127.0.0.1"
port = 1502

[[machine]]
name = "knit-01"
endpoint = "bus"
unit = 1
profile = "knit-flat"
serial = 240101

[[machine]]
name = "knit-02"
endpoint = "bus"
unit = 2
profile = "knit-flat"
area = "hall-b"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "site.toml"
    file.write_text(text, "utf-8")
    return file


def complaints(folder: Path, text: str) -> list[Complaint]:
    with pytest.raises(BadConfigurationError) as bad:
        load(write(folder, text))
    return list(bad.value.complaints)


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SITE))
    assert (settings.timezone, settings.clock) == ("Asia/Shanghai", REAL)
    assert (settings.poll.period_ms, settings.poll.hold_polls, settings.poll.grid_ms) == (1_000, 3, 300_000)
    assert (settings.poll.checkpoint_ms, settings.poll.state_repeat_ms) == (10_000, 60_000)
    assert (settings.outbox.ring_bytes, settings.outbox.ring_days) == (1 << 30, 30)
    assert (settings.mqtt.port, settings.mqtt.tls, settings.mqtt.keepalive_s) == (1883, False, 30)


def test_machines_have_their_endpoint_profile_area_and_serial(tmp_path: Path) -> None:
    first, second = load(write(tmp_path, SITE)).machines
    assert (first.name, first.endpoint, first.unit, first.area, first.serial) == (
        "knit-01", "bus", 1, "hall-a", 240101,
    )  # fmt: skip
    assert (second.area, second.serial) == ("hall-b", None)
    assert first.profile is second.profile
    assert first.profile.stop_table.label == "gongfang@1"


def test_file_names_are_relative_to_the_file(tmp_path: Path) -> None:
    assert load(write(tmp_path, SITE)).outbox.path == tmp_path / "data" / "outbox.db"


def test_a_rehearsal_sets_the_plants_clock(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SITE + "[clock]\nreal_ms = 5\nplant_ms = 9\nscale = 300\n"))
    assert settings.clock == ClockPair(real_ms=5, plant_ms=9, scale=300)


def test_the_brokers_address_carries_the_secret_of_the_hour(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("pink\n")
    text = SITE.replace("[outbox]", 'username = "gw1"\npassword_file = "secret"\n\n[outbox]')
    settings = load(write(tmp_path, text))
    secret.write_text("plaid\n")
    address = settings.broker()
    assert (address.username, address.password, address.tls) == ("gw1", "plaid", None)
    assert address.client_id.startswith("gongfang-agent-qinghe-gw1")
    assert "plaid" not in repr(settings)


def test_tls_trusts_the_systems_authorities_unless_told_otherwise(tmp_path: Path) -> None:
    settings = load(write(tmp_path, SITE.replace("[outbox]", "tls = true\n\n[outbox]")))
    context = settings.broker().tls
    assert context is not None
    assert context.check_hostname


def test_a_site_may_bring_its_own_profiles_and_stop_codes(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    text = (shipped() / "profiles" / "knit-flat.toml").read_text("utf-8")
    (tmp_path / "profiles" / "knit-flat.toml").write_text(text.replace('version = "1"', 'version = "our-2"'))
    (tmp_path / "loose.toml").write_text(text.replace('"knit-flat"', '"loose"'))
    codes = (shipped() / "stop-codes.toml").read_text("utf-8")
    (tmp_path / "codes.toml").write_text(codes.replace('id = "gongfang"', 'id = "ours"'))
    site = 'stop_codes = "codes.toml"\n' + SITE.replace(
        'unit = 2\nprofile = "knit-flat"', 'unit = 2\nprofile = "loose.toml"'
    )
    first, second = load(write(tmp_path, site)).machines
    assert (first.profile.label, second.profile.label) == ("knit-flat@our-2", "loose@1")
    assert first.profile.stop_table.label == "ours@1"


WRONG = [
    ('site = "qinghe"', "", "site", "is required and not set"),
    ('site = "qinghe"', 'site = "Qinghe"', "site", "use 1 to 64 of a-z"),
    ('gateway = "gw1"', 'gateway = "none"', "gateway", "none and disputed are reserved"),
    ('area = "hall-a"', 'area = "hall-a"\ntimezone = "Mars/Olympus"', "timezone", "such as Asia/Shanghai"),
    ('area = "hall-a"', 'area = "hall-a"\ntimezone = "../../etc"', "timezone", "is '../../etc'"),
    ('area = "hall-a"', 'area = "hall-a"\nsites = 1', "sites", "is not a known key here"),
    ('area = "hall-a"', 'area = "hall-a"\nstop_codes = "no.toml"', "", "No such file"),
    ('host = "broker.example"', "port = 0", "broker.port", "1 is the least"),
    ('host = "broker.example"', 'password_file = "x"', "broker", "password_file needs a username"),
    (
        'host = "broker.example"',
        'username = "a"\npassword_file = "x"',
        "broker.password_file",
        "no file",
    ),
    ('host = "broker.example"', 'password = "secret1"', "broker.password", "is not a known key here"),
    ('host = "broker.example"', 'tls_ca_file = "x"', "broker", "needs tls = true"),
    ('path = "data/outbox.db"', "", "outbox.path", "is required and not set"),
    (
        'path = "data/outbox.db"',
        'path = "o"\nring_days = -1',
        "outbox.ring_days",
        "0 is the least",
    ),
    ("port = 1502", 'port = "1502"', "endpoint.0.port", "write a whole number"),
    ("port = 1502", "backoff_ms = 50000", "endpoint.0", "not longer than backoff_max_ms"),
    (
        "port = 1502",
        'port = 1502\n[[endpoint]]\nname = "bus"\nhost = "h"',
        "endpoint.1.name",
        "same as",
    ),
    (
        "port = 1502",
        'port = 1502\n[[endpoint]]\nname = "b"\nhost = "127.0.0.1"\nport = 1502',
        "endpoint.1.port",
        "put all units behind one address",
    ),
    ('name = "knit-02"', 'name = "knit-01"', "machine.1.name", "is the same as in line 16"),
    ('name = "knit-02"', 'name = "机2"', "machine.1.name", "use 1 to 64 of a-z"),
    ("unit = 2", "unit = 1", "machine.1.unit", "two machines cannot share one unit"),
    ("unit = 2", "unit = 256", "machine.1.unit", "255 is the most"),
    ("unit = 2", "unit = true", "machine.1.unit", "write a whole number"),
    ('endpoint = "bus"', 'endpoint = "buss"', "machine.0.endpoint", "name one of: bus"),
    ('profile = "knit-flat"', 'profile = "knit"', "machine.0.profile", "'knit' is not there; searched"),
    ('profile = "knit-flat"', 'profile = "../x.toml"', "machine.0.profile", "'../x.toml' is not there"),
    ("serial = 240101", "serial = 0", "machine.0.serial", "1 is the least"),
    ("serial = 240101", "serial = 240101\n[poll]\ngrid_ms = 7000", "poll", "divides a day"),
    (
        "serial = 240101",
        "serial = 240101\n[poll]\nperiod_ms = 50",
        "poll.period_ms",
        "100 is the least",
    ),
    (
        "serial = 240101",
        "serial = 240101\n[poll]\nperiod_ms = 9000\ngrid_ms = 8000",
        "poll",
        "not longer than grid_ms",
    ),
    ("serial = 240101", "serial = 240101\n[clock]\nscale = 0", "clock.scale", "1 is the least"),
]


@pytest.mark.parametrize(
    ("old", "new", "key", "says"), WRONG, ids=[f"{row[2]} {row[3][:30]}" for row in WRONG]
)
def test_each_mistake_is_named_with_its_place(
    tmp_path: Path, old: str, new: str, key: str, says: str
) -> None:
    assert old in SITE
    (found,) = complaints(tmp_path, SITE.replace(old, new, 1))
    assert found.key == key
    assert says in str(found)
    assert found.remedy
    assert found.line > 0 or "required" in says or not key
    assert "secret1" not in str(found)


def test_a_missing_profile_says_where_it_was_looked_for(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, SITE.replace('"knit-flat"', '"loom"', 1))
    assert str(tmp_path / "profiles" / "loom.toml") in found.problem
    assert str(shipped() / "profiles" / "loom.toml") in found.problem


def test_mistakes_of_the_site_its_profiles_and_its_stop_codes_come_together_and_once(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    text = (shipped() / "profiles" / "knit-flat.toml").read_text("utf-8")
    (tmp_path / "profiles" / "knit-flat.toml").write_text(
        text.replace('running = "status.2"', 'running = "status.3"')
    )
    (tmp_path / "codes.toml").write_text('id = "x"\nversion = "1"\n')
    site = 'stop_codes = "codes.toml"\n' + SITE.replace("unit = 2", "unit = 1").replace('"gw1"', '"GW"')
    found = complaints(tmp_path, site)
    assert [(Path(c.file).name, c.key) for c in found] == [
        ("codes.toml", "code"),
        ("knit-flat.toml", "bits.setup"),
        ("site.toml", "gateway"),
        ("site.toml", "machine.1.unit"),
    ]


def test_a_serial_is_refused_where_the_profile_reads_none(tmp_path: Path) -> None:
    (tmp_path / "profiles").mkdir()
    text = (shipped() / "profiles" / "knit-flat.toml").read_text("utf-8")
    (tmp_path / "profiles" / "knit-flat.toml").write_text(text.replace('serial = "serial"', ""))
    (found,) = complaints(tmp_path, SITE)
    assert found.key == "machine.0.serial"


def test_an_empty_site_is_told_what_belongs_in_it(tmp_path: Path) -> None:
    assert {c.key for c in complaints(tmp_path, "")} == {"site", "gateway", "area", "outbox.path", "machine"}


def test_a_site_that_is_not_there_is_a_complaint(tmp_path: Path) -> None:
    with pytest.raises(BadConfigurationError, match="No such file"):
        load(tmp_path / "site.toml")


@pytest.mark.parametrize("name", ["knitting", "welding", "hall"])
def test_the_example_sites_are_right(configs: Path, name: str) -> None:
    settings = load(configs / "sites" / f"{name}.toml")
    shared = len(settings.endpoints) < len(settings.machines)
    assert shared == (name != "welding"), "the one has a shared port, the other a port for each machine"


@contextmanager
def as_nobody() -> Iterator[None]:
    """Who is root may look everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_files_in_a_directory_that_is_closed_to_the_user_are_complaints() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        text = SITE.replace("[outbox]", 'username = "a"\npassword_file = "closed/secret"\n\n[outbox]')
        site = write(directory, text.replace('"knit-flat"', '"closed/ours.toml"'))
        closed = directory / "closed"
        closed.mkdir(mode=0)
        with as_nobody(), pytest.raises(BadConfigurationError) as found:
            load(site)
        closed.chmod(0o700)
    said = {each.key: str(each) for each in found.value.complaints}
    assert "cannot be read; let the agent's user read it" in said["broker.password_file"]
    assert any("ours.toml" in each and "Permission denied" in each for each in said.values())
