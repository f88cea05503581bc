"""Spans that are no stops are looked at just so far as to know that, and come to the same."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from billing.attribution import Books
from billing.corrections import corrections
from billing.fold import Fold, Folded
from billing.reading import Reader
from billing.timeline import timelines
from billing.turning import Turning
from contract.facts import CorrectedField, Target
from contract.records import Transition
from contract.series import STATE, row_of
from contract.states import Party, State
from contract.stored import stored_of
from tests.billing.rows import MIDNIGHT, make_correction, make_interval, make_lease, make_span

MINUTE, DAY = 60_000, 86_400_000
SPANS: dict[str, dict[str, Any]] = {
    "run": {"state": State.RUN, "party": Party.NONE},
    "setup": {"state": State.SETUP, "party": Party.NONE},
    "stop by the tenant": {"state": State.STOP, "party": Party.TENANT},
    "stop by the host": {"state": State.STOP, "party": Party.HOST},
    "fault": {"state": State.FAULT, "party": Party.HOST},
    "another lease": {"state": State.RUN, "party": Party.NONE, "lease_id": "L2"},
    "of another machine": {"state": State.STOP, "party": Party.TENANT, "machine": "knit-02"},
}


def spans(names: Sequence[str]) -> list[Transition]:
    return [
        make_span(
            MIDNIGHT + at * MINUTE,
            MIDNIGHT + (at + 1) * MINUTE,
            sequence=at,
            **{"lease_id": "L1", "order_id": "A-1", **SPANS[name]},
        )
        for at, name in enumerate(names)
    ]


def folded(of: Sequence[Transition], *, plainly: bool, decided: bool) -> tuple[Folded, str, list[Any]]:
    lease = make_lease(MIDNIGHT - DAY, "L1", "hongye", machine="knit-01")
    party = {"target": Target.STATE, "field": CorrectedField.PARTY}
    named = [make_correction(MIDNIGHT, MIDNIGHT + DAY, "tenant", **party)] if decided else []
    fold = Fold(Books(leases=timelines([lease]), corrections=corrections(named)), MIDNIGHT, MIDNIGHT + DAY)
    for machine in ("knit-01", "knit-02"):
        end = MIDNIGHT + 2 * len(of) * MINUTE
        fold.interval(make_interval(MIDNIGHT, end, machine=machine, lease_id="L1", sequence=999))
    reader = Reader(None, "qinghe")  # type: ignore[arg-type]  # nothing is read from it
    rows = [stored_of(row_of(each), STATE) for each in of]
    if plainly:
        Turning(reader.reading(STATE), reader.transition, fold).rows(rows)
    else:
        for row in rows:
            fold.transition(reader.transition(row))  # type: ignore[arg-type]  # they can be read
    found = fold.finish()
    found = msgspec.structs.replace(found, usages=[_listed(usage) for usage in found.usages])
    return found, fold.seal.sealed().digest(), reader.findings


def _listed(usage: Any) -> Any:
    return msgspec.structs.replace(usage, stops=list(usage.stops))


@given(st.lists(st.sampled_from(sorted(SPANS)), min_size=1, max_size=20), st.booleans())
def test_it_comes_to_the_same_as_record_by_record(names: list[str], decided: bool) -> None:  # noqa: FBT001
    of = spans(names)
    assert folded(of, plainly=True, decided=decided) == folded(of, plainly=False, decided=decided)


def test_runs_are_no_records_for_anybody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or nothing would be gained."""
    looked: list[int] = []
    transition = Fold.transition
    monkeypatch.setattr(Fold, "transition", lambda *args: (looked.append(1), transition(*args))[1])
    folded(spans(["run"] * 9 + ["stop by the tenant"]), plainly=True, decided=False)
    assert len(looked) == 2


def test_a_row_that_cannot_be_read_is_named_and_the_rest_goes_on() -> None:
    fold = Fold(Books(), MIDNIGHT, MIDNIGHT + DAY)
    reader = Reader(None, "qinghe")  # type: ignore[arg-type]  # nothing is read from it
    rows = [stored_of(row_of(each), STATE) for each in spans(["run"] * 4)]
    rows[2] = (*rows[2][:-1], rows[2][-1].replace('"span_ms":', '"spun_ms":'))
    Turning(reader.reading(STATE), reader.transition, fold).rows(rows)
    assert [finding.rule for finding in reader.findings] == ["unreadable"]
