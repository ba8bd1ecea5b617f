"""The two places the command line writes to: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from rich.console import Console
from rich.table import Table
from rich.text import Text

__all__ = ["fail", "json_text", "note", "print_json", "print_table", "results", "spelled", "stderr", "success"]

CONTROLS = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"}
"""Signs that could move the cursor, colour or rename a terminal; texts of machines and files are shown with them spelled out."""

JSON_CONTROLS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}
"""Those of them that JSON leaves as they are."""


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
    stderr().print(_plain(text))


def success(text: str) -> None:
    """*text* on standard error, as something done."""
    stderr().print(Text.assemble(("✓", "green"), " ", _plain(text)))


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
    """A table on standard output; *numbers* names the columns that are set flush right."""
    table = Table(
        title=_plain(title) if title else None,
        title_justify="left",
        title_style="bold",
        header_style="bold",
        expand=False,
    )
    for index, column in enumerate(columns):
        table.add_column(_plain(column), justify="right" if (numbers or {}).get(index) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_plain("" if cell is None else str(cell)) for cell in row))
    results().print(table)


def _plain(text: str) -> Text:
    """*text* as it is: nothing in it is markup, and no sign of it reaches the terminal as a command."""
    return Text(spelled(text))


def spelled(text: str) -> str:
    """*text* with the signs that could move a terminal spelled out."""
    return text.translate(CONTROLS)
