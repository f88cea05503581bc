"""``billing.toml`` -> Settings, with the tariff it names. Every complaint about both files at once."""

from fractions import Fraction
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from billing.statement import Named
from billing.tariff import Tariff
from billing.tariff_file import read_tariff
from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.names import is_name
from store.config import StoreConfig


class Settings(Struct, frozen=True, kw_only=True):
    site: Named
    timezone: str
    store: StoreConfig
    tariff: Tariff
    tenants: tuple[Named, ...] = ()
    tolerance_ms: int = 5000
    """How long a record may name another lease than the one in force."""
    require_witness: bool = False
    """Usage of a machine whose panel nobody has compared with its registers waits until somebody has."""
    coverage: Fraction = Fraction(95, 100)
    """Below it key figures are left empty."""
    gone: tuple[str, ...] = ()
    """Machines that were taken away: a period without any record of theirs is no gap."""
    config: str = ""
    """The file these settings came from, for commands shown to people."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def named(self, tenant: str) -> Named:
        return next((found for found in self.tenants if found.id == tenant), Named(id=tenant))


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError('name a time zone of the tz database, like "Asia/Shanghai"') from None
    return name


def _name(text: str) -> str:
    if not is_name(text):
        raise ValueError(
            "use lower case letters, digits, dot, dash and underscore; display names go elsewhere"
        )
    return text


_Shown = Annotated[str, Field(max_length=120)]
_Name = Annotated[str, AfterValidator(_name)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Site(_Table):
    name: _Name
    timezone: Annotated[str, AfterValidator(_zone)]
    name_en: _Shown = ""
    name_zh: _Shown = ""


class _Tenant(_Table):
    id: _Name
    name_en: _Shown = ""
    name_zh: _Shown = ""


class _Attribution(_Table):
    lease_tolerance_s: Annotated[int, Field(ge=0, le=3600)] = 5
    require_witness: bool = False


class _Report(_Table):
    coverage_percent: Annotated[int, Field(ge=0, le=100)] = 95
    gone: tuple[_Name, ...] = ()


class _File(_Table):
    tariff: str
    site: _Site
    store: StoreConfig
    tenant: tuple[_Tenant, ...] = ()
    attribution: _Attribution = _Attribution()
    report: _Report = _Report()


def load(path: Path) -> Settings:
    """Raises BadConfigurationError.

    The tariff is looked for beside the file; the store's paths mean what they mean to the collector.
    """
    file = parse_toml(str(path), _text(path, str(path)))
    found: list[Complaint] = []
    table, tariff = None, None
    try:
        table = _File.model_validate(file.data)
        found += _twice(file, table)
    except ValidationError as error:
        found += complaints(file, [dict(problem) for problem in error.errors()])
    try:
        tariff = _tariff(file, path)
    except BadConfigurationError as error:
        found += error.complaints
    if found or table is None or tariff is None:
        raise BadConfigurationError(found)
    return _settings(table, tariff, path)


def _settings(table: _File, tariff: Tariff, path: Path) -> Settings:
    site = table.site
    return Settings(
        site=Named(id=site.name, name_en=site.name_en, name_zh=site.name_zh),
        timezone=site.timezone,
        store=table.store,
        tariff=tariff,
        tenants=tuple(Named(id=t.id, name_en=t.name_en, name_zh=t.name_zh) for t in table.tenant),
        tolerance_ms=table.attribution.lease_tolerance_s * 1000,
        require_witness=table.attribution.require_witness,
        coverage=Fraction(table.report.coverage_percent, 100),
        gone=table.report.gone,
        config=str(path),
    )


def _tariff(file: TomlFile, path: Path) -> Tariff | None:
    """None when the key is missing or wrong, which is complained about elsewhere."""
    named = file.data.get("tariff")
    if not isinstance(named, str):
        return None
    at = path.parent / named
    try:
        text = at.read_text("utf-8")
    except (OSError, ValueError) as error:  # not UTF-8, or no name that a file can have
        problem = f"{at} cannot be read ({error})"
        raise BadConfigurationError([file.complain(("tariff",), problem, "give the tariff's file")]) from None
    return read_tariff(str(at), text)


def _text(path: Path, name: str) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({error})"
        remedy = "give an existing file; configs/billing.toml is a commented example"
        raise BadConfigurationError(
            [Complaint(file=name, line=0, key="", problem=problem, remedy=remedy)]
        ) from None


def _twice(file: TomlFile, table: _File) -> list[Complaint]:
    ids = [tenant.id for tenant in table.tenant]
    return [
        file.complain(("tenant", index, "id"), f"{name!r} is named a second time", "keep one of the two")
        for index, name in enumerate(ids)
        if name in ids[:index]
    ]
