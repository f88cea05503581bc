"""A person's decision who caused a stop holds for the charge; what was metered stays as it was metered."""

from types import SimpleNamespace
from typing import Any

import pytest

from billing.attribution import Books
from billing.corrections import corrections
from billing.findings import Rule
from billing.fold import Fold
from contract.facts import CorrectedField, Target
from contract.states import Party, State

MINUTE = 60_000


def charged(
    make: SimpleNamespace, party: Party, *decided: Any, state: State = State.STOP
) -> list[tuple[int, int]]:
    """The minutes of the tenant's stop, of a stop of ten minutes that was metered as the party's."""
    fold = Fold(Books(corrections=corrections(decided)), make.midnight, make.midnight + 60 * MINUTE)
    span = make.span(make.midnight, make.midnight + 10 * MINUTE, tenant="hongye", party=party, state=state)
    fold.transition(span)
    stops = [stop for usage in fold.finish().usages for stop in usage.stops]
    return [((s.start - make.midnight) // MINUTE, (s.end - make.midnight) // MINUTE) for s in stops]


def party(make: SimpleNamespace, first: int, last: int, new: str, **more: Any) -> Any:
    ends = (make.midnight + first * MINUTE, make.midnight + last * MINUTE)
    return make.correction(*ends, new, field=CorrectedField.PARTY, **more)


def test_without_a_decision_the_metered_party_holds(make: SimpleNamespace) -> None:
    assert charged(make, Party.TENANT) == [(0, 10)]
    assert charged(make, Party.HOST) == []


def test_a_stop_that_was_the_host_s_after_all_is_free(make: SimpleNamespace) -> None:
    assert charged(make, Party.TENANT, party(make, 0, 60, "host")) == []


def test_a_part_of_a_stop_can_be_decided(make: SimpleNamespace) -> None:
    assert charged(make, Party.TENANT, party(make, 3, 5, "utility")) == [(0, 3), (5, 10)]
    assert charged(make, Party.HOST, party(make, 3, 5, "tenant")) == [(3, 5)]


@pytest.mark.parametrize(("target", "minutes"), [(Target.STATE, [(0, 10)]), (Target.USAGE, [])])
def test_a_named_record_is_decided_in_its_own_series(
    target: Target, minutes: list[tuple[int, int]], make: SimpleNamespace
) -> None:
    decided = party(make, 0, 0, "tenant", target=target, epoch="e1", sequence=1)
    assert charged(make, Party.UNKNOWN, decided) == minutes


def test_what_was_no_stop_does_not_become_one(make: SimpleNamespace) -> None:
    assert charged(make, Party.NONE, party(make, 0, 60, "tenant"), state=State.RUN) == []


def test_a_decision_about_the_party_is_no_difference_between_state_and_usage(make: SimpleNamespace) -> None:
    """And it is part of the digest, also when it takes a charge away."""
    digests = set()
    for decided in ((), (party(make, 0, 60, "host"),)):
        fold = Fold(Books(corrections=corrections(decided)), make.midnight, make.midnight + 10 * MINUTE)
        ends = (make.midnight, make.midnight + 10 * MINUTE)
        fold.interval(make.interval(*ends, stop_tenant_ms=10 * MINUTE, tenant="hongye"))
        fold.transition(make.span(*ends, tenant="hongye", sequence=2))
        assert Rule.STOPS not in {finding.rule for finding in fold.finish().findings}
        digests.add(fold.seal.sealed().digest())
    assert len(digests) == 2
