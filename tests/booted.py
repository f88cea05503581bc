"""A systemd that runs: PID 1 of namespaces of its own, over this system as a read-only floor (an overlay).

Needs root on a Debian with overlayfs and a cgroup2 that takes a child. What is installed and written there is
thrown away; it has no network but its own loopback, and may not set the clock of the machine.
"""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

PATIENCE_S: Final = 60.0
_TOOLS: Final = ("dpkg-deb", "unshare", "nsenter", "setpriv", "pivot_root", "systemctl", "ip")
_SYSTEMD: Final = "/lib/systemd/systemd"

_BOOT: Final = """\
set -e
echo $$ >{cgroup}/cgroup.procs
exec unshare --mount --uts --ipc --net --pid --cgroup --fork --kill-child --propagation private sh -ec '
r={directory}/root
mount -t overlay overlay -o lowerdir=/,upperdir={directory}/upper,workdir={directory}/work $r
# No unit of this computer is enabled there; console and time of day are not its business.
rm -rf $r/etc/systemd/system/* $r/usr/share/dbus-1/system-services/*
mount -t proc proc $r/proc
mount --bind $r/proc/sys $r/proc/sys && mount -o remount,ro,bind $r/proc/sys
mount -t sysfs -o ro sysfs $r/sys
mount -t cgroup2 cgroup2 $r/sys/fs/cgroup
for name in dev run; do mount -t tmpfs -o mode=755 tmpfs $r/$name; done
mkdir $r/dev/pts $r/dev/shm
for name in tmp dev/shm; do mount -t tmpfs -o mode=1777 tmpfs $r/$name; done
mknod -m 666 $r/dev/null c 1 3
mknod -m 666 $r/dev/zero c 1 5
mknod -m 666 $r/dev/full c 1 7
mknod -m 666 $r/dev/random c 1 8
mknod -m 666 $r/dev/urandom c 1 9
mknod -m 666 $r/dev/tty c 5 0
mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts $r/dev/pts
ln -s pts/ptmx $r/dev/ptmx
echo 127.0.0.1 localhost >$r/etc/hosts
ip link set lo up
mkdir -p $r/old
cd $r
pivot_root . old
umount --lazy /old
# Credentials are mounted where systemd makes them, and seen where services look.
mount --make-rshared /
exec setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio --inh-caps=-all \\
    env -i container=gongfang PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    {systemd} --system --unit=basic.target --show-status=no </dev/null >/dev/null 2>&1
'
"""


class CannotBootError(Exception):
    """Here no systemd can be started, and why."""


class Booted:
    """Raises CannotBootError. ``brought`` lie in /srv. ``directory`` is of no use after ``close``."""

    def __init__(self, directory: Path, brought: Iterable[Path] = ()) -> None:
        self._cgroup = _cgroup() / f"gongfang-{os.getpid()}-{time.monotonic_ns()}"
        for name in ("upper", "work", "root"):
            (directory / name).mkdir(parents=True)
        (directory / "upper/srv").mkdir()
        for file in brought:
            shutil.copy(file, directory / "upper/srv")
        self._cgroup.mkdir()
        script = _BOOT.format(cgroup=self._cgroup, directory=directory, systemd=_SYSTEMD)
        self._holder = subprocess.Popen(
            ["sh", "-c", script], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        try:
            self._init = self._pid_of_init()
            self._until_it_runs()
        except BaseException:
            self.close()
            raise

    def _pid_of_init(self) -> int:
        children = Path(f"/proc/{self._holder.pid}/task/{self._holder.pid}/children")
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            if self._holder.poll() is not None:
                raise CannotBootError(self._holder.stderr.read() if self._holder.stderr else "")
            for child in children.read_text("ascii").split():
                if Path(f"/proc/{child}/cmdline").read_bytes().startswith(_SYSTEMD.encode()):
                    return int(child)
            time.sleep(0.05)
        raise CannotBootError("it does not come to systemd")

    def _until_it_runs(self) -> None:
        try:
            self.until(lambda: "running" in self.tried("systemctl", "is-system-running").stdout)
        except (AssertionError, subprocess.TimeoutExpired) as why:
            raise CannotBootError(f"it does not come up: {why}") from why

    def close(self) -> None:
        self._holder.kill()  # and the kernel ends whatever is in there with PID 1
        self._holder.communicate()
        end = time.monotonic() + PATIENCE_S
        while self._cgroup.exists() and time.monotonic() < end:
            for inner in sorted(self._cgroup.rglob("*/"), reverse=True):
                _let_go(inner)
            _let_go(self._cgroup)
            time.sleep(0.05)

    def tried(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        entered = ["nsenter", "--target", str(self._init), "--mount", "--uts", "--ipc", "--net", "--pid"]
        entered += ["--cgroup", "--root", "--wd"]
        clean = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "TERM=dumb", "LC_ALL=C.UTF-8"]
        return subprocess.run(
            [*entered, *clean, *command],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def run(self, *command: str, given: str = "") -> str:
        ran = self.tried(*command, given=given)
        assert ran.returncode == 0, f"{command}: {ran.returncode}\n{ran.stdout}{ran.stderr}{self.journal()}"
        return ran.stdout

    def write(self, path: str, text: str, mode: str = "644") -> None:
        self.run("install", "-D", "-m", mode, "/dev/null", path)
        self.run("tee", path, given=text)

    def show(self, unit: str, key: str) -> str:
        return self.run("systemctl", "show", "--property", key, "--value", unit).strip()

    def journal(self, *what: str) -> str:
        return self.tried("journalctl", "--no-pager", "--output", "short-monotonic", *what).stdout

    def until(self, holds: Callable[[], object], patience_s: float = PATIENCE_S) -> None:
        end = time.monotonic() + patience_s
        while not holds():
            assert time.monotonic() < end, self.journal()
            time.sleep(0.1)

    def signal(self, unit: str, number: signal.Signals) -> None:
        self.run("kill", f"-{number.value}", self.show(unit, "MainPID"))


def _let_go(cgroup: Path) -> None:
    try:
        cgroup.rmdir()
    except OSError:
        return


def _cgroup() -> Path:
    if os.geteuid() != 0:
        raise CannotBootError("only root can")
    if lacks := [tool for tool in (*_TOOLS, _SYSTEMD) if shutil.which(tool) is None]:
        raise CannotBootError(f"{', '.join(lacks)} is not here")
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text("utf-8").splitlines()]
    places = [Path(place) for _, place, kind, *_ in mounts if kind == "cgroup2"]
    if not places or not os.access(places[0], os.W_OK):
        raise CannotBootError("no cgroup2 that takes a child")
    return places[0]
