"""The command line of what accounts get: totals of a period, and what owners get."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

Add = Callable[[str, str, str], argparse.ArgumentParser]
"""Adds a command: its name, what it does in short, and the help below its options."""

_TOTALS: Final = """\
What every tenant owes for the period, by document and rate of VAT, with its sums; what is in suspense or
disputed and in nobody's sum; the machine time of the host; and what was found.

Of a period that is not frozen it is a draft, made from today's facts. Of a frozen or issued one it is read
from the books: what was frozen, whether it was issued, and every adjustment that was issued since, with the
newest one even before.

examples:
  gongfang-billing totals --period 2026-11
  gongfang-billing totals --period 2026-11 --out accounts         HTML, XLSX, CSV and JSON
  gongfang-billing totals --period 2026-11 --format csv           a line for each document and rate"""

_OWNERS: Final = """\
The net amounts of all lines go to the machines behind them, and from there to the owners that [[ownership]]
in billing.toml names, after the host's fee, by agreed shares. What no machine or owner is behind stays with
the host.

Of a period that is frozen it is what was frozen, by the newest adjustment if there is one; else a draft
from today's facts.

examples:
  gongfang-billing owners --period 2026-11
  gongfang-billing owners --period 2026-11 --out accounts         HTML, XLSX, CSV and JSON"""

FORMATS: Final = ("table", "csv", "json", "html", "xlsx")


def add_accounts(add: Add, add_period: Callable[[argparse.ArgumentParser], None]) -> None:
    for name, short, more in (
        ("totals", "what all tenants owe for a period, for accounts", _TOTALS),
        ("owners", "what the owners of machines get of a period", _OWNERS),
    ):
        command = add(name, short, more)
        add_period(command)
        command.add_argument("--out", type=Path, metavar="DIR", help="write files into DIR, one a format")
        command.add_argument(
            "--format",
            action="append",
            choices=FORMATS,
            help="may be repeated with --out; default: a table here, or all of the others with --out",
        )
