"""A site's machines as its files list them: ``[[machine]]`` in TOML, and spreadsheets as CSV."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import msgspec
from msgspec import Struct
from pydantic import ValidationError

from contract.complaint import Complaint, TomlFile, complaints
from contract.sheet import Sheet, SheetRow, read_sheet
from edge_agent.config_shape import MachineShape
from edge_agent.toml_tables import Reading

COLUMNS: Final = MappingProxyType(
    {field: field for field in MachineShape.model_fields}
    | {"机台": "name", "端点": "endpoint", "站号": "unit", "型号": "profile", "区域": "area"}
    | {"序列号": "serial", "中文名": "name_zh", "英文名": "name_en", "原名": "was", "控制器": "controller"}
)
"""What a column of a machine list may be called."""

_STAND_IN: Final = MappingProxyType({"name": "unread", "endpoint": "", "profile": "unread"})
"""In place of what cannot be read: a machine that is wrong in one thing is looked at in all others."""
_REQUIRED: Final = tuple(key for key, field in MachineShape.model_fields.items() if field.is_required())
_WHOLE: Final = 'write a whole number, in digits (a cell that shows 2.4E+11 is formatted as "general")'


class Listed(Struct, frozen=True, kw_only=True):
    """A machine as far as it is well formed, and where it stands."""

    shape: MachineShape
    wrong: frozenset[str] = frozenset()
    """Keys that somebody has complained about: what ``shape`` has there means nothing."""
    file: str
    line_of: Callable[[str], int]
    """Of a key, where that has one of its own; of the machine for the rest, and for the empty key."""
    named: Callable[[str], str]
    """What the file calls a key."""

    def complain(self, key: str, problem: str, remedy: str) -> Complaint:
        line, named = self.line_of(key), self.named(key)
        return Complaint(file=self.file, line=line, key=named, problem=problem, remedy=remedy)

    def says(self, *keys: str) -> bool:
        """Whether all of them can be believed."""
        return self.wrong.isdisjoint(keys)

    def seen_from(self, other: "Listed") -> str:
        """Where it stands, for a complaint about ``other``."""
        line = self.line_of("")
        return f"line {line}" if other.file == self.file else f"{self.file}:{line}"


def listed_in_toml(reading: Reading) -> list[Listed]:
    file, good = reading.file, reading.tables("machine", MachineShape)
    ill = {
        index: _as_far_as_it_goes(raw, strict=True)
        for index, raw in enumerate(reading.members("machine"))
        if index not in good and isinstance(raw, dict)
    }
    sound = {index: (shape, frozenset[str]()) for index, shape in good.items()}
    return [
        Listed(
            shape=shape,
            wrong=wrong,
            file=file.name,
            line_of=partial(_line_in_toml, file, index),
            named=f"machine.{index}.{{}}".format,
        )
        for index, (shape, wrong) in sorted((sound | ill).items())
    ]


def _line_in_toml(file: TomlFile, index: int, key: str) -> int:
    return file.line_of(("machine", index, key))


def listed_in_sheets(
    reading: Reading, named: Iterable[str], directory: Path
) -> tuple[list[Listed], list[Sheet]]:
    """The machines of the CSV files that the site names, and the files as they were understood."""
    found: list[Listed] = []
    sheets: list[Sheet] = []
    for name in named:
        place = directory / name
        try:
            sheet = read_sheet(str(place), place.read_bytes(), COLUMNS)
        except OSError as error:
            reading.complain(("machines",), f"{place} cannot be read ({error.strerror})", "mend the path")
            continue
        sheets.append(sheet)
        reading.complaints += sheet.complaints
        found += _listed(sheet, reading.complaints.append)
    return found, sheets


def _listed(sheet: Sheet, complain: Callable[[Complaint], None]) -> Iterator[Listed]:
    lacking = [column for column in _REQUIRED if sheet.headings and column not in sheet.headings]
    for column in lacking:
        problem = f"is no column of this file, which has {', '.join(sheet.headings.values())}"
        complain(Complaint(file=sheet.file, line=sheet.line, key=column, problem=problem, remedy="add it"))
    for row in sheet.rows:
        try:
            shape = MachineShape.model_validate(row.cells, strict=False)
        except ValidationError as error:
            for found in _problems(sheet, row, error):
                if found.key not in lacking:
                    complain(found)
            shape, wrong = _as_far_as_it_goes(row.cells, strict=False)
        else:
            wrong = frozenset()
        yield Listed(
            shape=shape,
            wrong=wrong,
            file=sheet.file,
            line_of=partial(_line_in_sheet, row),
            named=partial(_named_in_sheet, sheet),
        )


def _line_in_sheet(row: SheetRow, _: str) -> int:
    return row.line


def _named_in_sheet(sheet: Sheet, key: str) -> str:
    return sheet.headings.get(key, key)


def _as_far_as_it_goes(raw: Mapping[str, object], *, strict: bool) -> tuple[MachineShape, frozenset[str]]:
    """What is well formed of an ill-formed machine, and the keys that are not."""
    try:
        MachineShape.model_validate(raw, strict=strict)
        wrong = frozenset[str]()
    except ValidationError as error:
        wrong = frozenset(str(found["loc"][0]) for found in error.errors(include_url=False) if found["loc"])
    good = {key: value for key, value in raw.items() if key not in wrong}
    return MachineShape.model_validate({**_STAND_IN, **good}, strict=strict), wrong


def _problems(sheet: Sheet, row: SheetRow, error: ValidationError) -> Iterator[Complaint]:
    file = TomlFile(name=sheet.file, data=dict(row.cells), lines=lambda: {(): row.line})
    told = [_in_words(found) for found in error.errors(include_url=False)]
    for found in complaints(file, told):
        yield msgspec.structs.replace(found, key=sheet.headings.get(found.key, found.key))


def _in_words(error: Mapping[str, Any]) -> dict[str, Any]:
    """A cell is text for pydantic; a person wrote a number, or something else in its place."""
    cell = str(error.get("input"))
    told = {**error, "input": int(cell)} if cell.isdecimal() else dict(error)
    return {**told, "type": "of_a_cell", "msg": _WHOLE} if error["type"].startswith("int_") else told
