"""The embedded broker, and the Mosquitto that configs/mosquitto.conf sets up."""

import asyncio
import gc
import getpass
import re
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import aiomqtt
import msgspec
import pytest

from collector.amqtt import CannotListenError, embedded
from collector.mqtt import Address, BrokerAwayError, answer, arrivals, connected, subscribe
from contract import topics
from contract.messages import Receipt
from contract.topics import Topic

CONF = Path(__file__).parent.parent.parent / "configs" / "mosquitto.conf"
PATIENCE_S = 20
T = TypeVar("T")


def at(host: str, port: int, name: str = "c1", password: str | None = None) -> Address:
    return Address(
        host=host, port=port, client_id=f"id-{name}", username=password and name, password=password
    )


async def test_one_user_is_let_in_and_others_are_not() -> None:
    async with embedded(username="c1", password="word") as (host, port):
        async with connected(at(host, port, password="word")):
            pass
        for stranger in (at(host, port, password="world"), at(host, port, "c2", "word"), at(host, port)):
            with pytest.raises(BrokerAwayError):
                async with connected(stranger):
                    pass


async def test_a_port_is_taken_once() -> None:
    async with embedded() as (host, port):
        with pytest.raises(CannotListenError, match=str(port)):
            async with embedded(host, port):
                pass


async def test_strangers_who_say_nonsense_or_nothing_do_no_harm() -> None:
    async with embedded() as (host, port):
        for said in (b"GET / HTTP/1.1\r\n\r\n", b"", b"\x10\xff\xff\xff\x7f", b"\x00" * 100):
            _, writer = await asyncio.open_connection(host, port)
            writer.write(said)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
        silent = await asyncio.open_connection(host, port)
        async with connected(at(host, port)) as client:
            await subscribe(client)
            await client.publish("gongfang/v1/qinghe/machine/Knit-01/lease", b"x", qos=1)
            await client.publish(topics.batch("qinghe", "gw1"), b"x", qos=1)
            heard = [arrival async for arrival in _first(arrivals(client), 2)]
        assert [arrival and arrival.topic for arrival in heard] == [None, Topic("batch", "qinghe", "gw1")]
    silent[1].close()
    await silent[1].wait_closed()


async def _first(things: AsyncIterator[T], count: int) -> AsyncIterator[T]:
    async with asyncio.timeout(PATIENCE_S):
        for _ in range(count):
            yield await anext(things)


async def test_a_broker_that_is_not_there_is_away(free_port: Callable[[], int]) -> None:
    with pytest.raises(BrokerAwayError):
        async with connected(at("127.0.0.1", free_port())):
            pass


def _acl(conf: str) -> str:
    """The access list that the end of the file spells out in comments."""
    return "\n".join(re.findall(r"^#   ((?:user|topic) .*)$", conf, re.MULTILINE)) + "\n"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def hardened(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[int]:
    """Mosquitto as the example says, but for the paths and the port."""
    program = shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    passwords = shutil.which("mosquitto_passwd")
    if not program or not passwords:
        pytest.skip("mosquitto is not installed")
    conf, port = CONF.read_text("utf-8"), free_port()
    (tmp_path / "gongfang.acl").write_text(_acl(conf), "utf-8")
    (tmp_path / "gongfang.passwd").touch()
    for user in ("collector", "gw1", "office"):
        subprocess.run([passwords, "-b", str(tmp_path / "gongfang.passwd"), user, "word"], check=True)
    conf = conf.replace("/etc/mosquitto", str(tmp_path)).replace("/var/lib/mosquitto", str(tmp_path))
    conf = conf.replace("listener 1883 ", f"listener {port} ") + f"\nuser {getpass.getuser()}\n"
    (tmp_path / "mosquitto.conf").write_text(conf, "utf-8")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(tmp_path / "mosquitto.conf")], stderr=log, stdout=log)
    end = time.monotonic() + PATIENCE_S
    while not _listens(port) and time.monotonic() < end:
        time.sleep(0.02)
    assert process.poll() is None, (tmp_path / "log").read_text("utf-8")
    yield port
    process.terminate()
    process.wait(PATIENCE_S)


@asynccontextmanager
async def user(port: int, name: str, *listens: str) -> AsyncIterator[aiomqtt.Client]:
    async with connected(at("127.0.0.1", port, name, "word")) as client:
        for topic in listens:
            await client.subscribe(topic, qos=1)
        yield client


async def test_the_example_for_mosquitto_lets_everybody_do_their_part(hardened: int) -> None:
    lease, order = topics.lease("qinghe", "knit-01"), topics.order("qinghe", "A-17")
    batch, receipt = topics.batch("qinghe", "gw1"), topics.receipt("qinghe", "gw1")
    async with user(hardened, "collector") as collector, user(hardened, "gw1", lease, receipt) as gw1:
        await subscribe(collector)
        async with user(hardened, "office") as office:
            for topic in (lease, order, batch):  # the last is none of the office's business
                await office.publish(topic, b"from the office", qos=1, retain=topic != batch)
        await gw1.publish(batch, b"from gw1", qos=1)
        await gw1.publish(topics.batch("qinghe", "gw2"), b"not mine", qos=1)
        await gw1.publish(lease, b"not mine", qos=1)
        await gw1.publish(batch, b"the end", qos=1)
        heard = [arrival async for arrival in _first(arrivals(collector), 4)]
        await answer(collector, Topic("batch", "qinghe", "gw1"), _receipt())
        received = [message async for message in _first(aiter(gw1.messages), 2)]
    assert sorted(arrival.payload for arrival in heard if arrival) == [
        b"from gw1",
        b"from the office",
        b"from the office",
        b"the end",
    ]
    assert [str(message.topic) for message in received] == [lease, receipt]


def _receipt() -> Receipt:
    return Receipt(
        batch="0" * 64,
        collector="c1",
        at=0,
        records=0,
        accepted=0,
        unreadable=None,
        retry_after_ms=0,
        exceptions=[],
    )


async def test_the_example_for_mosquitto_lets_in_nobody_unknown(hardened: int) -> None:
    for stranger in (at("127.0.0.1", hardened), at("127.0.0.1", hardened, "gw1", "guess")):
        with pytest.raises(BrokerAwayError):
            async with connected(stranger):
                pass


@pytest.fixture
def with_tls(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[tuple[int, Path]]:
    """Mosquitto behind a certificate that only its own authority vouches for."""
    program, openssl = shutil.which("mosquitto", path="/usr/sbin:/usr/bin"), shutil.which("openssl")
    if not program or not openssl:
        pytest.skip("mosquitto or openssl is not installed")
    key, certificate, port = tmp_path / "broker.key", tmp_path / "broker.pem", free_port()
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    new = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*new, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    conf = f"listener {port} 127.0.0.1\nallow_anonymous true\ncertfile {certificate}\nkeyfile {key}\n"
    (tmp_path / "tls.conf").write_text(f"{conf}user {getpass.getuser()}\n", "utf-8")
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([program, "-c", str(tmp_path / "tls.conf")], stderr=log, stdout=log)
    end = time.monotonic() + PATIENCE_S
    while not _listens(port) and time.monotonic() < end:
        time.sleep(0.02)
    yield port, certificate
    process.terminate()
    process.wait(PATIENCE_S)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_only_a_broker_with_a_known_certificate_is_trusted(with_tls: tuple[int, Path]) -> None:
    port, authority = with_tls
    unknown = msgspec.structs.replace(at("127.0.0.1", port), tls=True)
    async with connected(msgspec.structs.replace(unknown, tls_ca_file=str(authority))) as client:
        await subscribe(client)
    with pytest.raises(BrokerAwayError, match="certificate"):
        async with connected(unknown):
            pass
    gc.collect()  # the client library leaves the socket of a failed handshake to the collector of garbage
