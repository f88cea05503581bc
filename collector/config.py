"""The collector's configuration file (TOML): every complaint at once, with its line and its remedy."""

import ipaddress
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Final, Self
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FilePath,
    ValidationError,
    WrapValidator,
    model_validator,
)

from collector.mqtt import Address
from contract.clock import ClockPair
from contract.complaint import BadConfigurationError, Complaint, complaints, parse_toml
from contract.file_kinds import COLLECTOR
from contract.json_schema import NAME_SCHEMA
from contract.names import is_name
from contract.remedies import unreadable
from contract.shape_keys import keys_at
from daemon.listen import Listen
from store.config import StoreConfig
from store.examples import example
from store.gauge_store import GaugeStoreConfig, same_place

_FROZEN: Final = ConfigDict(frozen=True, extra="forbid")


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError("begin with a-z or 0-9, go on with those and . _ - (64 at most; not none, disputed)")
    return text


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        raise ValueError("name a zone of the IANA database, such as Asia/Shanghai") from None
    return name


Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra=NAME_SCHEMA)]


class CollectorConfig(BaseModel):
    model_config = _FROZEN

    name: Name
    """Stands in receipts and in the MQTT client id: no two collectors of one broker may share it."""
    site: Name | None = None
    """Whose leases and orders the commands announce, unless they say another."""
    timezone: Annotated[str, AfterValidator(_zone)] = "Asia/Shanghai"
    """In which the commands show instants; nothing that is stored depends on it."""
    batches_at_once: Annotated[int, Field(ge=1, le=64)] = 4
    batches_waiting: Annotated[int, Field(ge=1, le=10_000)] = 256
    """At most 64 KiB each. What comes beyond is dropped unread and sent again by its gateway."""
    restore_after_s: Annotated[float, Field(ge=0, le=600)] = 5
    """Leases and open orders not heard this long after subscribing are announced again from the store."""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _secret(path: Path) -> Path:
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"let the collector's user read {path}: {error}") from None
    if not text.strip():
        raise ValueError(f"{path} is empty; write the password into it, on one line")
    return path


def _reached(path: object, is_file: Callable[[object], Path]) -> Path:
    """To pydantic a file in a directory that is closed to this user is no complaint but a crash."""
    try:
        return is_file(path)
    except OSError as error:
        raise ValueError(f"let the collector's user read {path}: {error}") from None


File = Annotated[FilePath, WrapValidator(_reached)]


class BrokerConfig(BaseModel):
    model_config = _FROZEN

    embedded: bool = False
    """Run the broker in the collector's own process, listening on ``host`` and ``port``."""
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 1883
    """0 only with ``embedded``: the kernel chooses."""
    username: str | None = None
    password_file: Annotated[File, AfterValidator(_secret)] | None = None
    tls: bool = False
    tls_ca_file: File | None = None
    shared: Name | None = None
    """The group of a shared subscription: batches are then divided among its collectors."""

    @model_validator(mode="after")
    def _agrees_with_itself(self) -> Self:
        if self.username is None and self.password_file is not None:
            raise ValueError("password_file needs a username")
        if self.tls_ca_file is not None and not self.tls:
            raise ValueError("tls_ca_file needs tls = true")
        return self._embedded() if self.embedded else self._elsewhere()

    def _embedded(self) -> Self:
        if self.shared:
            raise ValueError("the embedded broker does not deliver to shared subscriptions; remove shared")
        if self.tls:
            raise ValueError("the embedded broker has no TLS; use Mosquitto (configs/mosquitto.conf)")
        if self.password_file is None and (self.username is not None or not _is_loopback(self.host)):
            raise ValueError("give username and password_file, or listen on 127.0.0.1 without a username")
        return self

    def _elsewhere(self) -> Self:
        if self.port == 0:
            raise ValueError("port 0 is for the embedded broker; give the broker's port")
        return self

    @property
    def password(self) -> str | None:
        """Read anew each time, so that a changed secret needs no restart."""
        return None if self.password_file is None else self.password_file.read_text("utf-8").strip()

    def address(self, client_id: str) -> Address:
        return Address(
            host=self.host,
            port=self.port,
            client_id=client_id,
            username=self.username,
            password=self.password,
            tls=self.tls,
            tls_ca_file=None if self.tls_ca_file is None else str(self.tls_ca_file),
        )


class HttpConfig(BaseModel):
    """``/metrics`` for Prometheus and ``/healthz`` for whoever watches; without the table, nowhere."""

    model_config = _FROZEN

    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65_535)] = 9465

    @property
    def listen(self) -> Listen:
        return Listen(host=self.host, port=self.port)


class ClockConfig(BaseModel):
    """Plant time for a rehearsal; left out, it is real time (DESIGN 8)."""

    model_config = _FROZEN

    real_ms: Annotated[int, Field(ge=0)] = 0
    plant_ms: Annotated[int, Field(ge=0)] = 0
    scale: Annotated[int, Field(ge=1, le=10_000)] = 1

    @property
    def pair(self) -> ClockPair:
        return ClockPair(real_ms=self.real_ms, plant_ms=self.plant_ms, scale=self.scale)


class Settings(BaseModel):
    model_config = _FROZEN

    collector: CollectorConfig
    broker: BrokerConfig = BrokerConfig()
    store: StoreConfig
    gauges: GaugeStoreConfig | None = None
    """Where what machines show rests for a while; without the table it is not heard at all."""
    http: HttpConfig | None = None
    clock: ClockConfig = ClockConfig()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.collector.timezone)

    @model_validator(mode="after")
    def _gauges_do_not_rest_among_facts(self) -> Self:
        if self.gauges is not None and same_place(self.store, self.gauges):
            raise ValueError("give [gauges] a database of its own: what rests there is forgotten")
        return self


def load(path: Path) -> Settings:
    """Raises BadConfigurationError with every complaint."""
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        remedy = f"give --config the path of a readable TOML file; {example('collector.toml')}"
        problem = f"cannot be read: {unreadable(error)}"
        complaint = Complaint(file=str(path), line=0, key="", problem=problem, remedy=remedy)
        raise BadConfigurationError([complaint]) from None
    file = parse_toml(str(path), text, COLLECTOR)
    try:
        return Settings.model_validate(file.data)
    except ValidationError as error:
        wrong = complaints(file, error.errors(include_url=False), keys=partial(keys_at, Settings))
        raise BadConfigurationError(wrong) from None
