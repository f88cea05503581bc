"""Which leases to announce, so that what a table says is in force: only what is not yet. Pure.

A lease that is issued later overrules what was issued before it, from its start on, for agents and billing
alike. So a row in the middle takes those after it along: they are announced again.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from msgspec import Struct

from collector.instant import shown
from collector.lease_rows import Wanted
from contract.complaint import Complaint
from contract.facts import LeaseFact
from contract.messages import Lease
from contract.names import NONE

_DIGITS: Final = 16


class Step(NamedTuple):
    """From ``start`` (UTC ms) on the tenant has the machine; ``none`` and ``none``: nobody has."""

    start: int
    tenant: str
    order_id: str

    @property
    def ends(self) -> bool:
        return self.tenant == NONE and self.order_id == NONE


class Said(Struct, frozen=True, kw_only=True):
    """Who imports what, and when."""

    file: str
    site: str
    by: str
    now: int
    """UTC ms."""
    zone: ZoneInfo
    """In which instants are told."""


class Plan(Struct, frozen=True, kw_only=True):
    leases: tuple[Lease, ...]
    """To announce in this order."""
    known: int
    """How many are in force as the table says already."""
    complaints: tuple[Complaint, ...]


def plan(rows: Iterable[Wanted], stored: Iterable[LeaseFact], said: Said) -> Plan:
    """``stored``: of the site."""
    facts: dict[str, list[LeaseFact]] = defaultdict(list)
    for fact in stored:
        facts[fact.machine].append(fact)
    by_machine: dict[str, list[Wanted]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.start):
        by_machine[row.machine].append(row)
    leases, known, complaints = list[Lease](), 0, list[Complaint]()
    for machine, mine in sorted(by_machine.items()):
        wanted, stands = steps(mine), in_force(facts[machine])
        complaints += _quarrels(mine, wanted, stands, said)
        fresh = _fresh(wanted, stands)
        known += len(wanted) - len(fresh)
        leases += _messages(machine, fresh, facts[machine], said)
    return Plan(leases=tuple(leases), known=known, complaints=tuple(complaints))


def steps(rows: Sequence[Wanted]) -> list[Step]:
    """Of one machine, by start, without overlaps. An end where the next row does not begin."""
    found = []
    following: dict[int, int] = {row.start: row.line for row in rows}
    for row in rows:
        found.append(Step(row.start, row.tenant, row.order_id or NONE))
        if row.end is not None and row.end not in following:
            found.append(Step(row.end, NONE, NONE))
    return found


def in_force(facts: Iterable[LeaseFact]) -> list[Step]:
    """What the stored leases of one machine come to."""
    stands: list[Step] = []
    for fact in sorted(facts, key=lambda fact: (fact.issued, fact.id)):
        while stands and stands[-1].start >= fact.effective:
            stands.pop()
        stands.append(Step(fact.effective, fact.tenant, fact.order_id))
    return stands


def _fresh(wanted: Sequence[Step], stands: Sequence[Step]) -> Sequence[Step]:
    """From the first that is not in force yet."""
    first = next((n for n, step in enumerate(wanted) if step not in stands), len(wanted))
    return wanted[first:]


def _quarrels(
    rows: Sequence[Wanted], wanted: Sequence[Step], stands: Sequence[Step], said: Said
) -> Iterator[Complaint]:
    """Leases in force that are not in the table, and would be overruled by it."""
    fresh = _fresh(wanted, stands)
    if not fresh:
        return
    begins = fresh[0].start
    held = next((step for step in reversed(stands) if step.start <= begins), None)
    later = [step for step in stands if step.start > begins]
    foreign = [step for step in ([held] if held else []) + later if not step.ends and step not in wanted]
    for step in foreign:
        row = next((row for row in reversed(rows) if row.start <= max(step.start, begins)), rows[0])
        whose = f"{row.machine} is held by {step.tenant} from {shown(step.start, said.zone)} on"
        remedy = "end that lease first (`lease end --from`), or add it as a row"
        problem = f"{whose}, as it was announced before"
        yield Complaint(file=said.file, line=row.line, key=row.machine, problem=problem, remedy=remedy)


def _messages(
    machine: str, fresh: Iterable[Step], stored: Sequence[LeaseFact], said: Said
) -> Iterator[Lease]:
    """Issued a millisecond apart, and later than all before: an agent follows no older word."""
    issued = max([said.now, *(fact.issued + 1 for fact in stored)])
    before = Counter(Step(fact.effective, fact.tenant, fact.order_id) for fact in stored)
    for later, step in enumerate(fresh):
        yield Lease(
            id=_name(said.site, machine, step, before),
            machine=machine,
            by=said.by,
            tenant=None if step.tenant == NONE else step.tenant,
            order_id=None if step.order_id == NONE else step.order_id,
            effective=step.start,
            issued=issued + later,
        )


def _name(site: str, machine: str, step: Step, before: Mapping[Step, int]) -> str:
    """By what it says: the same table gives the same names; and by how often that was said before."""
    text = "\n".join([site, machine, *map(str, step), str(before[step])])
    return f"lease-{hashlib.sha256(text.encode()).hexdigest()[:_DIGITS]}"
