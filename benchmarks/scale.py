"""What one agent process costs, and how punctual it is, with 100 to 10,000 machines on this computer.

A run has processes of its own: Mosquitto, the machines (simulators.crowd_server), a receiver in place of the
collector, and the agent as it is installed. Lateness is what the machines noted, not what the agent says; CPU
is what the kernel charged to each process (user and system), not time that passed.
"""

import argparse
import sys
import tempfile
import time
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.factory import Child, Commits, Factory, Plan, open_factory
from benchmarks.lateness import Punctuality, by_machine, punctuality, within
from benchmarks.receiver import Seen
from simulators.crowd import PIECE_S, Member

_EPILOG: Final = """\
examples:
  python benchmarks/scale.py                                       4,500 machines for a minute
  python benchmarks/scale.py --machines 100,1000,4500,10000        how everything grows, as a table
  python benchmarks/scale.py --machines 4500 --profile $PWD/benchmarks/knit-20.toml --json
  python benchmarks/scale.py --machines 100 --units 100 --period-ms 5000    100 machines behind one gateway
  python benchmarks/scale.py --agent "python -m cProfile -o agent.prof -m edge_agent"

what the columns say:
  on time   share of all slots in which the machine was asked less than 100 ms late
  p50..max  lateness, ms, as the machines saw it; a slot begins where a machine was asked at the earliest
  us/poll   CPU of the agent, all of it (threads, disk, broker), per request that the machines saw
  core      the same as a share of one core
  grid      p99 and max in the 10 s from a boundary at which every machine closes its interval
  start     s until every machine was asked, and until a record of every machine was received
  stop      s from SIGTERM to the end of the process
  off       pieces by which the last intervals differ from what the machines made; a few, since an
            interval's end and the machine's second do not fall together

A boundary of the grid lies in every measurement, so a minute measured has five times the usual records;
--boundary -20 puts it before.
Other load on the computer makes lateness worse and leaves CPU per poll nearly as it is."""

_BURST_MS: Final = 10_000


class Result(Struct, frozen=True, kw_only=True):
    machines: int
    endpoints: int
    seconds: float
    polls: int
    all: Punctuality
    burst: Punctuality
    """In the 10 s from a boundary of the grid."""
    agent_us_per_poll: float
    agent_core: float
    """Share of one core."""
    machines_us_per_poll: float
    broker_core: float
    receiver_core: float
    rss_mb: float
    peak_mb: float
    records_per_s: float
    records: int
    states_per_s: float
    outbox_bytes_per_s: float
    """What the agent made the disk write."""
    commits_per_s: float
    start_asked_s: float
    start_metered_s: float
    stop_s: float
    stop_code: int
    pieces: int
    """Metered, by the last interval of each machine."""
    pieces_off: int
    """By how much that differs from what the machines made until then, every machine's difference added."""


def measure(plan: Plan, agent: Sequence[str], directory: Path) -> Result:
    with open_factory(plan, directory) as factory:
        began = boot_ms()
        child = Child("agent", [*agent, "run", "--config", "site.toml"], directory)
        try:
            return _measured(plan, factory, child, began)
        finally:
            child.stop()


def _measured(plan: Plan, factory: Factory, agent: Child, began: float) -> Result:
    watched = {"agent": [agent], "machines": factory.servers, "broker": [factory.broker]}
    watched["receiver"] = [factory.receiver]
    time.sleep(plan.settle_s)
    _runs(agent)
    commits = Commits(factory.directory / "outbox.db")
    used = {name: -sum(child.cpu_s() for child in children) for name, children in watched.items()}
    start, disk = boot_ms(), agent.written_bytes()
    while (now := boot_ms()) < start + plan.seconds * 1000:
        _runs(agent)
        commits.look()
        time.sleep(0.02)
    for name, children in watched.items():
        used[name] += sum(child.cpu_s() for child in children)
    window, seconds = (start, now), (now - start) / 1000
    written, memory = agent.written_bytes() - disk, (agent.status_kb("VmRSS"), agent.status_kb("VmHWM"))
    stop_s, code = agent.stop()
    commits.close()
    for child in (*factory.servers, factory.receiver):
        child.stop()
    asked = by_machine(notes_of(factory.notes))
    measured = {machine: within(instants, window) for machine, instants in asked.items()}
    seen = msgspec.json.decode(factory.seen.read_bytes(), type=Seen)
    shift = time.time_ns() / 1_000_000 - boot_ms()
    boundary = factory.boundary_ms - shift
    polls = sum(map(len, measured.values()))
    records = sum(count for at, count in seen.at if start <= at - shift < now)
    return Result(
        machines=plan.machines,
        endpoints=-(-plan.machines // plan.units),
        seconds=seconds,
        polls=polls,
        all=punctuality(measured, plan.machines, plan.period_ms, window),
        burst=punctuality(measured, plan.machines, plan.period_ms, (boundary, boundary + _BURST_MS)),
        agent_us_per_poll=used["agent"] / polls * 1e6,
        agent_core=used["agent"] / seconds,
        machines_us_per_poll=used["machines"] / polls * 1e6,
        broker_core=used["broker"] / seconds,
        receiver_core=used["receiver"] / seconds,
        rss_mb=memory[0] / 1024,
        peak_mb=memory[1] / 1024,
        records_per_s=records / seconds,
        records=seen.records,
        states_per_s=seen.states / (seconds + plan.settle_s),
        outbox_bytes_per_s=written / seconds,
        commits_per_s=commits.count / seconds,
        start_asked_s=(max(min(instants) for instants in asked.values()) - began) / 1000,
        start_metered_s=(max(seen.metered.values()) - shift - began) / 1000,
        stop_s=stop_s,
        stop_code=code,
        pieces=sum(counted for _, counted in seen.counted.values()),
        pieces_off=sum(
            abs(_made(int(name[1:]), end - factory.ahead_ms) - seen.opened[name] - counted)
            for name, (end, counted) in seen.counted.items()
        ),
    )


def _made(machine: int, at_ms: int) -> int:
    """Pieces until a poll at ``at_ms``; the machine's second may have been the one before."""
    run_s, _, _ = Member(machine, 0).worked(at_ms // 1000)
    return run_s // PIECE_S


def _runs(agent: Child) -> None:
    if not agent.is_running:
        sys.exit(f"the agent has ended: {agent.log.read_text('utf-8')[-3000:]}")


def notes_of(files: Sequence[Path]) -> Iterator[tuple[int, int]]:
    """Machine, and boot time in us, of every request that the machines saw."""
    for path in files:
        machines, instants = array("I"), array("Q")
        with path.open("rb") as file:
            count = int.from_bytes(file.read(8), sys.byteorder)
            machines.fromfile(file, count)
            instants.fromfile(file, count)
        yield from zip(machines, instants, strict=True)


def boot_ms() -> float:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) / 1_000_000


_ROWS: Final = (
    ("machines", lambda r: f"{r.machines}"),
    ("endpoints", lambda r: f"{r.endpoints}"),
    ("polls a second", lambda r: f"{r.polls / r.seconds:.0f}"),
    ("on time", lambda r: f"{r.all.on_time:.3%}"),
    ("p50 ms", lambda r: f"{r.all.p50:.1f}"),
    ("p95", lambda r: f"{r.all.p95:.1f}"),
    ("p99", lambda r: f"{r.all.p99:.1f}"),
    ("p99.9", lambda r: f"{r.all.p999:.1f}"),
    ("max", lambda r: f"{r.all.worst:.0f}"),
    ("grid on time", lambda r: f"{r.burst.on_time:.3%}"),
    ("grid p99", lambda r: f"{r.burst.p99:.1f}"),
    ("grid max", lambda r: f"{r.burst.worst:.0f}"),
    ("agent us/poll", lambda r: f"{r.agent_us_per_poll:.1f}"),
    ("agent core", lambda r: f"{r.agent_core:.1%}"),
    ("machines us/poll", lambda r: f"{r.machines_us_per_poll:.1f}"),
    ("broker core", lambda r: f"{r.broker_core:.1%}"),
    ("receiver core", lambda r: f"{r.receiver_core:.1%}"),
    ("resident MB", lambda r: f"{r.rss_mb:.0f}"),
    ("at most MB", lambda r: f"{r.peak_mb:.0f}"),
    ("records a second", lambda r: f"{r.records_per_s:.1f}"),
    ("states a second", lambda r: f"{r.states_per_s:.1f}"),
    ("disk kB a second", lambda r: f"{r.outbox_bytes_per_s / 1000:.0f}"),
    ("commits a second", lambda r: f"{r.commits_per_s:.2f}"),
    ("start: asked s", lambda r: f"{r.start_asked_s:.1f}"),
    ("start: metered s", lambda r: f"{r.start_metered_s:.1f}"),
    ("stop s", lambda r: f"{r.stop_s:.1f}"),
    ("exit code", lambda r: f"{r.stop_code}"),
    ("pieces", lambda r: f"{r.pieces}"),
    ("of them off", lambda r: f"{r.pieces_off}"),
)


def table(results: Sequence[Result]) -> str:
    return "\n".join(f"{name:18}" + "".join(f"{tell(r):>12}" for r in results) for name, tell in _ROWS)


def main() -> int:
    given = _parser().parse_args()
    directory = given.keep or Path(tempfile.mkdtemp(prefix="gongfang-scale-"))
    results = []
    for machines in given.machines:
        place = directory / f"{machines}"
        place.mkdir(parents=True)
        plan = Plan(
            machines=machines,
            units=given.units,
            profile=given.profile,
            make=given.make,
            period_ms=given.period_ms,
            grid_ms=given.grid_ms,
            seconds=given.seconds,
            settle_s=given.settle if given.settle is not None else 10 + machines / 250,
            boundary_s=given.boundary if given.boundary is not None else given.seconds - _BURST_MS / 1000 - 5,
        )
        results.append(measure(plan, given.agent.split(), place))
        if not given.json:
            print(table(results[-1:]), end="\n\n", flush=True)
    print(msgspec.json.encode(results).decode() if given.json else table(results))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--machines", type=_numbers, default=[4500], metavar="N[,N]", help="default 4500")
    add("--units", type=int, default=1, metavar="N", help="machines behind one endpoint (default 1)")
    add(
        "--profile", default="knit-flat", help="what is read: knit-flat (54 registers, the default) or a file"
    )
    add("--make", choices=("ours", "libmodbus"), default="ours", help="who made the machines' server (ours)")
    add("--period-ms", type=int, default=1000, metavar="MS", help="default 1000")
    add("--grid-ms", type=int, default=300_000, metavar="MS", help="default 300000")
    add(
        "--boundary",
        type=float,
        metavar="S",
        help="when in the measurement the grid is met (15 s before its end)",
    )
    add("--seconds", type=float, default=60, metavar="S", help="measured; 20 at least (default 60)")
    add("--settle", type=float, metavar="S", help="before that (default 10, and 4 more per 1,000 machines)")
    add(
        "--agent",
        default=f"{sys.executable} -m edge_agent",
        metavar="COMMAND",
        help="how the agent is called",
    )
    add("--json", action="store_true", help="everything, for a program to read")
    add("--keep", type=Path, metavar="DIR", help="keep configuration, logs, notes and outbox there")
    return parser


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    sys.exit(main())
