"""Shows tables to a person."""

import sys

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from collector.tables import Table

PIPE_COLUMNS = 240
"""Where nobody's window limits the width, no cell is folded."""


def console() -> Console:
    return Console(width=None if sys.stdout.isatty() else PIPE_COLUMNS, highlight=False)


def say(text: str) -> None:
    """Prints a text that may come from outside: what would control the terminal is shown instead."""
    sys.stdout.write(_plain(text) + "\n")


def warn(text: str) -> None:
    """Prints beside what the command shows."""
    sys.stderr.write(_plain(text) + "\n")


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def show(table: Table) -> None:
    """Texts come from outside, so none of them is read as markup."""
    out = console()
    if table.rows:
        drawn = RichTable(title=table.title, title_justify="left", box=box.SIMPLE_HEAD)
        for heading in table.headings:
            drawn.add_column(heading, overflow="fold")
        for row in table.rows:
            drawn.add_row(*map(Text, row))
        out.print(drawn)
    for remark in table.remarks:
        out.print(Text(remark))
