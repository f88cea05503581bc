"""CPU time per poll of one machine, step by step, without and with the wire: figures, never a verdict.

    python benchmarks/poll_cost.py [polls]

Words are those of the mini plant's machines through an hour, so every kind of step is among them. The wire is
a simulated machine of ours in the same process, so its cost is told with it.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Final

from contract.records import Record
from edge_agent.address import parse
from edge_agent.block import Table, answers_from
from edge_agent.interpret import Reader
from edge_agent.link import read_fast
from edge_agent.links import link_to
from edge_agent.machine import Machine
from edge_agent.plan import read_plan
from edge_agent.profile import Profile
from edge_agent.profile_file import load_profile
from edge_agent.scheme import Identity, Scheme
from edge_agent.settings import Endpoint
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table
from simulators.modbus import serve
from simulators.plant import load_plant
from simulators.script import build_scripts

ROOT: Final = Path(__file__).resolve().parents[1]
START_MS: Final = 1_790_380_800_000
POLL_MS: Final = 1_000


def main() -> None:
    polls = int(sys.argv[1]) if len(sys.argv) > 1 else 3_600
    plant = load_plant(ROOT / "configs/plants/mini.toml")
    scripts = build_scripts(plant, START_MS)
    profile = load_profile(
        shipped() / "profiles/knit-flat.toml", load_stop_table(shipped() / "stop-codes.toml")
    )
    script, instants = scripts["knit-01"], range(START_MS, START_MS + polls * POLL_MS, POLL_MS)
    reader = Reader(profile)
    answers = [
        answers_from(
            reader.plan.fast,
            {(Table.HOLDING, address): word for address, word in enumerate(script.registers(at))},
        )
        for at in instants
    ]
    samples = iter(zip(instants, answers, strict=True))
    tell("words to sample", polls, lambda: reader.sample(answers[0], START_MS))
    machine = metered(profile)
    made: list[Record] = []

    def meter() -> None:
        at, read = next(samples)
        made.extend(machine.sampled(lambda on: reader.sample(read, on), {}, at, at - START_MS))

    tell("words to sample to meter", polls, meter)
    print(f"  {len(made)} records of {polls} polls")
    tell("checkpoint", min(polls, 2_000), machine.checkpoint)
    asyncio.run(over_the_wire(profile, min(polls, 3_000)))


def tell(what: str, times: int, work: Callable[[], object]) -> None:
    before = time.process_time_ns()
    for _ in range(times):
        work()
    spent = (time.process_time_ns() - before) / times / 1000
    print(f"{what:28} {spent:8.1f} us of CPU")


def metered(profile: Profile) -> Machine:
    identity = Identity(
        site="qinghe",
        area="lab",
        machine="knit-01",
        kind=profile.kind,
        gateway="gw1",
        profile=profile.label,
        profile_digest=profile.digest,
        stop_table=profile.stop_table.label,
        agent="benchmark",
        timezone="Asia/Shanghai",
    )
    scheme = Scheme(identity=identity, profile=profile, poll_ms=POLL_MS, hold_polls=3, grid_ms=300_000)
    epochs = count()
    return Machine(scheme, serial=None, name_epoch=lambda: f"e{next(epochs)}")


async def over_the_wire(profile: Profile, polls: int) -> None:
    scripts = build_scripts(load_plant(ROOT / "configs/plants/mini.toml"), START_MS)
    async with serve(scripts, lambda: START_MS + 600_000) as addresses:
        host, port, unit = addresses["knit-01"]
        link, plan = link_to(Endpoint(name="bus", address=parse(f"tcp://{host}:{port}"))), read_plan(profile)
        await read_fast(link, plan, unit)
        cpu, wall = time.process_time_ns(), time.perf_counter_ns()
        for _ in range(polls):
            await read_fast(link, plan, unit)
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        link.close()
    each = f"{cpu / polls / 1000:8.1f} us of CPU, {wall / polls / 1000:.1f} us of time"
    print(f"{'read, with its simulator':28} {each}")


if __name__ == "__main__":
    main()
