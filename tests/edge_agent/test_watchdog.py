"""What feeds the watchdog, in one process: test_agent_watchdog.py has the real ones."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from daemon.progress import Mark
from edge_agent.conditions import Conditions
from edge_agent.watchdog import Watchdog


class Commit:
    """An outbox whose thread answers, or does not."""

    behind, attempts, answers = False, 0, True

    async def call(self, _: Callable[..., object]) -> None:
        if not self.answers:
            await asyncio.Event().wait()


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "40000")
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        yield listener


async def told(systemd: socket.socket, marks: dict[str, Mark], commit: Commit) -> list[str]:
    """The last of what systemd hears in a fifth of a second."""
    roster = SimpleNamespace(marks=lambda: iter(marks.items()), machines={"knit-01": None})
    watchdog = Watchdog(cast("Any", roster), cast("Any", commit), Conditions())
    running = asyncio.create_task(watchdog.run())
    await asyncio.sleep(0.2)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    systemd.setblocking(False)
    heard = []
    try:
        while True:
            heard.append(systemd.recv(4_096).decode())
    except BlockingIOError:
        return heard[-1].splitlines()


async def test_it_is_fed_while_everything_gets_on(systemd: socket.socket) -> None:
    assert await told(systemd, {"bus": Mark(1, 60)}, Commit()) == [
        "WATCHDOG=1",
        "STATUS=1 of 1 machines metered",
    ]


async def test_a_part_that_is_stuck_starves_it_and_is_named(
    systemd: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    [status] = await told(systemd, {"bus": Mark(1, 0.05)}, Commit())
    assert "progress: stuck" in status
    assert "endpoint bus" in caplog.text


async def test_a_task_that_is_dead_starves_it(systemd: socket.socket) -> None:
    [status] = await told(systemd, {"bus": Mark("dead", 0)}, Commit())
    assert "progress: stuck" in status


async def test_a_thread_of_the_outbox_that_does_not_come_back_starves_it(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge_agent.watchdog._OUTBOX_S", 0.05)
    commit = Commit()
    commit.answers = False
    [status] = await told(systemd, {}, commit)
    assert "progress: stuck" in status
    assert "stuck: outbox" in caplog.text


@pytest.mark.parametrize(("attempts_go_on", "is_fed"), [(True, True), (False, False)])
async def test_what_waits_for_the_disk_has_to_be_tried_again(
    attempts_go_on: bool,  # noqa: FBT001
    is_fed: bool,  # noqa: FBT001
    systemd: socket.socket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge_agent.watchdog._OUTBOX_S", 0.05)

    class Trying(Commit):
        behind = True

        @property
        def attempts(self) -> int:  # type: ignore[override]
            self.tried += attempts_go_on
            return self.tried

        tried = 0

    last = await told(systemd, {}, Trying())
    assert ("WATCHDOG=1" in last) == is_fed
