"""The command line, with a collector, a broker and a store that really run."""

import importlib.metadata
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from collector.__main__ import main
from contract import topics
from contract.messages import Receipt

PATIENCE_S = 30
ROOT = Path(__file__).parent.parent.parent

CONFIG = """\
[collector]
name = "c1"
site = "qinghe"
restore_after_s = 0
[broker]
embedded = {embedded}
port = {port}
[store]
kind = "sqlite"
path = "{path}/store.db"
[clock]
real_ms = {real}
plant_ms = {plant}
"""


class Service:
    """`gongfang-collector run` as a process, as systemd would start it."""

    def __init__(self, config: Path, directory: Path) -> None:
        self.config, self.directory = config, directory
        self.process: subprocess.Popen[bytes] | None = None
        self.told = b""

    def start(self) -> None:
        path = self.directory / "notify"
        path.unlink(missing_ok=True)
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener,
            (self.directory / "log").open("ab") as log,
        ):
            listener.bind(str(path))
            listener.settimeout(PATIENCE_S)
            self.process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "collector", "run", "--config", str(self.config)],
                cwd=ROOT,
                env={**os.environ, "NOTIFY_SOCKET": str(path)},
                stdout=log,
                stderr=log,
            )
            self.told = b""
            while b"READY=1" not in self.told:
                self.told = listener.recv(4096)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    def log(self) -> str:
        return (self.directory / "log").read_text("utf-8")


@pytest.fixture
def config(tmp_path: Path, free_port: Callable[[], int], plant: SimpleNamespace) -> Path:
    path = tmp_path / "collector.toml"
    real = time.time_ns() // 1_000_000
    path.write_text(
        CONFIG.format(embedded="true", port=free_port(), path=tmp_path, real=real, plant=plant.NOW), "utf-8"
    )
    return path


@pytest.fixture
def service(config: Path, tmp_path: Path) -> Iterator[Service]:
    service = Service(config, tmp_path)
    service.start()
    yield service
    assert service.process is not None
    if service.process.poll() is None:
        service.stop()
    service.process.wait(PATIENCE_S)


def port_of(config: Path) -> int:
    found = re.search(r"port = (\d+)", config.read_text("utf-8"))
    assert found
    return int(found[1])


def send(config: Path, payload: bytes, *, wait: bool = True) -> Receipt | None:
    """Publishes a batch as a gateway written by somebody else would, and waits for its receipt."""
    receipts: list[bytes] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, "gw1")
    client.on_message = lambda _client, _data, message: receipts.append(bytes(message.payload))
    client.connect("127.0.0.1", port_of(config))
    client.loop_start()
    client.subscribe(topics.receipt("qinghe", "gw1"), 1)
    client.publish(topics.batch("qinghe", "gw1"), payload, 1).wait_for_publish(PATIENCE_S)
    end = time.monotonic() + PATIENCE_S
    while wait and not receipts and time.monotonic() < end:
        time.sleep(0.01)
    client.disconnect()
    client.loop_stop()
    return msgspec.json.decode(receipts[0], type=Receipt) if receipts else None


def test_the_service_says_when_it_is_ready_and_stops_when_told(service: Service) -> None:
    assert service.told == b"READY=1"
    assert service.stop() == 0


def test_the_log_tells_of_the_way_from_start_to_stop(
    service: Service, config: Path, tmp_path: Path, plant: SimpleNamespace
) -> None:
    send(config, plant.batch([plant.alone(plant.interval())]))
    service.stop()
    port, version = port_of(config), importlib.metadata.version("gongfang")
    said = service.log().splitlines()
    assert [line.removeprefix("INFO ") for line in said[:-1]] == [
        f"c1: version {version}, store sqlite {tmp_path}/store.db",
        f"the embedded broker listens on 127.0.0.1:{port}",
        f"takes batches from the broker at 127.0.0.1:{port}, without TLS",
        "qinghe/gw1 sends batches",
        "stopping: what has no receipt yet, its gateway sends again",
    ]
    assert said[-1] == "INFO stopped: accepted 1, batch_facts_accepted 1, batches 1"


def test_the_service_stops_on_an_interrupt_too(service: Service) -> None:
    assert service.stop(signal.SIGINT) == 0


def test_a_table_of_leases_is_shown_then_announced_and_kept_and_then_there_is_nothing_left_to_do(
    service: Service, config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "leases.csv"
    rows = "knit-01,zhang,A-17,2026-11-22 08:00,2026-11-22 12:00\nknit-01,li,,2026-11-22 13:00,\n"
    path.write_text(f"机台,承租方,订单,开始,结束\n{rows}", "gb18030")
    words = ["lease", "import", str(path), "--by", "王师傅", "--config", str(config)]
    assert main([*words, "--announce"]) == 2
    assert "--timezone" in capsys.readouterr().err
    words += ["--timezone", "Asia/Shanghai"]
    assert main(words) == 0
    shown = capsys.readouterr().out
    assert "GBK" in shown
    assert "0 steps are in force already, 3 are to be announced" in shown
    assert "knit-01  from 2026-11-22 08:00:00+08:00  zhang, order A-17" in shown
    assert main(["lease", "list", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "No lease is stored.\n"
    assert main([*words, "--announce"]) == 0
    assert "3 announced, 3 kept by a collector" in capsys.readouterr().out
    assert main([*words, "--announce"]) == 0
    assert "3 steps are in force already, 0 are to be announced" in capsys.readouterr().out
    assert main(["lease", "list", "--config", str(config)]) == 0
    listed = capsys.readouterr().out
    assert re.search(r"  +qinghe/knit-01 +2026-11-22 12:00:00\+08:00 +\(end\)", listed)
    assert re.search(r"\* +qinghe/knit-01 +2026-11-22 13:00:00\+08:00 +li ", listed)
    service.stop()
    path.write_text(f"{path.read_text('gb18030')}knit-02,li,,2026-11-22 13:00,\n", "utf-8")
    assert main([*words, "--announce"]) == 1


def test_a_table_with_mistakes_or_none_at_all_changes_nothing(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "leases.csv"
    words = ["lease", "import", str(path), "--by", "w", "--announce", "--config", str(config)]
    assert main(words) == 2
    assert "cannot be read" in capsys.readouterr().err
    path.write_text("machine,tenant,start\nknit-01,,x\n", "utf-8")
    assert main(words) == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.split(": ")[1] for line in told] == ["tenant", "start"]
    with pytest.raises(SystemExit):
        main([*words, "--timezone", "Shanghai"])


def test_a_machine_goes_to_a_tenant_and_comes_back(
    service: Service, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--machine", "knit-01", "--by", "王师傅", "--config", str(config)]
    assert main(["lease", "set", "--tenant", "zhang", "--order", "A-17", *given]) == 0
    assert main(["lease", "end", "--from", "+10m", *given]) == 0
    assert main(["lease", "set", "--tenant", "li", "--site", "anping", *given]) == 0
    capsys.readouterr()
    assert main(["lease", "list", "--machine", "knit-01", "--config", str(config)]) == 0
    shown = capsys.readouterr().out
    assert re.search(r"qinghe/knit-01 .* zhang +A-17 +王师傅", shown)
    assert re.search(r"\* +qinghe/knit-01 .* \(end\)", shown)
    assert re.search(r"\* +anping/knit-01 .* li ", shown)
    assert main(["lease", "list", "--machine", "knit-02", "--config", str(config)]) == 0
    assert capsys.readouterr().out == "No lease is stored.\n"


def test_an_order_is_announced_and_closed(
    service: Service, config: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    at = ["--config", str(config)]
    order = [
        "--order",
        "A-17",
        "--tenant",
        "zhang",
        "--article",
        "羊绒衫",
        "--wanted",
        "300",
        "--by",
        "office",
    ]
    assert main(["order", "add", *order, "--due", "+10d", *at]) == 0
    assert main(["order", "list", *at]) == 0
    assert re.search(r"A-17 +zhang +羊绒衫 +300 .* open +office", capsys.readouterr().out)
    assert main(["order", "close", "--order", "A-17", "--by", "王师傅", *at]) == 0
    assert main(["order", "close", "--order", "A-18", *at]) == 1
    capsys.readouterr()
    assert main(["order", "list", *at]) == 0
    assert re.search(r"A-17 +zhang +羊绒衫 +300 .* closed +王师傅", capsys.readouterr().out)


def test_status_says_who_is_silent(
    service: Service, config: Path, capsys: pytest.CaptureFixture[str], plant: SimpleNamespace
) -> None:
    at = ["--config", str(config)]
    assert main(["status", *at]) == 1
    assert "No gateway" in capsys.readouterr().out
    fresh = plant.interval(1, start=plant.NOW - plant.GRID_MS, span_start=plant.NOW - plant.GRID_MS)
    send(config, plant.batch([plant.alone(fresh)]))
    assert main(["status", *at]) == 0
    assert "SILENT" not in capsys.readouterr().out
    send(config, plant.batch([plant.alone(plant.interval(1, machine="knit-02"))]))
    assert main(["status", *at]) == 1
    shown = capsys.readouterr().out
    assert re.search(r"qinghe/knit-02 .* 45 min \d+ s +SILENT", shown)
    assert re.search(r"qinghe/knit-01 .* ok", shown)


def test_status_says_what_is_metered_twice(
    service: Service, config: Path, capsys: pytest.CaptureFixture[str], plant: SimpleNamespace
) -> None:
    start = plant.NOW - plant.GRID_MS
    for epoch in ("e1", "e2"):
        send(
            config, plant.batch([plant.alone(plant.interval(1, epoch=epoch, start=start, span_start=start))])
        )
    assert main(["status", "--config", str(config)]) == 1
    shown = capsys.readouterr().out
    assert "SILENT" not in shown
    assert "TWICE: qinghe/knit-01 is metered by gw1 (epoch e1) and gw1 (epoch e2), from" in shown
    service.stop()
    assert "metered_twice 1" in service.log()


def test_what_is_in_quarantine_can_be_read(
    service: Service, config: Path, capsys: pytest.CaptureFixture[str], plant: SimpleNamespace
) -> None:
    at = ["--config", str(config)]
    bad = {**plant.fields_of(plant.alone(plant.interval())), "run_ms": 5}
    send(config, plant.batch([bad]))
    send(config, b"\x1b[2J" + b"\xff" * 70_000)
    assert main(["quarantine", "list", *at]) == 0
    shown = capsys.readouterr().out
    names = re.findall(r"qinghe/gw1/\d+", shown)
    assert len(names) == 2
    assert "2 in all" in shown
    assert main(["quarantine", "show", names[0], *at]) == 0
    assert '"run_ms":5' in capsys.readouterr().out
    assert main(["quarantine", "show", names[1], *at]) == 0
    assert "\x1b" not in capsys.readouterr().out
    assert main(["quarantine", "show", "qinghe/gw1/5", *at]) == 1


def test_what_is_in_quarantine_can_be_replayed(
    service: Service, config: Path, capsys: pytest.CaptureFixture[str], plant: SimpleNamespace
) -> None:
    at = ["--config", str(config)]
    start = plant.NOW + 2 * 86_400_000
    early = plant.alone(plant.interval(1, start=start, span_start=start))
    bad = {**plant.fields_of(plant.alone(plant.interval(2))), "run_ms": 5}
    send(config, plant.batch([early, bad]))
    assert main(["quarantine", "replay", "--all", *at]) == 1
    assert "0 of 2 replayed" in capsys.readouterr().out
    text = config.read_text("utf-8")
    config.write_text(text.replace(f"plant_ms = {plant.NOW}", f"plant_ms = {start + 600_000}"), "utf-8")
    assert main(["quarantine", "replay", "--reason", "future", "--dry-run", *at]) == 0
    assert "1 of 1 would be replayed" in capsys.readouterr().out
    assert stored_usage(config) == 0
    assert main(["quarantine", "list", *at]) == 0
    [first, _] = re.findall(r"qinghe/gw1/\d+", capsys.readouterr().out)
    assert main(["quarantine", "replay", first, *at]) == 0
    assert stored_usage(config) == 1
    assert main(["quarantine", "replay", first, *at]) == 0
    assert "replayed already" in capsys.readouterr().out
    assert main(["quarantine", "replay", "qinghe/gw1/5", *at]) == 1
    assert main(["quarantine", "replay", "--reason", "future", *at]) == 0
    assert "nothing to replay" in capsys.readouterr().out
    assert main(["quarantine", "list", *at]) == 0
    assert "2 in all, 1 replayed" in capsys.readouterr().out
    assert main(["status", *at]) == 1
    assert "In quarantine: 1." in capsys.readouterr().out


def stored_usage(config: Path) -> int:
    import sqlite3

    with sqlite3.connect(config.parent / "store.db") as connection:
        try:
            [(count,)] = connection.execute("SELECT count(*) FROM usage").fetchall()
        except sqlite3.OperationalError:
            count = 0
    connection.close()
    return int(count)


def test_a_collector_killed_between_write_and_receipt_takes_the_same_batch_again(
    service: Service, config: Path, plant: SimpleNamespace
) -> None:
    payload = plant.batch(plant.chained(plant.meter(), *map(plant.interval, range(1, 10))))
    send(config, payload, wait=False)
    end = time.monotonic() + PATIENCE_S
    while stored_usage(config) == 0 and time.monotonic() < end:
        time.sleep(0.001)
    assert service.stop(signal.SIGKILL) == -signal.SIGKILL
    assert stored_usage(config) == 9
    service.start()
    receipt = send(config, payload)
    assert receipt is not None
    assert (receipt.records, receipt.accepted, receipt.exceptions) == (10, 10, [])
    assert stored_usage(config) == 9


END = ["lease", "end", "--machine", "knit-01"]
ADD = ["order", "add", "--tenant", "zhang", "--article", "x", "--by", "w"]
BAD_USE: dict[str, list[str]] = {
    "a machine in capitals": ["lease", "set", "--machine", "KNIT", "--tenant", "zhang", "--by", "w"],
    "a reserved tenant": ["lease", "set", "--machine", "knit-01", "--tenant", "none", "--by", "w"],
    "nobody who decides": END,
    "a name with a bell in it": [*END, "--by", "\a"],
    "an instant without a zone": [*END, "--by", "w", "--from", "2026-11-23T08:00"],
    "an instant that is none": [*END, "--by", "w", "--from", "tomorrow"],
    "an instant before all others": [*END, "--by", "w", "--from", "1969-12-31T00:00Z"],
    "a negative amount": [*ADD, "--order", "A", "--wanted", "-3"],
    "an order that is none": [*ADD, "--order", "一", "--wanted", "3"],
    "a replay of nothing said": ["quarantine", "replay"],
    "a replay of one and of all": ["quarantine", "replay", "s/g/1", "--all"],
    "a reason that there is not": ["quarantine", "replay", "--reason", "moon"],
    "no command": [],
}


def exit_code(argv: list[str]) -> int:
    try:
        return main(argv)
    except SystemExit as error:
        return int(str(error.code))


@pytest.mark.parametrize("argv", BAD_USE.values(), ids=BAD_USE)
def test_bad_usage_exits_with_2(config: Path, argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_code([*argv, *(["--config", str(config)] if argv else [])]) == 2
    assert capsys.readouterr().err


def test_a_site_must_be_known(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config.write_text(config.read_text("utf-8").replace('site = "qinghe"\n', ""), "utf-8")
    assert main(["lease", "end", "--machine", "knit-01", "--by", "w", "--config", str(config)]) == 2
    assert "--site" in capsys.readouterr().err


def test_without_a_broker_nothing_is_announced(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lease", "end", "--machine", "knit-01", "--by", "w", "--config", str(config)]) == 1
    assert "broker" in capsys.readouterr().err


def test_a_port_that_is_taken_is_a_failure(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port_of(config)))
        other.listen()
        assert main(["run", "--config", str(config)]) == 1
    said = capsys.readouterr().err
    assert said == f"[broker] port {port_of(config)} is in use; is another collector running?\n"


def test_a_configuration_must_be_named(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, config: Path
) -> None:
    monkeypatch.delenv("GONGFANG_COLLECTOR_CONFIG", raising=False)
    assert main(["check"]) == 2
    assert "--config" in capsys.readouterr().err
    monkeypatch.setenv("GONGFANG_COLLECTOR_CONFIG", str(config))
    assert main(["check"]) == 0


def test_the_store_must_be_there_to_be_asked(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--config", str(config)]) == 1
    assert "store" in capsys.readouterr().err
