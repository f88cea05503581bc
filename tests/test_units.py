"""The systemd units: sound, hardened, and what they start really starts, says READY=1 and stops when told."""

import configparser
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parent.parent
UNITS: Final = ("gongfang-agent", "gongfang-collector")
PREFIX: Final = "/opt/gongfang/.venv/bin"
PATIENCE_S: Final = 40

SERVICE: Final = {
    "Type": "notify",
    "Restart": "always",
    "RestartSec": "5",
    "WatchdogSec": "60",
    "LimitCORE": "0",
    "RestartPreventExitStatus": "2",
    "User": "gongfang",
    "Group": "gongfang",
    "StateDirectory": "gongfang",
    "WorkingDirectory": "/var/lib/gongfang",
    "UMask": "0027",
    "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "MemoryDenyWriteExecute": "yes",
    "RestrictAddressFamilies": "AF_INET AF_INET6 AF_UNIX",
    "SystemCallArchitectures": "native",
}
"""What the operations guide promises."""


def unit_file(unit: str) -> Path:
    return ROOT / "configs" / "systemd" / f"{unit}.service"


def parsed(unit: str) -> configparser.ConfigParser:
    """Keys keep their case; of a key that stands twice only the last value, which is why it is not strict."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # how configparser is told to keep case
    parser.read_string(unit_file(unit).read_text("utf-8"))
    return parser


def command_of(unit: str, config: Path) -> list[str]:
    """The unit's own ExecStart, with this environment in place of the installed one."""
    program, *arguments = shlex.split(parsed(unit)["Service"]["ExecStart"])
    assert program == f"{PREFIX}/{unit}"
    assert arguments[-1].startswith("/etc/gongfang/")
    return [str(Path(sys.executable).parent / unit), *arguments[:-1], str(config)]


def systemd_analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_has_the_directives_that_are_promised(unit: str) -> None:
    found = parsed(unit)
    assert {key: found["Service"].get(key) for key in SERVICE} == SERVICE
    assert found["Unit"]["StartLimitIntervalSec"] == "0", "a gateway with nobody beside it never gives up"
    reload = found["Service"].get("ExecReload")
    assert reload == ("/bin/kill -HUP $MAINPID" if unit == "gongfang-agent" else None)
    assert found["Install"]["WantedBy"] == "multi-user.target"
    text = unit_file(unit).read_text("utf-8")
    assert "\nSystemCallFilter=@system-service\n" in text
    assert "\n#LoadCredential=" in text, "an example, commented"


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(unit: str, tmp_path: Path) -> None:
    """With the programs of this environment, since nothing is installed under /opt here."""
    copy = tmp_path / f"{unit}.service"
    here = str(Path(sys.executable).parent)
    copy.write_text(unit_file(unit).read_text("utf-8").replace(PREFIX, here), "utf-8")
    verified = systemd_analyze("verify", "--man=no", str(copy))
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_exposes_little(unit: str) -> None:
    is_exposed_at_most(unit_file(unit), 12)


def test_an_agent_with_serial_ports_exposes_little_more(tmp_path: Path) -> None:
    """The drop-in's lines come after the unit's, and win."""
    drop_in = unit_file("gongfang-agent").with_suffix(".service.d") / "serial.conf.example"
    with_it = tmp_path / "gongfang-agent.service"
    unit, install = unit_file("gongfang-agent").read_text("utf-8").split("[Install]")
    with_it.write_text(f"{unit}\n{drop_in.read_text('utf-8')}\n[Install]{install}", "utf-8")
    is_exposed_at_most(with_it, 20)
    allowed = [line for line in drop_in.read_text("utf-8").splitlines() if line.startswith("DeviceAllow=")]
    assert allowed
    assert all(line.startswith("DeviceAllow=char-tty") for line in allowed)


def is_exposed_at_most(file: Path, tenths: int) -> None:
    """What systemd-analyze calls exposure, from 0 to 10; ``tenths`` is ten times that."""
    judged = systemd_analyze("security", "--offline=true", f"--threshold={tenths}", "--no-pager", str(file))
    if "unrecognized option" in judged.stderr:
        pytest.skip("this systemd-analyze cannot judge a file")
    assert judged.returncode == 0, judged.stdout + judged.stderr


@contextmanager
def started(unit: str, config: Path) -> Iterator[tuple[subprocess.Popen[bytes], socket.socket]]:
    """The command of a unit, as systemd starts it: with a socket to notify and a log on stderr."""
    listener = config.parent / f"{unit}.notify"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd,
        config.with_suffix(".log").open("wb") as log,
    ):
        systemd.bind(str(listener))
        systemd.settimeout(PATIENCE_S)
        process = subprocess.Popen(
            command_of(unit, config),
            cwd=config.parent,
            env=os.environ | {"NOTIFY_SOCKET": str(listener)},
            stdout=log,
            stderr=log,
        )
        try:
            yield process, systemd
        finally:
            process.kill()
            process.wait()


def is_ready(systemd: socket.socket) -> bool:
    """Of what is told, how it is comes at any time."""
    while b"READY=1" not in (told := systemd.recv(1000).split(b"\n")):
        assert told[-1].startswith(b"STATUS=")
    return True


def stopped(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE_S)


def collector_of(directory: Path, port: int) -> Path:
    config = directory / "collector.toml"
    broker = f'[broker]\nembedded = true\nport = {port}\n[store]\nkind = "sqlite"\npath = "gongfang.db"\n'
    config.write_text(f'[collector]\nname = "c1"\nsite = "qinghe"\n{broker}', "utf-8")
    return config


def agent_of(directory: Path, broker: int, modbus: int) -> Path:
    config = directory / "agent.toml"
    config.write_text(
        'site = "qinghe"\ngateway = "gw1"\narea = "hall-a"\n'
        f'[broker]\nport = {broker}\n[outbox]\npath = "outbox.db"\n'
        f'[[endpoint]]\nname = "bus"\nhost = "127.0.0.1"\nport = {modbus}\n'
        '[[machine]]\nname = "knit-01"\nendpoint = "bus"\nprofile = "knit-flat"\n',
        "utf-8",
    )
    return config


@pytest.mark.slow
def test_both_services_say_that_they_are_ready_and_stop_when_told(
    tmp_path: Path, free_port: Callable[[], int]
) -> None:
    """The machine is not there: an agent is up all the same, or one broken cable would stop all meters."""
    port = free_port()
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening, so that every connection is refused
        agent_config = agent_of(tmp_path, port, nobody.getsockname()[1])
        with started("gongfang-collector", collector_of(tmp_path, port)) as (collector, of_collector):
            assert is_ready(of_collector)
            with started("gongfang-agent", agent_config) as (agent, of_agent):
                assert is_ready(of_agent)
                assert stopped(agent) == 0
            assert stopped(collector) == 0
    assert (tmp_path / "outbox.db").is_file()
    assert (tmp_path / "gongfang.db").is_file()
    for config in ("agent", "collector"):
        assert "Traceback" not in (tmp_path / f"{config}.log").read_text("utf-8")


@pytest.mark.parametrize("unit", UNITS)
def test_a_wrong_configuration_ends_with_the_code_that_no_restart_follows(unit: str, tmp_path: Path) -> None:
    config = tmp_path / "wrong.toml"
    config.write_text("colour = 'red'\n", "utf-8")
    ended = subprocess.run(
        command_of(unit, config), capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )
    assert ended.returncode == int(SERVICE["RestartPreventExitStatus"])
    assert "colour" in ended.stderr
