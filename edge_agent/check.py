"""What a configuration amounts to, for a person to look over before it runs."""

from collections.abc import Iterator

from edge_agent.config import Settings
from edge_agent.gateway_key import read_key
from edge_agent.load import load
from edge_agent.plan import read_plan
from edge_agent.plan_view import plan_view
from edge_agent.settings import period_ms


def summary(settings: Settings) -> str:
    return "\n".join([*_site(settings), *_machines(settings), *_endpoints(settings), *_profiles(settings)])


def _site(settings: Settings) -> Iterator[str]:
    poll = settings.poll
    hold_ms = poll.period_ms * poll.hold_polls + poll.period_ms // 2
    yield f"site {settings.site}, gateway {settings.gateway}, {settings.timezone}"
    yield (
        f"  each machine every {poll.period_ms} ms, a gap after {hold_ms} ms without"
        f" an answer, intervals of {poll.grid_ms // 1000} s"
    )
    if settings.clock.scale != 1 or settings.clock.plant_ms != settings.clock.real_ms:
        yield f"  REHEARSAL: [clock] lets plant time run {settings.clock.scale} times as fast as real time"
    if poll.gauges_ms:
        yield f"  gauges of each machine every {poll.gauges_ms // 1000} s"
    yield f"  broker {settings.mqtt.host}:{settings.mqtt.port}{', TLS' if settings.mqtt.tls else ''}"
    yield f"  outbox {settings.outbox.path}"
    if settings.signing_key:
        key = read_key(settings.signing_key)
        yield f"  chains are signed day by day with {settings.signing_key}, fingerprint {key.fingerprint}"
    else:
        yield "  chains are not signed: there is no [signing]"
    where = f"on {settings.http}" if settings.http else "nowhere: there is no [http]"
    yield f"  /metrics and /healthz {where}"


def _machines(settings: Settings) -> Iterator[str]:
    yield f"machines: {len(settings.machines)}"
    for sheet in settings.sheets:
        yield f"  from {sheet}"
    width = max(len(machine.name) for machine in settings.machines)
    for machine in settings.machines:
        serial = "serial of first contact" if machine.serial is None else f"serial {machine.serial}"
        place = f"{machine.endpoint} unit {machine.unit}"
        called = "".join(f", {name}" for name in (machine.name_en, machine.name_zh) if name)
        what = f"{machine.profile.label}, {serial}, area {machine.area}{called}"
        yield f"  {machine.name:{width}}  {place}, {what}"


def _endpoints(settings: Settings) -> Iterator[str]:
    yield f"endpoints: {len(settings.endpoints)}"
    for endpoint in settings.endpoints:
        every_ms = period_ms(endpoint, settings.poll)
        yield from (f"  {line}" for line in load(endpoint, settings.machines, every_ms))


def _profiles(settings: Settings) -> Iterator[str]:
    profiles = {machine.profile.label: machine.profile for machine in settings.machines}
    yield f"profiles: {len(profiles)}"
    for profile in profiles.values():
        yield f"  {profile.label}  kind {profile.kind}, digest {profile.digest[:12]}"
        yield f"    stop codes {profile.stop_table.label}"
        yield from (f"    {line}" for line in plan_view(profile, read_plan(profile)))
        yield f"    meters {', '.join(quantity.name for quantity in profile.quantities) or 'time only'}"
