"""What one silent unit on a bus costs its neighbours: the share of their polls that are on time.

    python benchmarks/silent_unit.py --seconds 60 --units 30 --silent 1 --timeout-ms 200 --answer-ms 12

The agent's own pollers and Modbus link, on the real clock, against a box behind which all units share one
line: an answer takes ``--answer-ms`` there, and a silent unit takes the whole time limit. It answers until
``--dies-s`` seconds have passed. With ``--baud`` an answer takes what the bytes take on a line of that speed,
8N1, and ``--answer-ms`` for the machine to react; what ``check`` foresees stands beside it:

    python benchmarks/silent_unit.py --units 100 --silent 0 --baud 19200 --period-ms 10200 --answer-ms 20
"""

import argparse
import asyncio
import logging
import statistics
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from contract.clock import ClockPair
from edge_agent.address import parse
from edge_agent.block import Answers
from edge_agent.clock import SystemClock
from edge_agent.conditions import Conditions
from edge_agent.counts import Counts, Tally
from edge_agent.interpret import Reader
from edge_agent.link import read_fast
from edge_agent.links import link_to
from edge_agent.load import busy_ms
from edge_agent.machine import Machine
from edge_agent.poll import Desk, Poller
from edge_agent.profile_file import load_profile
from edge_agent.schedule import phase_of
from edge_agent.scheme import Identity, Scheme
from edge_agent.settings import Endpoint
from edge_agent.stop_codes import load_stop_table

CONFIGS = Path(__file__).parent.parent / "configs"


class Box:
    """A Modbus TCP server before one serial line, with a beating heart in register 8."""

    def __init__(self, silent: set[int], options: argparse.Namespace) -> None:
        self.silent, self.dies_at = silent, time.monotonic() + options.dies_s
        self.asked: defaultdict[int, int] = defaultdict(int)
        self._react_s, self._baud = options.answer_ms / 1000, options.baud

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                request = await reader.readexactly(12)
                self.asked[request[6]] += 1
                if request[6] in self.silent and time.monotonic() >= self.dies_at:
                    continue
                answer = _answer(request)
                await asyncio.sleep(self._react_s + self._on_the_line_s(len(answer) - 6))
                writer.write(answer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.close()

    def _on_the_line_s(self, size: int) -> float:
        """A question of 8 bytes, an answer with a CRC, silence before and after it."""
        if not self._baud:
            return 0.0
        byte_s = 10 / self._baud
        gap_s = 0.00175 if self._baud > 19_200 else 3.5 * byte_s
        return (8 + size + 2) * byte_s + 2 * gap_s


def _answer(request: bytes) -> bytes:
    address, count = int.from_bytes(request[8:10], "big"), int.from_bytes(request[10:12], "big")
    words = {0: 0x4B4E, 3: 1, 5: 1, 8: int(time.monotonic()) & 0xFFFF, 9: 0x8001}
    data = b"".join(words.get(n, 0).to_bytes(2, "big") for n in range(address, address + count))
    return request[:4] + (len(data) + 3).to_bytes(2, "big") + request[6:8] + bytes([len(data)]) + data


class Nowhere:
    """In place of the outbox: what is measured is the bus."""

    def put(self, *_: object) -> None:
        pass


def _machine(unit: int, period_ms: int) -> Machine:
    profile = load_profile(
        CONFIGS / "profiles" / "knit-flat.toml", load_stop_table(CONFIGS / "stop-codes.toml")
    )
    names = {"site": "bench", "area": "bench", "kind": profile.kind, "gateway": "gw1", "agent": "bench"}
    identity = Identity(
        machine=f"unit-{unit:02}",
        profile=profile.label,
        profile_digest=profile.digest,
        stop_table=profile.stop_table.label,
        timezone="Asia/Shanghai",
        **names,
    )
    scheme = Scheme(identity=identity, profile=profile, poll_ms=period_ms, hold_polls=3, grid_ms=300_000)
    return Machine(scheme, serial=None, name_epoch=lambda: "e1")


async def measure(options: argparse.Namespace) -> None:
    silent = set(range(1, options.silent + 1))
    box, clock = Box(silent, options), SystemClock(ClockPair())
    server = await asyncio.start_server(box.serve, "127.0.0.1", 0)
    line = f"?baud={options.baud}&parity=N" if options.baud else ""
    address = parse(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}{line}")
    endpoint = Endpoint(
        name="bus", address=address, timeout_ms=options.timeout_ms, turnaround_ms=options.answer_ms
    )
    link = link_to(endpoint, now_ms=clock.mono_ms)
    desk = Desk(
        clock=clock,
        commit=cast("Any", Nowhere()),
        conditions=Conditions(),
        announced={},
        show=lambda _: None,
        wake=lambda: None,
        checkpoint_ms=10_000,
        counts=Counts(),
    )
    late: defaultdict[int, list[int]] = defaultdict(list)

    def poller(unit: int) -> Poller:
        machine = _machine(unit, options.period_ms)
        reader, shift = Reader(machine.scheme.profile), phase_of("bus", unit, options.period_ms)

        async def read() -> Answers:
            answers = await read_fast(link, reader.plan, unit)
            late[unit].append((clock.mono_ms() - shift) % options.period_ms)
            return answers

        return Poller(machine, reader, read, desk, Tally("bus"), phase_ms=shift)

    tasks = [asyncio.create_task(poller(unit).run()) for unit in range(1, options.units + 1)]
    await asyncio.sleep(options.seconds)
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    link.close()
    server.close()
    if options.baud:
        blocks = [*Reader(_machine(1, options.period_ms).scheme.profile).plan.fast] * options.units
        print(f"foreseen: {busy_ms(endpoint, blocks) / 1000:.2f} s on the line a period")
    tell(options, box, {unit: late[unit] for unit in range(1, options.units + 1) if unit not in silent})


def tell(options: argparse.Namespace, box: Box, late: Mapping[int, list[int]]) -> None:
    slots = options.seconds * 1000 // options.period_ms
    answered = [len(found) for found in late.values()]
    lateness = sorted(each for found in late.values() for each in found) or [0]
    print(
        f"{options.units} units, {options.silent} silent, period {options.period_ms} ms, time limit"
        f" {options.timeout_ms} ms, an answer takes {options.answer_ms} ms, {options.seconds} s"
    )
    print(f"slots of a neighbour {slots}; polls answered within their slot, all neighbours: {sum(answered)}")
    print(
        f"share on time: mean {sum(answered) / len(answered) / slots:.1%}, worst {min(answered) / slots:.1%}"
    )
    print(
        f"answered after the slot began: median {statistics.median(lateness):.0f} ms,"
        f" 99 % {lateness[len(lateness) * 99 // 100]} ms, longest {lateness[-1]} ms"
    )
    asked = [box.asked[unit] for unit in box.silent]
    if asked:
        print(f"each silent unit was asked {min(asked)} to {max(asked)} times")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in (
        ("units", 30),
        ("silent", 1),
        ("seconds", 60),
        ("period-ms", 1000),
        ("timeout-ms", 200),
        ("answer-ms", 12),
        ("dies-s", 0),
        ("baud", 0),
    ):
        parser.add_argument(f"--{name}", type=int, default=default)
    logging.basicConfig(level=logging.ERROR)
    asyncio.run(measure(parser.parse_args()))


if __name__ == "__main__":
    main()
