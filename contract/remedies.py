"""What is wrong with a value and what to write instead, in words; one place for all files of all programs.

Pure. pydantic and tomllib name their rules and what they expected ("Input should be a valid integer, unable
to parse string"); who wrote the file wants to know what to write. Errors are pydantic's, as mappings.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from types import MappingProxyType
from typing import Any, Final

_WHOLE: Final = "write a whole number, in digits and without quotes"
_NUMBER: Final = "write a number, such as 2.5, without quotes"
_LOGIC: Final = "write true or false, without quotes"
_QUOTES: Final = 'write it in quotes: "..."'
_LIST: Final = 'write a list in brackets: ["a", "b"]'
_TABLE: Final = "write a table: its name in brackets on a line, and key = value on the lines below"
_FILE: Final = "make that file, or mend the path"
_DATE: Final = "write a date without quotes, like 2026-01-31"

_FIRST: Final = "beginning with a letter or digit"
_LETTERS: Final = MappingProxyType(
    {
        r"[a-z0-9][a-z0-9._-]{0,63}": f"use 1 to 64 of a-z 0-9 . _ - {_FIRST}",
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}": f"use 1 to 64 of A-Z a-z 0-9 . _ - {_FIRST}",
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}": f"use 1 to 64 of A-Z a-z 0-9 . _ - {_FIRST}",
        r"[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,127}": f"use 1 to 128 of A-Z a-z 0-9 . _ @ : / + - {_FIRST}",
        r"[a-z0-9*?._-]{1,64}": "use 1 to 64 of a-z 0-9 . _ - and * for any letters, ? for any one",
        r"[a-z][a-z0-9_]{0,39}": "use 1 to 40 of a-z 0-9 _ beginning with a letter",
        r"[a-z][a-z0-9_]*\.\d{1,2}": "name a register and a bit of it, the lowest is 0: status.2",
        r"[1-9]\d{0,8}": "write the machine's own code in digits: 3 = 10",
        r"[^\x00-\x1f\x7f]{1,512}": "write 1 to 512 characters, none that controls a terminal",
    }
)
"""What the patterns of our shapes mean, without their anchors."""


_MEMBER: Final = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""A member of an enumeration, as Python shows it."""


def _choice(its: Mapping[str, Any]) -> str:
    told = _MEMBER.sub(r"\1", str(its.get("expected") or its.get("expected_tags")))
    return f"write one of {told.replace(' or ', ', ')}"


def _pattern(its: Mapping[str, Any]) -> str:
    bare = str(its["pattern"]).removeprefix("^").removeprefix(r"\A").removesuffix("$").removesuffix(r"\Z")
    return _LETTERS.get(bare, f"write it in the form {bare}")


def _bound(limit: float) -> str:
    return str(int(limit)) if limit == int(limit) else str(limit)


_REMEDIES: Final[Mapping[str, str | Callable[[Mapping[str, Any]], str]]] = MappingProxyType(
    {
        "missing": "add it",
        "extra_forbidden": "check its spelling and its table, or remove it",
        **dict.fromkeys(("int_type", "int_parsing", "int_from_float", "int_parsing_size"), _WHOLE),
        **dict.fromkeys(("float_type", "float_parsing", "finite_number"), _NUMBER),
        **dict.fromkeys(("bool_type", "bool_parsing"), _LOGIC),
        **dict.fromkeys(("string_type", "string_unicode", "path_type"), _QUOTES),
        **dict.fromkeys(("list_type", "tuple_type", "set_type"), _LIST),
        **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _TABLE),
        **dict.fromkeys(("path_not_file", "path_not_directory"), _FILE),
        **dict.fromkeys(("date_type", "date_parsing", "date_from_datetime_inexact"), _DATE),
        **dict.fromkeys(("literal_error", "enum", "union_tag_invalid"), _choice),
        "union_tag_not_found": "add it: it says what else belongs here",
        "string_pattern_mismatch": _pattern,
        "greater_than_equal": lambda its: f"{_bound(its['ge'])} is the least",
        "less_than_equal": lambda its: f"{_bound(its['le'])} is the most",
        "greater_than": lambda its: f"write a number above {_bound(its['gt'])}",
        "less_than": lambda its: f"write a number below {_bound(its['lt'])}",
        "string_too_short": lambda its: f"write {its['min_length']} or more characters",
        "string_too_long": lambda its: f"write {its['max_length']} characters at most",
        "too_short": lambda its: f"give {its['min_length']} or more of them",
        "too_long": lambda its: f"give {its['max_length']} of them at most",
    }
)
_UNION: Final = frozenset({"union_tag_invalid", "union_tag_not_found"})
"""Errors about a table that are errors of the key that says which of several tables it is."""


def remedy_of(error: Mapping[str, Any]) -> str:
    """A rule of ours speaks for itself."""
    words = _REMEDIES.get(error["type"])
    if words is None:
        return str(error["msg"]).removeprefix("Value error, ")
    return words if isinstance(words, str) else words(error.get("ctx", {}))


def place_of(error: Mapping[str, Any]) -> tuple[str | int, ...]:
    """Where somebody has to write something."""
    place: tuple[str | int, ...] = tuple(error["loc"])
    if error["type"] in _UNION:
        return (*place, str(error["ctx"]["discriminator"]).strip("'"))
    return place[:-1] if place[-1:] == ("[key]",) else place


def problem_of(error: Mapping[str, Any]) -> str | None:
    """None: the value itself says it best, where it may be shown."""
    match error["type"]:
        case "missing" | "union_tag_not_found":
            return "is required and not set"
        case "extra_forbidden":
            return "is not a known key here"
        case "union_tag_invalid":
            return f"is {shown(error['ctx']['tag'])}"
    return None


def shown(value: object) -> str:
    """As it stands in a TOML file; of what is long, only what it is."""
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"a list of {len(value)}"
        case dict():
            return "a table"
        case datetime() | date() | time():
            return value.isoformat()
    return repr(value)


_SYNTAX: Final = (
    (
        "Illegal character '\\n'",
        "a quote is open at the end of the line",
        "close it; a text stands on one line",
    ),
    ('Expected "\'"', "a quote is open at the end of the file", "close it"),
    ("Unterminated string", "a quote is open at the end of the file", "close it"),
    ("Unclosed array", "a list is open at the end of the file", "close it: ]"),
    ("Cannot overwrite a value", "the key stands above already", "keep one of the two"),
    (
        "Cannot declare",
        "the table stands above already",
        "keep one; several of a kind are [[each]] in double brackets",
    ),
    (
        "Invalid value",
        "there is no value, or none that TOML knows",
        'write "text" in straight quotes, 12.5, true, or ["a", "b"]',
    ),
    ("Expected '=' after a key", "there is no = behind a key", "write key = value; remarks begin with #"),
    ("Expected ']", "the brackets of a table's name are open", "close them: [table] or [[each]]"),
    (
        "Unescaped '\\' in a string",
        "a backslash means something else in quotes",
        "write / in paths, or 'single quotes'",
    ),
    (
        "Invalid hex value",
        "a backslash means something else in quotes",
        "write / in paths, or 'single quotes'",
    ),
    (
        "Expected newline",
        "more stands behind a value",
        "write one key on a line, numbers without leading zeros",
    ),
    (
        "Invalid statement",
        "this is no line of TOML",
        'write key = value, or [table]; a name in Chinese stands in "quotes"',
    ),
)
_FOREIGN: Final = (
    ("{", "is JSON, not TOML", "give a TOML file; dumps of `scan` are read by `gongfang-agent profile`"),
    (
        "PK",
        "is a spreadsheet or an archive, not TOML",
        "give a TOML file; save machine lists as CSV, and name them there",
    ),
    ("SQLite format", "is a database, not TOML", "give a TOML file"),
)
"""What other files begin with."""


def of_syntax(problem: str) -> tuple[str, str]:
    """What is wrong and what to do; ``problem`` in the words of tomllib."""
    for begins, words, remedy in _SYNTAX:
        if problem.startswith(begins):
            return words, f"mend the TOML: {remedy}"
    return problem, "mend the TOML"


def foreign(text: str) -> tuple[str, str] | None:
    """The same of a file that is no TOML at all."""
    found = (told for begins, *told in _FOREIGN if text.lstrip().startswith(begins))
    return next(((problem, remedy) for problem, remedy in found), None)


def unreadable(error: OSError | ValueError) -> str:
    """Why a file's text could not be had."""
    if isinstance(error, OSError):
        return error.strerror or "there is no such file"
    if isinstance(error, UnicodeDecodeError):
        return "it is not UTF-8 text; save it as UTF-8"
    return "no file can have that name"
