"""JSON Schema for editors, from what pydantic makes of our shapes. Pure: plain mappings in and out.

Editors of TOML (taplo, Even Better TOML) know draft 7, the regular expressions of ECMAScript, and no null.
"""

from collections.abc import Mapping
from typing import Any, Final

from contract.names import NAME, RESERVED

DRAFT: Final = "http://json-schema.org/draft-07/schema#"
NAME_SCHEMA: Final[dict[str, Any]] = {"pattern": NAME, "not": {"enum": sorted(RESERVED)}}
"""Of what is_name takes."""
REFERENCES: Final = "#/definitions/{model}"
"""For pydantic's ``ref_template``."""


def document(title: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """A whole file. ``schema`` is of a mapping, with its definitions in ``$defs``."""
    made = _portable(schema)
    definitions = made.pop("$defs", {})
    head = {"$schema": DRAFT, "title": title}
    tail = {"definitions": dict(sorted(definitions.items()))} if definitions else {}
    return {**head, **{key: value for key, value in made.items() if key != "title"}, **tail}


def merged(top: Mapping[str, Any], tables: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """``top`` with more properties: the tables of the file, each with definitions of its own."""
    definitions = dict(top.get("$defs", {}))
    properties = dict(top.get("properties", {}))
    for name, table in tables.items():
        definitions |= table.get("$defs", {})
        properties[name] = {key: value for key, value in table.items() if key != "$defs"}
    return {**top, "properties": properties, "$defs": definitions}


def array_of(table: Mapping[str, Any]) -> dict[str, Any]:
    """``[[table]]``."""
    item = {key: value for key, value in table.items() if key != "$defs"}
    return {"type": "array", "items": item, "$defs": table.get("$defs", {})}


def described(schema: Mapping[str, Any], told: Mapping[str, str]) -> dict[str, Any]:
    """With what people say about each key, by its name and those of the tables around it, joined by dots."""
    return _described(schema, told, (), schema.get("definitions", {}))


def _described(
    schema: Mapping[str, Any], told: Mapping[str, str], path: tuple[str, ...], known: Mapping[str, Any]
) -> dict[str, Any]:
    made = dict(schema)
    if "properties" in made:
        made["properties"] = {
            key: _one(value, told, (*path, key), known) for key, value in made["properties"].items()
        }
    if isinstance(made.get("items"), Mapping):
        made["items"] = _described(_followed(made["items"], known), told, path, known)
    return made


def _one(
    schema: Mapping[str, Any], told: Mapping[str, str], path: tuple[str, ...], known: Mapping[str, Any]
) -> dict[str, Any]:
    made = _described(_followed(schema, known), told, path, known)
    words = told.get(".".join(path))
    return {"description": words, **made} if words else made


def _followed(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    """A reference is resolved: a table that stands in two places may be told of in two ways."""
    named = schema.get("$ref", "").rpartition("/")[2]
    beside = {key: value for key, value in schema.items() if key != "$ref"}
    return {**known[named], **beside} if named in known else schema


def _portable(value: Any) -> Any:  # noqa: ANN401  JSON
    if isinstance(value, list):
        return [_portable(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    made = {
        key: _portable(each) for key, each in value.items() if key != "title" or not isinstance(each, str)
    }
    if isinstance(pattern := made.get("pattern"), str):
        made["pattern"] = _ecma(pattern)
    if isinstance(named := made.get("patternProperties"), dict):
        made["patternProperties"] = {_ecma(key): each for key, each in named.items()}
        made["additionalProperties"] = False
    if made.get("default", ...) is None:
        del made["default"]
    return _without_null(made)


def _ecma(pattern: str) -> str:
    return pattern.replace(r"\A", "^").replace(r"\Z", "$")


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = schema.get("anyOf")
    if not isinstance(choices, list):
        return schema
    left = [choice for choice in choices if choice != {"type": "null"}]
    rest = {key: value for key, value in schema.items() if key != "anyOf"}
    return {**rest, **left[0]} if len(left) == 1 else {**rest, "anyOf": left}
