"""The words of one read to a Sample, or to the reason why there is none."""

from typing import Final

from contract.records import Reason
from contract.states import Party, State
from edge_agent.block import Words
from edge_agent.decode import decode
from edge_agent.profile import Profile, Rule
from edge_agent.sample import NO_ORDER, Fault, Sample

Values = dict[str, int]
"""Decoded registers by name."""

UNLISTED: Final = 99
"""Canonical stop code "unknown": a machine's own code that the profile does not translate."""
_WORKING: Final = frozenset({State.RUN, State.SETUP, State.TEST})
_HAS_PARTY: Final = frozenset({State.STOP, State.FAULT})


def read_values(profile: Profile, words: Words) -> Values:
    """Raises KeyError when a word of the profile's read plan is missing."""
    return {register.name: decode(register, words) for register in profile.registers}


def interpret(profile: Profile, words: Words, at: int) -> Sample | Fault:
    """``words`` holds every word of the profile's read plan; ``at`` is UTC ms."""
    return sample_of(profile, read_values(profile, words), at)


def sample_of(profile: Profile, values: Values, at: int) -> Sample | Fault:
    """What ``interpret`` does once the words are decoded."""
    roles = profile.roles
    if roles.valid and not values[roles.valid.register] & roles.valid.mask:
        return Fault(reason=Reason.INVALID, detail="the machine says that its data is not valid")
    state = _state(profile.rules, values)
    if state is State.UNKNOWN:
        return Fault(reason=Reason.INVALID, detail=f"no state for {_evidence(profile, values)}")
    stop_code = 0 if state in _WORKING else _stop_code(profile, values)
    return Sample(
        at=at,
        state=state,
        party=profile.stop_table.party_of(stop_code) if state in _HAS_PARTY else Party.NONE,
        stop_code=stop_code,
        vendor_code=values[roles.vendor_code] if roles.vendor_code else 0,
        order_id=_order(roles.order, values),
        serial=values[roles.serial] if roles.serial else 0,
        boot_count=values[roles.boot_count] if roles.boot_count else 0,
        uptime_s=values[roles.uptime_s] if roles.uptime_s else 0,
        heartbeat=heartbeat(profile, values),
        readings={counter.name: values[counter.name] for counter in profile.counters},
    )


def matches(rule: Rule, values: Values) -> bool:
    # Plain loops: this runs for every rule of every read.
    for mask in rule.all:
        if values[mask.register] & mask.mask != mask.mask:
            return False
    for mask in rule.none:
        if values[mask.register] & mask.mask:
            return False
    for equal in rule.equals:
        if values[equal.register] not in equal.values:
            return False
    for mask in rule.any:
        if values[mask.register] & mask.mask:
            return True
    return not rule.any


def _state(rules: tuple[Rule, ...], values: Values) -> State:
    for rule in rules:
        if matches(rule, values):
            return rule.state
    return State.UNKNOWN


def _stop_code(profile: Profile, values: Values) -> int:
    if profile.roles.stop_code is None:
        return 0
    code = values[profile.roles.stop_code]
    return profile.stop_codes.get(code, UNLISTED) if code and profile.stop_codes else code


def _order(register: str | None, values: Values) -> str | None:
    if register is None:
        return None
    number = values[register]
    return str(number) if number else NO_ORDER


def _evidence(profile: Profile, values: Values) -> str:
    names = sorted({name for rule in profile.rules for name in rule.registers})
    return ", ".join(f"{name} {values[name]:#06x}" for name in names)


def heartbeat(profile: Profile, values: Values) -> int | None:
    """A number that a live controller changes every second; None where the machine has none."""
    return values[profile.roles.heartbeat] if profile.roles.heartbeat else None


def surprises(profile: Profile, values: Values) -> list[str]:
    """What tells that the profile does not fit the machine: wrong type of machine, or wrong word order."""
    return [
        f"{equal.register} is {values[equal.register]:#06x}, {profile.label} expects "
        + " or ".join(f"{value:#06x}" for value in equal.values)
        for equal in profile.expect
        if values[equal.register] not in equal.values
    ]
