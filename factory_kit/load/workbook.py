"""Excel files that others filled in: looked at as archives first, then row by row, values only."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

from factory_kit.errors import UsageError

__all__ = ["MOST_ROWS", "SheetRow", "sheet_rows"]

MOST_ROWS = 100_000
"""Of all sheets together; a form filled in by hand has hundreds."""
MOST_COLUMNS = 200


@dataclass(frozen=True, slots=True)
class SheetRow:
    """One row: the sheet, its number from 1, and its values from column A."""

    sheet: str
    number: int
    cells: tuple[object, ...]

    def cell(self, column: int) -> str:
        """The name of the cell in *column* (from 0), such as ``C7``."""
        name, rest = "", column + 1
        while rest:
            rest, letter = divmod(rest - 1, 26)
            name = chr(ord("A") + letter) + name
        return f"{name}{self.number}"


def sheet_rows(path: Path) -> Iterator[SheetRow]:
    """The rows of all sheets of the Excel file *path*, hidden ones too; formulas as the values they last had.

    The caller has checked the archive (``factory_kit.seal.archive``). ``UsageError`` for what is no .xlsx, and for too much.
    """
    import openpyxl  # noqa: PLC0415 - only for who reads Excel

    count = 0
    with ExitStack() as opened:
        try:
            file = opened.enter_context(path.open("rb"))  # a file that openpyxl refuses is left open by it
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of features that only Excel itself knows
                book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        except (BadZipFile, KeyError, ValueError, OSError, TypeError, AttributeError, SyntaxError) as error:
            raise UsageError("{file}: is no Excel workbook that can be read (.xlsx)", file=path.name) from error
        opened.callback(book.close)
        for sheet in book.worksheets:
            for number, row in enumerate(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS), start=1):
                count += 1
                if count > MOST_ROWS:
                    raise UsageError(
                        "{file}: has more than {most} rows; this is no form", file=path.name, most=MOST_ROWS
                    )
                yield SheetRow(sheet.title, number, tuple(row))
