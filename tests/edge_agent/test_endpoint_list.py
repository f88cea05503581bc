"""Endpoints in a site's file: how each kind is written, and what is said about one that cannot be meant."""

import asyncio
from pathlib import Path

import pytest

from contract.complaint import BadConfigurationError, Complaint
from edge_agent.address import Scheme, SerialLine, Tls
from edge_agent.agent import opened
from edge_agent.config import load
from edge_agent.settings import Endpoint

HEAD = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"

[outbox]
path = "outbox.db"

"""
MACHINE = """
[[machine]]
name = "m-01"
endpoint = "bus"
profile = "knit-flat"
"""


def site(folder: Path, endpoints: str, machines: str = MACHINE) -> Path:
    file = folder / "site.toml"
    file.write_text(HEAD + endpoints + machines, "utf-8")
    return file


def endpoint(folder: Path, text: str) -> Endpoint:
    return load(site(folder, f'[[endpoint]]\nname = "bus"\n{text}\n')).endpoints[0]


def complaints(folder: Path, endpoints: str, machines: str = MACHINE) -> list[Complaint]:
    with pytest.raises(BadConfigurationError) as bad:
        load(site(folder, endpoints, machines))
    return list(bad.value.complaints)


def test_host_and_port_mean_modbus_tcp(tmp_path: Path) -> None:
    address = endpoint(tmp_path, 'host = "192.0.2.20"').address
    assert (address.scheme, address.host, address.port) == (Scheme.TCP, "192.0.2.20", 502)
    assert endpoint(tmp_path, 'host = "192.0.2.20"\nport = 1502').address.port == 1502


def test_a_url_means_the_rest(tmp_path: Path) -> None:
    address = endpoint(tmp_path, 'url = "rtu:///dev/ttyUSB0?baud=9600&parity=E"').address
    assert (address.scheme, address.device) == (Scheme.RTU, "/dev/ttyUSB0")
    assert address.line == SerialLine(baud=9600, parity="E", stop_bits=1, data_bits=8)


def test_what_is_left_out_has_its_default(tmp_path: Path) -> None:
    left_out = endpoint(tmp_path, 'host = "192.0.2.20"')
    assert left_out == Endpoint(name="bus", address=left_out.address)


def test_every_manner_can_be_set(tmp_path: Path) -> None:
    told = endpoint(
        tmp_path,
        """\
url = "rtu+tcp://192.0.2.20:4001"
period_ms = 5000
timeout_ms = 300
settle_ms = 50
pause_ms = 5
turnaround_ms = 8
connect_pause_ms = 200
keep_open = false
backoff_ms = 1000
backoff_max_ms = 60000
silence_max_ms = 120000""",
    )
    assert told == Endpoint(
        name="bus",
        address=told.address,
        period_ms=5000,
        timeout_ms=300,
        settle_ms=50,
        pause_ms=5,
        turnaround_ms=8,
        connect_pause_ms=200,
        keep_open=False,
        backoff_ms=1000,
        backoff_max_ms=60_000,
        silence_max_ms=120_000,
    )


async def test_machines_behind_an_endpoint_are_polled_in_its_own_period(tmp_path: Path) -> None:
    bus, other = (
        f'[[endpoint]]\nname = "{name}"\nurl = "tcp://127.0.0.1:{port}"\n'
        for name, port in (("bus", 1), ("b", 2))
    )
    machines = MACHINE + MACHINE.replace("m-01", "m-02").replace('"bus"', '"b"')
    settings = load(site(tmp_path, bus + "period_ms = 7000\n" + other, machines))
    async with opened(settings) as agent, asyncio.TaskGroup() as tasks:
        stop, ready = asyncio.Event(), asyncio.Event()
        tasks.create_task(agent.run(stop, ready.set))
        await ready.wait()
        assert {name: machine.scheme.poll_ms for name, machine in agent.machines.items()} == {
            "m-01": 7000,
            "m-02": 1000,
        }
        stop.set()


def test_a_period_of_its_own_makes_room_on_a_line_that_could_not_keep_the_sites(tmp_path: Path) -> None:
    slow = '[[endpoint]]\nname = "bus"\nurl = "tcp://192.0.2.20?baud=1200&parity=N"\n'
    (found,) = complaints(tmp_path, slow)
    assert "which takes 1.1 s at least" in found.problem
    assert load(site(tmp_path, slow + "period_ms = 5000\n")).endpoints[0].period_ms == 5000


def test_files_of_certificates_count_from_the_sites_file(tmp_path: Path) -> None:
    for name in ("ca.pem", "gw1.pem", "gw1.key"):
        (tmp_path / name).write_text("made up")
    url = "tls://press-4.plant?ca=ca.pem&cert=gw1.pem&key=gw1.key&name=press-4"
    assert endpoint(tmp_path, f'url = "{url}"').address.tls == Tls(
        ca=f"{tmp_path}/ca.pem", cert=f"{tmp_path}/gw1.pem", key=f"{tmp_path}/gw1.key", name="press-4"
    )


WRONG = [
    ("", "endpoint.0", "give either url, or host"),
    ('host = "a"\nurl = "tcp://a"', "endpoint.0", "give either url, or host"),
    ('url = "tcp://a"\nport = 502', "endpoint.0", "the port stands in the url already"),
    ('url = "192.0.2.20"', "endpoint.0.url", "write tcp://192.0.2.20:502"),
    ('url = "rtu:///dev/ttyUSB0"', "endpoint.0.url", "give the speed and the parity"),
    ('url = "tls://a?ca=gone.pem"', "endpoint.0.url", "gone.pem make it, or mend the path"),
    (f'url = "tls://a?ca={300 * "c"}"', "endpoint.0.url", "cannot be read let the agent's user read it"),
    ('host = "a"\npause_ms = -1', "endpoint.0.pause_ms", "0 is the least"),
    ('host = "a"\nperiod_ms = 400000', "endpoint.0.period_ms", "not longer than grid_ms (300000)"),
    ('host = "a"\nkeep_open = 1', "endpoint.0.keep_open", "write true or false"),
    ('host = "a"\nsilence_max_ms = 10', "endpoint.0.silence_max_ms", "1000 is the least"),
    ('host = "a"\nbackoff_ms = 60000', "endpoint.0", "not longer than backoff_max_ms"),
]


@pytest.mark.parametrize(("text", "key", "says"), WRONG)
def test_what_cannot_be_meant_is_said_with_its_key(tmp_path: Path, text: str, key: str, says: str) -> None:
    found = complaints(tmp_path, f'[[endpoint]]\nname = "bus"\n{text}\n')
    assert any(each.key == key and says in f"{each.problem} {each.remedy}" for each in found), found
    assert all(each.line > 0 for each in found)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ('host = "192.0.2.20"', 'url = "tcp://192.0.2.20"'),
        ('host = "localhost"\nport = 1502', 'url = "rtu+tcp://127.0.0.1:1502"'),
        (
            'url = "rtu:///dev/ttyS0?baud=9600&parity=N"',
            'url = "ascii:///dev/../dev/ttyS0?baud=1200&parity=E"',
        ),
    ],
)
def test_one_address_is_one_endpoint_however_it_is_written(tmp_path: Path, one: str, two: str) -> None:
    text = f'[[endpoint]]\nname = "bus"\n{one}\n\n[[endpoint]]\nname = "other"\n{two}\n'
    (found,) = complaints(tmp_path, text)
    assert (found.key, found.problem) == ("endpoint.1.url", "is the same as in line 8")


@pytest.mark.parametrize("url", ["rtu:///dev/ttyUSB0?baud=9600&parity=N", "ascii+tcp://192.0.2.20:4001"])
@pytest.mark.parametrize("unit", [0, 248, 255])
def test_nobody_on_a_serial_line_is_unit_0_or_beyond_247(tmp_path: Path, url: str, unit: int) -> None:
    text = f'[[endpoint]]\nname = "bus"\nurl = "{url}"\n'
    (found,) = complaints(tmp_path, text, MACHINE + f"unit = {unit}\n")
    assert (found.key, found.remedy) == ("machine.0.unit", "use 1 to 247, as set at the machine")


def test_over_modbus_tcp_a_device_may_be_any_unit(tmp_path: Path) -> None:
    file = site(tmp_path, '[[endpoint]]\nname = "bus"\nhost = "a"\n', MACHINE + "unit = 255\n")
    assert load(file).machines[0].unit == 255
