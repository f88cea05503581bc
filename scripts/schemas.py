"""Writes configs/schema/: JSON Schema of every configuration file, for editors of TOML; --check only looks.
And docs/schema/: JSON Schema of every document that billing writes, for programs that read them.

The shapes that read the files give types and limits; the comments of the examples give the words.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import billing.schema
import collector.schema
import edge_agent.schema
import simulators.schema
from contract.json_schema import described

ROOT: Final = Path(__file__).resolve().parents[1]
OUT: Final = ROOT / "configs" / "schema"
DOCUMENTS: Final = ROOT / "docs" / "schema"
EXAMPLES: Final[dict[str, tuple[str, ...]]] = {
    "site": ("sites/knitting.toml", "sites/serial.toml", "sites/hall.toml"),
    "profile": ("profiles/knit-flat.toml", "profiles/effluent-point.toml", "profiles/wire-loom.toml"),
    "stop-codes": ("stop-codes.toml",),
    "collector": ("collector.toml",),
    "billing": ("billing.toml",),
    "tariff": ("tariffs/house-2026.toml", "tariffs/park-2026.toml"),
    "calendar": ("tariffs/calendars/hebei-south-2025-11.toml",),
    "entries": ("entries/example.toml",),
    "gateway-keys": ("gateway-keys.toml",),
    "plant": ("plants/demo.toml",),
}
"""Whose comments explain the keys, the most telling first."""

_HEADER: Final = re.compile(r"#?\s?\[\[?([A-Za-z_]+)\]\]?")
_SETTING: Final = re.compile(r"(#\s?)?([a-z][a-z0-9_]*) = ([^#]*)(?:# (.*))?")
_MORE: Final = re.compile(r"\s+# (.*)")


def comments(text: str) -> Iterator[tuple[str, str]]:
    """Keys, by the tables around them joined by dots, and what stands behind or above each."""
    table, key, above = "", "", list[str]()
    for line in text.splitlines():
        header, setting, more = _HEADER.match(line), _SETTING.fullmatch(line), _MORE.fullmatch(line)
        if setting:
            key = f"{table}.{setting[2]}".lstrip(".")
            yield key, setting[4] or " ".join(above)
            above = []
        elif more and key:
            yield key, more[1]
        elif header:
            table, key, above = header[1], "", []
        elif line.startswith("# "):
            above.append(line.removeprefix("# "))
        else:
            above = []


def words(examples: tuple[str, ...]) -> dict[str, str]:
    """What the first example that explains a key says, its lines joined."""
    told: dict[str, str] = {}
    for example in examples:
        found: dict[str, list[str]] = {}
        for key, comment in comments((ROOT / "configs" / example).read_text("utf-8")):
            found.setdefault(key, []).append(comment.strip())
        told = {key: " ".join(filter(None, lines)) for key, lines in found.items()} | {
            key: text for key, text in told.items() if text
        }
    return {key: text for key, text in told.items() if text}


def files() -> dict[str, str]:
    """The schemas by file name, as they should be."""
    made: dict[str, dict[str, Any]] = {
        **edge_agent.schema.schemas(),
        **collector.schema.schemas(),
        **billing.schema.schemas(),
        **simulators.schema.schemas(),
    }
    return {
        f"{name}.json": json.dumps(described(schema, words(EXAMPLES[name])), indent=1, ensure_ascii=False)
        + "\n"
        for name, schema in made.items()
    }


def documents() -> dict[str, str]:
    """The schemas of documents by file name, as they should be."""
    return {
        f"{name}.json": json.dumps(schema, indent=1, ensure_ascii=False) + "\n"
        for name, schema in billing.schema.documents().items()
    }


def stale() -> list[str]:
    """The schemas that are not what they should be."""
    return [str(path.relative_to(ROOT)) for path in (*_stale(OUT, files()), *_stale(DOCUMENTS, documents()))]


def _stale(out: Path, made: dict[str, str]) -> list[Path]:
    there = {file.name: file.read_text("utf-8") for file in out.glob("*.json")}
    return sorted(out / name for name in {*there, *made} if there.get(name) != made.get(name))


def main() -> int:
    if "--check" in sys.argv[1:]:
        found = stale()
        if found:
            print(f"{', '.join(found)} not renewed: .venv/bin/python -m scripts.schemas")
        return int(bool(found))
    for out, made in ((OUT, files()), (DOCUMENTS, documents())):
        out.mkdir(exist_ok=True)
        for name, text in made.items():
            (out / name).write_text(text, "utf-8")
            print(out / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
