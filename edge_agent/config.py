"""A site's configuration (TOML) and the profiles it names, to Settings; or every complaint at once."""

import ssl
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from contract.clock import ClockPair
from contract.complaint import BadConfigurationError
from contract.file_kinds import SITE
from contract.sheet import Sheet
from daemon.listen import Listen
from edge_agent import machine_checks
from edge_agent.config_shape import (
    TABLES,
    BrokerShape,
    ClockShape,
    GaugesShape,
    HttpShape,
    MachineShape,
    MannersShape,
    OutboxShape,
    PollShape,
    SigningShape,
    TopShape,
)
from edge_agent.endpoint_list import complain_of_period, listed_endpoints, place, unreachable
from edge_agent.gateway_key import BadKeyError, read_key
from edge_agent.machine_endpoints import resolved
from edge_agent.machine_list import Listed, listed_in_sheets, listed_in_toml
from edge_agent.machine_load import overloads
from edge_agent.mqtt import Address
from edge_agent.profile import Profile, StopTable
from edge_agent.profile_file import load_profile
from edge_agent.profile_places import find, places
from edge_agent.readable import unreadable
from edge_agent.settings import Endpoint, MachineSettings, Poll
from edge_agent.shipped import shipped
from edge_agent.stop_codes import load_stop_table
from edge_agent.toml_tables import Reading, open_toml


class Mqtt(Struct, frozen=True, kw_only=True):
    host: str
    port: int
    username: str | None
    password_file: Path | None
    tls: bool
    tls_ca_file: Path | None
    """None: the system's authorities."""
    keepalive_s: int


class OutboxLimits(Struct, frozen=True, kw_only=True):
    path: Path
    limit_bytes: int
    """Of what waits for a receipt; more is an alarm, nothing is dropped."""
    ring_bytes: int
    """Of what has its receipt and is kept for ``resend``."""
    ring_days: int


class Settings(Struct, frozen=True, kw_only=True):
    site: str
    area: str
    gateway: str
    timezone: str
    clock: ClockPair
    clock_offset: Path | None
    """A rehearsal's file that says by how many ms the wall clock is wrong at the moment."""
    poll: Poll
    mqtt: Mqtt
    outbox: OutboxLimits
    http: Listen | None
    """Where it tells of itself; None: nowhere."""
    endpoints: tuple[Endpoint, ...]
    machines: tuple[MachineSettings, ...]
    reload_on_change: bool
    """Whether a changed file is reason enough to read the configuration again."""
    sheets: tuple[str, ...]
    """The machine lists that are spreadsheets, and how they were understood."""
    files: tuple[Path, ...]
    """All that were read: the site's own first, then machine lists, stop codes and profiles."""
    signing_key: Path | None = None
    """With it the chains are signed, day by day; None: they are not."""

    def fixed(self) -> dict[str, object]:
        """What cannot change while the agent runs, by its key in the file."""
        return {
            "site": self.site,
            "gateway": self.gateway,
            "timezone": self.timezone,
            "[clock]": (self.clock, self.clock_offset),
            "[outbox]": self.outbox,
            "[signing]": self.signing_key,
            "[http]": self.http,
        }

    def broker(self) -> Address:
        """Where to connect, with the secrets as they are in their files now. Raises OSError.

        A gateway has one client id. So an agent that starts after a power cut takes its dead connection over
        at once, and the old one's last will comes before the new one's status, not after it.
        """
        mqtt = self.mqtt
        secret = mqtt.password_file.read_text("utf-8").strip() if mqtt.password_file else None
        return Address(
            host=mqtt.host,
            port=mqtt.port,
            client_id=f"gongfang-agent-{self.site}-{self.gateway}",
            username=mqtt.username,
            password=secret,
            tls=ssl.create_default_context(cafile=mqtt.tls_ca_file) if mqtt.tls else None,
            keepalive_s=mqtt.keepalive_s,
        )


def load(path: Path) -> Settings:
    """Raises BadConfigurationError with every complaint about the file and the files it names."""
    reading = Reading(open_toml(path, SITE, "give --config the path of a site's configuration"))
    directory = path.resolve().parent
    top, clock = reading.top(TopShape, TABLES), reading.table("clock", ClockShape)
    poll, broker = reading.table("poll", PollShape), reading.table("broker", BrokerShape)
    outbox, http = reading.table("outbox", OutboxShape), reading.table("http", HttpShape)
    gauges = reading.table("gauges", GaugesShape)
    endpoints = listed_endpoints(reading, directory, poll)
    listed, sheets = _machines(reading, top, directory)
    defaults = reading.table("endpoint_defaults", MannersShape)
    complain_of_period(reading, ("endpoint_defaults",), defaults, poll)
    machines, endpoints = resolved(reading, listed, endpoints, defaults)
    mqtt = _mqtt(reading, broker, directory)
    profiles = _profiles(reading, machines, _stop_table(reading, directory), directory)
    _check_machines(reading, machines, endpoints, profiles, poll)
    if poll and clock and clock.scale == 1:
        reading.complaints += overloads(machines, endpoints, profiles, poll.period_ms)
    signing_key = _signing_key(reading, directory)
    reading.finish()
    assert top and clock and poll and outbox and mqtt and gauges  # noqa: S101, PT018  finish() raised otherwise
    return Settings(
        site=top.site,
        area=top.area,
        gateway=top.gateway,
        timezone=top.timezone,
        clock=ClockPair(**clock.model_dump(exclude={"offset_file"})),
        clock_offset=directory / clock.offset_file if clock.offset_file else None,
        poll=Poll(**poll.model_dump(), gauges_ms=gauges.slow_s * 1000 * gauges.on),
        mqtt=mqtt,
        outbox=OutboxLimits(**outbox.model_dump(exclude={"path"}), path=directory / outbox.path),
        signing_key=signing_key,
        http=Listen(**http.model_dump()) if http and "http" in reading.file.data else None,
        endpoints=tuple(endpoints),
        machines=tuple(_settled(machine.shape, top.area, profiles) for machine in machines),
        reload_on_change=top.reload_on_change,
        sheets=tuple(map(str, sheets)),
        files=tuple(dict.fromkeys((path, *(Path(sheet.file) for sheet in sheets), *reading.files))),
    )


def _settled(machine: MachineShape, area: str, profiles: Mapping[str, Profile]) -> MachineSettings:
    given = machine.model_dump(exclude={"profile", "area"})
    return MachineSettings(**given, profile=profiles[machine.profile], area=machine.area or area)


def _machines(reading: Reading, top: TopShape | None, directory: Path) -> tuple[list[Listed], list[Sheet]]:
    """Those of the file, then those of the spreadsheets that it names."""
    named = top.machines if top else None
    files = [named] if isinstance(named, str) else named or []
    in_sheets, sheets = listed_in_sheets(reading, files, directory)
    if not reading.file.data.get("machine") and not files:
        remedy = "add [[machine]] with name, endpoint and profile, or name a spreadsheet in machines"
        reading.complain(("machine",), "names no machine", remedy)
    return listed_in_toml(reading) + in_sheets, sheets


def _check_machines(
    reading: Reading,
    machines: list[Listed],
    endpoints: Sequence[Endpoint],
    profiles: Mapping[str, Profile],
    poll: PollShape | None,
) -> None:
    addresses = {endpoint.name: place(endpoint.address) for endpoint in endpoints}
    reading.complaints += machine_checks.doubles(machines, addresses)
    reading.complaints += machine_checks.strangers(
        machines, reading.named("endpoint"), set(addresses), reading.file.name
    )
    reading.complaints += machine_checks.unread_serials(machines, profiles)
    reading.complaints += machine_checks.unclear_successions(machines)
    reading.complaints += unreachable(machines, endpoints)
    for problem in machine_checks.short_horizons(profiles.values(), poll.outage_h) if poll else ():
        remedy = "take a wider register in the profile, or answer for a shorter silence"
        reading.complain(("poll", "outage_h"), problem, remedy)


def _mqtt(reading: Reading, broker: BrokerShape | None, directory: Path) -> Mqtt | None:
    if broker is None:
        return None
    files = {
        key: directory / name
        for key in ("password_file", "tls_ca_file")
        if (name := getattr(broker, key)) is not None
    }
    for key, file in files.items():
        if wrong := unreadable(file):
            reading.complain(("broker", key), *wrong)
    return Mqtt(**{**broker.model_dump(), **files})


def _signing_key(reading: Reading, directory: Path) -> Path | None:
    if "signing" not in reading.file.data:
        return None
    signing = reading.table("signing", SigningShape)
    path = directory / signing.key_file if signing else None
    try:
        if path:
            read_key(path)
    except BadKeyError as error:
        problem, _, remedy = str(error).partition("; ")
        reading.complain(
            ("signing", "key_file"), problem, remedy or "name a file of `gongfang-agent key new`"
        )
    return path


def _stop_table(reading: Reading, directory: Path) -> StopTable:
    """An empty table when the file is no good: the profiles can be looked at all the same."""
    given = reading.file.data.get("stop_codes")
    own = directory / given if isinstance(given, str) else None
    reading.files.append(own or shipped() / "stop-codes.toml")
    try:
        return load_stop_table(reading.files[-1])
    except BadConfigurationError as error:
        reading.complaints += error.complaints
        return StopTable(label="none", codes=())


def _profiles(
    reading: Reading, machines: Iterable[Listed], stop_table: StopTable, directory: Path
) -> dict[str, Profile]:
    """By what the machines call them; those that are no good are missing."""
    found: dict[str, Profile] = {}
    files: dict[str, Path | None] = {}
    for machine in (machine for machine in machines if machine.says("profile")):
        named = machine.shape.profile
        if named not in files:
            files[named] = find(named, directory)
            _load_profile(reading, found, named, files[named], stop_table)
        if files[named] is None:
            searched = " and ".join(map(str, places(named, directory)))
            problem = f"{named!r} is not there; searched {searched}"
            reading.complaints.append(machine.complain("profile", problem, "mend the name or add the file"))
    return found


def _load_profile(
    reading: Reading, found: dict[str, Profile], named: str, file: Path | None, stop_table: StopTable
) -> None:
    if file is None:
        return
    reading.files.append(file)
    try:
        found[named] = load_profile(file, stop_table)
    except BadConfigurationError as error:
        reading.complaints += error.complaints
