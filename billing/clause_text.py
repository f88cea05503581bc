"""Where a clause stands in the file of its tariff: its line, and its text. Pure."""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

from msgspec import Struct
from pydantic import ValidationError

from billing.tariff_build import clause_id
from billing.tariff_shape import TariffTable
from contract.complaint import TomlFile, parse_toml

_FAMILIES: Final = (
    *("rate", "piece", "quantity", "energy", "pollution", "setup_fee", "base", "reservation"),
    *("scrap_credit", "surcharge", "discount", "minimum", "cap"),
)
_HEADER: Final = re.compile(r"^\s*\[\[?\s*(?P<name>[^\[\]]+?)\s*\]\]?")


class ClauseText(Struct, frozen=True, kw_only=True):
    file: str
    line: int
    """Of its header, from 1."""
    text: str


def clause_text(name: str, text: str, wanted: str) -> ClauseText | None:
    """The clause with this id, or None: a line by hand comes from no tariff."""
    file = parse_toml(name, text)
    for family, index in _clauses(file, wanted):
        line = file.line_of((family, index))
        lines = text.splitlines()[line - 1 :]
        if _HEADER.match(lines[0]):
            return ClauseText(file=name, line=line, text="\n".join(_table(lines, family)))
        within, found = _inline(lines, index, len(file.data[family]))
        return ClauseText(file=name, line=line + within, text=found)
    return None


def _clauses(file: TomlFile, wanted: str) -> Iterator[tuple[str, int]]:
    try:
        tariff = TariffTable.model_validate(file.data)
    except ValidationError:
        return
    for family in _FAMILIES:
        for index, table in enumerate(getattr(tariff, family)):
            if clause_id(family, table) == wanted:
                yield family, index


def _table(lines: list[str], family: str) -> list[str]:
    """From its header up to the next table that is not within it, less what is blank at its end."""
    found = [lines[0]]
    for line in lines[1:]:
        header = _HEADER.match(line)
        if header and not header["name"].startswith(f"{family}."):
            break
        found.append(line)
    while not found[-1].strip() or found[-1].lstrip().startswith("#"):
        found.pop()
    return found


def _inline(lines: list[str], index: int, many: int) -> tuple[int, str]:
    """Of ``rate = [{ ... }, { ... }]`` the line of the table where each has its own, else all of it."""
    whole = next(count for count in range(1, len(lines) + 1) if _is_toml("\n".join(lines[:count])))
    starts = [number for number in range(whole) if lines[number].lstrip().startswith("{")]
    if len(starts) == many:
        end = [*starts, whole - 1][index + 1]
        return starts[index], "\n".join(lines[starts[index] : end])
    return 0, "\n".join(lines[:whole])


def _is_toml(text: str) -> bool:
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True
