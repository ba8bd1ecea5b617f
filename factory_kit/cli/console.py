"""The two places the command line writes to: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cache

from rich.console import Console
from rich.table import Table

__all__ = ["fail", "note", "print_json", "print_table", "results", "stderr", "success"]


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
    stderr().print(text, markup=False)


def success(text: str) -> None:
    """*text* on standard error, as something done."""
    stderr().print(f"[green]✓[/green] {_plain(text)}")


def fail(text: str) -> None:
    """*text* on standard error, as what went wrong."""
    stderr().print(text, style="red", markup=False, soft_wrap=True)


def print_json(value: object) -> None:
    """*value* as JSON on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    title: str = "",
    numbers: Mapping[int, bool] | None = None,
) -> None:
    """A table on standard output; *numbers* names the columns that are set flush right."""
    table = Table(title=title or None, title_justify="left", title_style="bold", header_style="bold", expand=False)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if (numbers or {}).get(index) else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_plain("" if cell is None else str(cell)) for cell in row))
    results().print(table)


def _plain(text: str) -> str:
    """*text* with nothing that rich would read as markup."""
    return text.replace("[", r"\[")
