"""What becomes of one record, and why."""

from typing import Final

from msgspec import Struct

from contract.messages import ExceptionReason, Outcome

DETAIL_LENGTH: Final = 200
"""Most characters of a reason that travel in a receipt."""


class Verdict(Struct, frozen=True, kw_only=True):
    outcome: Outcome
    reason: ExceptionReason | None = None
    """None only when accepted."""
    detail: str = ""


class Unreadable(Struct, frozen=True, kw_only=True):
    """A payload that is not the message its topic promises, and why."""

    why: str


ACCEPTED: Final = Verdict(outcome=Outcome.ACCEPTED)


def rejected(reason: ExceptionReason, detail: str) -> Verdict:
    return Verdict(outcome=Outcome.REJECTED, reason=reason, detail=brief(detail))


def kept(reason: ExceptionReason, detail: str) -> Verdict:
    return Verdict(outcome=Outcome.KEPT, reason=reason, detail=brief(detail))


def brief(text: str) -> str:
    """``text`` short enough for a receipt, without control characters."""
    return "".join(c if c.isprintable() else "?" for c in text[:DETAIL_LENGTH])
