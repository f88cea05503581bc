"""A tariff file: what it means, and every complaint at once with its line and remedy."""

from datetime import date
from decimal import Decimal

import pytest

from billing.clauses import Clause
from billing.tariff_file import read_tariff
from billing.where import Machine
from contract.complaint import BadConfigurationError

HEAD = 'id = "t"\nversion = "1"\ncurrency = "CNY"\nvalid_from = 2026-01-01\n'
KNIT = Machine("knit-01", "knit")
RUN = '[[rate]]\nkind = "*"\nclass = "run"\nper_hour = "12.00"\n'


def said(text: str) -> list[str]:
    with pytest.raises(BadConfigurationError) as raised:
        read_tariff("t.toml", text)
    return [str(complaint) for complaint in raised.value.complaints]


def test_the_kind_s_own_price_comes_before_that_of_every_kind() -> None:
    tariff = read_tariff("t.toml", HEAD + RUN + RUN.replace('"*"', '"knit"').replace("12.00", "9.50"))
    rates = [tariff.rate(Machine("m-1", kind), Clause.RUN) for kind in ("knit", "weld")]
    prices = [rate.tiers.steps[0].price for rate in rates if rate]
    assert prices == [Decimal("9.50"), Decimal("12.00")]
    assert tariff.rate(Machine("m-1", "knit"), Clause.SETUP) is None
    assert tariff.prices(Machine("m-1", "anything"))


def test_a_stop_has_five_minutes_of_grace_unless_said_otherwise() -> None:
    stop = RUN.replace("run", "stop_tenant")
    for more, grace_ms in (("", 300_000), ("grace_s = 0\n", 0), ("grace_s = 60\n", 60_000)):
        rate = read_tariff("t.toml", HEAD + stop + more).rate(KNIT, Clause.STOP_TENANT)
        assert rate is not None
        assert rate.grace_ms == grace_ms


def test_the_last_day_of_validity_is_included() -> None:
    tariff = read_tariff("t.toml", HEAD + "valid_to = 2026-01-31\n" + RUN)
    assert tariff.holds(date(2026, 1, 1), date(2026, 1, 31))
    assert not tariff.holds(date(2026, 1, 31), date(2026, 2, 1))
    assert not tariff.holds(date(2025, 12, 31), date(2026, 1, 1))
    assert read_tariff("t.toml", HEAD + RUN).holds(date(2026, 1, 1), date(2099, 1, 1))


COMPLAINTS = {
    "a float is not exact": (RUN.replace('"12.00"', "12.1"), "t.toml:8: rate.0.per_hour", "in quotes"),
    "nor is an integer taken": (RUN.replace('"12.00"', "12"), "t.toml:8: rate.0.per_hour", "in quotes"),
    "a word is no price": (RUN.replace("12.00", "dear"), "t.toml:8: rate.0.per_hour", "amount like"),
    "a price is finite": (RUN.replace("12.00", "NaN"), "t.toml:8: rate.0.per_hour", "finite"),
    "a price is not negative": (RUN.replace("12.00", "-1"), "t.toml:8: rate.0.per_hour", "zero or more"),
    "a price has few places": (RUN.replace("12.00", "0.1234567"), "t.toml:8: rate.0.per_hour", "6 places"),
    "no exponent": (RUN.replace("12.00", "1E+5000"), "t.toml:8: rate.0.per_hour", "without exponent"),
    "no small exponent": (RUN.replace("12.00", "1E+999"), "t.toml:8: rate.0.per_hour", "without exponent"),
    "plain digits": (RUN.replace("12.00", "1_000"), "t.toml:8: rate.0.per_hour", "plain digits"),
    "no endless price": (RUN.replace("12.00", "1234567890123"), "t.toml:8: rate.0.per_hour", "12 digits"),
    "idle time has no class": (RUN.replace('"run"', '"idle"'), "t.toml:7: rate.0.class", "run"),
    "a host's stop has no class": (RUN.replace('"run"', '"stop_host"'), "t.toml:7: rate.0.class", "run"),
    "a typo is not ignored": (RUN.replace("per_hour", "perhour"), "t.toml:8: rate.0.perhour", "spelling"),
    "a kind is a name": (RUN.replace('"*"', '"Knit 1"'), "t.toml:6: rate.0.kind", "name a kind"),
    "grace is for stops": (RUN + "grace_s = 9\n", "t.toml:9: rate.0.grace_s", "remove it"),
    "one rate per kind": (RUN + RUN, "t.toml:9: rate.1", "keep one"),
    "nothing to charge": ("", "t.toml", "add a [[rate]]"),
    "dates the wrong way": ("valid_to = 2025-01-01\n" + RUN, "t.toml:5: valid_to", "exchange"),
    "a date is not text": ('valid_to = "2027"\n' + RUN, "t.toml:5: valid_to", "without quotes"),
    "good or produced": (
        '[[piece]]\nkind = "*"\nbasis = "all"\nprice = "1"\n',
        "t.toml:7: piece.0.basis",
        "good",
    ),
}


@pytest.mark.parametrize(("text", "where", "remedy"), COMPLAINTS.values(), ids=COMPLAINTS)
def test_a_wrong_tariff_is_refused_with_line_and_remedy(text: str, where: str, remedy: str) -> None:
    complaints = said(HEAD + text)
    assert any(found.startswith(where) and remedy in found for found in complaints), complaints


SETUP = '[[rate]]\nkind = "{}"\nclass = "setup"\nper_hour = "9"\n[[setup_fee]]\nkind = "{}"\nprice = "20"\n'


@pytest.mark.parametrize("kinds", [("knit", "knit"), ("*", "knit"), ("knit", "*"), ("*", "*")])
def test_setup_is_charged_by_the_hour_or_by_a_fee_but_not_both(kinds: tuple[str, str]) -> None:
    (complaint,) = said(HEAD + SETUP.format(*kinds))
    assert "t.toml:9: setup_fee.0" in complaint
    read_tariff("t.toml", HEAD + SETUP.format("knit", "weld"))


def test_every_complaint_comes_at_once() -> None:
    text = HEAD.replace("CNY", "EUR") + RUN.replace('"12.00"', "12.5") + RUN
    where = [complaint.split(": ")[0] for complaint in said(text)]
    assert where == ["t.toml:3", "t.toml:8", "t.toml:9"]


def test_broken_toml_is_a_complaint_too() -> None:
    (complaint,) = said(HEAD + "[[rate\n")
    assert complaint.startswith("t.toml:5: ")


SURCHARGE = '\n[[surcharge]]\nid = "{0}"\nof = [{1}]\npercent = "10"\n'
OF_WHAT = {
    "a surcharge that comes later": (
        SURCHARGE.format("one", '"two"') + SURCHARGE.format("two", '"run"'),
        "surcharge.0.of: 'two' is made after this one",
    ),
    "itself": (SURCHARGE.format("one", '"one"'), "surcharge.0.of: 'one' is made after this one"),
    "a discount, which all come after surcharges": (
        SURCHARGE.format("one", '"discount"'),
        "surcharge.0.of: 'discount' is made after this one",
    ),
    "a credit for a surcharge": (
        SURCHARGE.format("one", '"run"') + '[[scrap_credit]]\nkind = "*"\nof = ["run", "one"]\n',
        "scrap_credit.0.of: 'one' is not given back",
    ),
    "a credit for a fee": (
        '[[scrap_credit]]\nkind = "*"\nof = ["setup_fee"]\n',
        "scrap_credit.0.of: 'setup_fee' is not given back",
    ),
}


@pytest.mark.parametrize(("text", "told"), OF_WHAT.values(), ids=OF_WHAT)
def test_what_would_be_about_nothing_is_refused(text: str, told: str) -> None:
    (complaint,) = said(HEAD + RUN + text)
    assert told in complaint


def test_a_surcharge_may_be_about_one_before_it_and_a_discount_about_any_surcharge() -> None:
    text = SURCHARGE.format("one", '"run"') + SURCHARGE.format("two", '"run", "one"')
    later = SURCHARGE.format("less", '"two"').replace("surcharge", "discount")
    assert len(read_tariff("t.toml", HEAD + RUN + text + later).surcharges) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[discount]]\nof = ["run"]\npercent = "150"\n', "discount.0.percent: takes off more than there is"),
        (
            '[[discount]]\nof = ["run"]\nsteps = [{ above = "1.00", percent = "101" }]\n',
            "discount.0.steps.0.percent: takes off more",
        ),
        ('[[base]]\nkind = "*"\nper = "week"\nprice = "1.00"\n', "write one of 'day', 'month'"),
        ('[[vat]]\nname = "all"\npercent = "130"\nvalid_from = 2026-01-01\n', "100 is the most"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_plain_words(text: str, told: str) -> None:
    assert any(told in complaint for complaint in said(HEAD + RUN + text)), said(HEAD + RUN + text)
