"""docs/bringup.md, done word for word: a newcomer with the page alone, and a device on another library.

The device is tests/e2e/peer/odd_loom.c on libmodbus. What differs from the page is its address, the ports of
the broker and of the agent's health, the day, how long one watches, and what the panel shows at that moment.
"""

import contextlib
import os
import re
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tests.e2e.bringup_page import ADDRESS, PAGE, Block, blocks, shown

PATIENCE_S = 60
WATCH_S = 9
"""Long enough for two pieces."""
DAY = "2026-11-22"
"""Of the page; the reader puts today's."""
HTTP = "9464"
"""The port at which the page's agent tells how it is."""
EARLY = "exit 1 in the first five minutes"
"""Said of what has nothing to show before the first interval of a lease has ended."""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The loom, compiled as the page says."""
    source = Path(__file__).parent / "peer" / "odd_loom.c"
    made = tmp_path_factory.mktemp("peer") / "odd-loom"
    compiler = shutil.which("gcc") or shutil.which("cc")
    done = compiler and subprocess.run(
        [compiler, "-Wall", "-Wextra", "-Werror", "-o", str(made), str(source), "-lmodbus"],
        check=False,
        capture_output=True,
        text=True,
    )
    if done and done.returncode == 0:
        return made
    why = done.stderr if done else "there is no C compiler"
    if os.environ.get("CI"):
        pytest.fail(f"odd loom: {why}")
    pytest.skip(f"odd loom: {why}")


class Loom:
    """The device with its panel."""

    def __init__(self, program: Path) -> None:
        self._child = subprocess.Popen(
            [str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.url = self._line().split()[2].rstrip(",")

    def press(self, button: str) -> None:
        assert self._child.stdin
        self._child.stdin.write(button + "\n")
        self._child.stdin.flush()

    def panel(self) -> dict[str, str]:
        self.press("panel")
        found = re.findall(r"(\w+) ([\d.]+)(?: h)?", self._line())
        return {"run_h" if name == "run" else name: number for name, number in found}

    def _line(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline()

    def stop(self) -> None:
        self._child.kill()
        self._child.communicate()


class Newcomer:
    """Does what the page says, in a folder of their own."""

    def __init__(self, folder: Path, loom: Loom, broker_port: int, http_port: int) -> None:
        self.folder, self.loom, self._broker_port = folder, loom, broker_port
        self._http = f"{http_port}"
        self.output = ""
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.since: dict[str, str] = {}
        """What the panel showed when the meter was open."""

    def do(self, block: Block) -> None:
        getattr(self, f"_{block.kind}")(block)

    def _console(self, _: Block) -> None:
        """The fixtures have done that."""

    def _panel(self, block: Block) -> None:
        for line in block.lines:
            if line != "panel":
                self.loom.press(line)
        time.sleep(0.3)

    def _toml(self, block: Block) -> None:
        """Into the file that its first line names."""
        file = self.folder / block.lines[0].removeprefix("# ")
        file.parent.mkdir(exist_ok=True)
        host, port = self.loom.url.removeprefix("tcp://").split(":")
        text = block.text.replace('host = "192.0.2.20"\nport = 502', f'host = "{host}"\nport = {port}')
        text = text.replace(HTTP, self._http)
        broker = f"[broker]\nport = {self._broker_port}\n"
        text = (
            text.replace("[broker]\n", broker)
            if "[broker]" in text
            else text.replace("[outbox]\n", f"{broker}\n[outbox]\n")
        )
        file.write_text(text if file.name in {"site.toml", "collector.toml"} else block.text, "utf-8")

    def _text(self, block: Block) -> None:
        expected = Block(block.kind, block.text.replace(ADDRESS, self.loom.url))
        assert not shown(expected, self.output), self.output

    def _sh(self, block: Block) -> None:
        self.output = ""
        for line in block.lines:
            command, _, remark = line.partition("  # ")
            words = shlex.split(self._as_here(command))
            ours = Path(sys.executable).parent / words[0]
            argv = [str(ours) if ours.exists() else words[0], *words[1:]]
            if words[1] == "run" and words[0] != "gongfang-billing":
                self.running[words[0]] = subprocess.Popen(argv, cwd=self.folder)
                until(self._is_up)
                if words[0] == "gongfang-agent":
                    until(lambda: bool(stored(self.folder, "meter")))
                    self.since = self.loom.panel()
                continue
            if words[:2] == ["gongfang-billing", "report"]:
                # A person types the files before it for minutes; what the lease cut off is stored by then.
                until(lambda: bool(stored(self.folder, "usage")))
            done = subprocess.run(
                argv, cwd=self.folder, check=False, capture_output=True, text=True, timeout=PATIENCE_S
            )
            self.output += done.stdout
            codes = {0, 1} if EARLY in remark else {int(remark.strip().startswith("exit 1"))}
            assert done.returncode in codes, done.stdout + done.stderr

    def _is_up(self) -> bool:
        """The collector has the broker, and the agent is with it at once."""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._broker_port), 1):
            return True
        return False

    def _as_here(self, command: str) -> str:
        """With the address of the loom, less patience, and what its panel shows now."""
        command = command.replace(ADDRESS, self.loom.url).replace("--watch 30", f"--watch {WATCH_S}")
        command = command.replace(DAY, f"{datetime.now(ZoneInfo('Asia/Shanghai')):%Y-%m-%d}")
        command = command.replace(HTTP, self._http)
        if "--find" in command:
            shown_now = self.loom.panel()
            command = command.replace("--find 22818", f"--find {shown_now['pieces']}")
            command = command.replace("--find 25.35", f"--find {shown_now['run_h']}")
        if "--panel" in command:
            for name, number in self.loom.panel().items():
                command = re.sub(rf"--panel {name}=[\d.]+", f"--panel {name}={number}", command)
        return command

    def stop(self, name: str) -> None:
        child = self.running.pop(name)
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0


@pytest.fixture
def newcomer(
    tmp_path: Path, program: Path, free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Newcomer]:
    monkeypatch.delenv("GONGFANG_COLLECTOR_CONFIG", raising=False)
    loom = Loom(program)
    person = Newcomer(tmp_path, loom, free_port(), free_port())
    yield person
    for child in person.running.values():
        child.kill()
        child.wait()
    loom.stop()


def stored(folder: Path, series: str) -> list[Any]:
    """What rests in the store, as JSON objects."""
    with sqlite3.connect(folder / "gongfang.db") as db:
        import json

        return [json.loads(row[0]) for row in db.execute(f"SELECT fields FROM {series} ORDER BY time")]


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_newcomer_brings_an_unknown_device_in_with_the_page_alone(newcomer: Newcomer) -> None:
    for block in blocks():
        newcomer.do(block)
    until(lambda: len(stored(newcomer.folder, "witness")) == 1)
    # A stop before the second read has no time to hand over: the loom makes two pieces first.
    until(lambda: int(newcomer.loom.panel()["pieces"]) >= int(newcomer.since["pieces"]) + 2)
    before = newcomer.loom.panel()
    newcomer.stop("gongfang-agent")
    until(lambda: bool(stored(newcomer.folder, "usage")))
    newcomer.do(Block("sh", "gongfang-collector status --config collector.toml\n"))
    after = newcomer.loom.panel()
    newcomer.stop("gongfang-collector")

    assert "anping/loom-01" in newcomer.output
    assert "witness" not in newcomer.output
    newcomer.do(Block("sh", f"gongfang-billing run --config billing.toml --day {DAY} --tenant heli\n"))
    assert "合力丝网" in newcomer.output
    (witness,) = stored(newcomer.folder, "witness")
    (meter,) = stored(newcomer.folder, "meter")
    assert (witness["by"], witness["serial"]) == ("Wang, shift A", 7_001_234)
    assert witness["profile_digest"] == meter["profile_digest"]
    usage = stored(newcomer.folder, "usage")
    assert sum(row["run_ms"] for row in usage) > 0
    for name, raw in (("produced", "pieces"), ("picks", "picks")):
        last = meter[f"{raw}_raw"] + sum(row[name] for row in usage)
        counted = 5 * 2 if name == "picks" else 1  # what it counts between two polls
        assert int(before[raw]) - counted <= last <= int(after[raw]), name


def test_every_block_of_the_page_is_of_a_kind_that_is_tried() -> None:
    kinds = {block.kind for block in blocks()}
    assert kinds == {"console", "sh", "text", "toml", "panel"}
    assert all(block.lines[0].startswith("# ") for block in blocks() if block.kind == "toml")


def test_the_program_that_the_page_compiles_is_where_it_says() -> None:
    """Its path counts from the folder of the sources, into which the page goes first."""
    (console,) = (block for block in blocks() if block.kind == "console")
    assert console.lines[0].startswith("$ cd ")
    (path,) = re.findall(r"gcc -o \S+ (\S+\.c) ", console.text)
    assert (PAGE.parents[1] / path).is_file()


def test_every_file_that_a_command_of_the_page_names_is_made_on_the_page_before() -> None:
    made: set[str] = set()
    for block in blocks():
        if block.kind == "toml":
            made.add(block.lines[0].removeprefix("# "))
        for line in block.lines if block.kind == "sh" else ():
            assert set(re.findall(r"--config (\S+)", line)) <= made, line
