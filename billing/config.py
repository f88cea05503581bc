"""``billing.toml`` -> Settings, with the tariff it names. Every complaint about both files at once."""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from pydantic import ValidationError

from billing.beside import Beside, ReadFile, Texts, on_disk, text_of
from billing.blocking import Effect
from billing.config_shape import FileShape
from billing.entries import Entries
from billing.entries_file import joined
from billing.feasible import NO_LIMITS, Limits
from billing.findings import Rule
from billing.ownership import Ownership
from billing.ownership_table import named_twice, ownership_of
from billing.statement import Named
from billing.stop_tables import StopCodes
from billing.tariff import Tariff
from billing.tariff_checks import tables
from billing.trusted import Trusted
from billing.validity import check_entries, in_force
from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.file_kinds import BILLING
from contract.shape_keys import keys_at
from store.config import StoreConfig


class Settings(Struct, frozen=True, kw_only=True):
    site: Named
    timezone: str
    store: StoreConfig
    tariff: Tariff
    """Of everybody: the newest version, or the one of the days that were asked for."""
    tariffs: Mapping[str, Tariff] = {}
    """Tenants who have a tariff of their own."""
    versions: Mapping[str, tuple[Tariff, ...]] = {}
    """Every version, the oldest first: by tenant, that of everybody under an empty name."""
    entries: Entries = Entries()
    lookback_ms: int = 31 * 86_400_000
    """How long before a period it is looked for the beginning of an order that nobody announced."""
    tenants: tuple[Named, ...] = ()
    tolerance_ms: int = 5000
    """How long a record may name another lease than the one in force."""
    ownerships: tuple[Ownership, ...] = ()
    require_witness: bool = False
    """Usage of a machine whose panel nobody has compared with its registers waits until somebody has."""
    coverage: Fraction = Fraction(95, 100)
    """Below it key figures are left empty."""
    gone: tuple[str, ...] = ()
    """Machines that were taken away: a period without any record of theirs is no gap."""
    stop_codes: tuple[StopCodes, ...] = ()
    """The tables in which stops were looked up when they were metered."""
    trusted: Trusted = Trusted()
    """Whose signatures of chains are believed."""
    limits: Limits = NO_LIMITS
    """Beyond them a figure is no figure that these machines can have made."""
    effects: Mapping[Rule, Effect] = {}
    """Which findings block, where that is not the default."""
    config: str = ""
    """The file these settings came from, for commands shown to people."""
    texts: Mapping[str, str] = {}
    """Every file that they were read from, by its path as it is found from there."""
    books: str = "books"
    """The directory of frozen and issued runs."""

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def all_tariffs(self) -> tuple[Tariff, ...]:
        """Each once, the one of everybody first."""
        return tuple({each.digest: each for each in (self.tariff, *self.tariffs.values())}.values())

    def during(self, first: date, last: date) -> "Settings":
        """With the tariffs of these local days; where none holds on all of them, the one of the first."""
        found = {tenant: in_force(known, first, last) for tenant, known in self.versions.items()}
        everybodys = found.pop("", self.tariff)
        return msgspec.structs.replace(self, tariff=everybodys, tariffs={**self.tariffs, **found})

    def tariff_of(self, tenant: str) -> Tariff:
        return self.tariffs.get(tenant, self.tariff)

    def tariff_on(self, tenant: str, day: date) -> Tariff:
        return self.during(day, day).tariff_of(tenant)

    def named(self, tenant: str) -> Named:
        return next((found for found in self.tenants if found.id == tenant), Named(id=tenant))


def load(path: Path, read: ReadFile = on_disk) -> Settings:
    """Raises BadConfigurationError. ``read`` says what stands in a file, on disk or in an evidence pack.

    Tariffs and entries are looked for beside the file, calendars beside their tariff; the store's paths mean
    what they mean to the collector.
    """
    texts = Texts(path.parent, read)
    file = parse_toml(str(path), text_of(path, texts.read), BILLING)
    found: list[Complaint] = []
    table = None
    try:
        table = FileShape.model_validate(file.data)
        found += [*_twice(file, table), *named_twice(file, table.ownership)]
    except ValidationError as error:
        found += complaints(file, [dict(one) for one in error.errors()], keys=partial(keys_at, FileShape))
    beside = Beside(file, path, texts.read)
    versions = {"": beside.tariffs(("tariff",), file.data.get("tariff"))}
    versions |= {
        str(tenant.get("id")): beside.tariffs(("tenant", index, "tariff"), tenant["tariff"])
        for index, tenant in enumerate(tables(file.data, "tenant"))
        if "tariff" in tenant
    }
    named = file.data.get("entries")
    entries = [
        beside.entries(("entries", n), name)
        for n, name in enumerate(named if isinstance(named, list) else ())
    ]
    listed = file.data.get("stop_codes")
    codes = [
        beside.stop_codes(("stop_codes", n), name)
        for n, name in enumerate(listed if isinstance(listed, list) else ())
    ]
    keys = beside.keys(("signatures", "keys"), file.data.get("signatures"))
    found += beside.complaints
    if found or table is None or not versions[""]:
        raise BadConfigurationError(found)
    settings = _settings(table, versions, joined(filter(None, entries)), path)
    check_entries(settings.entries, settings.tariff_on, str(path))
    trusted = Trusted(keys=keys, is_required=bool(table.signatures and table.signatures.required))
    stop_codes = tuple(filter(None, [*codes, texts.shipped_stop_codes()]))
    return msgspec.structs.replace(settings, texts=texts.found, trusted=trusted, stop_codes=stop_codes)


def _settings(
    table: FileShape, versions: Mapping[str, tuple[Tariff, ...]], entries: Entries, path: Path
) -> Settings:
    site = table.site
    newest = {tenant: known[-1] for tenant, known in versions.items() if known}
    return Settings(
        site=Named(id=site.name, name_en=site.name_en, name_zh=site.name_zh),
        timezone=site.timezone,
        store=table.store,
        tariff=newest.pop(""),
        tariffs=newest,
        versions=versions,
        entries=entries,
        lookback_ms=table.orders.lookback_days * 86_400_000,
        tenants=tuple(Named(id=t.id, name_en=t.name_en, name_zh=t.name_zh) for t in table.tenant),
        tolerance_ms=table.attribution.lease_tolerance_s * 1000,
        ownerships=tuple(map(ownership_of, table.ownership)),
        require_witness=table.attribution.require_witness,
        coverage=Fraction(table.report.coverage_percent, 100),
        gone=table.report.gone,
        limits=table.validation.limits(),
        effects=table.validation.rules,
        config=str(path),
        books=str(path.parent / table.books),
    )


def _twice(file: TomlFile, table: FileShape) -> list[Complaint]:
    ids = [tenant.id for tenant in table.tenant]
    return [
        file.complain(("tenant", index, "id"), f"{name!r} is named a second time", "keep one of the two")
        for index, name in enumerate(ids)
        if name in ids[:index]
    ]
