"""JSON Schema of a plant file, for editors (draft 7). Pure.

Written beside the tables that read it (``tables.py``, ``plant.py``), from the same keys and limits.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from simulators.complaints import RESERVED
from simulators.kinds import TYPES
from simulators.loom import MESHES
from simulators.machine_type import MachineType
from simulators.plant import KEYS
from simulators.tables import (
    LEASE_KEYS,
    MACHINE_KEYS,
    MAX_UNITS,
    ORDER_KEYS,
    TENANT_KEYS,
    highest,
)

_NAME: Final = {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$",
    "not": {"enum": sorted(RESERVED)},
}
_TEXT: Final = {"type": "string", "minLength": 1}
_SPAN: Final = {"type": "string", "pattern": "^(?=[0-9])([0-9]+h)?([0-9]+m)?([0-9]+s)?$"}
_NAMES: Final = {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1}]}
_PORT: Final = {"type": "integer", "minimum": 0, "maximum": 65_535}


def schemas() -> dict[str, dict[str, Any]]:
    """By the name of the kind of file."""
    properties = {
        "name": _TEXT,
        "site": _NAME,
        "area": _NAME,
        "timezone": _TEXT,
        "seed": {"type": "integer", "minimum": 0},
        "duration": _SPAN,
        "quiet_s": _number(1, 600),
        "poll_s": _number(0.1, 300),
        "tenant": _array(_table(TENANT_KEYS, _TENANT, TENANT_KEYS)),
        "order": _array(_table(ORDER_KEYS, _ORDER, ORDER_KEYS[:6])),
        "lease": _array(_table(LEASE_KEYS, _LEASE, LEASE_KEYS)),
        "machines": {
            **_array({"oneOf": [_machines(kind, its) for kind, its in TYPES.items()]}),
            "minItems": 1,
        },
    }
    made = _table(KEYS, properties, ("name", "site", "area", "timezone", "seed", "duration", "machines"))
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": "Gongfang: a simulated plant"}
    return {"plant": {**head, **made}}


_TENANT: Final = {"id": _NAME, "name_en": _TEXT, "name_zh": _TEXT}
_ORDER: Final = {
    "id": {"type": "string", "pattern": "^[1-9][0-9]{0,9}$"},
    "tenant": _TEXT,
    "article": _TEXT,
    "pieces": {"type": "integer", "minimum": 1, "maximum": 65_535},
    "piece_s": {"type": "number", "minimum": 1, "maximum": 86_400},
    "machines": _NAMES,
    "due": _SPAN,
    "mesh": {"enum": list(MESHES)},
}
_LEASE: Final = {"machines": _NAMES, "tenant": _TEXT, "from": _SPAN, "until": _SPAN}


def _machines(kind: str, its: MachineType) -> dict[str, Any]:
    behaviour = {key: _number(0, highest(key)) for key in msgspec.structs.asdict(its.behaviour)}
    initial = {
        key: {"type": "integer", "minimum": 0, "maximum": 2**width - 1} for key, width in its.counters.items()
    }
    properties = {
        "kind": {"const": kind},
        "count": {"type": "integer", "minimum": 1, "maximum": 4_096},
        "name": _TEXT,
        "first": {"type": "integer", "minimum": 0, "maximum": 100_000},
        "port": _PORT,
        "units": {"enum": ["shared", "each"], "description": f"shared: up to {MAX_UNITS} behind one port"},
        "initial": _table(initial, initial),
        "behaviour": _table(behaviour, behaviour),
        "profile": _NAME,
    }
    return _table(MACHINE_KEYS, properties, ("kind", "name"))


def _table(
    keys: Iterable[str], properties: Mapping[str, Any], required: Iterable[str] = ()
) -> dict[str, Any]:
    named = {key: properties[key] for key in keys}
    made = {"type": "object", "additionalProperties": False, "properties": named}
    return {**made, "required": list(required)} if required else made


def _array(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


def _number(low: float, high: float) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high}
