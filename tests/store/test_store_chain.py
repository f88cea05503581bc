"""Chains and their signatures are walked from any store, and what was changed in it is named."""

from zoneinfo import ZoneInfo

from msgspec.structs import replace

from billing.chains import Plan, walked
from billing.period import Period
from billing.trusted import Trusted
from billing.trusted_file import read_keys
from contract.messages import Outcome
from contract.records import Record
from contract.series import row_of
from contract.signature import Signature
from store.protocol import Store
from tests.billing.life.conftest import DAY_MS, FIRST, month
from tests.billing.life.signing import days_signed, sign, trusted

DAYS = 3
PERIOD = Period(start=FIRST, end=FIRST + DAYS * DAY_MS)
RECORDS = [each for each in month() if getattr(each, "start", FIRST) < PERIOD.end]
SIGNED = days_signed(RECORDS)
PLAN = Plan(
    site="qinghe",
    period=PERIOD,
    zone=ZoneInfo("Asia/Shanghai"),
    now=PERIOD.end + DAY_MS,
    trusted=Trusted(keys=read_keys("keys.toml", trusted("a")), is_required=True),
)


async def breaks(store: Store, records: list[Record], signed: list[Signature]) -> list[tuple[str, int]]:
    written = await store.write([row_of(each) for each in (*records, *signed)])
    assert {each.outcome for each in written} == {Outcome.ACCEPTED}
    return [(each.rule.value, each.sequence) for each in (await walked(store, PLAN)).breaks]


async def test_a_chain_that_is_whole_and_signed_has_no_break(store: Store) -> None:
    assert await breaks(store, RECORDS, SIGNED) == []


async def test_a_changed_record_a_missing_one_and_another_hand_are_named(store: Store) -> None:
    """And that the last day lacks its own signature, since another key made it."""
    changed, missing = RECORDS[4], RECORDS[7]
    rest = [each for each in RECORDS if each.sequence not in {changed.sequence, missing.sequence}]
    records = [replace(changed, gateway="gw-9"), *rest]
    last = SIGNED[-1]
    record = next(each for each in RECORDS if each.sequence == last.sequence)
    found = await breaks(store, records, [*SIGNED[:-1], sign(record, last.until, "b")])
    assert ("chain", changed.sequence) in found
    assert ("chain", missing.sequence) in found
    assert ("signature", last.sequence) in found
