"""What the registers with a meaning of their own may say, and what it means when they say nothing.

A counter, a state or the evidence for them that has no value makes the whole read worth nothing: it would be
a guess. An order or a stop code that the machine leaves blank is none. The vendor's own code is kept for
people and decides nothing, so it may be missing.
"""

from collections.abc import Callable

from contract.names import is_order_id
from edge_agent.count import of_whole
from edge_agent.decode import NoValue, Value
from edge_agent.plan import counted, evidence
from edge_agent.profile import Profile
from edge_agent.register import Register, RegisterType

Check = Callable[[Value], Value]


def check_of(profile: Profile, register: Register) -> Check | None:
    """What a sampled register's value has to pass; None where any will do.

    What comes out as NoValue has no place in a sample.
    """
    name, roles = register.name, profile.roles
    decisive = counted(profile) | evidence(profile) | _ruling(profile)
    if name == roles.vendor_code and name not in decisive | {roles.order, roles.stop_code}:
        return _unknown_is_0
    if name == roles.order and register.type is RegisterType.ASCII:
        return _order_id
    if name == roles.serial and register.type is RegisterType.ASCII:
        return _digits
    wide = register.bits == 64 and register.type.whole and name != roles.order
    if name not in decisive and register.no_value:
        return _number_or_0 if wide else _blank_is_0
    if wide:
        return _number
    return _as_it_is if register.fallible else None


def _ruling(profile: Profile) -> set[str]:
    names = {name for rule in profile.rules for name in rule.registers}
    return names | {profile.roles.valid.register} if profile.roles.valid else names


def _as_it_is(value: Value) -> Value:
    return value


def _unknown_is_0(value: Value) -> Value:
    return 0 if isinstance(_number(value), NoValue) else value


def _blank_is_0(value: Value) -> Value:
    return 0 if isinstance(value, NoValue) and value.blank else value


def _number_or_0(value: Value) -> Value:
    return _number(_blank_is_0(value))


def _number(value: Value) -> Value:
    return of_whole(value) if isinstance(value, int) else value


def _order_id(value: Value) -> Value:
    if isinstance(value, NoValue) and value.blank:
        return ""
    if isinstance(value, str) and value and not is_order_id(value):
        return NoValue(f"{value!r} is no order id: it has other characters than letters, digits and . _ -")
    return value


def _digits(value: Value) -> Value:
    """A serial number is stored as a number."""
    if not isinstance(value, str):
        return value
    return (
        _number(int(value)) if value.isdecimal() else NoValue(f"{value!r} has other characters than digits")
    )
