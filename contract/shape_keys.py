"""Which keys a table of a file may have, read off the model that checks it: for who misspelt one. Pure.

The models are pydantic's, of which no more is known here than ``model_fields``, each with ``alias`` and
``annotation``.
"""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Any, get_args


def keys_at(shape: Any, place: tuple[str | int, ...]) -> set[str]:  # noqa: ANN401  a class of pydantic's
    """Of the table at ``place``; of each that it may be, where it may be one of several."""
    shapes = [shape]
    for part in place:
        inner = [model for each in shapes for model in _inside(each, part)]
        shapes = inner or shapes  # a number in a list, and the tag of a union, lead to no other table
    return {key for each in shapes for key, _ in _fields(each)}


def nearest(key: str, keys: Collection[str]) -> str:
    """The one that was probably meant; empty when none is like it."""
    return next(iter(get_close_matches(key, sorted(keys), n=1)), "")


def _fields(shape: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  see above
    for name, field in shape.model_fields.items():
        yield field.alias or name, field.annotation


def _inside(shape: Any, part: str | int) -> Iterator[Any]:  # noqa: ANN401  see above
    for key, annotation in _fields(shape):
        if key == part:
            yield from _models(annotation)


def _models(annotation: Any) -> Iterator[Any]:  # noqa: ANN401  see above
    if hasattr(annotation, "model_fields"):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
