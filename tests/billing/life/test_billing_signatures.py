"""Signatures of gateways, held against the chain when a period is closed and when it is verified.

What is missing, wrong, of an unknown key or over another record is a finding that names machine and record.
"""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.chain_walk import Walk
from billing.config import load
from billing.trusted import Trusted
from billing.trusted_file import read_keys
from contract.complaint import BadConfigurationError
from contract.records import Record
from contract.signature import Signature
from tests.billing.life.conftest import DAY_MS, FIRST, MONTH, Plant, alter, month, replace
from tests.billing.life.signing import days_signed, sign, trusted
from tests.billing.life.test_billing_chain_walk import forged, walk

BY = ("--by", "Li Na")
RECORDS = month()
SIGNED = days_signed(RECORDS)
THIRD = FIRST + 2 * DAY_MS
KNOWN = read_keys("keys.toml", trusted("a"))


def configure(plant: Plant, keys: str = trusted("a"), *, required: bool = True) -> None:
    (plant.folder / "keys.toml").write_text(keys, "utf-8")
    table = f'[signatures]\nkeys = "keys.toml"\nrequired = {str(required).lower()}\n'
    plant.config.write_text(f"{plant.config.read_text('utf-8')}{table}", "utf-8")


def said(plant: Plant, capsys: pytest.CaptureFixture[str]) -> str:
    """Why it is not frozen."""
    capsys.readouterr()
    assert plant.call("freeze", *MONTH, *BY) == 1
    return capsys.readouterr().err


def test_a_month_whose_days_are_signed_is_frozen_and_verified(plant: Plant) -> None:
    """The signatures are in the evidence, and the keys that they were held against."""
    plant.put(SIGNED)
    configure(plant)
    assert plant.call("freeze", *MONTH, *BY) == 0
    kept = plant.bytes_of(1)
    assert sum(name.startswith("signature-") for name in kept) == 30
    assert b"keys.toml" in kept["configuration.json"]
    assert plant.call("issue", *MONTH, *BY) == 0
    assert plant.call("verify", *MONTH) == 0


def test_a_site_without_keys_goes_on(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    """Whether its gateways sign or not."""
    plant.put(SIGNED[:3])
    assert plant.call("freeze", *MONTH, *BY) == 0
    configure(plant, required=False)
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("verify", *MONTH) == 0
    capsys.readouterr()


def test_days_that_nobody_signed_are_a_finding_where_signatures_are_required(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """From the first of them on; a later signature binds whatever an earlier one would have."""
    plant.put([SIGNED[0], SIGNED[3], SIGNED[4]])
    configure(plant)
    assert "unsigned knit-01 2026-11-06T00:00:00+08:00: e1/26: no gateway signed it" in said(plant, capsys)


Case = tuple[list[Signature], str, str]


def cases() -> Iterator[tuple[str, Case]]:
    """What the gateway's signatures are, which keys are trusted, and what is said of the third day."""
    before, third, after = SIGNED[:2], SIGNED[2], SIGNED[3:]
    (at, record) = "2026-11-03T23:59:59.999+08:00", f"e1/{third.sequence}"

    def with_third(other: Signature) -> list[Signature]:
        return [*before, other, *after]

    turned = f"{int(third.signature[0], 16) ^ 1:x}{third.signature[1:]}"
    wrong = f"signature knit-01 {at}: {record}: its signature is no signature over what it says"
    yield "a bit of it is another", (with_third(replace(third, signature=turned)), trusted("a"), wrong)
    yield (
        "it says another instant",
        (with_third(replace(third, signed=third.signed + 1)), trusted("a"), wrong),
    )
    (last,) = [one for one in RECORDS if one.sequence == third.sequence]
    unknown = f"signature knit-01 {at}: {record}: its signature is signed with a key that is not trusted here"
    yield "of a stranger's key", (with_third(sign(last, third.until, "b")), trusted("a"), unknown)
    theirs = f"signature knit-01 {at}: {record}: its signature says gw-2, and its key is that of gw-1"
    yield "of another gateway", (with_third(sign(last, third.until, gateway="gw-2")), trusted("a"), theirs)
    both = f"{trusted('a')}\n{trusted('b', gateway='gw-2')}"
    not_its = "signature knit-01 2026-11-03T10:00:00+08:00: " + f"{record}: it is of gw-1, and gw-2 signed it"
    yield "by another gateway", (with_third(sign(last, third.until, "b", "gw-2")), both, not_its)
    ended = f"signature knit-01 {at}: {record}: its signature is of 2026-11-03, and its key was trusted up to"
    old = trusted("a", more="valid_to = 2026-11-02")
    yield "after its key's end", (SIGNED, old, ended)
    early = (
        "knit-01 2026-11-01T23:59:59.999+08:00: e1/5: its signature is of 2026-11-01, and its key is trusted"
    )
    yield "before its key's beginning", (SIGNED, trusted("a", more="valid_from = 2026-11-02"), early)
    other = sign(replace(last, digest="0" * 64), third.until)
    head = (
        "signature knit-01 2026-11-03T10:00:00+08:00: " + f"{record}: gw-1 signed another record in its place"
    )
    yield "over another head", (with_third(other), trusted("a"), head)
    beyond = sign(replace(last, sequence=10_000), third.until)
    lost = f"signature knit-01 {at}: e1/10000: gw-1 signed it as the end of a day or an epoch, and it is not"
    yield "over a record that is not there", (with_third(beyond), trusted("a"), lost)


CASES = dict(cases())


@pytest.mark.parametrize("name", CASES)
def test_a_signature_that_does_not_hold_blocks_and_is_named(
    name: str, plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    signatures, keys, found = CASES[name]
    plant.put(signatures)
    configure(plant, keys, required=False)
    assert found in said(plant, capsys)


def test_a_replaced_key_holds_for_its_days_and_the_new_one_for_the_others(plant: Plant) -> None:
    old, new = days_signed(RECORDS)[:10], days_signed(RECORDS, "b")[10:]
    plant.put([*old, *new])
    keys = f"{trusted('a', more='valid_to = 2026-11-10')}\n{trusted('b', more='valid_from = 2026-11-11')}"
    configure(plant, keys)
    assert plant.call("freeze", *MONTH, *BY) == 0


def test_the_end_of_an_epoch_that_was_cut_off_is_found_by_its_signature(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    """The chain that is left has no break: only who signed it knows of more."""
    plant.put(SIGNED)
    configure(plant)
    last = RECORDS[-1]
    alter(plant, "DELETE FROM usage WHERE json_extract(fields, '$.sequence') = ?", last.sequence)
    found = said(plant, capsys)
    assert f"signature knit-01 2026-11-30T23:59:59.999+08:00: e1/{last.sequence}: gw-1 signed it" in found
    assert "chain knit-01" not in found


def test_a_signature_that_was_taken_out_or_changed_after_the_freezing_is_named(
    plant: Plant, capsys: pytest.CaptureFixture[str]
) -> None:
    plant.put(SIGNED)
    configure(plant)
    assert plant.call("freeze", *MONTH, *BY) == 0
    alter(plant, "DELETE FROM signature WHERE time = ?", SIGNED[4].until)
    change = "UPDATE signature SET fields = json_set(fields, '$.signed', 5) WHERE time = ?"
    alter(plant, change, SIGNED[6].until)
    capsys.readouterr()
    assert plant.call("verify", *MONTH) == 1
    found = capsys.readouterr().out
    assert (
        "signature knit-01/e1/25, 2026-11-06T00:00:00+08:00: is in the evidence, and in the store no" in found
    )
    assert "signature of knit-01 e1/35, 2026-11-07T23:59:59.999+08:00: its signature is no signature" in found


def judged(records: list[Record], signatures: list[Signature], keys: Trusted) -> Walk:
    from zoneinfo import ZoneInfo

    walk_ = Walk(flaw=lambda head: keys.flaw(head, ZoneInfo("Asia/Shanghai")))
    for one in signatures:
        walk_.add_signature(one)
    return walk(records, walk_)


@given(st.integers(1, len(RECORDS) - 1))
def test_a_chain_that_was_written_anew_is_found_by_the_first_signature_behind(n: int) -> None:
    """By whoever can seal as an agent does, and has not its key."""
    found = judged(forged(n), SIGNED, Trusted(keys=KNOWN))
    first = min(one.sequence for one in SIGNED if one.sequence >= n)
    assert found.breaks[0].sequence == first
    assert {one.rule for one in found.breaks} == {"signature"}


@given(st.sets(st.integers(0, len(SIGNED) - 1)))
def test_what_no_signature_covers_begins_behind_the_last_of_them(days: set[int]) -> None:
    found = judged(RECORDS, [SIGNED[day] for day in days], Trusted(keys=KNOWN, is_required=True))
    covered = max((SIGNED[day].sequence for day in days), default=-1)
    unsigned = [one.sequence for one in found.unsigned(FIRST + 60 * DAY_MS)]
    assert unsigned == ([covered + 1] if covered + 1 < len(RECORDS) else [])


def test_a_day_that_is_not_over_need_not_be_signed_yet() -> None:
    found = judged(RECORDS, SIGNED[:29], Trusted(keys=KNOWN, is_required=True))
    assert found.unsigned(FIRST + 29 * DAY_MS) == []
    assert [one.sequence for one in found.unsigned(FIRST + 30 * DAY_MS)] == [SIGNED[28].sequence + 1]


BAD = {
    "no base64": ('[[key]]\ngateway = "gw-1"\npublic = "x"\n', "key.0.public"),
    "too short": ('[[key]]\ngateway = "gw-1"\npublic = "QUJD"\n', "gongfang-agent key show"),
    "no gateway": (trusted("a").replace("gateway", "gate"), "gateway"),
    "twice": (trusted("a", "a"), "a second time"),
    "ends early": (trusted("a", more="valid_from = 2026-02-01\nvalid_to = 2026-01-01"), "before it begins"),
    "another file": ('currency = "CNY"\n', "a tariff"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_of_keys_is_complained_of(name: str) -> None:
    text, found = BAD[name]
    with pytest.raises(BadConfigurationError) as told:
        read_keys("keys.toml", text)
    assert found in str(told.value)


def test_a_file_of_keys_that_is_not_there_is_complained_of(plant: Plant) -> None:
    configure(plant)
    (plant.folder / "keys.toml").unlink()
    with pytest.raises(BadConfigurationError, match="give the file of trusted keys"):
        load(plant.config)
