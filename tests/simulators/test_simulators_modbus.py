"""Machines answer over real TCP, to pymodbus and to a reader that knows nothing but the specification."""

import asyncio
import contextlib
import os
import socket
import struct
from pathlib import Path

import pytest
from pymodbus.client import AsyncModbusTcpClient

from simulators.modbus import serve
from simulators.plant import Plant, parse_plant
from simulators.records import Address
from simulators.script import Script, build_scripts

START = 1_772_409_600_000
NOW = START + 1_234_567


async def ask(address: Address, pdu: bytes, transaction: int = 0x1234) -> bytes:
    """One request by the letter of the specification: MBAP header and PDU; the answer's PDU."""
    host, port, unit = address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu)
    echoed, protocol, length, from_unit = struct.unpack(">HHHB", await reader.readexactly(7))
    answer = await reader.readexactly(length - 1)
    writer.close()
    await writer.wait_closed()
    assert (echoed, protocol, from_unit) == (transaction, 0, unit)
    return answer


def registers_in(pdu: bytes, function: int = 3) -> list[int]:
    assert pdu[0] == function
    assert pdu[1] == len(pdu) - 2
    return list(struct.unpack(f">{pdu[1] // 2}H", pdu[2:]))


def read(address: int, count: int, function: int = 3) -> bytes:
    return struct.pack(">BHH", function, address, count)


@pytest.fixture
def scripts(mini: Plant) -> dict[str, Script]:
    return build_scripts(mini, START)


async def test_a_raw_socket_reads_what_the_script_says(scripts: dict[str, Script]) -> None:
    async with serve(scripts, lambda: NOW) as found:
        for name, address in found.items():
            expected = scripts[name].registers(NOW)
            assert registers_in(await ask(address, read(0, 56))) == expected
            assert registers_in(await ask(address, read(20, 8))) == expected[20:28]
            assert registers_in(await ask(address, read(55, 1))) == expected[55:]


async def test_pymodbus_reads_what_the_script_says(scripts: dict[str, Script]) -> None:
    async with serve(scripts, lambda: NOW) as found:
        for name, (host, port, unit) in found.items():
            async with AsyncModbusTcpClient(host, port=port, retries=0, timeout=2) as client:
                answer = await client.read_holding_registers(0, count=56, device_id=unit)
            assert answer.registers == scripts[name].registers(NOW)


async def test_input_registers_hold_the_same_as_holding_registers(scripts: dict[str, Script]) -> None:
    async with serve(scripts, lambda: NOW) as found:
        told = [await ask(found["weld-01"], read(0, 56, function)) for function in (3, 4)]
    assert registers_in(told[0], 3) == registers_in(told[1], 4)


async def test_each_read_is_of_its_own_instant(scripts: dict[str, Script]) -> None:
    clock = iter(range(START, START + 10_000, 1000))
    async with serve(scripts, lambda: next(clock)) as found:
        beats = [registers_in(await ask(found["knit-01"], read(8, 1)))[0] for _ in range(4)]
    assert [(beat - beats[0]) % 2**16 for beat in beats] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        pytest.param(read(56, 1), 2, id="after the map"),
        pytest.param(read(50, 7), 2, id="over the end of the map"),
        pytest.param(read(40001, 2), 2, id="an address from a manual that counts from 40001"),
        pytest.param(read(0, 8, function=1), 1, id="coils"),
        pytest.param(struct.pack(">BHH", 6, 26, 0), 1, id="writing a register"),
        pytest.param(struct.pack(">BHHBHH", 16, 26, 2, 4, 0, 0), 1, id="resetting a counter"),
    ],
)
async def test_what_the_map_does_not_have_is_an_exception(
    scripts: dict[str, Script], pdu: bytes, code: int
) -> None:
    async with serve(scripts, lambda: NOW) as found:
        for address in found.values():
            assert await ask(address, pdu) == bytes([pdu[0] | 0x80, code])
            assert registers_in(await ask(address, read(0, 56)))[26:30] != [0, 0, 0, 0]


async def test_a_unit_that_is_not_there_is_the_gateways_exception(
    scripts: dict[str, Script], caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(scripts, lambda: NOW) as found:
        host, port, _ = found["knit-01"]
        assert await ask((host, port, 77), read(0, 56)) == bytes([0x83, 0x0B])
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_units_share_a_port_or_have_one_each(demo: Plant) -> None:
    async with serve(build_scripts(demo, START), lambda: NOW) as found:
        ports = {name: port for name, (_, port, _) in found.items()}
        units = {name: unit for name, (_, _, unit) in found.items()}
    behind_gateway = [name for name in ports if name < "knit-13"]
    assert len({ports[name] for name in behind_gateway}) == 1
    assert [units[name] for name in behind_gateway] == list(range(1, 13))
    alone = [name for name in ports if name >= "knit-13"]
    assert len({ports[name] for name in alone}) == 5 == len(alone)
    assert {units[name] for name in alone} == {1}
    assert {host for host, _, _ in found.values()} == {"127.0.0.1"}


def unused_pair() -> int:
    """The first of two neighbouring free ports, below those that the kernel gives to anybody who asks."""
    for port in range(20_000 + os.getpid() % 10_000, 32_000):
        with contextlib.suppress(OSError), socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", port))
            other.bind(("127.0.0.1", port + 1))
            return port
    raise LookupError("no two neighbouring ports are free")


@pytest.fixture
def port() -> int:
    """And the next one is free too."""
    return unused_pair()


@pytest.fixture
def fixed(plants: Path, port: int) -> dict[str, Script]:
    """Two knitting machines with fixed ports of their own, and a cell on any port."""
    text = (plants / "mini.toml").read_text("utf-8")
    return build_scripts(
        parse_plant(text.replace('units = "shared"', f'units = "each"\nport = {port}')), START
    )


async def refused(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_ports_of_the_file_are_used_one_after_the_other(fixed: dict[str, Script], port: int) -> None:
    async with serve(fixed, lambda: NOW) as found:
        assert found["knit-01"] == ("127.0.0.1", port, 1)
        assert found["knit-02"] == ("127.0.0.1", port + 1, 1)


async def test_a_port_that_is_taken_is_an_error_and_nothing_stays_open(
    fixed: dict[str, Script], port: int
) -> None:
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port + 1):
        with pytest.raises(OSError, match=f"127.0.0.1:{port + 1}"):
            async with serve(fixed, lambda: NOW):
                pass
    assert await refused(port)


async def test_after_serving_nobody_answers(fixed: dict[str, Script], port: int) -> None:
    async with serve(fixed, lambda: NOW):
        assert not await refused(port)
    assert await refused(port)
    assert await refused(port + 1)
