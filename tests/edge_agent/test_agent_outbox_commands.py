"""``status`` and ``resend``: what the outbox says to a person."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from contract.messages import Receipt
from contract.records import Meter, MeterReason
from edge_agent.__main__ import main
from edge_agent.held import Put
from edge_agent.outbox import Outbox

SITE = """\
site = "qinghe"
gateway = "gw1"
area = "hall-a"

[outbox]
path = "outbox.db"

[[endpoint]]
name = "bus"
host = "127.0.0.1"

[[machine]]
name = "knit-01"
endpoint = "bus"
profile = "knit-flat"
"""


class Site:
    def __init__(self, folder: Path) -> None:
        self.file, self.outbox = folder / "site.toml", folder / "outbox.db"
        self.file.write_text(SITE)

    def run(self, command: str, *more: str) -> int:
        return main([command, "--config", str(self.file), *more])


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def record(at: int, epoch: str) -> Meter:
    return Meter(
        site="qinghe", area="hall-a", machine="knit-01", kind="knit", epoch=epoch, gateway="gw1", sequence=0,
        at=at, reason=MeterReason.FIRST, previous_epoch="none", previous_end=None, profile="knit-flat@1",
        profile_digest="d", stop_table="t@1", agent="0", timezone="Asia/Shanghai", serial=1, boot_count=1,
        uptime_s=1, readings={},
    )  # fmt: skip


def receipt(batch: str) -> Receipt:
    return Receipt(
        batch=batch,
        collector="c",
        at=0,
        records=1,
        accepted=1,
        unreadable=None,
        retry_after_ms=0,
        exceptions=[],
    )


EIGHT = 1_793_491_200_000
"""2026-11-01 08:00 in Shanghai."""


@pytest.fixture
def kept(site: Site) -> Site:
    """A site whose outbox holds a delivered record of eight o'clock and one of a minute later that waits."""
    with Outbox.open(
        site.outbox, site="qinghe", gateway="gw1", limit_bytes=1 << 30, ring_bytes=1 << 30, ring_ms=1 << 40
    ) as outbox:
        outbox.commit([Put(machine="knit-01", records=(record(EIGHT, "e1"),))])
        (sealed,) = outbox.seal(EIGHT, "s1")
        outbox.settle(receipt(sealed.id), EIGHT)
        outbox.commit([Put(machine="knit-01", records=(record(EIGHT + 60_000, "e2"),))])
    return site


def test_status_tells_how_much_waits_since_when(kept: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert kept.run("status") == 0
    said = capsys.readouterr().out
    assert "waiting for a receipt: 1 records" in said
    assert "oldest of them: 2026-11-01T08:01:00+08:00" in said
    assert "kept for resend: 1 records" in said
    assert "reaching back to: 2026-11-01T08:00:00+08:00" in said


def test_status_is_an_alarm_when_more_waits_than_should(
    kept: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    depth = Outbox.depth
    monkeypatch.setattr(Outbox, "depth", lambda self: replace(depth(self), over_limit=True))
    assert kept.run("status") == 1
    assert "ALARM" in capsys.readouterr().out


def test_status_without_an_outbox_says_that_there_is_none_and_makes_none(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    assert site.run("status") == 1
    assert "no such file" in capsys.readouterr().err
    assert not site.outbox.exists()


SPANS = [
    ("2026-11-01", "2026-11-02", 1),
    ("2026-11-01T08:00", "2026-11-01T08:00:00.001", 1),
    ("2026-11-01T00:00Z", "2026-11-01T00:01Z", 1),
    ("2026-10-31", "2026-11-01T08:00", 0),
    ("2026-11-01T08:00:00.001", "2026-11-02", 0),
]


@pytest.mark.parametrize(("start", "end", "records"), SPANS)
def test_resend_puts_back_what_was_delivered_between_two_local_instants(
    kept: Site, capsys: pytest.CaptureFixture[str], start: str, end: str, records: int
) -> None:
    assert kept.run("resend", "--from", start, "--to", end) == 0
    assert capsys.readouterr().out == f"records put back into the queue: {records}\n"


@pytest.mark.parametrize("end", ["2026-10-31", "2026-11-01T00:00+08:00"])
def test_resend_refuses_a_span_that_ends_before_it_begins(kept: Site, end: str) -> None:
    assert kept.run("resend", "--from", "2026-11-01", "--to", end) == 2


def test_resend_refuses_what_is_no_instant(kept: Site, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        kept.run("resend", "--from", "yesterday", "--to", "2026-11-01")
    assert left.value.code == 2
    assert (
        "--from: 'yesterday' is no instant; write 2026-11-22 or 2026-11-22T08:00" in capsys.readouterr().err
    )
