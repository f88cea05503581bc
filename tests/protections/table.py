"""The table of protections: what each is for, the text that it is, and the test that guards it."""

import tomllib
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

FILE: Final = Path(__file__).with_name("protections.toml")


class Protection(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: str
    against: str
    """What would happen without it, in one sentence."""
    file: str
    """Where it is, from the root of the repository."""
    protection: str
    """The text in ``file`` that is the protection. It stands there once."""
    without: str
    """What stands there when the protection is gone; the program still runs."""
    test: str
    """The pytest node id of the test that must fail then."""


class MendError(Exception):
    """The table does not fit the source any more; says which entry to mend and how."""


def read(text: str) -> tuple[Protection, ...]:
    """The table, from its TOML. Raises ValueError."""
    return msgspec.convert(tomllib.loads(text)["protection"], tuple[Protection, ...])


def removed(one: Protection, source: str) -> str:
    """``source``, which is the text of the protection's file, without the protection. Raises MendError."""
    times = source.count(one.protection)
    if times != 1:
        raise MendError(
            f"{FILE.name}: {one.name!r}: its text stands {times} times in {one.file}, not once;"
            " copy it anew from there, with as much around it as it takes"
        )
    return source.replace(one.protection, one.without)
