"""Which configuration file a TOML file is, by what stands at its top: for who gives a program another one's.

Pure.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct


class FileKind(Struct, frozen=True, kw_only=True):
    what: str
    """For people, with its article."""
    marks: frozenset[str]
    """Keys and tables that only such files have at their top."""
    goes: str
    """Where such a file is named."""

    def hint(self, other: "FileKind") -> str:
        """What to do with ``other`` when it was given in place of this."""
        return f"; {other.what} {other.goes}"


def _kind(what: str, marks: str, goes: str) -> FileKind:
    return FileKind(what=what, marks=frozenset(marks.split()), goes=goes)


SITE: Final = _kind(
    "a site's configuration",
    "gateway endpoint endpoint_defaults machine outbox poll reload_on_change signing",
    "is what `gongfang-agent --config` takes",
)
COLLECTOR: Final = _kind(
    "a collector's configuration", "collector", "is what `gongfang-collector --config` takes"
)
BILLING: Final = _kind(
    "a billing configuration",
    "tariff attribution books entries orders ownership report signatures validation",
    "is what `gongfang-billing --config` takes",
)
TARIFF: Final = _kind(
    "a tariff",
    "currency rate piece setup_fee base calendar cap discount energy grade minimum pollution prices"
    " reservation scrap_credit surcharge vat vat_category",
    'is named by the billing configuration: tariff = "..."',
)
CALENDAR: Final = _kind(
    "a calendar",
    "band customer day holidays rest source workdays",
    "is named by a [[calendar]] of the tariff",
)
ENTRIES: Final = _kind(
    "a file of entries", "manual mean test", 'is named by the billing configuration: entries = ["..."]'
)
GATEWAY_KEYS: Final = _kind(
    "a file of trusted keys", "key", 'is named by the billing configuration: [signatures] keys = "..."'
)
PROFILE: Final = _kind(
    "a machine's profile",
    "register roles bits state counter word_order kind range expect gauge max_coils max_gap max_registers"
    " run_time stop_time state_read table",
    'is named by a machine of the site: profile = "..."',
)
STOP_CODES: Final = _kind(
    "a table of stop codes", "code", 'is named by the site\'s configuration: stop_codes = "..."'
)
PLANT: Final = _kind(
    "a plant of simulated machines",
    "duration lease order poll_s quiet_s seed",
    "is what `gongfang-simulator run` takes",
)
KINDS: Final = {
    "site": SITE,
    "collector": COLLECTOR,
    "billing": BILLING,
    "tariff": TARIFF,
    "calendar": CALENDAR,
    "entries": ENTRIES,
    "gateway-keys": GATEWAY_KEYS,
    "profile": PROFILE,
    "stop-codes": STOP_CODES,
    "plant": PLANT,
}
"""By the name of the schema."""


def taken_for(data: Mapping[str, Any], wanted: FileKind) -> FileKind | None:
    """The kind of file that this clearly is, when nothing in it says that it is one of ``wanted``."""
    if wanted.marks & data.keys():
        return None
    found = [kind for kind in KINDS.values() if kind.marks & data.keys()]
    return found[0] if len(found) == 1 else None
