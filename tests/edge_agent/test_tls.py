"""Modbus/TCP Security: both sides show certificates, names are checked, and what is wrong is told.

The authority is made in the test; the machine lets nobody in who has no certificate of it.
"""

import asyncio
import shutil
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_agent.address import Tls
from edge_agent.block import Block, Table
from edge_agent.link import LinkLostError, SilentError
from edge_agent.modbus_client import tls_context
from tests.edge_agent.peer.authority import Authority
from tests.edge_agent.peer.machine import Machine
from tests.edge_agent.wired import linked

HERE = Block(Table.HOLDING, 0, 3)


@pytest.fixture
def press(authority: Authority, tmp_path: Path) -> Iterator[Machine]:
    machine = Machine("tls", tmp_path, authority.demanding("server"))
    yield machine
    machine.close()


@pytest.fixture(scope="session")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Another authority, with an ``agent`` of its own."""
    made = Authority(tmp_path_factory.mktemp("stranger"))
    made.issue("agent")
    return made


def url(machine: Machine, files: Path, *, ca: str = "ca", who: str = "agent", more: str = "") -> str:
    shown = f"&cert={files}/{who}.pem&key={files}/{who}.key" if who else ""
    return f"{machine.url}?ca={files}/{ca}.pem{shown}{more}"


async def refusal(url: str) -> str:
    async with linked(url, timeout_s=5) as link:
        with pytest.raises(LinkLostError) as lost:
            await link.read(HERE, 1)
    return str(lost.value)


async def test_whoever_shows_a_certificate_of_the_plant_is_let_in(
    press: Machine, authority: Authority
) -> None:
    async with linked(url(press, authority.directory)) as link:
        assert list(await link.read(HERE, 1)) == [1000, 1001, 1002]


async def test_whoever_shows_none_is_not(press: Machine, authority: Authority) -> None:
    assert "closed the connection" in await refusal(url(press, authority.directory, who=""))
    assert press.requests == []


async def test_nor_who_shows_one_of_another_authority(
    press: Machine, authority: Authority, stranger: Authority
) -> None:
    shown = f"&cert={stranger.directory}/agent.pem&key={stranger.directory}/agent.key"
    told = await refusal(url(press, authority.directory, who="", more=shown))
    assert "closed the connection" in told
    assert press.requests == []


async def test_a_machine_of_another_authority_is_not_asked(press: Machine, stranger: Authority) -> None:
    told = await refusal(url(press, stranger.directory))
    assert "certificate verify failed" in told
    assert press.requests == []


async def test_without_an_authority_the_systems_are_trusted_and_this_is_none_of_them(press: Machine) -> None:
    assert "certificate verify failed" in await refusal(press.url)


async def test_the_name_of_the_host_must_stand_in_the_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    authority.issue("elsewhere", "DNS:loom-9.plant")
    machine = Machine("tls", tmp_path, authority.demanding("elsewhere"))
    try:
        assert "IP address mismatch" in await refusal(url(machine, authority.directory))
        told = url(machine, authority.directory, more="&name=loom-9.plant")
        async with linked(told) as link:
            assert list(await link.read(HERE, 1)) == [1000, 1001, 1002]
        wrong = url(machine, authority.directory, more="&name=loom-8.plant")
        assert "Hostname mismatch" in await refusal(wrong)
    finally:
        machine.close()


async def test_a_certificate_whose_time_is_over_is_told(authority: Authority, tmp_path: Path) -> None:
    authority.issue("old", "IP:127.0.0.1", days=-1)
    machine = Machine("tls", tmp_path, authority.demanding("old"))
    try:
        assert "certificate has expired" in await refusal(url(machine, authority.directory))
    finally:
        machine.close()


async def test_renewed_files_are_used_at_the_next_connection(
    press: Machine, authority: Authority, stranger: Authority, tmp_path: Path
) -> None:
    def lay(source: Authority) -> None:
        for file in ("ca.pem", "agent.pem", "agent.key"):
            shutil.copy(source.directory / file, tmp_path / file)

    lay(stranger)
    async with linked(url(press, tmp_path), timeout_s=5) as link:
        with pytest.raises(LinkLostError):
            await link.read(HERE, 1)
        lay(authority)
        assert list(await link.read(HERE, 1)) == [1000, 1001, 1002]


@pytest.mark.parametrize("broken", ["ca.pem", "agent.pem", "agent.key"])
async def test_a_file_that_is_gone_or_no_certificate_is_told_and_nothing_falls(
    press: Machine, authority: Authority, tmp_path: Path, broken: str
) -> None:
    for file in ("ca.pem", "agent.pem", "agent.key"):
        shutil.copy(authority.directory / file, tmp_path / file)
    (tmp_path / broken).write_text("no certificate")
    assert "no connection to tls://127.0.0.1" in await refusal(url(press, tmp_path))
    (tmp_path / broken).unlink()
    assert "No such file" in await refusal(url(press, tmp_path))
    shutil.copy(authority.directory / broken, tmp_path / broken)
    async with linked(url(press, tmp_path)) as link:
        assert list(await link.read(HERE, 1)) == [1000, 1001, 1002]


async def test_a_key_behind_a_password_is_told_and_nobody_is_asked_for_it(
    press: Machine, authority: Authority, tmp_path: Path
) -> None:
    for file in ("ca.pem", "agent.pem"):
        shutil.copy(authority.directory / file, tmp_path / file)
    authority.lock("agent", tmp_path / "agent.key", "pink plaid")
    told = await refusal(url(press, tmp_path))
    assert "no connection to tls://127.0.0.1" in told
    assert "pink" not in told


@pytest.mark.parametrize(("says", "told"), [(b"", "no answer within"), (b"220 hello\r\n" * 10, "SSL")])
async def test_a_peer_that_speaks_no_tls_is_told(authority: Authority, says: bytes, told: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(says)
        while await reader.read(1000):
            pass
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    address = f"tls://127.0.0.1:{server.sockets[0].getsockname()[1]}?ca={authority.ca}"
    async with linked(address, timeout_s=0.3) as link:
        with pytest.raises(LinkLostError, match=f"no connection to tls://.*{told}"):
            await link.read(HERE, 1)
    server.close()
    await asyncio.sleep(0.05)  # until the peer has seen the end


async def test_a_connection_is_given_up_at_once_though_the_machine_says_no_goodbye(
    press: Machine, authority: Authority
) -> None:
    """TLS would wait for its goodbye, and some machines take only one connection."""
    press.faults.append(press.late)  # whoever should read the goodbye is busy
    async with linked(url(press, authority.directory), timeout_s=0.3) as link:
        with pytest.raises(SilentError):
            await link.read(HERE, 1)
        await asyncio.sleep(0.05)
        assert open_to(press.port) == 0
        press.released.set()
        assert list(await link.read(HERE, 1)) == [1000, 1001, 1002]


def open_to(port: int) -> int:
    """Established connections to a port of this box, as the kernel counts them."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def test_old_versions_and_unnamed_peers_are_never_spoken_to() -> None:
    context = tls_context(Tls())
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert context.check_hostname
    assert context.verify_mode is ssl.CERT_REQUIRED
