"""Whether a process does its work, and if not, why (the answer of ``/healthz``). Pure."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

MOST: Final = 100
"""So many reasons are listed, the gravest first; ``more`` says how many there are besides."""


class Grade(StrEnum):
    """``degraded``: it does its work and somebody should look. ``failing``: its work is not being done."""

    OK = "ok"
    DEGRADED = "degraded"
    FAILING = "failing"

    @property
    def http_status(self) -> int:
        return 503 if self is Grade.FAILING else 200


_GRAVITY: Final = {Grade.OK: 0, Grade.DEGRADED: 1, Grade.FAILING: 2}


class Trouble(Struct, frozen=True, kw_only=True):
    subject: str
    """What it is about: the broker, the disk, a machine."""
    kind: str
    detail: str = ""
    grade: Grade = Grade.DEGRADED


class Health(Struct, frozen=True, kw_only=True):
    status: Grade
    process: str
    name: str
    """The gateway's, or the collector's."""
    version: str
    reasons: tuple[Trouble, ...]
    more: int = 0


def judged(process: str, name: str, version: str, troubles: Iterable[Trouble]) -> Health:
    """As grave as the gravest of ``troubles``."""
    found = sorted(troubles, key=lambda one: (-_GRAVITY[one.grade], one.subject))
    return Health(
        status=found[0].grade if found else Grade.OK,
        process=process,
        name=name,
        version=version,
        reasons=tuple(found[:MOST]),
        more=max(0, len(found) - MOST),
    )
