"""Finds the bad lines of a write by halving it. Sans I/O: it says what to send and is told the answer.

It holds for every InfluxDB, whether it stores the good lines of a refused write (1.x, 422 of 2.x) or none
(400 of 2.x), because a line that is sent again changes nothing.
"""

from collections.abc import Generator, Sequence

from contract.messages import Outcome
from store.answers import Answer, Meaning
from store.protocol import ACCEPTED, Written, kept, rejected


def attempts(lines: Sequence[str]) -> Generator[Sequence[str], Answer, list[Written]]:
    """Yields the lines to send next, takes the answer, returns what became of each line.

    A database that is away is asked nothing more. When every line of several is refused, the fault is not
    likely theirs, and all are kept.
    """
    found = [kept("not sent")] * len(lines)
    waiting = [(0, len(lines))] if lines else []
    while waiting:
        start, end = waiting.pop()
        answer = yield lines[start:end]
        if answer.meaning is Meaning.AWAY:
            for first, last in ((start, end), *waiting):
                found[first:last] = [kept(answer.detail)] * (last - first)
            break
        if answer.meaning is Meaning.REFUSED and end - start > 1:
            middle = (start + end) // 2
            waiting += [(middle, end), (start, middle)]
        else:
            found[start:end] = [_verdict(answer)] * (end - start)
    return _all_kept(found) if _none_passed(found) else found


def _verdict(answer: Answer) -> Written:
    if answer.meaning is Meaning.STORED:
        return ACCEPTED
    return rejected(answer.reason, answer.detail) if answer.reason else kept(answer.detail)


def _none_passed(found: Sequence[Written]) -> bool:
    return len(found) > 1 and all(written.outcome is not Outcome.ACCEPTED for written in found)


def _all_kept(found: Sequence[Written]) -> list[Written]:
    return [
        kept(f"every line was refused: {written.detail}") if written.outcome is Outcome.REJECTED else written
        for written in found
    ]
