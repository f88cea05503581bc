"""The state that a machine's registers say it is in, and who answers for it."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from contract.records import Reason
from contract.states import Party, State
from edge_agent.decode import Value
from edge_agent.profile import Profile, Rule
from edge_agent.sample import Fault

Values = Mapping[str, Value]
"""Decoded registers by name."""

UNLISTED: Final = 99
"""Canonical stop code "unknown": a machine's own code that the profile does not translate."""
_WORKING: Final = frozenset({State.RUN, State.SETUP, State.TEST})
_HAS_PARTY: Final = frozenset({State.STOP, State.FAULT})


class Standing(NamedTuple):
    """How a machine stands."""

    state: State
    party: Party
    stop_code: int
    """Canonical; 0 when nothing stops the machine, or it says not what."""


def standing(profile: Profile, values: Values) -> Standing | Fault:
    """``values`` has a number or a text for each register of the rules, ``valid`` and ``stop_code``."""
    valid = profile.roles.valid
    if valid and not _bits(values, valid.register) & valid.mask:
        return Fault(reason=Reason.INVALID, detail="the machine says that its data is not valid")
    state = next((rule.state for rule in profile.rules if matches(rule, values)), State.UNKNOWN)
    if state is State.UNKNOWN:
        return Fault(reason=Reason.INVALID, detail=f"no state for {_told(profile, values)}")
    code = 0 if state in _WORKING else _stop_code(profile, values)
    party = profile.stop_table.party_of(code) if state in _HAS_PARTY else Party.NONE
    return Standing(state, party, code)


def matches(rule: Rule, values: Values) -> bool:
    """Whether all of ``all``, one of ``any``, none of ``none`` and each of ``equals`` hold."""
    return (
        all(_bits(values, mask.register) & mask.mask == mask.mask for mask in rule.all)
        and not any(_bits(values, mask.register) & mask.mask for mask in rule.none)
        and all(values[equal.register] in equal.values for equal in rule.equals)
        and (not rule.any or any(_bits(values, mask.register) & mask.mask for mask in rule.any))
    )


def _bits(values: Values, register: str) -> int:
    value = values[register]
    return value if isinstance(value, int) else 0


def _stop_code(profile: Profile, values: Values) -> int:
    if profile.roles.stop_code is None:
        return 0
    code = _bits(values, profile.roles.stop_code)
    return profile.stop_codes.get(code, UNLISTED) if code and profile.stop_codes else code


def _told(profile: Profile, values: Values) -> str:
    names = sorted({name for rule in profile.rules for name in rule.registers})
    return ", ".join(f"{name} {shown(values[name])}" for name in names)


def shown(value: Value) -> str:
    """Numbers in hexadecimal, as bits and codes are read."""
    return f"{value:#06x}" if isinstance(value, int) else repr(value)
