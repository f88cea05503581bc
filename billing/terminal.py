"""The error stream, on which a run says how far it is: a bar on a terminal, and a line for each long day."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from billing.progress import Days, Progress, Read


@contextmanager
def progress_shown() -> Iterator[Progress]:
    console = Console(stderr=True)
    columns = (TextColumn("reading the store"), BarColumn(), TimeElapsedColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task, days = bar.add_task("", total=1.0), Days(time.monotonic())

        def show(read: Read) -> None:
            bar.update(task, completed=read.share)
            if line := days.line(read, time.monotonic()):
                (console.print if console.is_terminal else _say)(line)

        yield show


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
