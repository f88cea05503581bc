"""How machines are shared out, and what each adds up joined again. Laws, without a process."""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from billing.attribution import Books
from billing.config import Settings
from billing.days import Days
from billing.fold import Fold, Folded, joined
from billing.needs import grain_of
from billing.period import Period
from billing.progress import Read
from billing.put_aside import PutAside, gone_through
from billing.seal import sealed_together
from billing.share import Work
from billing.shares import shares
from billing.side_by_side import all_together
from billing.statement import Named
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.timeline import timelines
from contract.records import Interval
from store.config import SqliteConfig
from store.protocol import Machines
from tests.billing.random_use import BASE, HEAD, LEASES, PERIOD, ZONE, Slot, days, names, tariff
from tests.billing.rows import MIDNIGHT
from tests.billing.test_billing_put_aside import DAY, Facts, facts_of, put, said

machine_names = st.sets(st.text("abz019._-", min_size=1, max_size=6), min_size=1, max_size=30)


@given(machines=machine_names, jobs=st.integers(1, 40), other=st.text(max_size=6))
def test_every_machine_is_in_one_share_and_so_is_one_that_nobody_knew(
    machines: set[str], jobs: int, other: str
) -> None:
    found = shares(machines, 1, jobs, 1)
    if len(found) != min(jobs, len(machines)):
        assert (found, min(jobs, len(machines))) == ([], 1)
        return
    for name in (*machines, other):
        assert sum(name in share for share in found) == 1
    sizes = [sum(name in share for name in machines) for share in found]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize(
    ("machines", "days_", "cores", "number"),
    [
        (20, 1, 8, 0),  # a demonstration
        (450, 1, 8, 0),  # a second of work
        (450, 31, 2, 2),
        (450, 31, 8, 6),  # 13,950 machine days
        (4_500, 1, 8, 2),
        (4_500, 31, 8, 8),
        (4_500, 31, 64, 8),
        (4_500, 31, 1, 0),
        (0, 31, 8, 0),
    ],
)
def test_unless_a_person_says_how_many_there_are_as_many_as_are_worth_their_start(
    machines: int, days_: int, cores: int, number: int
) -> None:
    assert len(shares([f"m{n}" for n in range(machines)], days_, None, cores)) == number


def test_a_person_says_how_many_and_one_is_nobody_beside() -> None:
    assert shares(["a", "b", "c"], 1, 1, 8) == []
    assert shares(["c", "a", "b"], 1, 2, 1) == [Machines("", "b"), Machines("b", None)]
    assert shares(["a", "b"], 1, 64, 1) == [Machines("", "b"), Machines("b", None)]


def a_fold(of: Tariff) -> Fold:
    books = Books(leases=timelines(LEASES), priced=of.priced)
    return Fold(books, PERIOD.start, PERIOD.end, grain=grain_of(of, ZONE), days=Days(ZONE))


def machine(fact: object) -> str:
    return str(getattr(fact, "machine"))  # noqa: B009  each of them has one


def folded(of: Tariff, facts: Facts, aside: PutAside, *, every: int) -> tuple[Fold, Folded]:
    fold = a_fold(of)
    for number, fact in enumerate(facts):
        put(fold, fact)
        if isinstance(fact, Interval) and number % every == 0:
            aside.of(fold, fact.start)
    return fold, aside.finish(fold)


@settings(max_examples=60, deadline=None)
@given(day=days, chosen=names, jobs=st.integers(2, 4), every=st.integers(1, 4))
def test_what_several_add_up_of_some_machines_each_is_what_one_adds_up(
    day: list[Slot], chosen: list[str], jobs: int, every: int
) -> None:
    of, facts = tariff(chosen), facts_of(day)
    whole = a_fold(of)
    for fact in facts:
        put(whole, fact)
    parts: Sequence[Machines] = shares({machine(fact) for fact in facts}, 1, jobs, 1) or [Machines()]
    with ExitStack() as open_:
        asides = [open_.enter_context(PutAside()) for _ in parts]
        added = [
            folded(of, [fact for fact in facts if machine(fact) in part], aside, every=every)
            for part, aside in zip(parts, asides, strict=True)
        ]
        together = joined([each for _, each in added], *gone_through(asides))
        assert said(together) == said(whole.finish())
    sealed = sealed_together(fold.seal.sealed() for fold, _ in added)
    assert sealed.digest("a") == whole.seal.sealed().digest("a")


def test_what_lies_in_a_directory_is_read_by_whoever_was_handed_it(tmp_path: Path) -> None:
    of, facts = tariff(["rate"]), facts_of([A_SLOT])
    whole = a_fold(of)
    for fact in facts:
        put(whole, fact)
    with PutAside(tmp_path / "0") as aside:
        _, found = folded(of, facts, aside, every=1)
        handed = aside.handed()
    with PutAside(handed=handed) as again:
        assert said(joined([found], *gone_through([again]))) == said(whole.finish())
    with PutAside() as nameless, pytest.raises(ValueError, match="gone with its context"):
        nameless.handed()


A_SLOT = Slot(
    machine="knit-01", at=100, tenant="none", order_id="A-1", run=200_000, setup=1, test=1, idle=1,
    counts=(1, 0, 0, 0, 0, 0),
)  # fmt: skip


def test_together_they_are_as_far_as_the_last_of_them() -> None:
    told = Settings(
        site=Named(id="qinghe"),
        timezone="Asia/Shanghai",
        store=SqliteConfig(kind="sqlite", path=Path("store.db")),
        tariff=read_tariff("t.toml", HEAD + BASE),
    )
    period = Period(start=MIDNIGHT, end=MIDNIGHT + 4 * DAY)
    work = Work(settings=told, period=period, now=period.end)
    first = date(2026, 11, 22)
    assert all_together(work, [0, 0, 0] * 2) == Read(day=first, done=0, days=4, rows=0, share=0.0)
    assert all_together(work, [3, 40, 900_000, 2, 30, 500_000]) == Read(
        day=date(2026, 11, 23), done=2, days=4, rows=70, share=0.7
    )
