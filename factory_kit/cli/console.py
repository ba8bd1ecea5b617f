"""The two places the command line writes to: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from rich import box
from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

__all__ = ["fail", "json_text", "note", "print_json", "print_table", "results", "spelled", "stderr", "success"]

CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
"""Signs that could move the cursor, colour or rename a terminal; texts of machines and files are shown with them spelled out."""

ENDLESS = 10_000
"""Cells of a terminal on which every table fits."""

FIRST_WIDE = "\u2e80"
"""Where the scripts begin that have no blanks between words."""

JSON_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""Those of them that JSON leaves as they are."""

PASTED = re.compile(r"factory-kit |://|(?<!\S)/\w|\b[A-Za-z]:\\")
"""What people take from a text into another: commands, addresses, paths from the root of Linux or of a drive."""


@cache
def results() -> Console:
    """The console for results."""
    return Console(highlight=False, soft_wrap=False)


@cache
def stderr() -> Console:
    """The console for progress, notes and errors."""
    return Console(stderr=True, highlight=False)


def note(text: str) -> None:
    """*text* on standard error."""
    stderr().print(_plain(text), soft_wrap=_whole(text))


def success(text: str) -> None:
    """*text* on standard error, as something done."""
    stderr().print(Text.assemble(("✓", "green"), " ", _plain(text)), soft_wrap=_whole(text))


def _whole(text: str) -> bool:
    """Whether the terminal breaks *text*, not we: what is pasted stays one piece, and Chinese has no blanks at which to break well."""
    return PASTED.search(text) is not None or any(sign >= FIRST_WIDE for sign in text)


def fail(text: str) -> None:
    """*text* on standard error, as what went wrong."""
    stderr().print(_plain(text), style="red", soft_wrap=True)


def print_json(value: object) -> None:
    """*value* as JSON on standard output, in ASCII where that cannot carry Chinese."""
    sys.stdout.write(json_text(value) + "\n")


def json_text(value: object, indent: int | None = 2) -> str:
    """*value* as JSON, in ASCII where standard output cannot carry Chinese; control characters of every kind are escaped."""
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    return json.dumps(value, ensure_ascii=ascii_only, indent=indent, default=str).translate(JSON_CONTROLS)


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    numbers: Mapping[int, bool] | None = None,
) -> None:
    """A table on standard output; *numbers* names the columns whose cells are never broken, and whether they are set flush right.

    Where the terminal is too narrow for a frame and all words side by side, the frame becomes a line under the heads, columns without
    any content are left out, and the others wrap.
    """
    cells = [[_plain("" if cell is None else str(cell)) for cell in row] for row in rows]
    flush, out = numbers or {}, results()
    table = _table(columns, cells, title, flush, wide=True)
    if _natural_width(table, out) > out.width:
        kept = [at for at in range(len(columns)) if not cells or any(row[at].cell_len for row in cells)]
        flush = {place: flush[at] for place, at in enumerate(kept) if at in flush}
        table = _table(
            [columns[at] for at in kept], [[row[at] for at in kept] for row in cells], title, flush, wide=False
        )
    out.print(table)


def _table(
    columns: Sequence[str], rows: Sequence[Sequence[Text]], title: str, numbers: Mapping[int, bool], *, wide: bool
) -> Table:
    frame = box.HEAVY_HEAD if wide else box.SIMPLE_HEAD
    table = Table(
        title=_plain(title) if title else None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        box=frame,
        show_edge=wide,
        padding=(0, 1) if wide else (0, 1, 0, 0),
    )
    for index, column in enumerate(columns):
        head = _plain(column)
        if not wide and index in numbers:
            head = _stacked(column, max((row[index].cell_len for row in rows), default=0))
        justify: JustifyMethod = "right" if numbers.get(index) else "left"
        table.add_column(head, justify=justify, overflow="fold", no_wrap=not wide and index in numbers)
    for row in rows:
        table.add_row(*row)
    return table


def _stacked(head: str, width: int) -> Text:
    """*head* with a line for each word that does not fit beside the others in *width* cells."""
    lines: list[str] = []
    for word in head.split():
        if lines and cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return _plain("\n".join(lines))


def _natural_width(table: Table, out: Console) -> int:
    """The cells that *table* takes where nothing wraps."""
    endless = out.options.update(max_width=ENDLESS)
    return Measurement.get(out, endless, table).maximum


def _plain(text: str) -> Text:
    """*text* as it is: nothing in it is markup, and no sign of it reaches the terminal as a command."""
    return Text(spelled(text))


def spelled(text: str) -> str:
    """*text* with the signs that could move a terminal spelled out."""
    return text.translate(CONTROLS)
