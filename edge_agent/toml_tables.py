"""Take a TOML file apart table by table: one bad table does not hide what is wrong with the others."""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.file_kinds import FileKind
from contract.remedies import unreadable
from contract.shape_keys import keys_at

# Our patterns end in \Z, which pydantic's own engine does not know.
STRICT: Final = ConfigDict(extra="forbid", frozen=True, strict=True, regex_engine="python-re")


class Shape(BaseModel):
    """Of a table. A key that is not named, and a value of another type, are complaints."""

    model_config = STRICT


ShapeT = TypeVar("ShapeT", bound=Shape)
ValueT = TypeVar("ValueT")


def open_toml(path: Path, kind: FileKind, remedy: str) -> TomlFile:
    """Raises BadConfigurationError when the file cannot be read, is not TOML, or is of another kind."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        problem = f"cannot be read ({unreadable(error)})"
        raise BadConfigurationError(
            [Complaint(file=str(path), line=0, key="", problem=problem, remedy=remedy)]
        ) from None
    return parse_toml(str(path), text, kind)


class Reading:
    """Takes tables out of one file and gathers the complaints."""

    def __init__(self, file: TomlFile) -> None:
        self.file = file
        self.complaints: list[Complaint] = []
        self.files: list[Path] = []
        """Beside this one, those that were read because it names them."""

    def complain(self, path: tuple[str | int, ...], problem: str, remedy: str = "") -> None:
        self.complaints.append(self.file.complain(path, problem, remedy))

    def top(self, shape: type[ShapeT], tables: Collection[str]) -> ShapeT | None:
        """The keys outside of ``tables``, which are those of the file that have a shape of their own."""
        return self._shaped({k: v for k, v in self.file.data.items() if k not in tables}, shape, (), tables)

    def table(self, key: str, shape: type[ShapeT]) -> ShapeT | None:
        """``[key]``; an absent one counts as empty."""
        return self._shaped(self.file.data.get(key, {}), shape, (key,))

    def mapping(self, key: str, values: TypeAdapter[dict[str, ValueT]]) -> dict[str, ValueT]:
        """``[key]`` with keys of the writer's choice; empty when it is absent or ill-formed."""
        try:
            return values.validate_python(self.file.data.get(key, {}))
        except ValidationError as error:
            self.complaints += complaints(self.file, error.errors(include_url=False), (key,))
            return {}

    def tables(self, key: str, shape: type[ShapeT]) -> dict[int, ShapeT]:
        """The well-formed members of ``[[key]]`` by their index in the file."""
        found = {}
        if not isinstance(self.file.data.get(key, []), list):
            self.complain((key,), "is a single table", f"write its header in double brackets: [[{key}]]")
        for index, raw in enumerate(self.members(key)):
            made = self._shaped(raw, shape, (key, index))
            if made is not None:
                found[index] = made
        return found

    def named(self, key: str, name: str = "name") -> set[str]:
        """What the members of ``[[key]]`` are called, the ill-formed ones too."""
        return {
            str(raw[name])
            for raw in self.members(key)
            if isinstance(raw, dict) and isinstance(raw.get(name), str)
        }

    def unique(self, key: str, values: Iterable[tuple[int, object]], what: str, remedy: str) -> None:
        """Complain about each member of ``[[key]]`` whose value an earlier one has already."""
        first: dict[object, int] = {}
        for index, value in values:
            earlier = first.setdefault(value, index)
            if earlier != index:
                line = self.file.line_of((key, earlier))
                self.complain((key, index, what), f"is the same as in line {line}", remedy)

    def finish(self) -> None:
        """Raises BadConfigurationError when there was anything to complain about."""
        if self.complaints:
            raise BadConfigurationError(sorted(self.complaints, key=lambda found: (found.file, found.line)))

    def members(self, key: str) -> list[Any]:
        """``[[key]]`` as it stands in the file."""
        raw = self.file.data.get(key, [])
        return raw if isinstance(raw, list) else []

    def _shaped(
        self, raw: object, shape: type[ShapeT], path: tuple[str | int, ...], also: Collection[str] = ()
    ) -> ShapeT | None:
        """``also``: keys that there may be beside those of the shape."""
        try:
            return shape.model_validate(raw)
        except ValidationError as error:
            self.complaints += complaints(
                self.file,
                error.errors(include_url=False),
                path,
                keys=lambda place: keys_at(shape, place) | set(() if place else also),
            )
            return None
