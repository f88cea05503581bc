"""The ``[store]`` table of a configuration file. Secrets stand in files of their own, never in it."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator


def _plain_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("give the address as http://host:port or https://host:port")
    if parts.username is not None or parts.password is not None:
        raise ValueError("take the user and password out of the address; use username and password_file")
    if parts.query or parts.fragment:
        raise ValueError("give the address without ? and #")
    return url.rstrip("/")


class SqliteConfig(BaseModel):
    """One file on this machine; nothing has to be installed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["sqlite"]
    path: Path
    """The file; it is created when it is missing, its directory is not."""


class InfluxConfig(BaseModel):
    """An InfluxDB of any generation; which one is found out by asking it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["influx"]
    url: Annotated[str, AfterValidator(_plain_url)]
    database: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$")]
    """The database (1.x, 3.x) or bucket (2.x); it is created when it is missing and the user may do so."""
    org: str = ""
    """2.x only."""
    token_file: Path | None = None
    """2.x and 3.x."""
    username: str = ""
    password_file: Path | None = None
    """1.x, with ``username``."""
    retention_days: Annotated[int, Field(ge=0, le=36_500)] = 0
    """Given to a database that is created here; 0 keeps everything. An existing one is left as it is.

    Everything older is gone: leases, orders, corrections and the quarantine too. A lease that was given
    before and still runs is not known any more when its time is billed, so give more than the longest lease
    and the time until the last correction, together.
    """
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 30

    @model_validator(mode="after")
    def _one_kind_of_credentials(self) -> Self:
        if bool(self.username) != bool(self.password_file):
            raise ValueError("username and password_file go together")
        if self.username and self.token_file:
            raise ValueError("give either token_file, or username and password_file")
        return self


StoreConfig = Annotated[SqliteConfig | InfluxConfig, Field(discriminator="kind")]
