"""What a serial line takes, worked out by hand, and what ``check`` says of it."""

import asyncio
import time

import pytest
from msgspec.structs import replace

from edge_agent.address import parse
from edge_agent.block import Block, Table
from edge_agent.line_time import answer_ms, gap_ms, line_ms, pause_ms, settle_ms
from edge_agent.load import busy_ms, load
from edge_agent.plan import read_plan
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.settings import Endpoint, MachineSettings
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table
from tests.edge_agent.wired import linked

SLOW = "tcp://192.0.2.20?baud=9600&parity=N"
TEN = Block(Table.HOLDING, 0, 10)


def test_ten_registers_at_9600_baud_worked_out_by_hand() -> None:
    """A question has 8 bytes, its answer 5 + 20, and twice 3.5 bytes of silence: 40 bytes of 10 bits."""
    assert answer_ms(TEN, parse(SLOW)) == pytest.approx(40 * 10 / 9.6)


@pytest.mark.parametrize(
    ("url", "block", "ms"),
    [
        ("rtu:///dev/x?baud=19200&parity=E", TEN, 40 * 11 / 19.2),
        ("rtu:///dev/x?baud=115200&parity=N", TEN, 33 * 10 / 115.2 + 3.5),
        ("rtu:///dev/x?baud=9600&parity=N", Block(Table.COIL, 0, 9), (8 + 7 + 7) * 10 / 9.6),
        ("ascii:///dev/x?baud=9600&parity=E", TEN, (17 + 51 + 7) * 10 / 9.6),
        ("tcp://host", TEN, 0.0),
    ],
)
def test_it_depends_on_speed_bits_framing_and_table(url: str, block: Block, ms: float) -> None:
    assert answer_ms(block, parse(url)) == pytest.approx(ms)


def test_a_machine_reacts_once_a_question() -> None:
    assert line_ms([TEN, TEN], parse(SLOW), 20) == pytest.approx(2 * (40 * 10 / 9.6 + 20))


def endpoint(url: str = SLOW, **more: int) -> Endpoint:
    return Endpoint(name="bus", address=parse(url), **more)


def test_a_serial_port_of_this_box_pauses_as_the_standard_says_unless_told_otherwise() -> None:
    own = endpoint("rtu:///dev/x?baud=9600&parity=N")
    assert gap_ms(own.address) == pytest.approx(3.646, abs=0.001)
    assert pause_ms(own) == 4
    assert pause_ms(replace(own, pause_ms=0)) == 0
    assert pause_ms(endpoint("rtu:///dev/x?baud=115200&parity=N")) == 2
    assert pause_ms(endpoint(SLOW)) == 0, "a gateway sees to its line"


def test_the_time_to_settle_is_a_quarter_of_the_time_limit_unless_told_otherwise() -> None:
    assert settle_ms(endpoint(timeout_ms=800)) == 200
    assert settle_ms(endpoint(timeout_ms=800, settle_ms=0)) == 0


@pytest.fixture(scope="module")
def knit() -> Profile:
    table = load_stop_table(shipped() / "stop-codes.toml")
    return load_profile(shipped() / "profiles" / "knit-flat.toml", table)


def machines(knit: Profile, count: int) -> list[MachineSettings]:
    return [
        MachineSettings(
            name=f"m{n}",
            endpoint="bus",
            unit=n,
            profile=knit,
            area="a",
            serial=None,
            was=None,
            controller=1,
            name_en="",
            name_zh="",
        )
        for n in range(1, count + 1)
    ]


def test_a_line_that_can_keep_the_period_is_shown_with_its_share(knit: Profile) -> None:
    told = list(load(endpoint(), machines(knit, 4), 1000))
    assert told[0].startswith("bus  tcp://192.0.2.20:502, 9600 baud 8N1 behind it, machines 4, requests 4 a")
    # 54 registers: 8 + 113 bytes and twice 3.5 bytes of silence, and 20 ms to react.
    assert told[1:] == ["  0.61 s on the line in each 1 s, with 20 ms for a machine to react"]


def test_a_line_that_cannot_keep_the_period_is_said_loudly_with_one_that_it_can(knit: Profile) -> None:
    told = list(load(endpoint(), machines(knit, 100), 1000))
    assert "THE PERIOD CANNOT BE KEPT; choose a period_ms of 17100 or more" in told[1]
    assert not any("CANNOT" in line for line in load(endpoint(), machines(knit, 100), 17_100))


def test_a_time_limit_below_the_answer_itself_is_said_loudly(knit: Profile) -> None:
    told = list(load(endpoint(timeout_ms=100), machines(knit, 1), 1000))
    assert told[2].startswith("  TIMEOUT_MS IS TOO SHORT: an answer takes ")


def test_an_endpoint_without_a_line_and_one_without_machines_say_what_they_can(knit: Profile) -> None:
    assert len(list(load(endpoint("tcp://192.0.2.20"), machines(knit, 3), 1000))) == 1
    assert list(load(endpoint(), [], 1000)) == [
        "bus  tcp://192.0.2.20:502, 9600 baud 8N1 behind it, no machine behind it"
    ]


async def test_what_is_foreseen_is_what_a_gateway_takes_that_keeps_to_its_lines_speed(knit: Profile) -> None:
    """Twenty machines, read one after the other through a gateway that takes the time of every byte."""
    baud, turnaround_s, gone = 57_600, 0.005, asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.read(12):
            size = 2 * int.from_bytes(request[10:12], "big")
            bytes_on_the_line = 8 + 5 + size
            await asyncio.sleep(bytes_on_the_line * 10 / baud + 2 * 0.00175 + turnaround_s)
            head = request[:4] + (size + 3).to_bytes(2, "big") + request[6:8] + bytes([size])
            writer.write(head + bytes(size))
        writer.close()
        await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}?baud={baud}&parity=N"
    bus, fast = endpoint(url, turnaround_ms=5), read_plan(knit).fast
    async with linked(url) as link:
        began = time.monotonic()
        for unit in range(1, 21):
            for block in fast:
                await link.read(block, unit)
        took_ms = 1000 * (time.monotonic() - began)
    await gone.wait()
    server.close()
    foreseen_ms = busy_ms(bus, list(fast) * 20)
    assert 500 < foreseen_ms <= took_ms
    assert took_ms < 3 * foreseen_ms + 1000, "a busy computer may be late, and not by so much"
