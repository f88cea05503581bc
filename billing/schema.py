"""JSON Schema of the files that billing reads, and of the documents that it writes."""

from typing import Any, Final

import msgspec
from pydantic import BaseModel

from billing.calendar_file import CalendarFile
from billing.config_shape import FileShape
from billing.document_shapes import AdjustmentShape, StatementShape
from billing.entries_file import EntriesShape
from billing.owners_page import OwnersPage
from billing.tariff_shape import TariffTable
from billing.totals import Totals
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


_DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"
_DOCUMENTS: Final[dict[str, tuple[str, type[msgspec.Struct]]]] = {
    "statement": ("Gongfang: a statement", StatementShape),
    "adjustment": ("Gongfang: an adjustment or a credit note", AdjustmentShape),
    "totals": ("Gongfang: the totals of a period", Totals),
    "owners": ("Gongfang: what owners of machines get of a period", OwnersPage),
}


def documents() -> dict[str, dict[str, Any]]:
    """By the name of the kind of document."""
    return {name: _document(title, shape) for name, (title, shape) in _DOCUMENTS.items()}


def _document(title: str, shape: type[msgspec.Struct]) -> dict[str, Any]:
    (whole,), parts = msgspec.json.schema_components([shape], ref_template="#/$defs/{name}")
    return {"$schema": _DRAFT, "title": title, **whole, "$defs": dict(sorted(parts.items()))}
