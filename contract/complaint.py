"""Complaints about configuration: all at once, each with file, line, key, problem and remedy (DESIGN 6).

Pure: the text of the file comes from the caller. ``complaints`` takes the errors of a pydantic
``ValidationError`` as plain mappings, so that this package needs no pydantic; ``remedies`` has the words.
"""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cache, partial
from typing import Any, Final

import msgspec
from msgspec import Struct

from contract.file_kinds import FileKind, taken_for
from contract.remedies import foreign, of_syntax, place_of, problem_of, remedy_of, shown
from contract.shape_keys import nearest

Path = tuple[str | int, ...]


class Complaint(Struct, frozen=True, kw_only=True):
    file: str
    line: int
    """1-based; 0 when the whole file is meant."""
    key: str
    problem: str
    remedy: str = ""

    def __str__(self) -> str:
        at = f"{self.file}:{self.line}" if self.line else self.file
        tail = f"; {self.remedy}" if self.remedy else ""
        return f"{at}: {self.key}: {self.problem}{tail}" if self.key else f"{at}: {self.problem}{tail}"


class BadConfigurationError(Exception):
    """Carries every complaint. A command prints them and exits with 2."""

    def __init__(self, complaints: Iterable[Complaint]) -> None:
        self.complaints = tuple(complaints)
        super().__init__("\n".join(map(str, folded(self.complaints))))


MANY: Final = 8
"""So many complaints of one kind about one file are still shown each."""
_SHOWN: Final = 3
_INDEX: Final = re.compile(r"\.\d+(?=\.|\Z)")


def folded(complaints: Iterable[Complaint]) -> list[Complaint]:
    """For people: where a thousand rows have one complaint, the first few of them and how many there are."""
    told, gone = list(complaints), set[int]()
    kinds: dict[Path, list[int]] = {}
    for place, each in enumerate(told):
        kind = (each.file, _INDEX.sub("", each.key), each.remedy or each.problem)
        kinds.setdefault(kind, []).append(place)
    for (_, key, _), alike in kinds.items():
        if len(alike) > MANY:
            rest, last = alike[_SHOWN:], told[alike[-1]]
            problem = f"and {len(rest)} more like these, up to line {last.line}"
            told[rest[0]] = msgspec.structs.replace(told[rest[0]], key=str(key), problem=problem)
            gone.update(rest[1:])
    return [each for place, each in enumerate(told) if place not in gone]


class TomlFile(Struct, frozen=True, kw_only=True):
    """A parsed file that knows on which line each of its keys stands."""

    name: str
    data: dict[str, Any]
    lines: Callable[[], Mapping[Path, int]]
    """Looked for when there is a complaint, and not before: a large file takes a while."""

    def line_of(self, path: Path) -> int:
        """The line of the key, or of the nearest table around it that stands in the file, or 0."""
        lines = self.lines()
        while path and path not in lines:
            path = path[:-1]
        return lines.get(path, 0)

    def complain(self, path: Path, problem: str, remedy: str = "") -> Complaint:
        key = ".".join(map(str, path))
        return Complaint(file=self.name, line=self.line_of(path), key=key, problem=problem, remedy=remedy)


DEEPEST: Final = 20
"""So many levels of tables and lists are more than any file of ours has."""

_TABLE: Final = re.compile(r"^\s*(\[\[?)\s*([^\[\],]+?)\s*\]\]?\s*(?:#.*)?$")
_KEY: Final = re.compile(
    r"^\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[A-Za-z0-9_-]+|\"[^\"]*\"))*)\s*="
)
_BYTE_ORDER_MARK: Final = "\ufeff"
"""With which editors on Windows begin a file."""
_END: Final = " (at end of document)"
_AT: Final = re.compile(r"^(.*) \(at line (\d+), column \d+\)$")


def _parts(dotted: str) -> list[str]:
    return [part.strip().strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[^.]+", dotted)]


def locate(text: str) -> dict[Path, int]:
    """The 1-based line of every table header and key; members of an array of tables are numbered from 0."""
    found: dict[Path, int] = {}
    members: dict[Path, int] = {}

    def within(parts: list[str]) -> Path:
        path: Path = ()
        for part in parts:
            path = (*path, part)
            if path in members:
                path = (*path, members[path])
        return path

    table: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _TABLE.match(line):
            parts = _parts(header[2])
            if header[1] == "[[":
                array = (*within(parts[:-1]), parts[-1])
                members[array] = members.get(array, -1) + 1
                found.setdefault(array, number)
                table = (*array, members[array])
            else:
                table = within(parts)
            found.setdefault(table, number)
        elif key := _KEY.match(line):
            path = table
            for part in _parts(key[1]):
                path = (*path, part)
                found.setdefault(path, number)
    return found


def parse_toml(name: str, text: str, kind: FileKind | None = None) -> TomlFile:
    """Raises BadConfigurationError with the place of a syntax error, or for a file of another kind."""
    text = text.removeprefix(_BYTE_ORDER_MARK)
    try:
        data = tomllib.loads(text)
        _measure(data)
    except (ValueError, RecursionError) as error:  # a number of 5,000 digits is a bare ValueError
        raise BadConfigurationError([_unreadable(name, text, str(error))]) from None
    if kind and (other := taken_for(data, kind)):
        remedy = f"give {kind.what} here{kind.hint(other)}"
        complaint = Complaint(file=name, line=0, key="", problem=f"is {other.what}", remedy=remedy)
        raise BadConfigurationError([complaint])
    return TomlFile(name=name, data=data, lines=cache(partial(locate, text)))


def _unreadable(name: str, text: str, said: str) -> Complaint:
    if told := foreign(text):
        return Complaint(file=name, line=0, key="", problem=told[0], remedy=told[1])
    where = _AT.match(said)
    line, said = (int(where[2]), where[1]) if where else (text.count("\n") + 1, said.removesuffix(_END))
    problem, remedy = of_syntax(said)
    return Complaint(file=name, line=line, key="", problem=problem, remedy=remedy)


def _measure(data: object) -> None:
    """Raises ValueError when tables stand in tables so deep that looking at them would end in a crash."""
    level: list[object] = [data]
    for _ in range(DEEPEST):
        inner: list[object] = []
        for each in level:
            inner += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        level = inner
    if level:
        raise ValueError(f"more than {DEEPEST} tables or lists stand in one another")


_SECRET: Final = re.compile("password|token|secret", re.IGNORECASE)


def complaints(
    file: TomlFile,
    errors: Iterable[Mapping[str, Any]],
    under: Path = (),
    *,
    keys: Callable[[Path], Collection[str]] = lambda _: (),
) -> list[Complaint]:
    """``errors`` of a pydantic ValidationError about the part of ``file`` below ``under``.

    ``keys``: which there may be in a table, by its place below ``under``; for who misspelt one.
    A value is quoted unless it may hold a secret: by its key, or because it is an address with one in it.
    """
    found: list[Complaint] = []
    known = set(_keys(file.data))
    for error in errors:
        loc = place_of(error)
        # What pydantic puts in a path and no file has is the tag of a union; a missing key is last.
        problem, remedy = problem_of(error), remedy_of(error)
        if error["type"] == "extra_forbidden" and (meant := nearest(str(loc[-1]), keys(loc[:-1]))):
            remedy = f"is {meant} meant? {remedy}"
        kept = {*known, *loc[-1:]} if problem and error["type"] != "extra_forbidden" else known
        path = (*under, *(part for part in loc if isinstance(part, int) or part in kept))
        value = error.get("input")
        if problem is None:
            problem = "has a wrong value" if _is_secret((*under, *loc), value) else f"is {shown(value)}"
        one = file.complain(path, problem, remedy)
        if found and (found[-1].key, found[-1].problem) == (one.key, problem) and remedy != found[-1].remedy:
            # What may be one thing or the other is an error of each.
            one = msgspec.structs.replace(one, remedy=f"{found.pop().remedy}, or {remedy}")
        found.append(one)
    return found


def _is_secret(path: Path, value: object) -> bool:
    address = isinstance(value, str) and "://" in value and ("@" in value or "?" in value)
    return address or _SECRET.search(str(path)) is not None


def _keys(value: object) -> Iterator[str]:
    """Every key of a file, those of inline tables too."""
    if isinstance(value, dict):
        yield from value
        value = list(value.values())
    if isinstance(value, list):
        for member in value:
            yield from _keys(member)
