"""The Debian package under a systemd that runs: what its units promise, seen from outside.

Skipped where none can be started (``booted.py`` says what it takes); with GONGFANG_TEST_SYSTEMD=1 that fails.
"""

import json
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.booted import Booted, CannotBootError
from tests.test_deb import packages as packages  # noqa: PLC0414  a fixture for these tests

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

AGENT: Final = "gongfang-agent.service"
COLLECTOR: Final = "gongfang-collector.service"
ROOT: Final = Path(__file__).parents[1]
PASSWORD: Final = "not to be seen"
PLANT: Final = (
    (ROOT / "configs/plants/mini.toml")
    .read_text("utf-8")
    .replace('units = "shared"', 'units = "shared"\nport = 5020')
    .replace('name = "weld-{n:02}"', 'name = "weld-{n:02}"\nport = 5030')
)
SITE: Final = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"
[poll]
period_ms = 500
grid_ms = 1000
[broker]
host = "localhost"
[outbox]
path = "/var/lib/gongfang/outbox.db"
[endpoint_defaults]
timeout_ms = 400
[[machine]]
name = "knit-01"
endpoint = "tcp://localhost:5020"
profile = "knit-flat"
[[machine]]
name = "knit-02"
endpoint = "tcp://localhost:5020"
unit = 2
profile = "knit-flat"
[[machine]]
name = "weld-01"
endpoint = "tcp://localhost:5030"
profile = "weld-cell"
"""


@pytest.fixture(scope="module")
def installed(packages: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Booted]:
    """The first package is installed, and machines serve. The other one lies beside it in /srv."""
    try:
        booted = Booted(tmp_path_factory.mktemp("booted"), packages)
    except CannotBootError as why:
        if os.environ.get("GONGFANG_TEST_SYSTEMD"):
            pytest.fail(f"no systemd can be started: {why}")
        pytest.skip(f"no systemd can be started: {why}")
    try:
        booted.run("dpkg", "--force-unsafe-io", "--install", f"/srv/{packages[0].name}")
        booted.write("/srv/plant.toml", PLANT)
        booted.run("systemd-run", "--unit=plant", "gongfang-simulator", "run", "/srv/plant.toml")
        yield booted
    finally:
        booted.close()


@pytest.fixture
def box(installed: Booted) -> Iterator[Booted]:
    """With a configuration that works, and no past."""
    installed.write("/etc/gongfang/agent.toml", SITE)
    installed.run(
        "cp", "/etc/gongfang/collector.toml.example", "/etc/gongfang/collector.toml"
    )  # as people do
    yield installed
    installed.tried("systemctl", "stop", AGENT, COLLECTOR)  # the last test has removed them
    installed.run(
        "sh", "-c", "rm -rf /etc/systemd/system/gongfang-* /var/lib/gongfang/* /etc/gongfang/*.toml"
    )
    installed.run("systemctl", "daemon-reload")
    installed.run("systemctl", "reset-failed")


def is_metered(box: Booted) -> bool:
    return box.show(AGENT, "StatusText").startswith("3 of 3 machines metered")


def started(box: Booted) -> None:
    box.run("systemctl", "start", COLLECTOR, AGENT)
    box.until(lambda: is_metered(box) and accepted(box))


def accepted(box: Booted) -> int:
    """Records that the collector has taken, as it says itself."""
    found = re.search(r"\baccepted (\d+)", box.show(COLLECTOR, "StatusText"))
    return int(found[1]) if found else 0


def asked(box: Booted, question: str) -> list[list[str]]:
    """Of the outbox."""
    program = (
        "import json, sqlite3, sys; db = sqlite3.connect('/var/lib/gongfang/outbox.db');"
        "print(json.dumps([list(map(str, row)) for row in db.execute(sys.argv[1])]))"
    )
    found = box.run("runuser", "-u", "gongfang", "--", "/usr/bin/python3", "-c", program, question)
    answer: list[list[str]] = json.loads(found)
    return answer


def epochs(box: Booted) -> dict[str, str]:
    """Of each machine, all there were."""
    each = "SELECT machine, group_concat(DISTINCT epoch) FROM record GROUP BY machine"
    return dict(map(tuple, asked(box, each)))


def drop_in(box: Booted, unit: str, *lines: str) -> None:
    box.write(f"/etc/systemd/system/{unit}.d/test.conf", "\n".join(["[Service]", *lines, ""]))
    box.run("systemctl", "daemon-reload")


def test_without_a_configuration_it_says_so_once_and_rests(installed: Booted) -> None:
    assert installed.tried("systemctl", "start", AGENT).returncode == 1
    assert installed.show(AGENT, "ExecMainStatus") == "2"
    assert installed.show(AGENT, "ActiveState") == "failed"
    said = "/etc/gongfang/agent.toml: cannot be read (No such file or directory)"
    installed.until(lambda: said in installed.journal("--unit", AGENT))
    installed.run("systemctl", "reset-failed")


def test_the_examples_are_configurations_that_run(box: Booted) -> None:
    """Their machines are nowhere; nothing else of them has to be changed for the services to come up."""
    box.run("rm", "/etc/gongfang/agent.toml")
    box.run("cp", "/etc/gongfang/agent.toml.example", "/etc/gongfang/agent.toml")
    box.run("systemctl", "start", COLLECTOR, AGENT)
    box.until(lambda: box.show(AGENT, "StatusText").startswith("0 of 3 machines metered"))
    assert {"outbox.db", "gongfang.db"} <= set(box.run("ls", "/var/lib/gongfang").split())


def test_both_services_work_and_nothing_that_they_need_is_denied_to_them(box: Booted) -> None:
    """A system call that the filter denies ends them here, instead of an error that they might pass over."""
    for unit in (AGENT, COLLECTOR):
        drop_in(box, unit, "SystemCallErrorNumber=kill")
    started(box)
    before = accepted(box)
    box.run("systemctl", "reload", AGENT)
    box.until(lambda: "configuration: taken" in box.journal("--unit", AGENT, "--boot"))
    box.until(lambda: accepted(box) > before)
    began = time.monotonic()
    box.run("systemctl", "stop", AGENT)
    assert time.monotonic() - began < 5
    assert asked(box, "SELECT count(*) FROM record WHERE place < 2") == [["0"]]
    box.run("systemctl", "stop", COLLECTOR)
    for unit in (AGENT, COLLECTOR):
        assert (box.show(unit, "Result"), box.show(unit, "NRestarts")) == ("success", "0")
        assert "Traceback" not in box.journal("--unit", unit)


def test_an_agent_that_is_stopped_in_its_tracks_is_started_again_under_the_same_epochs(box: Booted) -> None:
    drop_in(box, AGENT, "WatchdogSec=3", "RestartSec=1")
    started(box)
    before = epochs(box)
    box.signal(AGENT, signal.SIGSTOP)
    box.until(lambda: box.show(AGENT, "NRestarts") == "1" and is_metered(box))
    where_it_hung = "Fatal Python error: Aborted"
    box.until(lambda: where_it_hung in box.journal("--unit", AGENT))
    assert epochs(box) == before


def test_a_secret_comes_as_a_credential(box: Booted) -> None:
    box.write("/root/secrets/mqtt", f"{PASSWORD}\n", "600")
    box.run("chmod", "700", "/root/secrets")
    for unit, file in ((AGENT, "agent"), (COLLECTOR, "collector")):
        drop_in(box, unit, "LoadCredential=mqtt-password:/root/secrets/mqtt")
        text = box.run("cat", f"/etc/gongfang/{file}.toml")
        secret = f'username = "us"\npassword_file = "/run/credentials/{unit}/mqtt-password"'
        text = text.replace("\n[broker]\n", f"\n[broker]\n{secret}\n")
        box.write(f"/etc/gongfang/{file}.toml", text)
    started(box)
    assert PASSWORD not in box.journal()


def test_serial_ports_are_open_to_the_agent_with_the_drop_in_and_no_other_device(box: Booted) -> None:
    box.run("sh", "-c", "mknod -m 660 /dev/ttyS9 c 4 73 && chgrp dialout /dev/ttyS9")
    box.run("mknod", "-m", "666", "/dev/disk9", "b", "253", "9")
    box.write("/opt/try.py", TRY)
    example = "/opt/gongfang/configs/systemd/gongfang-agent.service.d/serial.conf.example"
    once = ("Type=oneshot", "Restart=no", "ExecReload=", "ExecStart=")
    drop_in(box, AGENT, *once, "ExecStart=/usr/bin/python3 /opt/try.py")
    assert opened(box) == {"/dev/ttyS9": "ENOENT", "/dev/disk9": "ENOENT"}
    box.run("cp", example, f"/etc/systemd/system/{AGENT}.d/serial.conf")
    box.run("systemctl", "daemon-reload")
    assert opened(box) == {"/dev/ttyS9": "ENXIO", "/dev/disk9": "EPERM"}, "no such port, and not allowed"


TRY: Final = """\
import errno, os
for device in ("/dev/ttyS9", "/dev/disk9"):
    try:
        os.close(os.open(device, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK))
        said = "opens"
    except OSError as error:
        said = errno.errorcode[error.errno]
    print("opened", device, said)
"""


def opened(box: Booted) -> dict[str, str]:
    """What the last of its runs says: the journal may be behind it."""
    before = box.journal("--unit", AGENT).count("opened ")
    box.run("systemctl", "start", AGENT)
    box.until(lambda: box.journal("--unit", AGENT).count("opened ") == before + TRY.count('"/dev/'))
    return dict(re.findall(r"opened (\S+) (\S+)", box.journal("--unit", AGENT)))


def test_an_upgrade_goes_on_with_the_outbox_and_a_removal_leaves_what_is_yours(
    box: Booted, packages: list[Path]
) -> None:
    started(box)
    before, process = epochs(box), box.show(AGENT, "MainPID")
    box.run("systemctl", "enable", AGENT, COLLECTOR)
    box.run("dpkg", "--force-unsafe-io", "--install", f"/srv/{packages[1].name}")
    assert box.show(AGENT, "MainPID") not in {process, "0"}
    started(box)
    assert epochs(box) == before
    site = box.run("cat", "/etc/gongfang/agent.toml")
    box.write("/etc/gongfang/agent.toml", "colour = 1\n")  # a service that stays down fails no upgrade
    box.run("/var/lib/dpkg/info/gongfang.postinst", "configure", "0.1.0-1")
    assert box.show(AGENT, "ExecMainStatus") == "2"
    box.write("/etc/gongfang/agent.toml", site)
    started(box)
    box.run("dpkg", "--purge", "gongfang")
    assert box.show(AGENT, "ActiveState") == box.show(COLLECTOR, "ActiveState") == "inactive"
    assert box.run("find", "/etc/systemd/system", "-name", "gongfang-*") == ""
    assert epochs(box) == before
    assert box.run("cat", "/etc/gongfang/agent.toml") == site
