"""The file of trusted keys: the public halves of what the gateways sign with. Pure."""

import base64
import binascii
from collections.abc import Iterator
from functools import partial
from typing import Annotated, Final

from pydantic import AfterValidator, ValidationError

from billing.toml_values import Day, Name, Table
from billing.trusted import Key
from contract.complaint import BadConfigurationError, Complaint, TomlFile, complaints, parse_toml
from contract.file_kinds import GATEWAY_KEYS
from contract.shape_keys import keys_at

_BYTES: Final = 32


def _public(text: str) -> str:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _BYTES:
        raise ValueError("copy the public half as `gongfang-agent key show` prints it")
    return text


class _KeyTable(Table):
    gateway: Name
    public: Annotated[str, AfterValidator(_public)]
    valid_from: Day | None = None
    valid_to: Day | None = None


class KeysShape(Table):
    key: tuple[_KeyTable, ...] = ()


def read_keys(name: str, text: str) -> dict[str, Key]:
    """By fingerprint. Raises BadConfigurationError with every complaint about the file called ``name``."""
    file = parse_toml(name, text, GATEWAY_KEYS)
    try:
        table = KeysShape.model_validate(file.data)
    except ValidationError as error:
        wrong = complaints(file, [dict(one) for one in error.errors()], keys=partial(keys_at, KeysShape))
        raise BadConfigurationError(wrong) from None
    if found := [*_wrong(file, table)]:
        raise BadConfigurationError(found)
    keys = map(_key, table.key)
    return {key.fingerprint: key for key in keys}


def _key(table: _KeyTable) -> Key:
    return Key(
        gateway=table.gateway,
        public=base64.b64decode(table.public),
        valid_from=table.valid_from,
        valid_to=table.valid_to,
    )


def _wrong(file: TomlFile, table: KeysShape) -> Iterator[Complaint]:
    for index, key in enumerate(table.key):
        if key.public in [before.public for before in table.key[:index]]:
            problem = "stands here a second time"
            yield file.complain(
                ("key", index, "public"), problem, "a key is of one gateway; keep one of them"
            )
        if key.valid_from and key.valid_to and key.valid_to < key.valid_from:
            problem = f"ends ({key.valid_to}) before it begins ({key.valid_from})"
            yield file.complain(("key", index, "valid_to"), problem, "it is the last day that it may sign")
