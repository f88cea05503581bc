"""The command line: what it prints and how it exits, against machines on real sockets."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from edge_agent.__main__ import main

SITE = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"

[broker]
port = 1

[outbox]
path = "outbox.db"
"""


class Site:
    """A configuration file that grows machine by machine."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "site.toml"
        self.outbox = folder / "outbox.db"
        self.file.write_text(SITE)

    def endpoint(self, name: str, port: int) -> None:
        self._add(f'[[endpoint]]\nname = "{name}"\nhost = "127.0.0.1"\nport = {port}\ntimeout_ms = 200\n')

    def machine(
        self, name: str, endpoint: str, unit: int = 1, profile: str = "knit-flat", more: str = ""
    ) -> None:
        head = f'[[machine]]\nname = "{name}"\nendpoint = "{endpoint}"\nunit = {unit}\n'
        self._add(f'{head}profile = "{profile}"\n{more}\n')

    def _add(self, text: str) -> None:
        self.file.write_text(self.file.read_text() + "\n" + text)

    def run(self, command: str, *more: str) -> int:
        return main([command, "--config", str(self.file), *more])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def serve(hub: Any, words: Mapping[int, int]) -> None:
    for address, word in words.items():
        hub.words[address] = word


def test_check_prints_machines_endpoints_and_the_read_plan(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    site.endpoint("bus", 1502)
    site.endpoint("spare", 1503)
    site.machine("knit-01", "bus", 1, more="serial = 240101")
    site.machine("weld-01", "bus", 2, "weld-cell")
    assert site.run("check") == 0
    said = capsys.readouterr().out
    assert "knit-01  bus unit 1, knit-flat@1, serial 240101, area hall-a" in said
    assert "weld-01  bus unit 2, weld-cell@1, serial of first contact" in said
    assert (
        "bus  tcp://127.0.0.1:1502, machines 2, requests 2 a period: each must be answered within 500 ms"
        in said
    )
    assert "spare  tcp://127.0.0.1:1503, no machine behind it" in said
    assert said.count("reads holding 0 to 53 (54 registers)") == 2
    assert "REHEARSAL" not in said


def test_check_tells_a_rehearsal_from_the_real_thing(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.endpoint("bus", 1502)
    site.machine("knit-01", "bus", more="[clock]\nscale = 300")
    assert site.run("check") == 0
    assert "REHEARSAL" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "probe", "run", "status"])
def test_a_wrong_configuration_ends_every_command_with_all_complaints(
    site: Site, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    site.endpoint("bus", 70_000)
    site.machine("knit-01", "bos")
    site.machine("knit-01", "bus", 2, "loom")
    assert site.run(command) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert [line.split(": ")[1] for line in said.err.splitlines()] == [
        "endpoint.0.port", "machine.0.endpoint", "machine.1.name", "machine.1.profile",
    ]  # fmt: skip


def test_probe_says_what_each_machine_means(
    site: Site, hub: Any, maps: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(hub, maps.knit("stopped", "order_active"))
    site.endpoint("bus", hub.port)
    site.machine("knit-01", "bus", 1, more="serial = 240101")
    site.machine("knit-02", "bus", 2)
    assert site.run("probe") == 0
    first, second = capsys.readouterr().out.split("knit-02", 1)
    assert first.splitlines() == [
        "knit-01  (bus unit 1, knit-flat@1)",
        "  state    stop, party tenant",
        "  stop     10 yarn or wire break 断纱／断丝",
        "  vendor   3",
        "  order    4711",
        "  serial   240101",
        "  boots    7",
        "  uptime   86461 s",
        "  bits     power stopped order_active data_valid",
        "  meters   produced 81250  scrap 130  courses 58500000  energy_wh 7770",
        "  counters run_s 1000000  stop_s 70001  pieces 81250  pieces_ng 130  courses 58500000  energy 777",
        "  gauges   carriage_speed 0 m/s  last_piece 0 s  drive_temperature 0 °C  power 0 W",
    ]
    assert "(bus unit 2, knit-flat@1)" in second
    assert hub.connections == 1


def test_probe_exits_with_1_when_one_machine_does_not_answer_and_shows_the_others(
    site: Site, hub: Any, maps: Any, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    serve(hub, maps.weld("ready"))
    hub.silent = {2}
    site.endpoint("line", hub.port)
    site.endpoint("gone", free_port())
    site.machine("weld-01", "line", 1, "weld-cell")
    site.machine("weld-02", "line", 2, "weld-cell")
    site.machine("weld-03", "gone", 1, "weld-cell")
    site.machine("weld-04", "gone", 2, "weld-cell")
    site.machine("weld-05", "line", 3, "weld-cell")
    assert site.run("probe") == 1
    both = capsys.readouterr()
    said = both.out
    assert [line[:40] for line in both.err.splitlines()] == [
        "note: the connection stands, and there is no answer"[:40],
        "note: something is at that address, and nothing takes"[:40],
    ], "once for each trouble, however many machines have it"
    assert said.count("  state    idle\n") == 2
    assert "weld-02  (line unit 2, weld-cell@1): no reading: no answer within 0.2 s" in said
    assert said.count("no reading: no connection to tcp://127.0.0.1") == 2
    assert said.index("weld-01") < said.index("weld-02") < said.index("weld-05")


def test_probe_of_one_machine_asks_no_other(site: Site, hub: Any, maps: Any) -> None:
    serve(hub, maps.knit())
    site.endpoint("bus", hub.port)
    site.machine("knit-01", "bus", 1)
    site.machine("knit-02", "bus", 2)
    assert site.run("probe", "--machine", "knit-02") == 0
    assert {request[6] for request in hub.requests} == {2}


def test_probe_of_no_machine_names_those_there_are(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.endpoint("bus", 1502)
    site.machine("knit-01", "bus")
    assert site.run("probe", "--machine", "knit-1") == 2
    assert "there are: knit-01" in capsys.readouterr().err


def test_probe_recognises_a_stranger_and_a_wrong_profile(
    site: Site, hub: Any, maps: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A welding cell where a knitting machine is configured: its low word comes first."""
    serve(hub, maps.weld("running"))
    site.endpoint("bus", hub.port)
    site.machine("knit-01", "bus", more="serial = 240101")
    assert site.run("probe") == 1
    said = capsys.readouterr().out
    assert f"WRONG    serial is {(240101 & 0xFFFF) << 16 | 240101 >> 16}, configured is 240101" in said
    assert "WRONG    map_id is 0x5744, knit-flat@1 expects 0x4b4e" in said


def test_probe_shows_what_it_can_of_data_that_is_not_valid(
    site: Site, hub: Any, maps: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(hub, maps.knit("running"))
    hub.words[9] &= 0x7FFF
    site.endpoint("bus", hub.port)
    site.machine("knit-01", "bus")
    assert site.run("probe") == 1
    said = capsys.readouterr().out
    assert "WRONG    the machine says that its data is not valid" in said
    assert "state" not in said
    assert "bits     power running" in said


@pytest.mark.parametrize("command", ["run", "check", "probe", "resend", "status"])
def test_every_command_teaches_with_an_example(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main([command, "--help"])
    assert left.value.code == 0
    assert f"example:\n  gongfang-agent {command} --config" in capsys.readouterr().out


def test_help_tells_the_first_day(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    said = capsys.readouterr().out
    assert "the first day:" in said
    assert "exit codes: 0 fine, 1 failure, 2 bad usage or configuration" in said


def test_no_command_is_bad_usage() -> None:
    with pytest.raises(SystemExit) as left:
        main([])
    assert left.value.code == 2


@pytest.mark.slow
def test_run_says_when_it_is_up_and_stops_when_told(site: Site, hub: Any, maps: Any, tmp_path: Path) -> None:
    """As a process, with systemd's socket and without a broker: it meters all the same."""
    serve(hub, maps.knit("running"))
    site.endpoint("bus", hub.port)
    site.machine("knit-01", "bus")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(30)
        command = [sys.executable, "-m", "edge_agent", "run", "--config", str(site.file)]
        agent = subprocess.Popen(command, env=os.environ | {"NOTIFY_SOCKET": str(tmp_path / "notify")})
        try:
            assert systemd.recv(100) == b"READY=1"
            while not hub.requests:
                assert agent.poll() is None
            agent.send_signal(signal.SIGTERM)
            assert agent.wait(30) == 0
        finally:
            agent.kill()
            agent.wait()
    assert site.outbox.is_file()


def test_probe_says_so_when_a_stop_code_is_not_in_the_table(
    site: Site, hub: Any, maps: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(hub, maps.knit("stopped", stop=77))
    site.endpoint("bus", hub.port)
    site.machine("knit-01", "bus")
    assert site.run("probe") == 0
    assert (
        "  state    stop, party unknown\n  stop     77 not listed in gongfang@1\n" in capsys.readouterr().out
    )
