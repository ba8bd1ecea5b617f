"""``query``: what was collected, seen through SQL."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory_kit.cli.options import AsJson, CsvFor, WorkspaceFolder, csv_reader, format_of
from factory_kit.cli.store import store_of
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.store import Store
    from factory_kit.store.formats import CsvFor as CsvReader
    from factory_kit.store.formats import RowForm

__all__ = ["register"]

DEFAULT_ROWS = 200
LONGEST_S = 600.0
FORMS = ("table", "csv", "json", "xlsx", "parquet")
LONGEST_CELL = 2000
"""Signs of one cell that a table shows; JSON has all."""


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Run one SELECT over the views samples, rollup_1min, latest, points, points_history, equipment, operations, states, gaps, runs and loss_ledger.\n\n"
            'Example: factory-kit query "SELECT equipment, count(*) FROM samples JOIN points USING (point) GROUP BY equipment"'
        )
    )(query)


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help=N_("One SELECT statement."))],
    workspace: WorkspaceFolder = Path(),
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="table|csv|json|xlsx|parquet",
            help=N_("By default what --out ends in, else a table."),
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="FILE", help=N_("Write to this new file; xlsx and parquet need one.")),
    ] = None,
    csv_for: CsvFor = "",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", help=N_("Most rows; 0 for all. A table shows 200 unless told, the other formats all."), min=0
        ),
    ] = None,
    timeout: Annotated[
        float,
        typer.Option("--timeout", metavar="SECONDS", help=N_("The query ends after so long; 0 for no end."), min=0),
    ] = LONGEST_S,
    as_json: AsJson = False,
) -> None:
    """The rows of *sql*."""
    chosen = _form(form or ("json" if as_json else ""), output)
    if limit is None and chosen == "table":
        limit = DEFAULT_ROWS
    store = store_of(workspace)
    if chosen == "table":
        _show_rows(store, sql, limit or None, timeout)
        return
    most = limit or None
    if output is None:
        sys.stdout.flush()
        rows, more = store.query_into(
            sql, sys.stdout.buffer, chosen, csv_for=csv_reader(csv_for, "programs"), most=most, seconds=timeout
        )
    else:
        rows, more = _write_rows(store, sql, output, chosen, csv_reader(csv_for, "excel"), most, timeout)
    _say_more(rows, more=more)


def _write_rows(
    store: Store, sql: str, output: Path, form: RowForm, csv_for: CsvReader, most: int | None, timeout: float
) -> tuple[int, bool]:
    """The answer in a new file, whole or not at all."""
    from factory_kit.cli.console import success
    from factory_kit.errors import UsageError
    from factory_kit.files import atomic_path

    if output.exists() or output.is_symlink():
        raise UsageError("{target}: is there already; choose another name or take it away", target=output)
    with atomic_path(output) as aside, aside.open("wb") as file:
        rows, more = store.query_into(sql, file, form, csv_for=csv_for, most=most, seconds=timeout)
    success(_("{count} rows written to {file}.").format(count=rows, file=output))
    return rows, more


def _show_rows(store: Store, sql: str, limit: int | None, timeout: float) -> None:
    from factory_kit.cli.console import print_table
    from factory_kit.store.formats import python_values

    table = store.query(sql, limit + 1 if limit else None, timeout)
    shown = table.slice(0, limit) if limit else table
    rows = zip(*(python_values(column) for column in shown.columns), strict=True)
    print_table(table.column_names, [[_cell(cell) for cell in row] for row in rows])
    _say_more(shown.num_rows, more=shown.num_rows < table.num_rows)


def _say_more(rows: int, *, more: bool) -> None:
    from factory_kit.cli.console import note

    if more:
        note(_("The first {shown} rows; --limit 0 shows all").format(shown=rows))


def _form(asked: str, output: Path | None) -> Any:
    """The format asked for, or that *output* ends in."""
    from factory_kit.errors import UsageError

    if output is not None:
        return format_of(asked, output, FORMS[1:])
    form = format_of(asked or "table", Path(), FORMS)
    if form in {"xlsx", "parquet"}:
        raise UsageError("{form} needs a file; add --out FILE", form=form)
    return form


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
