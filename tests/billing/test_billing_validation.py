"""Validation before billing: tiny histories that each rule must find, and must not."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from billing.announcements import announcements
from billing.attribution import Books, Doubt, Place
from billing.blocking import DEFAULTS, Effect, judged, open_items
from billing.config import Settings, load
from billing.feasible import Frozen, Limits
from billing.findings import Finding, Rule
from billing.fold import Fold
from billing.rule_words import EFFECTS, RULES
from billing.suspense import Item
from billing.timeline import timelines
from billing.validation import replaced_unseen
from contract.complaint import BadConfigurationError
from contract.records import Interval, Meter, MeterReason
from tests.billing.case_file import Case, read_case

LIMITS = Limits(
    feasible={("knit", "produced"): 60},
    frozen={"knit": Frozen(quantities=frozenset({"produced"}), after_ms=30 * 60_000)},
    estimated_ms=4 * 3_600_000,
)
HISTORIES = Path(__file__).parent / "findings" / "histories.txt"
BLOCKS = dict(
    block.split("\n", 1) for block in HISTORIES.read_text("utf-8").removeprefix("== ").split("\n== ")
)


class History:
    """A block of the file: the rows of a case, meters, and what was removed."""

    def __init__(self, text: str, make: SimpleNamespace) -> None:
        self.meters: list[Meter] = []
        removed = list[Interval]()
        rows, shown = "", list[str]()
        for line in text.splitlines():
            first, _, rest = line.partition(" ")
            if first == "meter":
                self.meters.append(_meter(rest.split(), make))
            elif first == "reset":
                shown.append(rows)
                rows = ""
            elif first == "before":
                rows += f"{rest}\n"
            elif first == "missing":
                name, machine, start = rest.split()[:3]
                removed.append(make.interval(make.at(start), make.at(start) + 1, machine=machine))
                rows += f"{rest}\n"
                assert name == "interval"
            else:
                rows += f"{line}\n"
        self.case = _joined([read_case(part) for part in (*shown, rows)])
        gone = {(each.machine, each.start) for each in removed}
        self.intervals = [each for each in self.case.intervals if (each.machine, each.start) not in gone]


def _joined(parts: list[Case]) -> Case:
    whole = parts[0]
    for part in parts[1:]:
        last = max(each.sequence for each in whole.intervals)
        whole.intervals += [
            msgspec.structs.replace(each, sequence=each.sequence + last + 1, sequence_first=0)
            for each in part.intervals
        ]
        whole.qualities += part.qualities
        for name, rows in part.expected.items():
            whole.expected.setdefault(name, []).extend(rows)
    return whole


def _meter(words: list[str], make: SimpleNamespace) -> Meter:
    machine, at, *rest = words
    named: dict[str, Any] = dict(word.split("=") for word in rest)
    for key, field in (("was", "previous_readings"), ("now", "readings")):
        counter, _, value = named.pop(key, "").partition(":")
        named[field] = {counter: int(value)} if counter else {}
    for key in ("serial", "previous_serial"):
        named[key] = int(named.get(key, 0))
    reason = MeterReason(named.pop("reason", "first"))
    made: Meter = make.meter(make.at(at), machine=machine, reason=reason, **named)
    return made


def found(history: History) -> list[Finding]:
    case = history.case
    books = Books(leases=timelines(case.leases), orders=announcements(case.orders))
    fold = Fold(books, *case.period, limits=LIMITS)
    for meter in history.meters:
        fold.meter(meter)
    for interval in sorted(history.intervals, key=lambda interval: interval.start):
        (fold.before if interval.start < case.period[0] else fold.interval)(interval)
    for result in case.qualities:
        fold.quality(result)
    return list(fold.finish().findings)


@pytest.mark.parametrize("name", BLOCKS)
def test_a_history_has_the_findings_that_it_names_and_no_other(name: str, make: SimpleNamespace) -> None:
    history = History(BLOCKS[name], make)
    expected = []
    for line in history.case.expected.get("finding", []):
        rule, machine, start, end = line.split()
        expected.append((rule, machine, make.at(start), make.at(end)))
    assert sorted((one.rule, one.machine, one.at, one.end) for one in found(history)) == sorted(expected)


def test_a_machine_that_was_replaced_and_not_compared_is_named(make: SimpleNamespace) -> None:
    """One that nobody ever witnessed is another finding; one of before the period another period's."""
    replaced = make.meter(1000, epoch="e2", reason=MeterReason.REPLACED)
    renamed = make.meter(1000, machine="knit-02", reason=MeterReason.RENAMED)
    first = make.meter(1000, machine="knit-03")
    rows = [(one.rule, one.machine, one.at) for one in replaced_unseen([replaced, renamed, first], 1000)]
    assert rows == [(Rule.REPLACED, "knit-01", 1000), (Rule.REPLACED, "knit-02", 1000)]
    assert list(replaced_unseen([replaced], 1001)) == []


def test_memory_does_not_grow_with_the_intervals_that_are_in_order(make: SimpleNamespace) -> None:
    fold = Fold(Books(), 0, 10_000_000, limits=LIMITS)
    sizes = []
    for index in range(2000):
        fold.interval(make.interval(index * 1000, index * 1000 + 1000, sequence=index, idle_ms=1000))
        sizes.append(_held(fold._validation))
    assert sizes[10] == sizes[-1]


def _held(thing: Any) -> int:
    whole = vars(thing) if hasattr(thing, "__dict__") else {}
    inner = [_held(each) for each in whole.values() if type(each).__module__.startswith("billing")]
    return sum(len(each) for each in whole.values() if isinstance(each, dict | list)) + sum(inner)


def test_what_waits_blocks_and_remarks_do_not(make: SimpleNamespace) -> None:
    hole = Finding(rule=Rule.HOLE, machine="knit-01", at=5, end=9, text="x")
    clock = Finding(rule=Rule.CLOCK, machine="knit-01", at=1, end=2, text="x")
    waiting = Item(
        place=Place.SUSPENSE,
        doubt=Doubt.NO_PAYER,
        machine="knit-02",
        epoch="e1",
        sequences=(1,),
        start=3,
        end=4,
        tenant="none",
        order_id="none",
        lease_id="none",
    )
    every = judged([clock, hole], [waiting], {})
    assert [(one.effect, one.finding.rule) for one in every] == [
        (Effect.BLOCK, Rule.HOLE),
        (Effect.BLOCK, Rule.SUSPENSE),
        (Effect.REMARK, Rule.CLOCK),
    ]
    names = [(one.rule, one.machine, one.at, one.end) for one in open_items([clock, hole], [waiting], {})]
    assert names == [(Rule.HOLE, "knit-01", 5, 9), (Rule.SUSPENSE, "knit-02", 3, 4)]
    effects = {Rule.HOLE: Effect.REMARK, Rule.CLOCK: Effect.BLOCK}
    assert [one.rule for one in open_items([clock, hole], [], effects)] == [Rule.CLOCK]


def test_every_rule_has_an_effect_and_its_words() -> None:
    assert set(DEFAULTS) == set(RULES) == set(Rule)
    assert set(EFFECTS) == set(Effect)


CONFIG = """\
tariff = "house-2026.toml"
[site]
name = "qinghe"
timezone = "Asia/Shanghai"
[store]
kind = "sqlite"
path = "store.db"
"""


def configured(tmp_path: Path, more: str) -> Settings:
    house = Path("configs/tariffs/house-2026.toml").read_text("utf-8")
    (tmp_path / "house-2026.toml").write_text(house, "utf-8")
    path = tmp_path / "billing.toml"
    path.write_text(CONFIG + more, "utf-8")
    return load(path)


def test_the_configuration_says_what_blocks_and_what_machines_can_do(tmp_path: Path) -> None:
    settings = configured(
        tmp_path,
        """\
[validation]
estimated_hours = 2
[validation.rules]
edge = "remark"
[[validation.feasible]]
kind = "knit"
quantity = "produced"
per_hour = 60
[[validation.frozen]]
kind = "loom"
quantities = ["picks"]
run_min = 20
""",
    )
    assert settings.effects == {Rule.EDGE: Effect.REMARK}
    assert settings.limits == Limits(
        feasible={("knit", "produced"): 60},
        frozen={"loom": Frozen(quantities=frozenset({"picks"}), after_ms=20 * 60_000)},
        estimated_ms=2 * 3_600_000,
    )
    assert configured(tmp_path, "").limits == Limits(estimated_ms=4 * 3_600_000)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ('[validation.rules]\nhole = "maybe"\n', "hole"),
        ('[validation.rules]\nholes = "block"\n', "validation.rules"),
        ("[validation]\nestimated_hours = -1\n", "estimated_hours"),
        (2 * '[[validation.feasible]]\nkind = "a"\nquantity = "produced"\nper_hour = 1\n', "keep one"),
        (2 * '[[validation.frozen]]\nkind = "a"\nrun_min = 1\n', "keep one"),
        ('[[validation.frozen]]\nkind = "a"\nquantities = []\nrun_min = 1\n', "quantities"),
    ],
)
def test_a_mistake_in_it_is_told(tmp_path: Path, more: str, told: str) -> None:
    with pytest.raises(BadConfigurationError) as raised:
        configured(tmp_path, more)
    assert told in str(raised.value)
