"""The blocks of docs/bringup.md in their order, and what it takes to do what they say."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/bringup.md"
ADDRESS: Final = "tcp://192.0.2.20:502"
"""Of the page, in place of which the reader puts another."""
_FENCE: Final = re.compile(r"^```([a-z]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_NUMBER: Final = re.compile(r"\d[\d.,:T+-]*")
_NAME: Final = re.compile(r"wit-[0-9a-f]{8}")


class Block(Struct, frozen=True):
    """``kind``: sh to type, text for what is shown then, toml for a file, panel for the machine's buttons."""

    kind: str
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()


def blocks() -> list[Block]:
    return [Block(kind, text) for kind, text in _FENCE.findall(PAGE.read_text("utf-8"))]


def alike(line: str) -> str:
    """A line without what differs from one machine and one minute to the next: its numbers, its blanks."""
    return " ".join(_NUMBER.sub("N", _NAME.sub("wit-", line)).split())


def shown(expected: Block, output: str) -> list[str]:
    """The lines of the page that the output does not have, in their order."""
    found = iter(alike(line) for line in output.splitlines())
    return [line for line in expected.lines if not any(alike(line) == each for each in found)]
