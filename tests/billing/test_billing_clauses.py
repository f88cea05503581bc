"""Clauses in a tariff file: what they are called, what they need kept apart, and what contradicts what."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from billing.grain import Dims
from billing.needs import grain_of
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from billing.tariff_words import in_words
from contract.complaint import BadConfigurationError

HEAD = 'id = "t"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
RUN = '[[rate]]\nkind = "*"\nclass = "run"\nper_hour = "12.00"\n'
NIGHT = """
[[calendar]]
name = "night"
band = [{ name = "day" }, { name = "night" }]
day = [{ hours = ["0-6 night", "6-22 day", "22-24 night"] }]
"""
VAT = 'prices = "net"\nvat_category = "all"\n'
RATES = '[[vat]]\nname = "all"\npercent = "13"\nvalid_from = 2019-04-01\n'


def read(text: str) -> Tariff:
    return read_tariff("t.toml", HEAD + text)


IDS = {
    RUN: "rate.run",
    RUN.replace('"*"', '"knit"'): "rate.knit.run",
    RUN.replace('kind = "*"', 'machine = "knit-03"'): "rate.machine.knit-03.run",
    RUN + 'id = "machine-time"\n': "machine-time",
    '[[quantity]]\nkind = "weld"\nname = "gas_l"\nprice = "1"\n': "quantity.weld.gas_l",
    '[[minimum]]\nper = "day"\neach = "machine"\namount = "1"\n': "minimum.day.machine",
    '[[energy]]\nkind = "*"\nprice = "1"\n': "energy",
}


@pytest.mark.parametrize("text", IDS)
def test_a_clause_is_called_after_what_it_is_about_not_after_its_place(text: str) -> None:
    (clause,) = read(text).clauses()
    assert clause.id == IDS[text]
    assert IDS[text] in {clause.id for clause in read(RUN.replace("run", "test") + text).clauses()}


WRONG = {
    "no machines": (RUN.replace('kind = "*"\n', ""), "rate.0", "one of kind"),
    "two kinds of machines": (RUN + 'machine = "knit-1"\n', "rate.0", "names kind and machine"),
    "a grade nobody has": (RUN.replace('kind = "*"', 'grade = "fine"'), "rate.0.grade", "add a [[grade]]"),
    "no price": (RUN.replace('per_hour = "12.00"\n', ""), "rate.0", "give one of per_hour, per_block, tiers"),
    "two prices": (RUN + 'per_block = "1"\nblock_s = 60\n', "rate.0", "give one of per_hour"),
    "a price for no block": (RUN.replace("per_hour", "per_block"), "rate.0", "needs block_s"),
    "a first price for nothing": (RUN + 'minimum_price = "1"\n', "rate.0", "needs minimum_s"),
    "tiers that fall": (
        RUN.replace(
            'per_hour = "12.00"', 'tiers = [{ up_to = "9", price = "2" }, { up_to = "3", price = "1" }]'
        ),
        "rate.0",
        "every tier has an up_to but the last",
    ),
    "tiers out of order": (
        RUN.replace(
            'per_hour = "12.00"',
            'tiers = [{ up_to = "9", price = "3" }, { up_to = "3", price = "2" }, { price = "1" }]',
        ),
        "rate.0",
        "rise",
    ),
    "a calendar nobody has": (RUN + 'calendar = "x"\nband = "y"\n', "rate.0.calendar", "add a [[calendar]]"),
    "a band nobody has": (NIGHT + RUN + 'calendar = "night"\nband = "y"\n', "rate.0.band", "day, night"),
    "a calendar without band": (NIGHT + RUN + 'calendar = "night"\n', "rate.0", "go together"),
    "a calendar without name": (NIGHT.replace('name = "night"\n', "", 1) + RUN, "calendar.0", "add one"),
    "a calendar's file that is not there": (
        '[[calendar]]\nname = "tou"\nfile = "gone.toml"\n' + RUN,
        "calendar.0.file",
        "beside this one",
    ),
    "each stop is of stops": (RUN + 'each = "stop"\n', "rate.0.each", "stop_tenant"),
    "reserved twice": (
        RUN.replace("run", "reserved") + '[[reservation]]\nkind = "*"\nper_hour = "1"\n',
        "reservation.0",
        "keep [[reservation]]",
    ),
    "a surcharge on nothing": (
        RUN + '[[surcharge]]\nof = ["weave"]\npercent = "1"\n',
        "surcharge.0.of",
        "weave",
    ),
    "a surcharge of nothing": (RUN + '[[surcharge]]\nof = ["run"]\n', "surcharge.0", "percent, price, steps"),
    "two surcharges without id": (
        RUN + 2 * '[[surcharge]]\nof = ["run"]\npercent = "1"\n',
        "surcharge.1",
        "give each an id",
    ),
    "one id twice": (
        RUN + 'id = "x"\n' + RUN.replace("run", "test") + 'id = "x"\n',
        "rate.1.id",
        "its own id",
    ),
    "VAT without prices": ('vat_category = "all"\n' + RUN + RATES, "", "net"),
    "VAT without a category": ('prices = "net"\n' + RUN + RATES, "", "vat_category"),
    "a category nobody has": (VAT + RUN + 'vat = "power"\n' + RATES, "rate.0.vat", "name one of all"),
    "VAT of a clause alone": (RUN + 'vat = "power"\n', "rate.0.vat", "add a [[vat]]"),
    "a limit of an order for each machine": (
        RUN + '[[cap]]\nper = "order"\neach = "machine"\namount = "1"\n',
        "cap.0",
        "one limit",
    ),
    "half a fen as a limit": (RUN + '[[cap]]\nper = "order"\namount = "1.005"\n', "cap.0.amount", "2 places"),
    "rework at two prices": (
        '[[piece]]\nkind = "*"\nbasis = "produced"\nrework = "once"\ntiers = [{ price = "1" }]\n',
        "piece.0",
        "not tiers",
    ),
    "a party nobody is": (
        '[[piece]]\nkind = "*"\nbasis = "good"\nprice = "1"\ntenant_pays = ["yarn"]\n',
        "piece.0.tenant_pays",
        "tenant",
    ),
    "a quantity is a name": (
        '[[quantity]]\nkind = "*"\nname = "run_ms"\nprice = "1"\n',
        "quantity.0.name",
        "weld_mm",
    ),
    "a step has a side": (
        (
            '[[pollution]]\nkind = "*"\nname = "water_l"\nprice = "1"\n'
            'step = [{ substance = "cod", step = "1", price = "1" }]\n'
        ),
        "pollution.0.step.0",
        "above, below",
    ),
}


@pytest.mark.parametrize(("text", "where", "what"), WRONG.values(), ids=WRONG)
def test_a_contradiction_is_refused_with_its_place(text: str, where: str, what: str) -> None:
    with pytest.raises(BadConfigurationError) as raised:
        read(text)
    found = [str(complaint) for complaint in raised.value.complaints]
    assert any(f" {where}" in complaint and what in complaint for complaint in found), found


def test_what_no_clause_asks_for_is_not_kept_apart() -> None:
    assert grain_of(read(RUN), ZoneInfo("Asia/Shanghai")).measures == {}


def test_only_what_a_clause_is_about_is_kept_apart() -> None:
    text = NIGHT + RUN + RUN.replace("run", "setup") + 'block_s = 60\neach = "lease"\n'
    text += '[[surcharge]]\nof = ["run"]\ncalendar = "night"\nband = "night"\npercent = "50"\n'
    grain = grain_of(read(text), ZoneInfo("Asia/Shanghai"))
    (calendar,) = grain.calendars
    assert grain.measures == {
        "run_ms": Dims(calendars=frozenset({calendar.key})),
        "setup_ms": Dims(lease=True),
    }


def every_clause() -> Tariff:
    """The shipped tariff that has one of everything."""
    path = Path(__file__).parents[2] / "configs/tariffs/park-2026.toml"
    return read_tariff(
        str(path), path.read_text("utf-8"), lambda name: (path.parent / name).read_text("utf-8")
    )


def test_the_shipped_tariff_of_everything_is_read_to_a_person() -> None:
    tariff = every_clause()
    said = list(in_words(tariff))
    for clause in tariff.clauses():
        at = next(number for number, line in enumerate(said) if line.split()[:1] == [clause.id])
        english, chinese = said[at + 1], said[at + 2]
        assert english.isascii() or "³" in english
        assert any("\u4e00" <= character <= "\u9fff" for character in chinese)


def test_the_shipped_tariff_has_every_kind_of_clause() -> None:
    kinds = {type(clause).__name__ for clause in every_clause().clauses()}
    assert kinds == {
        *("Rate", "Piece", "QuantityPrice", "Energy", "Pollution", "SetupFee", "Base", "Reservation"),
        *("ScrapCredit", "Surcharge", "Limit"),
    }
