"""A profile, for a person. Pure."""

from collections.abc import Iterator

from edge_agent.plan import read_plan
from edge_agent.plan_view import plan_view
from edge_agent.profile import Mask, Profile, Rule
from edge_agent.register import Register


def brief(profile: Profile) -> Iterator[str]:
    """What it is and what it costs."""
    yield f"{profile.label}  kind {profile.kind}, digest {profile.digest[:12]}"
    yield f"  stop codes {profile.stop_table.label}"
    yield from (f"  {line}" for line in plan_view(profile, read_plan(profile)))
    yield f"  meters {', '.join(quantity.name for quantity in profile.quantities) or 'time only'}"


def whole(profile: Profile) -> Iterator[str]:
    """All that it says."""
    yield from brief(profile)
    yield "registers"
    for register in profile.registers:
        yield f"  {_place(register):16} {register.name:20} {_type(register)}"
    yield "roles"
    for role in ("serial", "boot_count", "uptime_s", "order", "stop_code", "vendor_code", "heartbeat"):
        yield f"  {role:12} {getattr(profile.roles, role) or 'none'}"
    yield "states, the first that holds"
    for rule in profile.rules:
        yield f"  {rule.state:8} {_conditions(profile, rule)}"
    yield "counters"
    for counter in profile.counters:
        keeps = "retained" if counter.retained else "volatile"
        yield f"  {counter.name:20} at most {counter.max_per_hour} an hour, {keeps}"
    yield "quantities"
    for quantity in profile.quantities:
        scale = (
            f" * {quantity.multiply} / {quantity.divide}" if quantity.multiply / quantity.divide != 1 else ""
        )
        yield f"  {quantity.name:20} {quantity.counter}{scale}"


def _place(register: Register) -> str:
    last = f" to {register.end - 1}" if register.count > 1 else ""
    return f"{register.table} {register.address}{last}"


def _type(register: Register) -> str:
    order = f" {register.word_order}" if register.count > 1 and register.type.bits else ""
    bits = f", bits {register.field[0]} to {register.field[1]}" if register.field else ""
    return f"{register.type}{order}{bits}"


def _conditions(profile: Profile, rule: Rule) -> str:
    told = [
        *(
            f"{how} {_named(profile, masks)}"
            for how, masks in (("all of", rule.all), ("any of", rule.any), ("none of", rule.none))
            if masks
        ),
        *(f"{equal.register} is {' or '.join(map(str, equal.values))}" for equal in rule.equals),
    ]
    return "; ".join(told) or "always"


def _named(profile: Profile, masks: tuple[Mask, ...]) -> str:
    """By the names of the bits."""
    return " ".join(
        name
        for name, bit in profile.bits.items()
        if any(mask.register == bit.register and mask.mask & bit.mask for mask in masks)
    )
