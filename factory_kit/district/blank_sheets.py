"""Empty sheets of the registers, to be filled in and imported: headings, allowed words to choose from, and what each column asks for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from factory_kit.district.register import Column, RegisterForm, forms
from factory_kit.district.wording import say
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import Language

__all__ = ["register_named", "write_blank_sheets"]

ROWS = 2_000
"""Rows below the headings that are prepared as text and with lists to choose from."""
WIDTHS = {"credit_code": 22, "text": 26, "unit": 16, "units": 22, "public_key": 40}


def register_named(name: str) -> str:
    """The id of the register called *name*, by its id or its name in either language; ``UsageError`` for another word."""
    for register, form in forms().items():
        if name.strip().casefold() in {register, form.name.zh.casefold(), form.name.en.casefold()}:
            return register
    raise UsageError(
        "{register!r} is no register, expected one of {known}",
        register=name,
        known=", ".join(f"{register} ({form.name.zh})" for register, form in forms().items()),
    )


def write_blank_sheets(folder: Path, registers: Sequence[str], language: Language) -> list[Path]:
    """A workbook for each of *registers* in *folder*; ``UsageError`` where one would be written over."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {register: folder / f"{forms()[register].name.in_(language)}.xlsx" for register in registers}
    for path in paths.values():
        if path.exists():
            raise UsageError("{file}: is there already; name another folder", file=path)
    for register, path in paths.items():
        write_atomically(path, _workbook(forms()[register], language))
    return list(paths.values())


def _workbook(form: RegisterForm, language: Language) -> bytes:
    import xlsxwriter  # noqa: PLC0415 - only for who writes Excel

    content = io.BytesIO()
    book = xlsxwriter.Workbook(content, {"in_memory": True, "strings_to_formulas": False})
    _rows(book, form, language)
    _explained(book, form, language)
    book.close()
    return content.getvalue()


def _rows(book: Any, form: RegisterForm, language: Language) -> None:
    """The sheet to fill in."""
    sheet = book.add_worksheet(form.name.in_(language)[:31])
    head = book.add_format({"bold": True, "bg_color": "#E4EAEF", "border": 1, "text_wrap": True, "valign": "vcenter"})
    plain, text = book.add_format({}), book.add_format({"num_format": "@"})
    for at, column in enumerate(form.columns.values()):
        title = heading(column, language)
        sheet.write_string(0, at, title + "*" * column.required, head)
        sheet.set_column(at, at, WIDTHS.get(column.kind, 14), plain if column.kind == "number" else text)
        if column.choices:
            words = [_word(words, language) for words in column.choices.values()]
            sheet.data_validation(1, at, ROWS, at, {"validate": "list", "source": words, "error_type": "warning"})
    sheet.set_row(0, 32)
    sheet.freeze_panes(1, 1)


def _explained(book: Any, form: RegisterForm, language: Language) -> None:
    """The sheet that says what each column asks for."""
    sheet = book.add_worksheet(say("blank.sheet", language))
    wrap, bold = book.add_format({"text_wrap": True, "valign": "top"}), book.add_format({"bold": True})
    for at, (key, width) in enumerate((("blank.column", 24), ("blank.needed", 10), ("blank.what", 80))):
        sheet.write_string(0, at, say(key, language), bold)
        sheet.set_column(at, at, width, wrap)
    for row, column in enumerate(form.columns.values(), start=1):
        sheet.write_string(row, 0, heading(column, language), wrap)
        sheet.write_string(row, 1, say("blank.yes", language) if column.required else "", wrap)
        sheet.write_string(row, 2, _asks(column, language), wrap)


def heading(column: Column, language: Language) -> str:
    """The heading of *column* that is written: the first in Chinese, the last in English."""
    return column.heads[0] if language == "zh" else column.heads[-1]


def _word(words: Sequence[str], language: Language) -> str:
    plain = [word for word in words if word.isascii()]
    return words[0] if language == "zh" or not plain else plain[0]


def _asks(column: Column, language: Language) -> str:
    words = ("、" if language == "zh" else ", ").join(_word(words, language) for words in column.choices.values())
    said = say(f"blank.{column.kind}", language, words=words)
    if column.default and column.kind == "choice":
        said += " " + say("blank.otherwise", language, word=_word(column.choices[column.default], language))
    return said
