"""Tables of stop codes, as the evidence keeps them: who answered for which stop when it was metered. Pure.

The party of each stop stands in its record, looked up by the agent. The table is what it was looked up in; it
changes no bill. Without it nobody can say next year why code 12 was the host's.
"""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Annotated, Literal

from msgspec import Struct
from pydantic import Field, ValidationError

from billing.findings import Finding, Rule
from billing.toml_values import Label, Table, Text
from contract.complaint import BadConfigurationError, complaints, parse_toml
from contract.file_kinds import STOP_CODES
from contract.names import NONE
from contract.records import Meter
from contract.shape_keys import keys_at

SHIPPED = "shipped/stop-codes.toml"
"""The name that the table which comes with the software has among the texts of a configuration."""


class StopCodes(Struct, frozen=True, kw_only=True):
    label: str
    """``id@version``, as a record names it."""
    words: Mapping[int, tuple[str, str]]
    """What each code means, in English and in Chinese."""


class _Code(Table):
    code: Annotated[int, Field(ge=1, strict=True)]
    party: Literal["tenant", "host", "utility", "unknown"]
    en: Text
    zh: Text


class _Shape(Table):
    id: Label
    version: Label
    code: tuple[_Code, ...]


def read_stop_codes(name: str, text: str) -> StopCodes:
    """Raises BadConfigurationError with every complaint about the file called ``name``."""
    file = parse_toml(name, text, STOP_CODES)
    try:
        table = _Shape.model_validate(file.data)
    except ValidationError as error:
        wrong = complaints(file, [dict(one) for one in error.errors()], keys=partial(keys_at, _Shape))
        raise BadConfigurationError(wrong) from None
    words = {each.code: (each.en, each.zh) for each in table.code}
    return StopCodes(label=f"{table.id}@{table.version}", words=words)


def untabled(meters: Iterable[Meter], start: int, known: Iterable[StopCodes]) -> list[Finding]:
    """Tables that meters of a period name and whose text nobody gave; ``start`` of the period, UTC ms."""
    have = {NONE, *(table.label for table in known)}
    if have == {NONE}:  # a pack of before has none, and says what it said
        return []
    newest: dict[str, Meter] = {}
    met: list[Meter] = []
    for meter in meters:
        if meter.at >= start:
            met.append(meter)
        elif meter.machine not in newest or newest[meter.machine].at <= meter.at:
            newest[meter.machine] = meter
    missing: dict[str, set[str]] = {}
    for meter in [*newest.values(), *met]:
        if meter.stop_table not in have:
            missing.setdefault(meter.stop_table, set()).add(meter.machine)
    return [_finding(label, sorted(machines)) for label, machines in sorted(missing.items())]


def _finding(label: str, machines: list[str]) -> Finding:
    others = f" and those of {len(machines) - 1} more machines" if len(machines) > 1 else ""
    text = (
        f"its stops{others} were looked up in the table of stop codes {label}, whose text is not kept with"
        " the evidence: name its file in stop_codes"
    )
    return Finding(rule=Rule.STOP_TABLE, machine=machines[0], text=text)
