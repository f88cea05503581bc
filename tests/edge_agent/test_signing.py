"""A chain is signed at the end of each local day, and the signature rests until it is stored."""

import base64
import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.chain import canonical, link
from contract.messages import BATCH_LIMIT, Batch, Receipt, decode_record
from contract.records import Interval, Record
from contract.signature import Signature, decode_signature, signed_bytes
from edge_agent.__main__ import main
from edge_agent.gateway_key import BadKeyError, GatewayKey, new_key, read_key
from edge_agent.held import Put, Sealed
from edge_agent.outbox import Outbox
from tests.billing.rows import make_interval, make_meter, make_span

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MIDNIGHT = 1_795_276_800_000
"""2026-11-22 00:00 in Shanghai."""


@pytest.fixture
def key(tmp_path: Path) -> GatewayKey:
    return new_key(tmp_path / "gateway.key")


@pytest.fixture
def opened(tmp_path: Path, key: GatewayKey) -> Iterator[Callable[..., Outbox]]:
    made: list[Outbox] = []

    def again(signer: GatewayKey | None = key) -> Outbox:
        for outbox in made:
            outbox.close()
        made[:] = [
            Outbox.open(
                tmp_path / "outbox.db",
                site="qinghe",
                gateway="gw-1",
                limit_bytes=10**7,
                ring_bytes=10**7,
                ring_ms=40 * DAY_MS,
                timezone="Asia/Shanghai",
                signer=signer,
            )
        ]
        return made[0]

    yield again
    for outbox in made:
        outbox.close()


def renumbered(records: Sequence[Any], first: int = 0) -> list[Record]:
    found: list[Record] = []
    for sequence, record in enumerate(records, first):
        more = {"sequence_first": sequence} if isinstance(record, Interval) else {}
        found.append(msgspec.structs.replace(record, sequence=sequence, **more))
    return found


def hours(first: int, many: int, **more: Any) -> list[Any]:
    return [make_interval(first + n * HOUR_MS, first + (n + 1) * HOUR_MS, **more) for n in range(many)]


def put(outbox: Outbox, records: Sequence[Record]) -> None:
    outbox.commit([Put(machine=records[0].machine, records=tuple(records))])


def batch_of(sealed: Sealed) -> Batch:
    return msgspec.json.decode(sealed.payload, type=Batch)


def receipt(sealed: Sealed, signatures: int | None = None) -> Receipt:
    batch = batch_of(sealed)
    return Receipt(
        batch=sealed.id,
        collector="c",
        at=0,
        records=len(batch.records),
        accepted=len(batch.records),
        unreadable=None,
        retry_after_ms=0,
        exceptions=[],
        signatures=len(batch.signatures) if signatures is None else signatures,
    )


def delivered(outbox: Outbox, now: int) -> tuple[list[Record], list[Signature]]:
    """Everything that goes now, all of it accepted."""
    records, signatures = list[Record](), list[Signature]()
    while sealed := outbox.seal(now, "s"):
        for one in sealed:
            records += map(decode_record, batch_of(one).records)
            signatures += map(decode_signature, batch_of(one).signatures)
            assert len(one.payload) <= BATCH_LIMIT
            outbox.settle(receipt(one), now)
    return records, signatures


def verify(signature: Signature, key: GatewayKey) -> None:
    raw = base64.b64decode(key.public)
    assert signature.key == key.fingerprint == hashlib.sha256(raw).hexdigest()
    public = Ed25519PublicKey.from_public_bytes(raw)
    public.verify(bytes.fromhex(signature.signature), signed_bytes(signature))


def test_a_day_is_signed_when_a_record_of_the_next_is_sealed(
    opened: Callable[..., Outbox], key: GatewayKey
) -> None:
    """What ends the day at midnight, a transition and the interval after it, is still of the day."""
    outbox = opened()
    before = MIDNIGHT - 2 * HOUR_MS
    cut = make_span(before, MIDNIGHT)
    put(outbox, renumbered([make_meter(before), *hours(before, 1), cut, *hours(before + HOUR_MS, 1)]))
    _, none = delivered(outbox, MIDNIGHT)
    assert none == []
    put(outbox, renumbered(hours(MIDNIGHT, 1), 4))
    records, (signature,) = delivered(outbox, MIDNIGHT + HOUR_MS)
    assert (signature.sequence, signature.until, signature.gateway) == (3, MIDNIGHT, "gw-1")
    assert records[-1].digest == link(signature.digest, canonical(records[-1]))
    verify(signature, key)


@given(st.lists(st.integers(1, 7), min_size=1, max_size=12), st.integers(1, 5))
@settings(max_examples=20, deadline=None)
def test_each_day_has_one_signature_over_its_last_record_however_its_records_are_batched(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int], every: int
) -> None:
    folder = tmp_path_factory.mktemp("days")
    signer = new_key(folder / "key")
    start = MIDNIGHT - 3 * HOUR_MS
    at, records = start, [make_meter(start)]
    for step in steps:
        for _ in range(step):
            records.append(make_interval(at, at + HOUR_MS))
            at += HOUR_MS
    limits = {"limit_bytes": 10**7, "ring_bytes": 10**7, "ring_ms": 10**12}
    names = {"site": "qinghe", "gateway": "gw-1", "timezone": "Asia/Shanghai"}
    chained, signatures = list[Record](), list[Signature]()
    with Outbox.open(folder / "o.db", **names, **limits, signer=signer) as outbox:  # type: ignore[arg-type]
        numbered = renumbered(records)
        for n in range(0, len(numbered), every):
            put(outbox, numbered[n : n + every])
            more, signed = delivered(outbox, start)
            chained, signatures = chained + more, signatures + signed
    digests = {record.sequence: record.digest for record in chained}
    last = {
        (record.start - MIDNIGHT) // DAY_MS: record.sequence
        for record in chained
        if isinstance(record, Interval)
    }
    last.pop(max(last))
    assert [one.sequence for one in signatures] == sorted(last.values())
    assert all(one.digest == digests[one.sequence] for one in signatures)


def test_an_epoch_that_ends_is_signed_as_it_ended(opened: Callable[..., Outbox], key: GatewayKey) -> None:
    outbox = opened()
    noon = MIDNIGHT + 12 * HOUR_MS
    first = renumbered([make_meter(noon), *hours(noon, 2)])
    second = make_meter(noon + 2 * HOUR_MS, epoch="e2", previous_epoch="e1")
    outbox.commit([Put(machine="knit-01", records=(*first, *renumbered([second])))])
    _, (signature,) = delivered(outbox, noon)
    assert (signature.epoch, signature.sequence) == ("e1", 2)
    assert signature.until == noon + 2 * HOUR_MS
    verify(signature, key)


def test_a_machine_that_is_silent_at_midnight_is_signed_an_hour_later(opened: Callable[..., Outbox]) -> None:
    outbox = opened()
    noon = MIDNIGHT + 12 * HOUR_MS
    put(outbox, renumbered([make_meter(noon), *hours(noon, 2)]))
    assert delivered(outbox, noon + 2 * HOUR_MS)[1] == []
    assert delivered(outbox, MIDNIGHT + DAY_MS + HOUR_MS - 1)[1] == []
    _, (signature,) = delivered(outbox, MIDNIGHT + DAY_MS + HOUR_MS + 600_000)
    assert signature.sequence == 2
    assert delivered(outbox, MIDNIGHT + 5 * DAY_MS)[1] == []


def two_days(outbox: Outbox) -> list[Sealed]:
    before = MIDNIGHT - HOUR_MS
    put(outbox, renumbered([make_meter(before), *hours(before, 2)]))
    return outbox.seal(MIDNIGHT, "s")


def test_a_signature_rests_until_a_collector_says_that_it_is_stored(opened: Callable[..., Outbox]) -> None:
    """Also over a restart; from a collector that knows nothing of signatures it comes back later."""
    outbox = opened()
    records, signed = two_days(outbox)
    assert batch_of(records).signatures == []
    assert batch_of(signed).records == []
    assert outbox.depth().signatures == 1
    outbox = opened()
    assert [one.id for one in outbox.waiting()] == [records.id, signed.id]
    for one in (records, signed):
        outbox.settle(receipt(one, signatures=0), MIDNIGHT)
    assert outbox.seal(MIDNIGHT + 29_000, "s") == []
    (again,) = outbox.seal(MIDNIGHT + 31_000, "s")
    assert batch_of(again).signatures == batch_of(signed).signatures
    outbox.settle(receipt(again), MIDNIGHT)
    assert outbox.depth().signatures == 0
    assert outbox.seal(MIDNIGHT + DAY_MS, "s") == []


def test_a_collector_that_never_stores_them_is_asked_once_an_hour(opened: Callable[..., Outbox]) -> None:
    outbox = opened()
    now = MIDNIGHT
    asked = []
    for one in two_days(outbox):
        outbox.settle(receipt(one, signatures=0), now)
    while now < MIDNIGHT + DAY_MS:
        now += 10_000
        for one in outbox.seal(now, "s"):
            asked.append(now)
            outbox.settle(receipt(one, signatures=0), now)
    assert 20 < len(asked) < 40
    assert asked[-1] - asked[-2] >= HOUR_MS


def test_what_is_sent_again_has_its_signatures_again(opened: Callable[..., Outbox]) -> None:
    outbox = opened()
    for one in two_days(outbox):
        outbox.settle(receipt(one), MIDNIGHT)
    assert outbox.seal(MIDNIGHT + DAY_MS // 2, "s") == []
    outbox.resend(MIDNIGHT - DAY_MS, MIDNIGHT)
    records, (signature,) = delivered(outbox, MIDNIGHT + DAY_MS // 2)
    assert (len(records), signature.until) == (2, MIDNIGHT)


def test_without_a_key_nothing_is_signed_and_with_a_later_one_what_is_there(
    opened: Callable[..., Outbox], key: GatewayKey
) -> None:
    outbox = opened(None)
    (records,) = two_days(outbox)
    outbox.settle(receipt(records), MIDNIGHT)
    outbox = opened(key)
    _, (signature,) = delivered(outbox, MIDNIGHT + DAY_MS + 2 * HOUR_MS)
    assert signature.sequence == 2


def test_a_midnight_of_thousands_of_machines_fits_batches(opened: Callable[..., Outbox]) -> None:
    """They go with the records that made them, a quarter of each batch at most."""
    outbox = opened()
    before = MIDNIGHT - HOUR_MS
    for n in range(300):
        of = {"machine": f"knit-{n:04}"}
        put(outbox, renumbered([make_meter(before, **of), *hours(before, 2, **of)]))
    records, signatures = delivered(outbox, MIDNIGHT)
    assert (len(records), len(signatures)) == (900, 300)
    assert len({one.machine for one in signatures}) == 300


def test_old_signatures_are_dropped_with_the_ring(opened: Callable[..., Outbox]) -> None:
    outbox = opened()
    for one in two_days(outbox):
        outbox.settle(receipt(one), MIDNIGHT)
    outbox.trim(MIDNIGHT + 31 * DAY_MS)
    outbox.resend(0, MIDNIGHT + DAY_MS)
    assert [one.sequence for one in delivered(outbox, MIDNIGHT + 31 * DAY_MS)[1]] == [
        2
    ]  # the head, as it stands


def test_a_key_is_made_for_its_owner_alone_and_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    made = new_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path).fingerprint == made.fingerprint
    assert "PRIVATE" not in repr(made)
    with pytest.raises(BadKeyError, match="never written over"):
        new_key(path)


def rsa(path: Path) -> None:
    key = generate_private_key(65537, 2048)
    path.touch(0o600)
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def with_mode(mode: int) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        new_key(path)
        path.chmod(mode)

    return make


def holding(text: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.touch(0o600)
        path.write_text(text)

    return make


def absent(_: Path) -> None:
    pass


BAD: dict[str, tuple[Callable[[Path], None], str]] = {
    "open to a group": (with_mode(0o640), "chmod 0600"),
    "open to everybody": (with_mode(0o604), "chmod 0600"),
    "not there": (absent, "make a key with"),
    "empty": (holding(""), "is no key in PEM form"),
    "a text": (holding("secret"), "is no key in PEM form"),
    "of another kind": (rsa, "is no Ed25519 key"),
    "a folder": (Path.mkdir, "is no file"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_is_no_good_key_is_refused_with_a_remedy(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.key"
    make, said = BAD[name]
    make(path)
    with pytest.raises(BadKeyError, match=said) as refused:
        read_key(path)
    assert "secret" not in str(refused.value)


SITE = """\
site = "qinghe"
gateway = "gw-1"
area = "hall-a"
[outbox]
path = "outbox.db"
[signing]
key_file = "gateway.key"
[[endpoint]]
name = "bus"
host = "127.0.0.1"
[[machine]]
name = "knit-01"
endpoint = "bus"
profile = "knit-flat"
"""


def test_the_commands_make_a_key_and_show_its_public_half_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, site = tmp_path / "gateway.key", tmp_path / "site.toml"
    site.write_text(SITE)
    assert main(["check", "--config", str(site)]) == 2
    assert "site.toml:7: signing.key_file" in capsys.readouterr().err
    assert main(["key", "new", str(file), "--gateway", "gw-1"]) == 0
    made = capsys.readouterr().out
    assert main(["key", "show", str(file), "--gateway", "gw-1"]) == 0
    shown = capsys.readouterr().out
    assert shown in made
    assert 'gateway = "gw-1"\npublic = "' in shown
    secret = file.read_text().splitlines()[1]
    assert secret not in made + shown
    assert main(["key", "show", "--config", str(site)]) == 0
    assert capsys.readouterr().out == shown
    assert main(["check", "--config", str(site)]) == 0
    assert read_key(file).fingerprint in capsys.readouterr().out
    assert main(["key", "new", str(file)]) == 1
    assert main(["key", "show"]) == 2
    file.chmod(0o644)
    assert main(["check", "--config", str(site)]) == 2
    assert "chmod 0600" in capsys.readouterr().err
