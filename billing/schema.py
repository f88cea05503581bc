"""JSON Schema of the files that billing reads."""

from typing import Any, Final

from pydantic import BaseModel

from billing.calendar_file import CalendarFile
from billing.config_shape import FileShape
from billing.entries_file import EntriesShape
from billing.tariff_shape import TariffTable
from billing.trusted_file import KeysShape
from contract.json_schema import REFERENCES, document

_SHAPES: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    "billing": ("Gongfang: billing", FileShape),
    "tariff": ("Gongfang: a tariff", TariffTable),
    "calendar": ("Gongfang: a calendar of hours with different prices", CalendarFile),
    "gateway-keys": ("Gongfang: the keys of gateways that billing trusts", KeysShape),
    "entries": ("Gongfang: lines by hand and results of tests", EntriesShape),
}


def schemas() -> dict[str, dict[str, Any]]:
    """By the name of the kind of file."""
    return {
        name: document(title, shape.model_json_schema(ref_template=REFERENCES))
        for name, (title, shape) in _SHAPES.items()
    }
