"""Golden register images: text files that a person can read, and a decoder that shares nothing of ours.

One line a register: its table, its address, its words as they travel, its type and word order, its name, and
what it means. `tests/machines` reads the same files through the agent's profiles.
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

GOLDEN: Final = Path(__file__).parent / "golden"
FUNCTIONS: Final = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
_FORMATS: Final = {"u16": "H", "i16": "h", "u32": "I", "i32": "i", "f32": "f"}


class Line(NamedTuple):
    table: str
    address: int
    words: tuple[int, ...]
    type: str
    order: str
    name: str
    means: str

    @property
    def value(self) -> int | float | str:
        """What the file says that it means."""
        if self.type == "bit":
            return int(self.means == "set")
        if self.type == "ascii1":
            return self.means
        return float(self.means) if self.type == "f32" else int(self.means)


def image(kind: str) -> list[Line]:
    lines = (GOLDEN / f"{kind}.txt").read_text("utf-8").splitlines()
    return [_line(line) for line in lines if not line.startswith("#")]


def _line(text: str) -> Line:
    table, address, rest = text.split(maxsplit=2)
    words, type_, name, means = (cell.strip() for cell in rest.split("  ") if cell.strip())
    kind, _, order = type_.partition(" ")
    found = tuple(int(word, 16) for word in words.split())
    return Line(table, int(address), found, kind, order, name, means)


def decoded(line: Line) -> int | float | str:
    """By struct alone: CDAB is the reverse of the words, whatever they hold."""
    words = line.words[::-1] if line.order == "CDAB" else line.words
    packed = struct.pack(f">{len(words)}H", *words)
    if line.type == "bit":
        return words[0]
    if line.type == "bcd8":
        return int(packed.hex())
    if line.type == "ascii1":
        return packed.decode("ascii").lstrip("\0")
    value: int | float = struct.unpack(f">{_FORMATS[line.type]}", packed)[0]
    return value


def read(kind: str, shown: Mapping[int, Sequence[tuple[int, Sequence[int]]]]) -> dict[str, int | float | str]:
    """What a simulated device of this kind says now, taken apart as its golden image is."""
    words = {
        (function, address): word
        for function, runs in shown.items()
        for start, values in runs
        for address, word in enumerate(values, start)
    }
    return {
        f"{line.table} {line.name}" if line.table in ("coil", "discrete") else line.name: decoded(
            line._replace(
                words=tuple(
                    words[FUNCTIONS[line.table], line.address + place] for place in range(len(line.words))
                )
            )
        )
        for line in image(kind)
        if kind != "kemppi" or line.table != "holding"
    }
