"""Tables that people edit in a spreadsheet: CSV in UTF-8 or GBK, with the line of every row."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_

__all__ = ["Row", "read_table"]

ENCODINGS = ("utf-8", "gb18030")
UTF8_MARK = b"\xef\xbb\xbf"
"""Spreadsheets write it before UTF-8, and some also before GBK."""


@dataclass(frozen=True)
class Row:
    """One row of a table: its line in the file and its cells by column, empty ones left out."""

    line: int
    cells: dict[str, str]


def read_table(path: Path, columns: Sequence[str], name: str | None = None) -> list[Row]:
    """The rows of the CSV file *path*; ``DefinitionError`` with every unknown column and every row of another width."""
    shown = name or str(path)
    records = csv.reader(io.StringIO(_decoded(path, shown), newline=""))
    header = [cell.strip() for cell in next(records, [])]
    problems = [Problem(shown, 1, column, N_("is not a known column")) for column in header if column not in columns]
    problems += [
        Problem(shown, 1, column, N_("this column is given twice"))
        for column in sorted(set(header))
        if header.count(column) > 1
    ]
    rows = []
    for cells in records:
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            message = N_("has {found} cells, expected {expected}; put texts with a comma in quotation marks")
            problems.append(
                Problem(shown, records.line_num, "", message, {"found": len(cells), "expected": len(header)})
            )
            continue
        rows.append(
            Row(
                records.line_num,
                {column: cell.strip() for column, cell in zip(header, cells, strict=True) if cell.strip()},
            )
        )
    if problems:
        raise DefinitionError(problems)
    return rows


def _decoded(path: Path, shown: str) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DefinitionError(
            [Problem(shown, 0, "", N_("cannot be read ({reason})"), {"reason": error.strerror})]
        ) from error
    for encoding in ENCODINGS:
        try:
            return raw.removeprefix(UTF8_MARK).decode(encoding).removeprefix("\ufeff")
        except UnicodeDecodeError:
            continue
    raise DefinitionError([Problem(shown, 0, "", N_("is neither UTF-8 nor GBK; save it again as CSV UTF-8"))])
