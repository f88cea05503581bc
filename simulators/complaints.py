"""What is wrong with a plant file, line by line: a line finder for TOML, and look-ups that complain."""

import difflib
import re
from collections.abc import Iterable, Mapping

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(?P<open>\[\[?)\s*(?P<name>[^\[\]]+?)\s*\]\]?\s*(?:#.*)?")
_KEY = re.compile(r"""\s*(?P<key>[A-Za-z0-9_-]+|"[^"]+"|'[^']+')\s*=""")
_OFFSET = re.compile(r"(?=\d)(?:(?P<h>\d+)h)?(?:(?P<m>\d+)m)?(?:(?P<s>\d+)s)?")
NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
NAME_REMEDY = "use lower-case letters, digits, '.', '_' and '-' (at most 64, a letter or digit first)"
RESERVED = frozenset({"none", "disputed"})


def find_lines(text: str) -> dict[Path, int]:
    """1-based line of each table header and each key; an array of tables counts its entries from 0."""
    lines: dict[Path, int] = {}
    seen: dict[str, int] = {}
    here: Path = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.fullmatch(line):
            here = _table(header["open"] == "[[", header["name"], seen)
            lines.setdefault(here, number)
        elif key := _KEY.match(line):
            lines.setdefault((*here, key["key"].strip("\"'")), number)
    return lines


def _table(repeated: bool, name: str, seen: dict[str, int]) -> Path:  # noqa: FBT001  one caller, three lines up
    first, *rest = (part.strip().strip("\"'") for part in name.split("."))
    if repeated and not rest:
        seen[first] = seen.get(first, -1) + 1
    index: Path = (seen[first],) if first in seen else ()
    return (first, *index, *rest)


class Complaints:
    """Collects `file:line: key: problem; remedy`, in the order of the file."""

    def __init__(self, file: str, text: str) -> None:
        self._file = file
        self._lines = find_lines(text)
        self._found: list[tuple[int, str]] = []
        self._paths: set[Path] = set()

    def about(self, path: Path) -> bool:
        """Whether there is a complaint about this or anything in it."""
        return any(known[: len(path)] == path for known in self._paths)

    def add(self, path: Path, problem: str, remedy: str) -> None:
        self._paths.add(path)
        line = self._line(path)
        self._found.append((line, f"{self._file}:{line}: {spell(path)}: {problem}; {remedy}"))

    def sorted(self) -> tuple[str, ...]:
        return tuple(text for _, text in sorted(self._found, key=lambda found: found[0]))

    def _line(self, path: Path) -> int:
        ways = (path[:length] for length in range(len(path), 0, -1))
        return next((self._lines[way] for way in ways if way in self._lines), 1)


def spell(path: Path) -> str:
    """`("order", 2, "pieces")` as `order[2].pieces`."""
    return "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in path).removeprefix(".") or "(file)"


class Table:
    """One TOML table. Each look-up gives a usable value whatever the file says, complaining if it must."""

    def __init__(self, path: Path, raw: object, complaints: Complaints) -> None:
        self.path = path
        self._complaints = complaints
        self._raw: Mapping[str, object] = raw if isinstance(raw, dict) else {}
        if not isinstance(raw, dict):
            self.complain("", "is not a table", f"write it as [[{path[0]}]]" if path else "write a table")

    def complain(self, key: str, problem: str, remedy: str) -> None:
        self._complaints.add((*self.path, key) if key else self.path, problem, remedy)

    def bad(self, *keys: str) -> bool:
        """Whether there is a complaint about one of these keys (without any: about the table)."""
        paths = [(*self.path, key) for key in keys] or [self.path]
        return any(self._complaints.about(path) for path in paths)

    def __contains__(self, key: str) -> bool:
        return key in self._raw

    def only(self, known: Iterable[str]) -> None:
        """Complain of each key that nobody reads: a misspelt key must not be a silent default."""
        names = sorted(known)
        for key in self._raw:
            if key not in names:
                near = difflib.get_close_matches(key, names, n=1)
                hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(names)}"
                self.complain(key, "unknown key", hint)

    def text(self, key: str, default: str | None = None) -> str:
        value = self._get(key, default, 'write it as text, in quotes: "..."')
        if isinstance(value, str) and value.strip():
            return value
        if value is not None:
            self.complain(key, f"{value!r} is not text", 'write it in quotes: "..."')
        return default or ""

    def name(self, key: str, *, reserved: frozenset[str] = RESERVED) -> str:
        value = self.text(key)
        if value and not NAME.fullmatch(value):
            self.complain(key, f"{value!r} is not a legal name", NAME_REMEDY)
        if value in reserved:
            self.complain(key, f"{value!r} is a reserved word", "choose another name")
        return value

    def choice(self, key: str, options: tuple[str, ...], default: str | None = None) -> str:
        value = self.text(key, default)
        if value in options:
            return value
        if value:
            self.complain(key, f"{value!r} is not known here", f"use one of {', '.join(options)}")
        return options[0]

    def integer(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self._get(key, default, f"write a whole number from {low} to {high}")
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        if value is not None:
            self.complain(key, f"{value!r} is out of range", f"write a whole number from {low} to {high}")
        return low

    def number(self, key: str, low: float, high: float, default: float | None = None) -> float:
        value = self._get(key, default, f"write a number from {low:g} to {high:g}")
        if isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high:
            return float(value)
        if value is not None:
            self.complain(key, f"{value!r} is out of range", f"write a number from {low:g} to {high:g}")
        return low

    def offset_ms(self, key: str) -> int:
        """A span of time such as "3h30m", "45m" or "0h", in ms."""
        value = self.text(key)
        if match := _OFFSET.fullmatch(value):
            hours, minutes, seconds = (int(match[unit] or 0) for unit in "hms")
            return ((hours * 60 + minutes) * 60 + seconds) * 1000
        if value:
            self.complain(key, f"{value!r} is not a span of time", 'write it like "8h", "3h30m" or "45m"')
        return 0

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._get(key, None, 'write a list: ["knit-01", "weld-*"]')
        values = [value] if isinstance(value, str) else value
        if isinstance(values, list) and values and all(isinstance(text, str) for text in values):
            return tuple(values)
        if value is not None:
            self.complain(key, f"{value!r} is not a list of names", 'write a list: ["knit-01", "weld-*"]')
        return ()

    def table(self, key: str) -> "Table":
        return Table((*self.path, key), self._raw.get(key, {}), self._complaints)

    def tables(self, key: str) -> "tuple[Table, ...]":
        value = self._raw.get(key, [])
        if isinstance(value, list):
            return tuple(Table((*self.path, key, n), raw, self._complaints) for n, raw in enumerate(value))
        self.complain(key, "is not an array of tables", f"write each one as [[{key}]]")
        return ()

    def items(self) -> Iterable[str]:
        return tuple(self._raw)

    def _get(self, key: str, default: object, remedy: str) -> object:
        if key not in self._raw and default is None:
            self.complain(key, "is missing", remedy)
        return self._raw.get(key, default)
