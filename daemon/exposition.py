"""Metrics as text, line by line (Prometheus exposition format 0.0.4). Pure.

Lines are made when they are asked for, so that whoever sends them can stop between two of them: a plant of
4,500 endpoints has some tens of thousands.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final, NamedTuple

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = Mapping[str, str]
Sample = tuple[str, Labels, float]
"""Suffix of the family's name, labels and value."""

_NO_LABELS: Final[Labels] = {}


class Family(NamedTuple):
    """``help`` says what it counts, in which unit; ``samples`` may be a generator, which is read once."""

    name: str
    kind: str
    """gauge, counter or histogram."""
    help: str
    samples: Iterable[Sample]


def gauge(name: str, help_: str, value: float | None) -> Family:
    """One number; no sample at all while nobody knows it."""
    return Family(name, "gauge", help_, () if value is None else (("", _NO_LABELS, value),))


def counter(name: str, help_: str, value: float) -> Family:
    """``name`` ends in _total."""
    return Family(name, "counter", help_, (("", _NO_LABELS, value),))


def by(label: str, values: Mapping[str, float]) -> Iterator[Sample]:
    """A sample for each member of ``values``, which says what stands in ``label``."""
    return (("", {label: of}, value) for of, value in list(values.items()))


def histogram(name: str, help_: str, bounds: Sequence[float], counts: Sequence[int], total: float) -> Family:
    """``counts`` has one place more than ``bounds``: for what is beyond the last. ``total`` is the sum of all
    that was observed, in the unit of ``bounds``.
    """
    upto = list(accumulate(counts))
    limits = [*(_number(bound) for bound in bounds), "+Inf"]
    samples: list[Sample] = [
        ("_bucket", {"le": limit}, count) for limit, count in zip(limits, upto, strict=True)
    ]
    samples += [("_sum", _NO_LABELS, total), ("_count", _NO_LABELS, upto[-1])]
    return Family(name, "histogram", help_, samples)


def lines(families: Iterable[Family]) -> Iterator[str]:
    """Each with its line feed."""
    for family in families:
        yield f"# HELP {family.name} {_escaped(family.help)}\n# TYPE {family.name} {family.kind}\n"
        for suffix, labels, value in family.samples:
            yield f"{family.name}{suffix}{_labelled(labels)} {_number(value)}\n"


def _labelled(labels: Labels) -> str:
    if not labels:
        return ""
    inside = ",".join(f'{name}="{_escaped(value, quotes=True)}"' for name, value in labels.items())
    return f"{{{inside}}}"


def _escaped(text: str, *, quotes: bool = False) -> str:
    escaped = text.replace("\\", "\\\\").replace("\n", "\\n")
    return escaped.replace('"', '\\"') if quotes else escaped


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
