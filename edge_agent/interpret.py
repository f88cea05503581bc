"""What a machine's answers amount to: a Sample, or the reason why there is none."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

from contract.records import Reason
from edge_agent.block import Answers, Words, answers_from
from edge_agent.count import counting
from edge_agent.decode import NoValue, Unpacking, Value, picker
from edge_agent.plan import posture, read_plan, sampled
from edge_agent.profile import Profile
from edge_agent.roles import check_of
from edge_agent.rules import Standing, Values, shown, standing
from edge_agent.sample import NO_ORDER, Fault, Sample

_REMEMBERED: Final = 1_024
"""Contents of the registers that decide the state, and what they decided. They are few and come again."""
_ABSENT: Final = (0, None)
"""Said by roles that the machine does not have: 0, but None for the order and the heartbeat."""


class Reader:
    """A profile made ready for a read every second: what can be worked out beforehand is.

    ``plan`` is what to send; the methods take the answers to it, in its order.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile, self.plan = profile, read_plan(profile)
        wanted, said = sampled(profile), sorted(posture(profile) - {profile.roles.order})
        self._fast = fast = Unpacking((r for r in profile.registers if r.name in wanted), self.plan.fast)
        self._all = Unpacking(profile.registers, (*self.plan.fast, *self.plan.slow))
        checks = ((fast.place[r.name], r.name, check_of(profile, r)) for r in fast.registers)
        self._checks = [(place, name, check) for place, name, check in checks if check]
        self._said = picker([fast.place[name] for name in said])
        self._repeated = Unpacking(
            (r for r in profile.registers if r.name in posture(profile)), self.plan.fast[: self.plan.again]
        )
        self._standing = _remembering(profile, said)
        self._readings = _readings(profile, fast)
        self._roles = _roles(profile, fast.place)

    def sample(self, answers: Answers, at: int) -> Sample | Fault:
        """``answers`` to ``plan.fast``, ``at`` UTC ms. Any words give one or the other."""
        if None in answers and (refused := [n for n in self.plan.needed if answers[n] is None]):
            block = self.plan.fast[min(refused)]
            return Fault(reason=Reason.REFUSED, detail=f"no answer for {block}")
        if self.plan.again and self._changed(answers):
            return Fault(reason=Reason.TRANSIENT, detail="the state changed while the counts were read")
        return self._sample(self._fast.values(answers), at)

    def values(self, answers: Answers) -> dict[str, Value]:
        """Every register. ``answers`` to ``plan.fast`` and then to ``plan.slow``, as far as it was asked."""
        names = (register.name for register in self._all.registers)
        return dict(zip(names, self._all.values(answers), strict=True))

    def _changed(self, answers: Answers) -> bool:
        before = self._repeated.values(answers)
        return before != self._repeated.values(answers[len(answers) - self.plan.again :])

    def _sample(self, values: list[Any], at: int) -> Sample | Fault:
        for place, name, check in self._checks:
            value = values[place] = check(values[place])
            if isinstance(value, NoValue):
                return Fault(reason=Reason.INVALID, detail=f"{name} has no value: {value.reason}")
        stands = self._standing(self._said(values))
        if isinstance(stands, Fault):
            return stands
        readings = self._readings(values)
        if isinstance(readings, Fault):
            return readings
        values += _ABSENT
        order, heartbeat, serial, boots, uptime, vendor = self._roles(values)
        return Sample(
            at=at,
            state=stands.state,
            party=stands.party,
            stop_code=stands.stop_code,
            vendor_code=vendor,
            order_id=None if order is None else str(order) if order else NO_ORDER,
            serial=serial,
            boot_count=boots,
            uptime_s=uptime,
            heartbeat=heartbeat,
            readings=readings,
        )


def _remembering(profile: Profile, names: list[str]) -> Callable[[tuple[Value, ...]], Standing | Fault]:
    @lru_cache(_REMEMBERED)
    def standing_of(contents: tuple[Value, ...]) -> Standing | Fault:
        return standing(profile, dict(zip(names, contents, strict=True)))

    return standing_of


def _roles(profile: Profile, place: Mapping[str, int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    roles, end = profile.roles, len(place)
    optional = (roles.order, roles.heartbeat)
    numbers = (roles.serial, roles.boot_count, roles.uptime_s, roles.vendor_code)
    return picker(
        [place[name] if name else end + 1 for name in optional]
        + [place[name] if name else end for name in numbers]
    )


def _readings(profile: Profile, fast: Unpacking) -> Callable[[list[Any]], dict[str, int] | Fault]:
    """The raw value of each counter."""
    types = {register.name: register.type for register in fast.registers}
    names = [counter.name for counter in profile.counters]
    first = picker([fast.place[name] for name in names])
    counts = [(counter, made) for counter in profile.counters if (made := counting(counter, types))]
    if not counts:
        places = [(name, fast.place[name]) for name in names]
        return lambda values: {
            name: values[place] for name, place in places
        }  # dict(zip()) takes twice as long
    special = [
        (counter.name, count, picker([fast.place[name] for name in counter.registers]))
        for counter, count in counts
    ]

    def readings(values: list[Any]) -> dict[str, int] | Fault:
        found = dict(zip(names, first(values), strict=True))
        for name, count, parts in special:
            value = count(*parts(values))
            if isinstance(value, NoValue):
                return Fault(reason=Reason.INVALID, detail=f"{name} has no value: {value.reason}")
            found[name] = value
        return found

    return readings


def interpret(profile: Profile, words: Words, at: int) -> Sample | Fault:
    """``words`` of a read; ``at`` is UTC ms. Who reads again and again keeps the Reader."""
    reader = Reader(profile)
    return reader.sample(answers_from(reader.plan.fast, words), at)


def read_values(profile: Profile, words: Words) -> dict[str, Value]:
    """Every register of the profile."""
    reader = Reader(profile)
    return reader.values(answers_from((*reader.plan.fast, *reader.plan.slow), words))


def surprises(profile: Profile, values: Values) -> list[str]:
    """What tells that the profile does not fit the machine: wrong type of machine, or wrong word order."""
    return [
        f"{equal.register} is {shown(values[equal.register])}, {profile.label} expects "
        + " or ".join(shown(value) for value in equal.values)
        for equal in profile.expect
        if values[equal.register] not in equal.values
    ]
