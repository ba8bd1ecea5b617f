"""``query`` and ``store``: what was collected, seen through SQL, and the state of the files under it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

__all__ = ["register"]

DEFAULT_ROWS = 200


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Run one SELECT over the views samples, points, equipment, states, latest, gaps, runs and loss_ledger.\n\n"
            'Example: factory-kit query "SELECT equipment, count(*) FROM samples JOIN points USING (point) GROUP BY equipment"'
        )
    )(query)


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help=N_("One SELECT statement."))],
    workspace: WorkspaceFolder = Path(),
    limit: Annotated[int, typer.Option("--limit", help=N_("Most rows to show; 0 shows all."), min=0)] = DEFAULT_ROWS,
    as_json: AsJson = False,
) -> None:
    """The rows of *sql*."""
    from factory_kit.cli.console import note, print_json, print_table
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    table = Store(Workspace.at(workspace).store_folder).query(sql)
    shown = table.slice(0, limit) if limit else table
    rows = shown.to_pylist()
    if as_json:
        print_json(rows)
        return
    print_table(table.column_names, [[_cell(row[name]) for name in table.column_names] for row in rows])
    if shown.num_rows < table.num_rows:
        note(_("{shown} of {all} rows; --limit 0 shows all").format(shown=shown.num_rows, all=table.num_rows))


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)
