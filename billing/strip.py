"""A day of a machine as a row of cells of five minutes, a letter each: what a person looks at. Pure.

A cell shows one phase. What is shorter than a cell is carried on until it fills one: in each cell stands the
phase to which the row owes most. So a row has of every phase as many cells as its time comes to, within a few
cells, however short each stop was.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from billing.phases import ELSEWHERE, PHASES

CELL_MS: Final = 300_000
_LETTERS: Final = (*PHASES, ELSEWHERE)
_ELSEWHERE: Final = len(PHASES)
_RUN: Final = re.compile(r"(\d+)(\D)")


class Pen:
    """Draws one strip from left to right. ``start``: the local midnight, UTC ms."""

    def __init__(self, start: int) -> None:
        self._at = start
        self._debts = [0] * len(_LETTERS)
        self._filled = 0
        self._runs: list[tuple[int, int]] = []
        """How many cells of which letter."""

    def draw(self, start: int, parts: Iterable[tuple[int, int]]) -> None:
        """Phases (by their place) and milliseconds, one after the other from ``start`` on."""
        if start > self._at:
            self._pour(_ELSEWHERE, start - self._at)
            self._at = start
        for phase, ms in parts:
            if self._filled or ms % CELL_MS:
                self._pour(phase, ms)
            else:
                self._put(phase, ms // CELL_MS)
            self._at += ms

    def draw_same(self, start: int, phase: int, ms: int) -> bool:
        """One phase of whole cells right behind what was drawn; False: it is not, and nothing was drawn."""
        if start != self._at or self._filled or ms % CELL_MS:
            return False
        self._put(phase, ms // CELL_MS)
        self._at += ms
        return True

    def _pour(self, phase: int, ms: int) -> None:
        if self._filled:
            step = min(ms, CELL_MS - self._filled)
            self._add(phase, step)
            ms -= step
        whole, rest = divmod(ms, CELL_MS)
        if whole:
            self._put(phase, whole)
        if rest:
            self._add(phase, rest)

    def _add(self, phase: int, ms: int) -> None:
        self._debts[phase] += ms
        self._filled += ms
        if self._filled == CELL_MS:
            owed = max(self._debts)
            shown = self._debts.index(owed)
            self._debts[shown] -= CELL_MS
            self._put(shown, 1)
            self._filled = 0

    def _put(self, phase: int, cells: int) -> None:
        if self._runs and self._runs[-1][0] == phase:
            self._runs[-1] = (phase, self._runs[-1][1] + cells)
        else:
            self._runs.append((phase, cells))

    def strip(self) -> str:
        """Runs of cells: ``96.6S40R`` is eight hours elsewhere, half an hour of setup, 200 minutes of run."""
        if self._filled:
            self._pour(_ELSEWHERE, CELL_MS - self._filled)
        return "".join(f"{cells}{_LETTERS[phase]}" for phase, cells in self._runs)


def runs(strip: str) -> Iterator[tuple[int, int, str]]:
    """First cell, number of cells, and letter of each run; without time elsewhere."""
    at = 0
    for found in _RUN.finditer(strip):
        cells = int(found[1])
        if found[2] != ELSEWHERE:
            yield at, cells, found[2]
        at += cells
