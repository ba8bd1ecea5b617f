"""Text broken into lines by the cells a terminal gives to each sign: a Chinese sign takes two, and lines may end behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rich.cells import cell_len, chop_cells

__all__ = ["definitions", "paragraphs"]

OPEN, CLOSE = "（《〈「『【“‘", "，。；：、）》〉」』】”’？！…"
"""No line ends behind the first, none begins with the second."""
WIDE = rf"[^\x00-\u2e7f{OPEN}{CLOSE}]"
NARROW = rf"[\x00-\u2e7f](?<![{OPEN}{CLOSE}])"
UNIT = re.compile(rf"[{OPEN}]*(?:{WIDE}|(?:{NARROW})+)?[{CLOSE}]*")
FIRST_MOST, SPACING, LEAST = 30, 2, 10
"""Cells of the first column of a list at most, between the columns, and of the second at least: as the parser has them."""


def paragraphs(text: str, width: int) -> list[str]:
    """The lines of *text*, each *width* cells at most; an empty one between two paragraphs."""
    parts = [" ".join(part.split()) for part in re.split(r"\n\s*\n", text.strip())]
    lines = [_filled(part, width) for part in parts if part]
    return [line for at, part in enumerate(lines) for line in ([""] if at else []) + part]


def definitions(rows: Sequence[tuple[str, str]], width: int) -> list[str]:
    """The lines of a list of names and what they mean, in two columns and *width* cells."""
    column = min(max((cell_len(first) for first, _second in rows), default=0), FIRST_MOST) + SPACING
    found: list[str] = []
    for first, second in rows:
        head, *rest = paragraphs(second, max(width - column, LEAST)) or [""]
        beside = cell_len(first) <= column - SPACING
        found.append((first + " " * (column - cell_len(first)) + head).rstrip() if beside else first)
        found += [(" " * column + line).rstrip() for line in (rest if beside else [head, *rest])]
    return found


def _filled(text: str, width: int) -> list[str]:
    lines = [""]
    for blank, unit in _units(text):
        more = lines[-1] + " " * (blank and lines[-1] != "") + unit
        if cell_len(more) <= width:
            lines[-1] = more
            continue
        chopped = chop_cells(unit, width)
        lines += chopped if lines[-1] else []
        if lines == [""]:
            lines = chopped
    return lines


def _units(text: str) -> Iterator[tuple[bool, str]]:
    """What is never broken, and whether a blank stands before it."""
    for word in text.split():
        edges = [found.start() for found in UNIT.finditer(word) if found.group()] + [len(word)]
        for start, end in pairwise(edges):
            yield start == 0, word[start:end]
