"""Rates a frozen run once more from its pack alone, and compares every byte that came out. Wiring."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from importlib.metadata import version
from pathlib import Path

import msgspec

from billing.adjusting import Line, document
from billing.evidence import DamagedError, PackStore
from billing.filling import fill
from billing.manifest import Manifest
from billing.pack_settings import settings_in
from billing.past import Past
from billing.shelf import STATEMENTS

_TEXTS = frozenset({".json", ".html", ".csv"})
_SHOWN = 60
"""So many characters of a line are shown."""


async def differences(place: Path, manifest: Manifest, past: Past) -> AsyncIterator[str]:
    """What comes out otherwise, by file, line of the page, and line of the statement."""
    with tempfile.TemporaryDirectory() as temporary:
        directory = Path(temporary)
        (directory / STATEMENTS).mkdir()
        plan = msgspec.structs.replace(manifest, files={}, open=())
        try:
            filled = await fill(
                PackStore(place, manifest.files), settings_in(place, manifest), plan, directory, past=past
            )
        except Exception as error:  # noqa: BLE001  what was tampered with may go wrong anywhere, and is told so
            yield f"cannot be rated again from its evidence: {said(error)}"
            return
        for text in [*_otherwise(place, directory, manifest, filled.manifest), *_lines(place, directory)]:
            yield text


def said(error: Exception) -> str:
    return str(error) if isinstance(error, DamagedError) else f"{type(error).__name__}: {error}"


def _otherwise(place: Path, again: Path, before: Manifest, now: Manifest) -> Iterator[str]:
    here = f"gongfang {version('gongfang')}"
    hint = "" if before.software == here else f" (it was made by {before.software}, this is {here})"
    for name in sorted({*before.files, *now.files}):
        kept, made = before.files.get(name), now.files.get(name)
        if (kept and kept.content) != (made and made.content):
            yield f"{name}: comes out otherwise when it is made again from the evidence{hint}"
        if kept and made and Path(name).suffix in _TEXTS:
            yield from _line_of_page(name, place / name, again / name)


def _line_of_page(name: str, kept: Path, made: Path) -> Iterator[str]:
    """The first line of a page that is not as the evidence makes it."""
    try:
        before, now = kept.read_bytes().split(b"\n"), made.read_bytes().split(b"\n")
    except OSError:  # told of before
        return
    if before == now:
        return
    number = next((n for n, pair in enumerate(zip(before, now, strict=False)) if pair[0] != pair[1]), None)
    if number is None:
        number = min(len(before), len(now))
    was, comes = (lines[number] if number < len(lines) else b"nothing" for lines in (before, now))
    at = next((n for n, pair in enumerate(zip(was, comes, strict=False)) if pair[0] != pair[1]), 0)
    yield f"{name}, line {number + 1}: {_cut(was, at)}, by the evidence {_cut(comes, at)}"


def _cut(line: bytes, at: int) -> str:
    start = max(0, at - _SHOWN // 2)
    text = line[start : start + _SHOWN].decode("utf-8", "replace")
    return repr(f"{'…' if start else ''}{text}{'…' if start + _SHOWN < len(line) else ''}")


def _lines(place: Path, again: Path) -> Iterator[str]:
    """Lines of the statements that went out beside those that the evidence gives."""
    for path in sorted((again / STATEMENTS).glob("*.json")):
        name = f"{STATEMENTS}/{path.name}"
        try:
            kept, made = document((place / name).read_bytes()), document(path.read_bytes())
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            yield f"{name}: cannot be read ({error})"
            continue
        before, now = ({line.key: line for line in each.charges} for each in (kept, made))
        for key in sorted({*before, *now}):
            if before.get(key) != now.get(key):
                was, comes = _gross(before.get(key)), _gross(now.get(key))
                yield f"{name}, line {key[0]}: {was}, by the evidence {comes}"
        if kept.total != made.total:
            yield f"{name}: total {kept.total}, by the evidence {made.total}"


def _gross(line: Line | None) -> str:
    return f"{line.quantity} {line.unit}, {line.gross}" if line else "not there"
