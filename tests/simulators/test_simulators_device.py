"""What a device gives and what it refuses, by the letter of the specification, alone and over real TCP."""

import asyncio
import struct
from pathlib import Path

import pytest

from simulators.device import COILS, DISCRETE_INPUTS, HOLDING, INPUT, Image, RefusedError, answer, registers
from simulators.modbus import serve
from simulators.plant import load_plant
from simulators.records import Address
from simulators.script import Script, build_scripts

START = 1_772_409_600_000
NOW = START + 5_234_567
HOLES: Image = {
    HOLDING: ((0, [10, 11, 12]), (97, [970, 971])),
    DISCRETE_INPUTS: ((0, [1, 0, 1, 1]),),
}

GIVEN = [
    (HOLDING, 0, 3, [10, 11, 12]),
    (HOLDING, 2, 1, [12]),
    (HOLDING, 97, 2, [970, 971]),
    (DISCRETE_INPUTS, 1, 3, [0, 1, 1]),
]


@pytest.mark.parametrize(("function", "address", "count", "values"), GIVEN)
def test_what_is_there_is_given(function: int, address: int, count: int, values: list[int]) -> None:
    assert answer(HOLES, function, address, count) == values


REFUSED = [
    (COILS, 0, 1, 1, "a table that the device has not"),
    (INPUT, 0, 1, 1, "likewise, though its neighbour is there"),
    (HOLDING, 0, 0, 3, "nothing"),
    (HOLDING, 0, 65, 3, "more than it gives at once, before it looks at the addresses"),
    (DISCRETE_INPUTS, 0, 2001, 3, "more bits than a frame holds"),
    (HOLDING, 0, 4, 2, "over the end of a run"),
    (HOLDING, 2, 50, 2, "over a hole"),
    (HOLDING, 96, 2, 2, "from within a hole"),
    (HOLDING, 99, 1, 2, "after the last one"),
    (DISCRETE_INPUTS, 0, 5, 2, "over the last input"),
]


@pytest.mark.parametrize(
    ("function", "address", "count", "code", "what"), REFUSED, ids=[r[4] for r in REFUSED]
)
def test_what_is_not_there_is_refused_with_its_code(
    function: int, address: int, count: int, code: int, what: str
) -> None:
    with pytest.raises(RefusedError) as refused:
        answer(HOLES, function, address, count, most_registers=64)
    assert refused.value.code == code


def test_a_machine_with_one_kind_of_register_shows_it_in_both_tables() -> None:
    image = registers([7, 8])
    assert answer(image, HOLDING, 0, 2) == answer(image, INPUT, 0, 2) == [7, 8]


# --- over real TCP ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> dict[str, Script]:
    plants = Path(__file__).parents[2] / "configs" / "plants"
    return build_scripts(load_plant(plants / "cluster.toml"), START)


async def ask(address: Address, function: int, start: int, count: int) -> bytes:
    """The answer's PDU."""
    host, port, unit = address
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(struct.pack(">HHHBBHH", 7, 0, 6, unit, function, start, count))
    _, _, length, _ = struct.unpack(">HHHB", await reader.readexactly(7))
    pdu = await reader.readexactly(length - 1)
    writer.close()
    await writer.wait_closed()
    return pdu


def bits_in(pdu: bytes, count: int) -> list[int]:
    return [pdu[2 + n // 8] >> n % 8 & 1 for n in range(count)]


async def test_bits_travel_packed_from_the_least_significant(cluster: dict[str, Script]) -> None:
    async with serve(cluster, lambda: NOW) as found:
        for name, function, count in (
            ("mig-01", 2, 16),
            ("mig-01", 1, 16),
            ("old-01", 2, 8),
            ("old-01", 1, 4),
        ):
            ((_, values),) = cluster[name].image(NOW)[function]
            pdu = await ask(found[name], function, 0, count)
            assert pdu[:2] == bytes([function, (count + 7) // 8])
            assert bits_in(pdu, count) == list(values)
        pdu = await ask(found["mig-01"], 2, 1, 3)
        assert (pdu[1], bits_in(pdu, 3)) == (1, list(cluster["mig-01"].image(NOW)[2][0][1][1:4]))


async def test_the_robots_wishes_are_not_what_the_welding_system_reports(cluster: dict[str, Script]) -> None:
    async with serve(cluster, lambda: NOW) as found:
        wishes, reported = [await ask(found["mig-01"], function, 0, 12) for function in (3, 4)]
    assert wishes[1:] != reported[1:]


LIMITS = [
    ("loom-01", (3, 0, 49), 0, "a loom's whole map"),
    ("loom-01", (3, 0, 65), 3, "more than a loom gives at once"),
    ("feeder-01", (3, 0, 30), 0, "a meter's energies"),
    ("feeder-01", (3, 97, 10), 0, "a meter's phases"),
    ("feeder-01", (3, 28, 3), 2, "a meter's hole"),
    ("feeder-01", (3, 119, 1), 0, "a meter's frequency, alone"),
    ("feeder-01", (4, 0, 2), 1, "input registers of a meter that has none"),
    ("feeder-01", (1, 0, 1), 1, "coils of a meter"),
    ("office-01", (3, 0, 18), 0, "a small meter's whole map"),
    ("old-01", (3, 0, 1), 1, "holding registers of a module that has none"),
    ("old-01", (4, 0, 5), 2, "over the end of a module"),
    ("old-01", (4, 0, 17), 3, "more than a module gives at once"),
    ("mig-01", (4, 0, 13), 2, "over the end of the control table"),
    ("outfall-01", (4, 20, 37), 0, "an effluent point by function code 4"),
]


@pytest.mark.parametrize(("name", "request_", "code", "what"), LIMITS, ids=[row[3] for row in LIMITS])
async def test_each_type_has_its_own_limits(
    cluster: dict[str, Script], name: str, request_: tuple[int, int, int], code: int, what: str
) -> None:
    function, start, count = request_
    async with serve({name: cluster[name]}, lambda: NOW) as found:
        pdu = await ask(found[name], function, start, count)
    if code:
        assert pdu == bytes([function | 0x80, code])
    else:
        assert pdu[:2] == bytes([function, 2 * count])
        words = list(struct.unpack(f">{count}H", pdu[2:]))
        assert words == answer(cluster[name].image(NOW), function, start, count)


@pytest.mark.parametrize("function", [5, 6])
async def test_nobody_writes_to_any_of_them(cluster: dict[str, Script], function: int) -> None:
    async with serve(cluster, lambda: NOW) as found:
        for address in found.values():
            assert await ask(address, function, 0, 0) == bytes([function | 0x80, 1])
