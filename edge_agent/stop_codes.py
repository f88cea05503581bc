"""The stop-code table: which stop is whose, from ``stop-codes.toml``."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from contract.file_kinds import STOP_CODES
from contract.names import LABEL, TEXT
from contract.states import Party
from edge_agent.profile import StopCode, StopTable
from edge_agent.toml_tables import Reading, Shape, open_toml


class TopShape(Shape):
    id: Annotated[str, Field(pattern=LABEL)]
    version: Annotated[str, Field(pattern=LABEL)]


class CodeShape(Shape):
    code: Annotated[int, Field(ge=1)]
    party: Literal["tenant", "host", "utility", "unknown"]
    en: Annotated[str, Field(pattern=TEXT)]
    zh: Annotated[str, Field(pattern=TEXT)]


def load_stop_table(path: Path) -> StopTable:
    """Raises BadConfigurationError."""
    reading = Reading(open_toml(path, STOP_CODES, "name an existing table in stop_codes, or leave it out"))
    top = reading.top(TopShape, {"code"})
    codes = reading.tables("code", CodeShape)
    reading.unique("code", ((i, entry.code) for i, entry in codes.items()), "code", "give each code once")
    if not reading.named("code", "en"):
        reading.complain(("code",), "names no stop code", "add [[code]] with code, party, en and zh")
    reading.finish()
    assert top is not None  # noqa: S101  finish() has complained otherwise
    return StopTable(
        label=f"{top.id}@{top.version}",
        codes=tuple(
            StopCode(code=entry.code, party=Party(entry.party), en=entry.en, zh=entry.zh)
            for entry in sorted(codes.values(), key=lambda entry: entry.code)
        ),
    )
