"""The Debian package, installed over this system in a root of its own that is thrown away (an overlay).

Needs root on a Debian with overlayfs. Where the Python of .venv is not the system's, nothing can be said.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.edge_agent.conftest import Hub, knit_words

ROOT: Final = Path(__file__).parents[1]
PATIENCE_S: Final = 60.0
SITE: Final = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"
# written by a person
[poll]
period_ms = 200
grid_ms = 1000
[broker]
port = 1
[outbox]
path = "/var/lib/gongfang/outbox.db"
[[endpoint]]
name = "bus"
host = "127.0.0.1"
port = {port}
[[machine]]
name = "knit-01"
endpoint = "bus"
profile = "knit-flat"
"""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def missing() -> str:
    if os.geteuid() != 0:
        return "only root can install a package"
    if not all(map(shutil.which, ("dpkg-deb", "unshare", "nsenter", "chroot", "runuser"))):
        return "no Debian"
    theirs = subprocess.run(
        ["/usr/bin/python3", "-c", "import sys; print(sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=False,
    )
    if theirs.stdout.strip() != str(tuple(sys.version_info[:2])):
        return "the system's Python is not that of .venv"
    return ""


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two revisions of the package."""
    if why := missing():
        pytest.skip(why)
    output = tmp_path_factory.mktemp("deb")
    build = [sys.executable, str(ROOT / "scripts/deb"), "--fast", "--output", str(output), "--revision"]
    return [
        Path(subprocess.run([*build, number], check=True, capture_output=True, text=True).stdout.strip())
        for number in ("1", "2")
    ]


class System:
    """The system of this computer; whatever is changed lies over it, and is thrown away."""

    def __init__(self, directory: Path) -> None:
        self.root = directory / "root"
        for name in ("upper", "work", "root"):
            (directory / name).mkdir(parents=True)
        layers = f"lowerdir=/,upperdir={directory}/upper,workdir={directory}/work"
        script = (
            f"mount -t overlay overlay -o {layers} {self.root} && mount --rbind /dev {self.root}/dev"
            f" && mount --rbind /proc {self.root}/proc && echo mounted && exec sleep 3600"
        )
        self._holder = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout
        if self._holder.stdout.readline() != "mounted\n":
            self.close()
            pytest.skip("no overlay can be mounted here")
        shutil.rmtree(directory / "upper" / "run", ignore_errors=True)

    def close(self) -> None:
        self._holder.kill()
        self._holder.communicate()

    def argv(self, *command: str) -> list[str]:
        inside = ["nsenter", "--mount", "--target", str(self._holder.pid), "chroot", str(self.root)]
        return [*inside, *command]

    def run(self, *command: str) -> str:
        ran = subprocess.run(
            self.argv(*command), capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}"
        return ran.stdout

    def write(self, path: str, text: str) -> None:
        subprocess.run(self.argv("tee", path), input=text, text=True, check=True, stdout=subprocess.DEVNULL)

    def mode(self, path: str) -> str:
        return self.run("stat", "-c", "%U:%G %a", path).strip()


@pytest.fixture
def system(tmp_path: Path, packages: list[Path]) -> Iterator[System]:
    made = System(tmp_path)
    yield made
    made.close()


@pytest.fixture
def machine() -> Iterator[Hub]:
    hub = Hub()
    for address, word in knit_words("running").items():
        hub.words[address] = word
    yield hub
    hub.close()


def metered(system: System, hub: Hub, seconds: float) -> list[tuple[str, int]]:
    """The agent runs as its unit starts it. Returns each epoch of its outbox with the number of records."""
    asked = len(hub.requests)
    command = ("/opt/gongfang/.venv/bin/gongfang-agent", "run", "--config", "/etc/gongfang/agent.toml")
    agent = subprocess.Popen(
        system.argv("runuser", "-u", "gongfang", "--", *command), stderr=subprocess.PIPE, text=True
    )
    try:
        end = time.monotonic() + PATIENCE_S
        while len(hub.requests) < asked + 3:
            assert agent.poll() is None, agent.stderr.read() if agent.stderr else ""
            assert time.monotonic() < end
            time.sleep(0.05)
        time.sleep(seconds)
        subprocess.run(system.argv("pkill", "--signal", "TERM", "--parent", str(agent.pid)), check=True)
        assert agent.wait(PATIENCE_S) in {0, -signal.SIGTERM, 128 + signal.SIGTERM}
    finally:
        agent.kill()
        agent.communicate()
    return lives(system)


def lives(system: System) -> list[tuple[str, int]]:
    ask = (
        "import json, sqlite3; db = sqlite3.connect('/var/lib/gongfang/outbox.db');"
        "print(json.dumps(db.execute('SELECT epoch, count(*) FROM record GROUP BY epoch').fetchall()))"
    )
    found = system.run("runuser", "-u", "gongfang", "--", "/usr/bin/python3", "-c", ask)
    return [(str(epoch), int(number)) for epoch, number in json.loads(found)]


def test_the_package_needs_no_network_and_no_other_package_of_python(packages: list[Path]) -> None:
    told = subprocess.run(
        ["dpkg-deb", "--field", str(packages[0]), "Depends"], capture_output=True, text=True, check=True
    )
    needs = [need.strip().split(" ")[0] for need in told.stdout.split(",")]
    assert needs == ["python3", "python3", "passwd", "libc6"]


def test_what_is_installed_has_its_user_its_places_and_its_commands(
    system: System, packages: list[Path]
) -> None:
    system.run("dpkg", "--install", str(packages[0]))
    assert system.mode("/etc/gongfang") == "root:gongfang 2750"
    assert system.mode("/var/lib/gongfang") == "gongfang:gongfang 750"
    assert system.mode("/etc/gongfang/agent.toml.example") == "root:gongfang 640"
    for example in ("agent", "collector", "billing"):
        text = system.run("cat", f"/etc/gongfang/{example}.toml.example")
        assert '\npath = "/var/lib/gongfang/' in text, "where the units may write"
        assert text.startswith("#:schema /opt/gongfang/configs/schema/")
    system.run("cp", "/etc/gongfang/agent.toml.example", "/etc/gongfang/agent.toml")
    assert system.mode("/etc/gongfang/agent.toml") == "root:gongfang 640", "the services can read it"
    assert "nologin" in system.run("getent", "passwd", "gongfang")
    for command in ("agent", "collector", "billing"):
        assert "usage: gongfang-" in system.run(f"/usr/bin/gongfang-{command}", "--help")
        launcher = system.run("cat", f"/opt/gongfang/.venv/bin/gongfang-{command}")
        assert 'if __name__ == "__main__"' in launcher, "processes that work beside billing read it too"
    check = ("gongfang-agent", "check", "--config", "/opt/gongfang/configs/sites/knitting.toml")
    assert "knit-01" in system.run("runuser", "-u", "gongfang", "--", *check)
    for unit in ("agent", "collector"):
        exec_start = f"/opt/gongfang/.venv/bin/gongfang-{unit}"
        assert exec_start in system.run("cat", f"/usr/lib/systemd/system/gongfang-{unit}.service")
        assert system.run("test", "-x", exec_start) == ""


def test_an_upgrade_keeps_outbox_configuration_and_epoch_and_a_removal_keeps_what_is_yours(
    system: System, packages: list[Path], machine: Hub
) -> None:
    system.run("dpkg", "--install", str(packages[0]))
    site = SITE.format(port=machine.port)
    system.write("/etc/gongfang/agent.toml", site)
    [(epoch, before)] = metered(system, machine, 3)
    assert before >= 4
    system.run("dpkg", "--install", str(packages[1]))
    assert "0.1.0-2" in system.run("dpkg-query", "--show", "gongfang")
    assert system.run("cat", "/etc/gongfang/agent.toml") == site
    [(later, after)] = metered(system, machine, 3)
    assert (later, after > before) == (epoch, True)
    system.run("dpkg", "--purge", "gongfang")
    assert system.run("cat", "/etc/gongfang/agent.toml") == site
    assert lives(system) == [(epoch, after)]
    assert system.run("ls", "/etc/gongfang").split() == ["agent.toml"]
    left = system.run("find", "/opt", "-path", "/opt/gongfang*", "-type", "f")
    assert left == "", "what was compiled goes with the package"


def test_a_checkout_of_the_source_is_not_overwritten(system: System, packages: list[Path]) -> None:
    system.run("mkdir", "-p", "/opt/gongfang/.git")
    refused = subprocess.run(
        system.argv("dpkg", "--install", str(packages[0])), capture_output=True, text=True, check=False
    )
    assert refused.returncode != 0
    assert "is a checkout of the source" in refused.stderr
    assert system.run("ls", "-A", "/opt/gongfang").split() == [".git"]


def test_a_package_built_twice_is_the_same(packages: list[Path], tmp_path: Path) -> None:
    build = [sys.executable, str(ROOT / "scripts/deb"), "--fast", "--output", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True)
    assert (tmp_path / packages[0].name).read_bytes() == packages[0].read_bytes()
