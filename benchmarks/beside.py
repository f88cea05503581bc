"""Other pollers at the same machines: how punctual they are, and what a poll costs them.

A poller is a process that reads the machines of ``benchmarks.factory`` once a period each and publishes to
its Mosquitto. What is compared is the poll: the others keep no custody, meter nothing and write no disk, our
agent does all of that in the same figure. Lateness is what the machines noted, CPU what the kernel charged.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from msgspec import Struct

from benchmarks.factory import Child, Factory, Plan, open_factory
from benchmarks.lateness import Punctuality, by_machine, punctuality, within
from benchmarks.scale import boot_ms, notes_of
from simulators.crowd_server import address_of

_EPILOG: Final = """\
examples:
  python benchmarks/beside.py agent                                    ours, 1,000 machines, a minute
  python benchmarks/beside.py agent pymodbus telegraf=/opt/telegraf --machines 100,1000,4500
  python benchmarks/beside.py agent telegraf=/opt/telegraf --make libmodbus

pollers:
  agent           gongfang-agent as it is installed here
  pymodbus        the shortest poller that one can write with pymodbus and aiomqtt (benchmarks/bare_poller.py)
  telegraf=PATH   Telegraf with inputs.modbus and outputs.mqtt, an input a machine, spread over the period"""

_FIELDS: Final = {
    "uptime_s": (6, "UINT32"),
    "heartbeat": (8, "UINT16"),
    "status": (9, "UINT16"),
    "stop_code": (13, "UINT16"),
    "order": (16, "UINT32"),
    "run_s": (20, "UINT32"),
    "stop_s": (22, "UINT32"),
    "pieces": (26, "UINT32"),
    "spoilt": (28, "UINT32"),
    "courses": (32, "UINT32"),
    "energy": (52, "UINT32"),
}
"""What Telegraf decodes of the 54 registers that it reads: less than the profile does."""


class Compared(Struct, frozen=True, kw_only=True):
    poller: str
    machines: int
    polls: int
    seconds: float
    late: Punctuality
    us_per_poll: float
    core: float
    rss_mb: float


def _agent(factory: Factory, _: Plan, __: str) -> list[str]:
    return [sys.executable, "-m", "edge_agent", "run", "--config", str(factory.directory / "site.toml")]


def _pymodbus(factory: Factory, plan: Plan, _: str) -> list[str]:
    numbers = (plan.machines, factory.machines_port, plan.period_ms, factory.broker_port)
    return [sys.executable, "-m", "benchmarks.bare_poller", *map(str, numbers)]


def _telegraf(factory: Factory, plan: Plan, program: str) -> list[str]:
    path = factory.directory / "telegraf.conf"
    path.write_text(telegraf_configuration(factory, plan), "utf-8")
    return [program, "--quiet", "--config", str(path)]


_POLLERS: Final[dict[str, Callable[[Factory, Plan, str], list[str]]]] = {
    "agent": _agent,
    "pymodbus": _pymodbus,
    "telegraf": _telegraf,
}


def telegraf_configuration(factory: Factory, plan: Plan) -> str:
    """An input a machine, each with its own offset in the period, as its manual advises for many devices."""
    fields = ",\n".join(
        f'  {{ name = "{name}", address = {address}, type = "{kind}" }}'
        for name, (address, kind) in _FIELDS.items()
    )
    filler = ",\n".join(
        f'  {{ address = {address}, type = "UINT16", omit = true }}'
        for address in range(54)
        if not any(at <= address < at + (2 if kind == "UINT32" else 1) for at, kind in _FIELDS.values())
    )
    head = (
        f'[agent]\ninterval = "{plan.period_ms}ms"\nround_interval = true\nflush_interval = "1s"\n'
        f"metric_batch_size = 5000\nmetric_buffer_limit = 50000\nomit_hostname = true\n"
        f'[[outputs.mqtt]]\nservers = ["tcp://127.0.0.1:{factory.broker_port}"]\nqos = 1\n'
        f'topic = "telegraf/{{{{ .Tag \\"machine\\" }}}}"\nlayout = "non-batch"\ndata_format = "influx"\n'
    )
    inputs = [
        f'[[inputs.modbus]]\nname = "m{number:05}"\n'
        f'collection_offset = "{number * plan.period_ms // plan.machines}ms"\n'
        f'controller = "tcp://{address_of(number)}:{factory.machines_port}"\ntimeout = "1s"\n'
        f'configuration_type = "request"\n[[inputs.modbus.request]]\nslave_id = 1\nregister = "holding"\n'
        f'byte_order = "ABCD"\nmeasurement = "state"\nfields = [\n{fields},\n{filler}\n]\n'
        f'[inputs.modbus.request.tags]\nmachine = "m{number:05}"\n'
        for number in range(plan.machines)
    ]
    return head + "".join(inputs)


def compare(poller: str, plan: Plan, directory: Path) -> Compared:
    kind, _, program = poller.partition("=")
    with open_factory(plan, directory) as factory:
        child = Child(kind, _POLLERS[kind](factory, plan, program), directory)
        try:
            time.sleep(plan.settle_s)
            used, start = -child.cpu_s(), boot_ms()
            time.sleep(plan.seconds)
            used, end = used + child.cpu_s(), boot_ms()
            if not child.is_running:
                sys.exit(f"{kind} has ended: {child.log.read_text('utf-8')[-3000:]}")
            memory = child.status_kb("VmHWM")
        finally:
            child.stop()
        for server in factory.servers:
            server.stop()
        asked = by_machine(notes_of(factory.notes))
    measured = {machine: within(instants, (start, end)) for machine, instants in asked.items()}
    polls, seconds = sum(map(len, measured.values())), (end - start) / 1000
    return Compared(
        poller=kind,
        machines=plan.machines,
        polls=polls,
        seconds=seconds,
        late=punctuality(measured, plan.machines, plan.period_ms, (start, end)),
        us_per_poll=used / max(polls, 1) * 1e6,
        core=used / seconds,
        rss_mb=memory / 1024,
    )


def row(found: Compared) -> str:
    late = found.late
    return (
        f"{found.poller:10}{found.machines:9}{found.polls / found.seconds:9.0f}{late.on_time:10.3%}"
        f"{late.p50:8.1f}{late.p99:8.1f}{late.p999:8.1f}{late.worst:8.0f}"
        f"{found.us_per_poll:9.1f}{found.core:8.1%}{found.rss_mb:7.0f}"
    )


_HEAD: Final = (
    f"{'poller':10}{'machines':>9}{'polls/s':>9}{'on time':>10}{'p50 ms':>8}{'p99':>8}{'p99.9':>8}{'max':>8}"
    f"{'us/poll':>9}{'core':>8}{'MB':>7}"
)


def main() -> int:
    given = _parser().parse_args()
    print(_HEAD, flush=True)
    for machines in (int(number) for number in given.machines.split(",")):
        for poller in given.pollers:
            plan = Plan(
                machines=machines,
                units=1,
                profile="knit-flat",
                make=given.make,
                period_ms=given.period_ms,
                grid_ms=300_000,
                seconds=given.seconds,
                settle_s=15 + machines / 250,
                boundary_s=given.seconds / 2,
            )
            with tempfile.TemporaryDirectory(prefix="gongfang-beside-") as directory:
                print(row(compare(poller, plan, Path(directory))), flush=True)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pollers", nargs="+", type=_poller, metavar="POLLER", help="one after the other")
    parser.add_argument("--machines", default="1000", metavar="N[,N]", help="each an endpoint (default 1000)")
    parser.add_argument(
        "--make", choices=("ours", "libmodbus"), default="ours", help="of the machines' server"
    )
    parser.add_argument("--period-ms", type=int, default=1000, metavar="MS", help="default 1000")
    parser.add_argument("--seconds", type=float, default=60, metavar="S", help="measured (default 60)")
    return parser


def _poller(text: str) -> str:
    kind, _, program = text.partition("=")
    if kind not in _POLLERS or (kind == "telegraf" and not Path(program).is_file()):
        raise argparse.ArgumentTypeError(f"{text}: agent, pymodbus or telegraf=PATH")
    return text


if __name__ == "__main__":
    sys.exit(main())
