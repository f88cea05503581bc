"""What is heard after a period was issued becomes adjustments: booked plus adjustments is a fresh rating."""

import json
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.adjusting import Document, Line, adjustments, booked_lines, document
from billing.manifest import Kind, Manifest
from billing.period import Period
from billing.reasons import Whose, reasons
from billing.render_adjustment import Note, adjustment_csv, adjustment_html, adjustment_json
from billing.statement import Named
from billing.timeline import timelines
from contract.facts import CorrectedField
from contract.series import row_of
from tests.billing.life.conftest import DAY_MS, LATER, MIDNIGHT, MONTH, Plant
from tests.billing.rows import clock_ms, make_correction, make_interval, make_lease, make_quality

BY = ("--by", "Li Na")
FIRST = MIDNIGHT - 21 * DAY_MS
LATE = Path(__file__).parent / "late.txt"


def at(day: str, clock: str) -> int:
    return FIRST + (int(day) - 1) * DAY_MS + clock_ms(clock)


def facts(number: int, words: list[str]) -> list[Any]:
    issued = LATER + number * 1000
    if words[0] == "quality":
        named = dict(word.split("=") for word in words[3:])
        made = at(words[1], words[2])
        found = {"scrap": int(named["scrap"]), "cause": named["cause"], "issued": issued}
        return [make_quality(made, f"Q-{number}", **found)]
    start, end = at(words[1], words[2]), at(words[3], words[4])
    return [
        make_correction(start, end, new, id=f"C-{number}-{n}", issued=issued + n, field=field)
        for n, (field, new) in enumerate(zip(CorrectedField, words[5:7], strict=False))
    ]


def fresh(plant: Plant, capsys: pytest.CaptureFixture[str]) -> dict[str, dict[str, tuple[Decimal, ...]]]:
    """By tenant and line: net, tax and gross of a draft made today."""
    capsys.readouterr()
    assert plant.call("run", *MONTH, "--format", "json", at=LATER + DAY_MS) == 0
    drafts = json.loads(capsys.readouterr().out)
    return {each["tenant"]["id"]: money(each) for each in drafts}


def money(whole: dict[str, Any]) -> dict[str, tuple[Decimal, ...]]:
    amounts = ("net", "tax", "gross")
    return {line["id"]: tuple(Decimal(line[name]) for name in amounts) for line in whole["charges"]}


def booked(plant: Plant) -> dict[str, dict[str, tuple[Decimal, ...]]]:
    """By tenant and line, added up over every document that went out, as an accountant would."""
    found: dict[str, dict[str, tuple[Decimal, ...]]] = defaultdict(dict)
    for path in sorted(plant.books.glob("2026-11/*/statements/*.json")):
        whole = json.loads(path.read_text("utf-8"))
        of = found[whole["tenant"]["id"]]
        for line, amounts in money(whole).items():
            before = of.get(line, (Decimal(0),) * 3)
            of[line] = tuple(one + other for one, other in zip(before, amounts, strict=True))
        assert sum((amounts[2] for amounts in money(whole).values()), Decimal(0)) == Decimal(whole["total"])
    return {
        tenant: {line: amounts for line, amounts in lines.items() if any(amounts)}
        for tenant, lines in found.items()
    }


def test_a_month_closed_then_ten_late_corrections(issued: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    kept = {1: issued.bytes_of(1)}
    heard = 0
    for number, line in enumerate(LATE.read_text("utf-8").splitlines()):
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] != "adjust":
            issued.put(facts(number, words))
            heard += 1
            continue
        assert booked(issued) != fresh(issued, capsys)
        assert issued.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
        assert issued.call("issue", *MONTH, *BY, at=LATER + DAY_MS) == 0
        assert booked(issued) == fresh(issued, capsys)
        for revision, before in kept.items():
            assert issued.bytes_of(revision) == before
        kept[max(kept) + 1] = issued.bytes_of(max(kept) + 1)
    assert heard == 10
    assert len(kept) == 3
    assert issued.ledger.breaks == ()
    assert issued.call("adjust", *MONTH, *BY, at=LATER + 2 * DAY_MS) == 0
    assert "nothing to adjust" in capsys.readouterr().err
    assert issued.ledger.entries[-1].revision == 3


def test_a_credit_note_says_what_was_and_what_is_and_why(issued: Plant) -> None:
    issued.put([make_quality(at("7", "8:30"), "Q-7", scrap=3, cause="tenant", issued=LATER)])
    assert issued.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
    note = issued.statement("hongye", 2)
    assert note["document"] == "credit_note"
    assert note["total"] == "-1.05"
    assert note["booked"] == "885.00"
    (line,) = note["charges"]
    assert (line["quantity_before"], line["quantity"]) == ("600", "597")
    assert note["reasons"] == ["knit-01, inspection Q-7 by li: 3 scrap, 0 rework, cause tenant"]
    assert "Credit note" in issued.bytes_of(2)["statements/hongye.html"].decode()


def test_a_changed_tariff_is_a_reason(issued: Plant) -> None:
    tariff = issued.folder / "tariff.toml"
    tariff.write_text(tariff.read_text("utf-8").replace('"6.00"', '"7.00"'), "utf-8")
    assert issued.call("adjust", *MONTH, *BY) == 0
    note = issued.statement("hongye", 2)
    assert (note["document"], note["total"]) == ("adjustment", "2.50")
    assert note["reasons"] == ["tariff.toml is another file than it was"]


def test_an_adjustment_that_was_not_issued_is_booked_nowhere(issued: Plant) -> None:
    issued.put([make_quality(at("7", "8:30"), "Q-7", scrap=3, cause="tenant", issued=LATER)])
    for revision in (2, 3):
        assert issued.call("adjust", *MONTH, *BY, at=LATER + DAY_MS) == 0
        assert issued.statement("hongye", revision)["total"] == "-1.05"


def test_what_is_not_issued_cannot_be_adjusted(plant: Plant, capsys: pytest.CaptureFixture[str]) -> None:
    assert plant.call("freeze", *MONTH, *BY) == 0
    assert plant.call("adjust", *MONTH, *BY) == 1
    assert "is not issued: nothing is booked yet" in capsys.readouterr().err


AMOUNT = st.decimals("-99999.99", "99999.99", places=2)
RATES = st.sampled_from([None, Decimal(6), Decimal(13)])


@st.composite
def ratings(draw: st.DrawFn) -> list[Document]:
    """A rating: some tenants, each with some lines."""
    found = []
    for tenant in draw(st.sets(st.sampled_from(["anxin", "fuda", "hongye"]))):
        ids = sorted(draw(st.sets(st.sampled_from("abcd"))))
        lines = [_line(name, draw(RATES), draw(AMOUNT), draw(AMOUNT)) for name in ids]
        found.append(_document(tenant, lines))
    return found


def _line(name: str, rate: Decimal | None, net: Decimal, tax: Decimal) -> Line:
    words = {"en": name, "zh": name}
    about = {"order_id": "A-1", "kind": "knit", "label": words, "part": words, "unit": "h"}
    return Line(id=name, quantity="1", vat_percent=rate, net=net, tax=tax, gross=net + tax, **about)


def _document(tenant: str, lines: list[Line]) -> Document:
    sums = {name: sum((getattr(line, name) for line in lines), Decimal(0)) for name in ("net", "tax")}
    total = sums["net"] + sums["tax"]
    return Document(tenant=Named(id=tenant), charges=tuple(lines), currency="CNY", total=total, **sums)


PLAN = Manifest(
    kind=Kind.ADJUSTMENT,
    site="qinghe",
    timezone="Asia/Shanghai",
    period=Period(start=0, end=1),
    name="2026-11",
    revision=2,
    now=0,
    by="li",
    software="x",
    config="billing.toml",
)


def test_a_line_at_another_rate_of_tax_is_given_back_at_the_old_one() -> None:
    """100.00 were booked at 6 %, and are 100.00 at 13 % today: 106.00 back, 113.00 again."""
    booked = _document("hongye", [_line("a", Decimal(6), Decimal("100.00"), Decimal("6.00"))])
    today = _document("hongye", [_line("a", Decimal(13), Decimal("100.00"), Decimal("13.00"))])
    (adjustment,) = adjustments({"hongye": [booked]}, [today])
    rates = {change.now.vat_percent: (change.net, change.tax) for change in adjustment.changes}
    assert rates == {13: (100, 13), 6: (-100, -6)}
    assert adjustment.total == 7


@given(st.lists(ratings(), min_size=1, max_size=5))
def test_booked_plus_adjustments_is_the_fresh_rating(history: list[list[Document]]) -> None:
    """Law 3 of money, over the documents as they are written and read again."""
    out: dict[str, list[Document]] = defaultdict(list)
    for each in history[0]:
        out[each.tenant.id].append(each)
    for rating in history[1:]:
        for adjustment in adjustments(out, rating):
            note = Note(site=Named(id="qinghe"), manifest=PLAN, adjustment=adjustment, reasons=())
            out[adjustment.tenant.id].append(document(adjustment_json(note).encode()))
        assert adjustments(out, rating) == []
    newest = {each.tenant.id: each for each in history[-1]}
    for tenant, documents in out.items():
        lines = newest[tenant].charges if tenant in newest else ()
        want = {line.key: (line.net, line.tax, line.gross) for line in lines}
        have = {key: (line.net, line.tax, line.gross) for key, line in booked_lines(documents).items()}
        nothing = (Decimal(0),) * 3
        assert {key: have.get(key, nothing) for key in {*have, *want}} == {
            key: want.get(key, nothing) for key in {*have, *want}
        }
        total = newest[tenant].total if tenant in newest else Decimal(0)
        assert sum((each.total for each in documents), Decimal(0)) == total


def test_a_page_escapes_what_people_wrote() -> None:
    evil = '<script>alert("1")</script>'
    line = _line("a", None, Decimal("1.00"), Decimal("0.00"))
    (adjustment,) = adjustments({}, [_document("hongye", [line])])
    note = Note(site=Named(id="qinghe", name_en=evil), manifest=PLAN, adjustment=adjustment, reasons=(evil,))
    assert "<script>" not in adjustment_html(note)
    assert adjustment_csv(note).count("\r\n") == 2


HALF, HOUR = DAY_MS // 2, 3_600_000


def test_records_that_were_stored_late_are_counted_by_machine() -> None:
    rows = [
        row_of(make_interval(at, at + 300_000, machine=m, sequence=n))
        for n, (m, at) in enumerate((("k-1", 0), ("k-1", HOUR), ("k-1", HALF + HOUR), ("k-2", 0)))
    ]
    assert list(reasons(rows, frozenset({"k-1"}), HIS)) == ["k-1: 2 records that were stored since"]


HIS = Whose(
    tenant="hongye",
    period=Period(start=0, end=DAY_MS),
    zone=ZoneInfo("Asia/Shanghai"),
    plans=(
        timelines(
            [
                make_lease(0, "L1", "hongye", machine="k-1"),
                make_lease(DAY_MS // 2, "L2", "rongda", machine="k-1"),
            ]
        ),
    ),
)
"""Hongye has the machine up to noon, Rongda from then on."""
TOLD: dict[str, tuple[list[Any], list[str]]] = {
    "what the other firm made": ([make_quality(HALF + 1, machine="k-1", scrap=2)], []),
    "what the other firm made, by name": ([make_quality(1, machine="k-1", tenant="rongda", scrap=2)], []),
    "what hongye made": (
        [make_quality(1, "Q-9", machine="k-1", scrap=2)],
        ["k-1, inspection Q-9 by li: 2 scrap, 0 rework, cause unknown"],
    ),
    "what changed between others": (
        [make_correction(HALF, DAY_MS, "third", machine="k-1", old="rongda", why="their own matter")],
        [],
    ),
    "what was taken from hongye, and its order": (
        [
            make_correction(0, HOUR, "rongda", machine="k-1", old="hongye", why="agreed"),
            make_correction(
                0, HOUR, "SECRET-1", machine="k-1", field=CorrectedField.ORDER_ID, old="A-1", why="agreed"
            ),
        ],
        ["k-1, 1970-01-01T08:00:00+08:00: tenant hongye -> another tenant, by li: agreed"],
    ),
    "what was given to hongye, and its order": (
        [
            make_correction(HALF, DAY_MS, "hongye", machine="k-1", old="rongda", why="agreed"),
            make_correction(
                HALF,
                DAY_MS,
                "A-2",
                machine="k-1",
                field=CorrectedField.ORDER_ID,
                old="SECRET-1",
                why="agreed",
            ),
        ],
        [
            "k-1, 1970-01-01T20:00:00+08:00: tenant another tenant -> hongye, by li: agreed",
            "k-1, 1970-01-01T20:00:00+08:00: order_id none -> A-2, by li: agreed",
        ],
    ),
    "a lease of the other firm's": ([make_lease(HALF + 1, "L3", "third", machine="k-1")], []),
    "a lease that takes it from hongye": (
        [make_lease(HOUR, "L3", "third", machine="k-1")],
        ["k-1: lease L3 to another tenant from 1970-01-01T09:00:00+08:00"],
    ),
}


@pytest.mark.parametrize("name", TOLD)
def test_a_firm_is_told_what_is_about_it_and_of_another_neither_name_nor_business(name: str) -> None:
    facts, told = TOLD[name]
    assert list(reasons([row_of(fact) for fact in facts], frozenset({"k-1"}), HIS)) == told
