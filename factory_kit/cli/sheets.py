"""A table a command shows, saved as CSV or Excel by the ending of the file's name."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import N_, _, language

__all__ = ["Cell", "OutFile", "save_table"]

OutFile = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help=N_("Write the table as CSV or Excel, by the ending .csv or .xlsx.")),
]
Cell = str | int | Fraction | None


def save_table(path: Path, title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """*rows* under *path*: CSV is UTF-8 with a mark that Excel understands, numbers have a point and six decimals.

    ``UsageError`` for any other ending.
    """
    ending = path.suffix.lower()
    if ending == ".csv":
        write_atomically(path, "\ufeff" + _csv(columns, rows))
    elif ending == ".xlsx":
        _excel(path, title, columns, rows)
    else:
        raise UsageError("{path}: the ending says the form, expected .csv or .xlsx", path=path)


def _csv(columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> str:
    content = io.StringIO()
    writer = csv.writer(content, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([[_text(cell) for cell in row] for row in rows])
    return content.getvalue()


def _text(cell: Cell) -> str:
    if isinstance(cell, Fraction):
        return str(_decimal(cell))
    return "" if cell is None else str(cell)


def _decimal(number: Fraction) -> Decimal:
    return Decimal(round(number * 10**6)).scaleb(-6)


def _excel(path: Path, title: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    from factory_kit.render.document import Cell as Shown
    from factory_kit.render.document import Column, Document, Row, Section, Table
    from factory_kit.render.excel import write_excel

    def shown(cell: Cell) -> Shown:
        number = _decimal(cell) if isinstance(cell, Fraction) else cell if isinstance(cell, int) else None
        return Shown(_text(cell), number=number)

    table = Table(
        "table",
        title,
        tuple(Column(f"c{number}", name) for number, name in enumerate(columns)),
        tuple(Row(tuple(shown(cell) for cell in row)) for row in rows),
    )
    section = Section("section", title, (table,))
    write_excel(Document(language(), title, "", (section,), _("Contents"), "Factory Kit"), path)
