"""What a reload costs the machines that it does not concern: 4,500 of them, while they are polled.

The same processes as in scale.py. The site's file is changed, the agent is sent SIGHUP, and the machines have
noted when they were asked. At the end every record that was made is looked at: whether intervals tile,
whether anything is missing, and how many polls were left out.
"""

import argparse
import os
import re
import signal
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from benchmarks.factory import Child, Plan, open_factory
from benchmarks.lateness import by_machine
from benchmarks.scale import boot_ms, notes_of
from contract.messages import decode_record
from contract.records import Interval, Reason, Record

_EPILOG: Final = """\
examples:
  python benchmarks/reload.py
  python benchmarks/reload.py --machines 100 --pause 5

what the columns say:
  took      s from SIGHUP to the line "configuration: taken"
  touched   machines that it concerned
  longest   ms between two requests to one machine that it did not concern (to any, where it concerned all),
            from SIGHUP to 2 s after it was taken; the period is 1000
  before    the same in as long a time before it"""

Edit = Callable[[str], str]


class Step(Struct, frozen=True):
    name: str
    edit: Edit
    touched: frozenset[int]
    """Machines, by number."""


class Done(Struct, frozen=True):
    step: Step
    asked: float
    taken: float
    """Both ms of the clock of the notes."""


def steps(machines: int, some: int) -> Iterator[Step]:
    few, everybody = frozenset(range(some)), frozenset(range(machines))
    kept: list[str] = []

    def without(text: str) -> str:
        blocks = re.split(r"\n(?=\[\[)", text)
        gone = [block for block in blocks if any(f'"m{n:05}"' in block for n in few) and "machine" in block]
        kept.extend(gone)
        return "\n".join(block for block in blocks if block not in gone)

    yield Step("nothing differs", lambda text: text, frozenset())
    yield Step(f"{some} removed", without, few)
    yield Step(f"{some} back again", lambda text: "\n".join([text, *kept]), few)
    yield Step(
        f"{some} in another area",
        lambda text: re.sub(r'(name = "m0000\d")', r'\1\narea = "hall-b"', text),
        frozenset(range(10)),
    )
    yield Step(
        "every endpoint", lambda text: re.sub(r"(\nhost = .*)", r"\1\ntimeout_ms = 900", text), everybody
    )
    yield Step(
        "every checkpoint", lambda text: text.replace("[poll]", "[poll]\ncheckpoint_ms = 9000"), everybody
    )


def measure(plan: Plan, some: int, pause_s: float, directory: Path) -> None:
    with open_factory(plan, directory) as factory:
        agent = Child(
            "agent",
            [str(Path(sys.executable).parent / "gongfang-agent"), "run", "--config", "site.toml"],
            directory,
        )
        try:
            time.sleep(plan.settle_s)
            done = [
                _reload(agent, directory / "site.toml", step, pause_s) for step in steps(plan.machines, some)
            ]
            memory = agent.status_kb("VmRSS"), agent.status_kb("VmHWM")
        finally:
            stop_s, code = agent.stop()
        for child in (*factory.servers, factory.receiver):
            child.stop()
        asked = by_machine(notes_of(factory.notes))
    print(f"{plan.machines} machines; resident {memory[0] // 1024} MB, at most {memory[1] // 1024} MB")
    print(f"told to stop, it ended after {stop_s:.1f} s with exit code {code}")
    print(f"{'reload':24}{'took s':>8}{'touched':>9}{'longest ms':>12}{'before ms':>11}")
    for each in done:
        print(row(each, asked))
    print(verdict(directory / "outbox.db", frozenset().union(*(d.step.touched for d in done[:-2]))))


def _reload(agent: Child, site: Path, step: Step, pause_s: float) -> Done:
    time.sleep(pause_s)
    taken = agent.log.read_text("utf-8").count("configuration: taken")
    site.write_text(step.edit(site.read_text("utf-8")), "utf-8")
    asked, deadline = boot_ms(), time.monotonic() + 120
    os.kill(agent.pid, signal.SIGHUP)
    while (log := agent.log.read_text("utf-8")).count("configuration: taken") == taken:
        if "configuration: refused" in log or time.monotonic() > deadline:
            raise RuntimeError(f"{step.name}: {log[-2000:]}")
        time.sleep(0.01)
    return Done(step, asked, boot_ms())


def row(done: Done, asked: Mapping[int, Sequence[float]]) -> str:
    touched = done.step.touched if len(done.step.touched) < len(asked) else frozenset[int]()
    watched = [instants for machine, instants in asked.items() if machine not in touched]
    start, end = done.asked, done.taken + 2_000
    now, before = longest(watched, start, end), longest(watched, start - (end - start), start)
    took = (done.taken - done.asked) / 1000
    return f"{done.step.name:24}{took:8.2f}{len(done.step.touched):9}{now:12.0f}{before:11.0f}"


def longest(asked: Sequence[Sequence[float]], start: float, end: float) -> float:
    """Between two requests to one machine of which the later one lies in ``[start, end)``, ms."""
    return max(
        (later - one for instants in asked for one, later in pairwise(instants) if start <= later < end),
        default=0.0,
    )


def verdict(outbox: Path, touched: frozenset[int]) -> str:
    epochs: dict[tuple[str, str], list[Record]] = {}
    with sqlite3.connect(outbox) as db:
        for (body,) in db.execute("SELECT body FROM record ORDER BY machine, epoch, sequence"):
            record = decode_record(msgspec.Raw(body))
            epochs.setdefault((record.machine, record.epoch), []).append(record)
    holes = sum([r.sequence for r in records] != list(range(len(records))) for records in epochs.values())
    intervals = [[r for r in records if isinstance(r, Interval)] for records in epochs.values()]
    untiled = sum(
        one.start + one.duration_ms != other.start for each in intervals for one, other in pairwise(each)
    )
    calm = [one for each in intervals for one in each if int(one.machine[1:]) not in touched]
    gaps = sum(one.reason is not Reason.NONE for one in calm)
    missed, machines = sum(one.polls_missed for one in calm), {one.machine for one in calm}
    lives = {machine for machine in machines if sum(name == machine for name, _ in epochs) > 1}
    said = {
        f"of {sum(map(len, intervals))} intervals, those not beginning where the one before ends": untiled,
        "epochs with a hole in their sequence": holes,
        f"of {len(machines)} machines concerned by their endpoint at most, other epochs": len(lives),
        f"of their {len(calm)} intervals, those with a gap": gaps,
        "polls missed in them": missed,
    }
    return "\n".join(f"{number:8} {what}" for what, number in said.items())


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--machines", type=int, default=4_500)
    parser.add_argument("--some", type=int, default=10, help="machines that a step concerns; default 10")
    parser.add_argument("--pause", type=float, default=15.0, help="s between two reloads; default 15")
    given = parser.parse_args()
    plan = Plan(
        machines=given.machines,
        units=1,
        profile="knit-flat",
        period_ms=1_000,
        grid_ms=20_000,
        seconds=given.pause * 6,
        settle_s=10 + given.machines / 250,
        boundary_s=5,
    )
    with tempfile.TemporaryDirectory(prefix="gongfang-reload-") as directory:
        measure(plan, given.some, given.pause, Path(directory))
    return 0


if __name__ == "__main__":
    sys.exit(main())
