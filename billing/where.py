"""Which machines a clause of a tariff is about. The most specific clause wins."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final, Protocol, TypeVar

from msgspec import Struct

ANY_KIND: Final = "*"


class Machine(Struct, frozen=True):
    """A machine as a tariff sees it."""

    name: str
    kind: str
    grade: str = ""


class Grade(Struct, frozen=True, kw_only=True):
    """A class of machines: better ones, older ones, those of a hall."""

    name: str
    machines: tuple[str, ...]
    """Names, in which ``*`` stands for anything: ``knit-1*``."""


def grade_of(machine: str, grades: Iterable[Grade]) -> str:
    """The first grade that names the machine, or none."""
    return next((grade.name for grade in grades if any(fnmatchcase(machine, m) for m in grade.machines)), "")


class Where(Struct, frozen=True, kw_only=True):
    """One machine, the machines of a grade, of a kind, or (``*``) every machine."""

    kind: str = ANY_KIND
    grade: str = ""
    machine: str = ""

    @property
    def rank(self) -> int:
        """How specific it is: a machine 3, a grade 2, a kind 1, every machine 0."""
        return 3 if self.machine else 2 if self.grade else int(self.kind != ANY_KIND)

    def covers(self, machine: Machine) -> bool:
        if self.machine:
            return machine.name == self.machine
        if self.grade:
            return machine.grade == self.grade
        return self.kind in {ANY_KIND, machine.kind}

    def __str__(self) -> str:
        return self.machine or self.grade or self.kind


EVERYWHERE: Final = Where()


class Placed(Protocol):
    @property
    def where(self) -> Where: ...


P = TypeVar("P", bound=Placed)


def fitting(machine: Machine, clauses: Iterable[P]) -> list[P]:
    """The clauses that cover the machine, the most specific first."""
    return sorted(
        (clause for clause in clauses if clause.where.covers(machine)), key=lambda clause: -clause.where.rank
    )


def best(machine: Machine, clauses: Iterable[P]) -> P | None:
    return next(iter(fitting(machine, clauses)), None)
