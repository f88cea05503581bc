"""The blocks of docs/queries.md, as they stand there."""

import re
from pathlib import Path
from typing import Final

from msgspec import Struct

PAGE: Final = Path(__file__).resolve().parents[2] / "docs/queries.md"
_FENCE: Final = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INFO: Final = re.compile(r"\A(?:sql|sh|text) (influxql|sqlite|run|seen) id=([a-z0-9-]+)\Z")


class Block(Struct, frozen=True):
    """A fenced block: its dialect (influxql, sqlite; run for a shell, seen for an output) and its id."""

    dialect: str
    id: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.dialect}-{self.id}"


class Words(Struct, frozen=True, kw_only=True):
    """What stands in the place of the words in capitals, and of the instant at which one asks."""

    day: str
    tenant: str
    order: str
    now: int
    """UTC ms, of a whole second."""


def fences() -> list[str]:
    """What stands behind the opening fences."""
    return [info for info, _ in _FENCE.findall(PAGE.read_text("utf-8"))]


def is_readable(info: str) -> bool:
    return _INFO.match(info) is not None


def blocks(*dialects: str) -> list[Block]:
    found = []
    for info, text in _FENCE.findall(PAGE.read_text("utf-8")):
        if (named := _INFO.match(info)) and named[1] in dialects:
            found.append(Block(named[1], named[2], text))
    return found


def block(dialect: str, name: str) -> Block:
    return next(block for block in blocks(dialect) if block.id == name)


def filled(block: Block, words: Words) -> str:
    """The query as somebody would send it; only now() is told, since a rehearsal's clock is its own."""
    text = block.text
    for word, value in (("DAY", words.day), ("TENANT", words.tenant), ("ORDER_ID", words.order)):
        text = re.sub(rf"(?<=['\"]){word}\b", value, text)
    return text.replace("now()", f"{words.now}ms").replace("unixepoch('now')", str(words.now // 1000))
