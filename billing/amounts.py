"""Which percentage an amount reaches, and how much of it lies in which step. Fen in, fen out. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from billing import money
from billing.clauses import AmountStep, Surcharge


class Share(Struct, frozen=True, kw_only=True):
    number: int
    """Of the step, from 1."""
    vat: str
    fens: int
    percent: Decimal
    was: int = 0
    """The step that had been reached before the period."""
    is_repriced: bool = False
    """It is about what was charged before, ``percent`` being the difference."""


def steps(now: Mapping[str, int], was: Mapping[str, int], surcharge: Surcharge) -> Iterator[Share]:
    """``now``: what the period adds, by category of VAT, to what there ``was`` before it; in fen."""
    before, whole = sum(was.values()), sum(was.values()) + sum(now.values())
    if surcharge.percent is not None:
        for vat, fens in now.items():
            yield Share(number=1, vat=vat, fens=fens, percent=surcharge.percent)
    elif surcharge.is_graduated:
        weights = {vat: max(0, fens) for vat, fens in now.items()}
        for number, (step, end) in enumerate(zip(surcharge.steps, _ends(surcharge.steps), strict=True), 1):
            fens = _within(whole, step, end) - _within(before, step, end)
            for vat, part in money.shares(fens, weights).items():
                yield Share(number=number, vat=vat, fens=part, percent=step.percent)
    else:
        (number, percent), (then, charged_at) = (_reached(n, surcharge.steps) for n in (whole, before))
        for vat, fens in now.items():
            yield Share(number=number, vat=vat, fens=fens, percent=percent)
        for vat, fens in was.items():
            apart = percent - charged_at
            yield Share(number=number, vat=vat, fens=fens, percent=apart, was=then, is_repriced=True)


def _reached(fens: int, steps: Sequence[AmountStep]) -> tuple[int, Decimal]:
    """The number of the last step that ``fens`` lie above, 0 for none, and its percentage."""
    reached = [(n, step.percent) for n, step in enumerate(steps, 1) if fens > money.fens(step.above)]
    return reached[-1] if reached else (0, Decimal(0))


def _ends(steps: Sequence[AmountStep]) -> list[int | None]:
    return [*(money.fens(step.above) for step in steps[1:]), None]


def _within(fens: int, step: AmountStep, end: int | None) -> int:
    """How much of ``fens`` lies in a step."""
    return max(0, (fens if end is None else min(fens, end)) - money.fens(step.above))
