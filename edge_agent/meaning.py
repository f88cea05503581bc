"""What a machine's registers say through its profile, for a person. Pure."""

from collections.abc import Iterator, Mapping

from contract.states import Party
from edge_agent.decode import Value
from edge_agent.gauge_values import gauges
from edge_agent.profile import Gauge, Profile
from edge_agent.rules import Values
from edge_agent.sample import Fault, Sample


def meaning(profile: Profile, sample: Sample | Fault, values: Values) -> Iterator[str]:
    """``sample`` and ``values`` of one read. One line a kind of thing."""
    if isinstance(sample, Sample):
        yield from _state(profile, sample)
    if profile.roles.serial:
        yield f"  serial   {values[profile.roles.serial]}"
    if profile.roles.boot_count:
        yield f"  boots    {values[profile.roles.boot_count]}"
    if profile.roles.uptime_s:
        yield f"  uptime   {values[profile.roles.uptime_s]} s"
    yield f"  bits     {' '.join(_set_bits(profile, values)) or 'none'}"
    if isinstance(sample, Sample):
        yield f"  meters   {_listed(_scaled(profile, sample.readings))}"
    yield f"  counters {_listed({counter.name: values[counter.name] for counter in profile.counters})}"
    yield from _gauges(profile, values)


def _state(profile: Profile, sample: Sample) -> Iterator[str]:
    party = "" if sample.party is Party.NONE else f", party {sample.party}"
    yield f"  state    {sample.state}{party}"
    if sample.stop_code:
        known = profile.stop_table.by_code.get(sample.stop_code)
        meaning = f"{known.en} {known.zh}" if known else f"not listed in {profile.stop_table.label}"
        yield f"  stop     {sample.stop_code} {meaning}"
    if sample.vendor_code:
        yield f"  vendor   {sample.vendor_code}"
    if sample.order_id is not None:
        yield f"  order    {sample.order_id}"


def _gauges(profile: Profile, values: Values) -> Iterator[str]:
    shown = gauges(profile.gauges, values)
    if profile.gauges:
        yield f"  gauges   {_listed({gauge.name: _shown(gauge, shown, values) for gauge in profile.gauges})}"


def _shown(gauge: Gauge, shown: Mapping[str, float], values: Values) -> Value:
    if gauge.name in shown:
        return f"{shown[gauge.name]:.10g} {gauge.unit}".rstrip()
    flags = (equal.register for equal in gauge.when if values[equal.register] not in equal.values)
    flag = next(flags, None)
    return f"not shown, {flag} is {values[flag]}" if flag else values[gauge.register]


def _set_bits(profile: Profile, values: Values) -> Iterator[str]:
    for name, bit in profile.bits.items():
        value = values.get(bit.register)
        if isinstance(value, int) and value & bit.mask:
            yield name


def _scaled(profile: Profile, readings: Mapping[str, int]) -> dict[str, int]:
    return {q.name: readings[q.counter] * q.multiply // q.divide for q in profile.quantities}


def _listed(numbers: Mapping[str, Value]) -> str:
    return "  ".join(f"{name} {number}" for name, number in numbers.items()) or "none"
