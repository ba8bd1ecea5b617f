"""``query`` and ``store``: what was collected, seen through SQL, and the state of the files under it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.errors import Problem

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
    group = typer.Typer(help=N_("The files of the store."), no_args_is_help=True, rich_markup_mode=None)
    group.command("status", help=N_("What the store holds.\n\nExample: factory-kit store status"))(status)
    group.command(
        "verify",
        help=N_("Read every file of the store and compare it with its checksum.\n\nExample: factory-kit store verify"),
    )(verify)
    group.command(
        "repair",
        help=N_(
            "Put damaged files aside, note what is lost as gaps, and make the store whole again.\n\nExample: factory-kit store repair"
        ),
    )(repair)
    group.command(
        "compact",
        help=N_("Merge small files and make the roll-ups by the minute.\n\nExample: factory-kit store compact"),
    )(compact)
    app.add_typer(group, name="store")


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


def status(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from dataclasses import asdict

    from factory_kit.cli.console import print_json, print_table
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    found = Store(Workspace.at(workspace).store_folder).status()
    if as_json:
        print_json(asdict(found))
        return
    first, last = (_moment(micros) for micros in (found.first, found.last))
    rows = [
        (_("Samples, sealed"), found.rows), (_("Samples, in the journal"), found.journal_rows), (_("Points"), found.points),
        (_("Equipment in the ledger"), found.equipment), (_("Runs"), found.runs), (_("Files"), found.files), (_("Bytes"), found.bytes + found.journal_bytes),
        (_("First sample (UTC)"), first), (_("Last sample (UTC)"), last), (_("Being written by process"), found.writer),
    ]  # fmt: skip
    print_table((_("What"), _("Value")), rows, numbers={1: True})
    _say_problems(found.problems)


def verify(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from factory_kit.cli.console import print_json, success
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    problems = Store(Workspace.at(workspace).store_folder).verify()
    if as_json:
        print_json([str(problem) for problem in problems])
    else:
        _say_problems(problems)
    if problems:
        raise typer.Exit(1)
    if not as_json:
        success(_("Every file of the store is what its checksum says."))


def repair(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    done = Store(Workspace.at(workspace).store_folder).repair()
    if as_json:
        print_json([str(problem) for problem in done])
        return
    for problem in done:
        note(problem.located(_(problem.message)))
    success(
        _("Nothing was damaged.")
        if not done
        else _("{count} things mended; nothing was deleted.").format(count=len(done))
    )


def compact(workspace: WorkspaceFolder = Path()) -> None:
    from factory_kit.cli.console import success
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    store = Store(Workspace.at(workspace).store_folder)
    store.seal()
    success(_("{count} places merged.").format(count=store.compact()))


def _say_problems(problems: Sequence[Problem]) -> None:
    from factory_kit.cli.console import fail

    for problem in problems:
        fail(problem.located(_(problem.message)))


def _moment(micros: int | None) -> str | None:
    from datetime import UTC, datetime

    return None if micros is None else datetime.fromtimestamp(micros / 1e6, UTC).isoformat(sep=" ", timespec="seconds")


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return "" if value is None else str(value)
