"""The command line of a statement's life: freeze, issue, and what comes after."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final

Add = Callable[[str, str, str], argparse.ArgumentParser]
"""Adds a command: its name, what it does in short, and the help below its options."""

_CLOSE: Final = """\
Looks at a day that is over as `validate` does, walks its digest chains, and writes into the ledger who closed
it and on which figures. While anything waits for a person (usage without a certain payer, what changed hands
in a gap) or a finding blocks, only with --override: the reason stands in the ledger. So questions are asked
while people remember. A closed day is not frozen: what is heard later is billed, and closing the day again
says that its figures are other ones. `days` shows which days of a month are closed; exit code 1 while any is
open.

examples:
  gongfang-billing close --day 2026-11-22 --by "Li Na"
  gongfang-billing close --day 2026-11-22 --by "Li Na" --override "knit-07 was dark for an hour, both agreed"
  gongfang-billing days --period 2026-11"""

_FREEZE: Final = """\
Rates the period and keeps everything that the figures rest on: the stored rows that were read, leases,
orders, decisions, results of inspection, the configuration with its tariffs, and the version of this program,
with a digest over all. The pack lies in the directory `books` of billing.toml, with the statements.

A period that is not over cannot be frozen. While anything waits for a person, or a finding is open, only
with --override: the reason stands in the pack and on every statement. Before it is issued, a period may be
frozen again; that is another revision, and nothing of the first is lost.

examples:
  gongfang-billing freeze --period 2026-10 --by "Li Na"
  gongfang-billing freeze --period 2026-10 --by "Li Na" --override "knit-07 was dark for an hour, both agreed"
  gongfang-billing issue --period 2026-10 --by "Li Na"

life of a statement: draft (`run`), frozen (`freeze`), issued (`issue`); afterwards `adjust`"""

_ISSUE: Final = """\
Marks the latest frozen run of the period as issued, in a ledger that is only ever added to and in which each
entry has the digest of the one before. From then on nothing of it changes; what is different later is booked
by `adjust`. The files for tenants are in `books/PERIOD/REVISION/statements`.

example:
  gongfang-billing issue --period 2026-10 --by "Li Na\""""


_ADJUST: Final = """\
Rates a period that was issued once more, from today's facts, and takes off what was booked: all its
statements and adjustments that were issued. What is different becomes an adjustment, or a credit note, for
each tenant whom it concerns, line by line, with what was heard since. Booked plus adjustments is the fresh
rating, to the fen. It is frozen with its own evidence like a period and goes out with `issue`; what went out
before stays as it is, byte for byte.



examples:
  gongfang-billing adjust --period 2026-10 --by "Li Na"
  gongfang-billing issue --period 2026-10 --by "Li Na\""""

_VERIFY: Final = """\
Walks the ledger; compares every file of every pack of the period with its digest; rates again from the
evidence alone and compares each page and line; holds every row of the evidence against the store; and walks
the digest chain of each epoch again from the stored rows, quarantine and losses included. Whatever is not as
it was frozen is printed, a line each, with record, machine and time. Rows that were stored later are no
fault: `adjust` books them.

With --pack: one pack by itself, wherever it was copied to; no store, no books and no configuration are
needed. A tenant or an auditor who was given one rates it again, byte for byte, and walks the chains and the
signatures in it. The digest that is shown is the one that was told when it was frozen.

Exit code 1 when anything is found.

examples:
  gongfang-billing verify --period 2026-10
  gongfang-billing verify --pack books/2026-10/1"""

_EXPLAIN: Final = """\
Shows how a line of a statement came about: quantity, price and exact amount; the clause of the tariff, with
its file and line; every stored interval that has a part of it, with its times, counts and quality; and every
stop behind it, to the second. Of a frozen period it is read from the evidence: next year it says the same.
A line has an `id` in the JSON; or count it on the tenant's statement.

examples:
  gongfang-billing explain hongye/A-1/knit/rate.knit.run --period 2026-10
  gongfang-billing explain --tenant hongye --line 3 --period 2026-10"""


def add_life(add: Add, add_period: Callable[[argparse.ArgumentParser], None]) -> None:
    close = add("close", "close a day, once nothing waits for a person", _CLOSE)
    add_period(close)
    _add_by(close)
    _add_override(close)
    add_period(add("days", "which days are closed, and by whom", _CLOSE))
    freeze = add("freeze", "close a period, with its evidence", _FREEZE)
    add_period(freeze)
    _add_by(freeze)
    _add_override(freeze)
    issue = add("issue", "mark what was frozen as issued", _ISSUE)
    add_period(issue)
    _add_by(issue)
    adjust = add("adjust", "book what is different today of an issued period", _ADJUST)
    add_period(adjust)
    _add_by(adjust)
    _add_override(adjust)
    verify = add("verify", "is everything as it was frozen?", _VERIFY)
    add_period(verify)
    verify.add_argument("--pack", type=Path, metavar="DIR", help="a pack by itself: needs nothing else")
    explain = add("explain", "what a line of a statement rests on, to the second", _EXPLAIN)
    explain.add_argument("id", nargs="?", metavar="LINE", help="the id of a line")
    explain.add_argument("--tenant", metavar="NAME", help="with --line: whose statement")
    explain.add_argument("--line", type=int, metavar="NUMBER", help="the line on it, from 1")
    explain.add_argument(
        "--revision",
        type=int,
        metavar="N",
        help="of a frozen period (default: the latest that was issued, else the latest)",
    )
    add_period(explain)


def _add_by(command: argparse.ArgumentParser) -> None:
    command.add_argument("--by", required=True, metavar="NAME", help="who decides")


def _add_override(command: argparse.ArgumentParser) -> None:
    command.add_argument("--override", default="", metavar="TEXT", help="why, although something is open")
