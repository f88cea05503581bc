"""``lease import``: a table of leases, announced like leases that were typed one by one."""

import asyncio
from pathlib import Path
from zoneinfo import ZoneInfo

from collector import announce, ledger, remarks
from collector.announcing import CONFIRM_S, POLL_S
from collector.config import Settings
from collector.instant import shown
from collector.lease_plan import Plan, Said, plan
from collector.lease_rows import COLUMNS, Table, read_rows
from collector.mqtt import connected
from collector.terminal import say, warn
from contract.complaint import BadConfigurationError, Complaint
from contract.messages import Lease
from contract.sheet import Sheet, read_sheet
from store.opening import open_store
from store.protocol import StoreAwayError, UnusableStoreError


def leases(settings: Settings, said: Said, zone: ZoneInfo | None, *, announced: bool) -> int:
    """Shows what would be announced, and announces it if ``announced``. Returns the exit code.

    Raises BadConfigurationError with every complaint about the table, BrokerAwayError, StoreAwayError.
    """
    sheet = _sheet(said.file)
    table = read_rows(sheet, zone)
    try:
        return asyncio.run(_leases(settings, said, sheet, table, announced=announced))
    except (StoreAwayError, UnusableStoreError):
        if table.complaints:  # they can be mended without the store
            raise BadConfigurationError(table.complaints) from None
        raise


def _sheet(file: str) -> Sheet:
    try:
        return read_sheet(file, Path(file).read_bytes(), COLUMNS)
    except OSError as error:
        problem = f"cannot be read ({error.strerror})"
        unread = Complaint(file=file, line=0, key="", problem=problem, remedy="give a CSV file")
        raise BadConfigurationError([unread]) from None


async def _leases(settings: Settings, said: Said, sheet: Sheet, table: Table, *, announced: bool) -> int:
    async with open_store(settings.store, read_only=True) as store:
        stored = [fact for fact in await ledger.leases(store) if fact.site == said.site]
        machines = {machine for site, machine in await ledger.metered(store) if site == said.site}
    made = plan(table.rows, stored, said)
    if wrong := [*table.complaints, *made.complaints]:
        raise BadConfigurationError(wrong)
    say(f"{sheet}; {made.known} steps are in force already, {len(made.leases)} are to be announced")
    for name in sorted({row.machine for row in table.rows} - machines):
        warn(remarks.unknown(said.site, name, machines))
    _show(made, said)
    if not made.leases:
        return 0
    if not announced:
        say("Nothing is announced yet; the same command with --announce does it.")
        return 0
    return await _announce(settings, said.site, made.leases)


def _show(made: Plan, said: Said) -> None:
    for lease in made.leases:
        whose = "nobody" if lease.tenant is None else lease.tenant
        order = f", order {lease.order_id}" if lease.order_id else ""
        late = "  (begins in the past: what was metered since waits for a person)"
        say(
            f"  {lease.machine}  from {shown(lease.effective, said.zone)}  {whose}{order}"
            f"{late if lease.effective < said.now and lease.tenant else ''}"
        )


async def _announce(settings: Settings, site: str, messages: tuple[Lease, ...]) -> int:
    async with connected(settings.broker.address(f"gongfang-{messages[0].id}")) as client:
        for message in messages:
            await announce.publish_lease(client, site, message)
    kept = await _kept(settings, site, messages)
    say(f"{len(messages)} announced, {kept} kept by a collector.")
    if kept == len(messages):
        return 0
    say("Start the collector, then import the table again: only what is missing is announced.")
    return 1


async def _kept(settings: Settings, site: str, messages: tuple[Lease, ...]) -> int:
    """How many are facts, once all are or the patience is at its end."""
    names = {message.id for message in messages}
    kept = 0
    async with open_store(settings.store, read_only=True) as store:
        for _ in range(int(CONFIRM_S / POLL_S)):
            try:
                kept = len({fact.id for fact in await ledger.leases(store) if fact.site == site} & names)
            except StoreAwayError:
                kept = 0
            if kept == len(names):
                break
            await asyncio.sleep(POLL_S)
    return kept
