"""What may stand in a site's configuration file: the shape of each of its tables."""

from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field, model_validator

from contract.json_schema import NAME_SCHEMA
from contract.names import INT64_MAX, LABEL, is_name
from edge_agent.address import PORTS, Address, Scheme, parse
from edge_agent.toml_tables import Shape

TABLES: Final = frozenset(
    {
        *("clock", "poll", "broker", "outbox", "signing", "http", "gauges"),
        *("endpoint", "endpoint_defaults", "machine"),
    }
)
_DAY_MS: Final = 86_400_000
_HOUR_MS: Final = 3_600_000
_LONGEST_PART: Final = 240
"""Bytes between two slashes; file systems end at 255, and a profile's name gets its ending yet."""


def _named(name: str) -> str:
    if not is_name(name):
        raise ValueError(
            "use 1 to 64 of a-z 0-9 . _ - beginning with a letter or digit; none and disputed are reserved"
        )
    return name


def _file(name: str) -> str:
    if any(len(part.encode("utf-8", "replace")) > _LONGEST_PART for part in name.split("/")):
        raise ValueError(f"no file has so long a name: {_LONGEST_PART} bytes at most")
    return name


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("name a zone of the IANA database, such as Asia/Shanghai") from None
    return name


def _endpoint_url(url: str) -> str:
    parse(url)
    return url


NameText = Annotated[str, AfterValidator(_named), Field(json_schema_extra=NAME_SCHEMA)]
FileText = Annotated[str, Field(min_length=1), AfterValidator(_file)]
Port = Annotated[int, Field(ge=1, le=65_535)]


class TopShape(Shape):
    site: NameText
    gateway: NameText
    area: NameText
    timezone: Annotated[str, Field(pattern=LABEL), AfterValidator(_zone)] = "Asia/Shanghai"
    stop_codes: FileText | None = None
    reload_on_change: bool = False
    machines: FileText | Annotated[list[FileText], Field(min_length=1)] | None = None
    """CSV files that list machines beside those of [[machine]]."""


class ClockShape(Shape):
    real_ms: Annotated[int, Field(ge=0)] = 0
    plant_ms: Annotated[int, Field(ge=0)] = 0
    scale: Annotated[int, Field(ge=1, le=10_000)] = 1
    offset_file: FileText | None = None


class PollShape(Shape):
    period_ms: Annotated[int, Field(ge=100, le=_HOUR_MS)] = 1_000
    hold_polls: Annotated[int, Field(ge=1, le=100)] = 3
    grid_ms: Annotated[int, Field(ge=1_000, le=_DAY_MS)] = 300_000
    checkpoint_ms: Annotated[int, Field(ge=0, le=_HOUR_MS)] = 10_000
    state_repeat_ms: Annotated[int, Field(ge=1_000, le=_HOUR_MS)] = 60_000
    outage_h: Annotated[int, Field(ge=1, le=8_760)] = 8

    @model_validator(mode="after")
    def _boundaries_fall_on_the_hour(self) -> "PollShape":
        if _DAY_MS % self.grid_ms:
            raise ValueError("choose a grid_ms that divides a day, such as 300000 (5 minutes)")
        if self.period_ms > self.grid_ms:
            raise ValueError("choose a period_ms that is not longer than grid_ms")
        return self


class GaugesShape(Shape):
    on: bool = False
    slow_s: Annotated[int, Field(ge=1, le=3_600)] = 15


class BrokerShape(Shape):
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Port = 1883
    username: str | None = None
    password_file: FileText | None = None
    tls: bool = False
    tls_ca_file: FileText | None = None
    keepalive_s: Annotated[int, Field(ge=5, le=3_600)] = 30

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "BrokerShape":
        if self.password_file is not None and self.username is None:
            raise ValueError("password_file needs a username")
        if self.tls_ca_file is not None and not self.tls:
            raise ValueError("tls_ca_file needs tls = true")
        return self


class OutboxShape(Shape):
    path: FileText
    limit_bytes: Annotated[int, Field(ge=1 << 20)] = 1 << 30
    ring_bytes: Annotated[int, Field(ge=0)] = 1 << 30
    ring_days: Annotated[int, Field(ge=0, le=3_650)] = 30


class SigningShape(Shape):
    key_file: FileText


class HttpShape(Shape):
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Port = 9464


class MannersShape(Shape):
    """How an endpoint is dealt with, wherever it is."""

    period_ms: Annotated[int, Field(ge=100, le=_HOUR_MS)] | None = None
    timeout_ms: Annotated[int, Field(ge=10, le=60_000)] = 1_000
    settle_ms: Annotated[int, Field(ge=0, le=60_000)] | None = None
    pause_ms: Annotated[int, Field(ge=0, le=10_000)] | None = None
    turnaround_ms: Annotated[int, Field(ge=0, le=10_000)] = 20
    connect_pause_ms: Annotated[int, Field(ge=0, le=60_000)] = 0
    keep_open: bool = True
    backoff_ms: Annotated[int, Field(ge=10, le=60_000)] = 500
    backoff_max_ms: Annotated[int, Field(ge=10, le=600_000)] = 15_000
    silence_max_ms: Annotated[int, Field(ge=1_000, le=_HOUR_MS)] = 30_000

    @model_validator(mode="after")
    def _grows(self) -> "MannersShape":
        if self.backoff_ms > self.backoff_max_ms:
            raise ValueError("choose a backoff_ms that is not longer than backoff_max_ms")
        return self


class EndpointShape(MannersShape):
    name: NameText
    url: Annotated[str, AfterValidator(_endpoint_url)] | None = None
    host: Annotated[str, Field(min_length=1)] | None = None
    port: Port | None = None

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> "EndpointShape":
        if (self.url is None) == (self.host is None):
            raise ValueError("give either url, or host (and port) of a Modbus TCP device")
        if self.url is not None and self.port is not None:
            raise ValueError("the port stands in the url already")
        return self

    @property
    def address(self) -> Address:
        if self.url is not None:
            return parse(self.url)
        return Address(scheme=Scheme.TCP, host=self.host or "", port=self.port or PORTS[Scheme.TCP])


class MachineShape(Shape):
    name: NameText
    endpoint: str
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    profile: FileText
    area: NameText | None = None
    serial: Annotated[int, Field(ge=1, le=INT64_MAX)] | None = None
    controller: Annotated[int, Field(ge=1, le=10_000)] = 1
    was: NameText | None = None
    name_en: Annotated[str, Field(max_length=120)] = ""
    name_zh: Annotated[str, Field(max_length=120)] = ""
