"""Elements of SVG as text, every attribute and every word escaped. Pure."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Final

HATCHES: Final[Mapping[str, str]] = {
    "S": "M-1 1l2-2M0 4l4-4M3 5l2-2",
    "U": "M0.6 1h0.9M2.6 3h0.9",
    "D": "M0 0l4 4M4 0l-4 4",
    "host": "M-1 3l2 2M0 0l4 4M3-1l2 2",
    "utility": "M1 0v4M3 0v4",
    "unknown": "M0 1h4M0 3h4",
}
"""Patterns by the name of what is drawn so: on paper without colours each looks different."""


def tag(name: str, *inside: str, **attributes: object) -> str:
    """``inside`` is SVG. In names of attributes ``_`` stands for ``-``, and at the end for nothing."""
    told = "".join(f' {_name(key)}="{escape(_text(value))}"' for key, value in attributes.items())
    return f"<{name}{told}>{''.join(inside)}</{name}>" if inside else f"<{name}{told}/>"


def words(text: str) -> str:
    return escape(text)


def _name(key: str) -> str:
    return key.rstrip("_").replace("_", "-")


def _text(value: object) -> str:
    return number(value) if isinstance(value, float) else str(value)


def number(value: float) -> str:
    """With at most two places: a hundredth of a pixel is nothing to see."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def text(x: float, y: float, said: str, class_: str = "") -> str:
    return tag("text", words(said), x=float(x), y=float(y), **({"class_": class_} if class_ else {}))


def line(path: str) -> str:
    """Of a scale, behind what is drawn."""
    return tag("path", class_="grid", d=path)


Box = tuple[float, float, float, float]
"""x, y, width and height."""


def boxes(class_: str, found: Iterable[Box]) -> str:
    """All boxes of one look as one path: a month of stops is a line of text."""
    path = "".join(
        f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h-{number(width)}z"
        for x, y, width, height in found
    )
    return tag("path", class_=class_, d=path) if path else ""


def picture(key: str, said: tuple[str, str], size: tuple[float, float], *inside: str) -> str:
    """One image; ``said``: its title and its description, for those who do not see it. ``key`` names it."""
    width, height = map(number, size)
    titled = tag("title", words(said[0]), id=f"{key}-t"), tag("desc", words(said[1]), id=f"{key}-d")
    return tag(
        "svg",
        *titled,
        *inside,
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_labelledby=f"{key}-t {key}-d",
    )


def patterns() -> str:
    """The hatches, once for a page. They are no picture: nothing of this is seen."""
    made = (
        tag(
            "pattern",
            tag("path", d=path, class_="hatch"),
            id=f"hatch-{name}",
            width=4,
            height=4,
            patternUnits="userSpaceOnUse",
        )
        for name, path in HATCHES.items()
    )
    return tag("svg", tag("defs", *made), width=0, height=0, aria_hidden="true", class_="defs")
