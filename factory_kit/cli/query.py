"""``query`` and ``store``: what was collected, seen through SQL, and the state of the files under it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    import pyarrow as pa

    from factory_kit.errors import Problem

__all__ = ["register"]

DEFAULT_ROWS = 200
LONGEST_CELL = 2000
"""Signs of one cell that a table shows; JSON has all."""


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

    table = Store(Workspace.at(workspace).store_folder).query(sql, limit + 1 if limit else None)
    shown = table.slice(0, limit) if limit else table
    rows = list(zip(*(_values(column) for column in shown.columns), strict=True))
    if as_json:
        names = _distinct(table.column_names)
        print_json([{name: _for_json(cell) for name, cell in zip(names, row, strict=True)} for row in rows])
        return
    print_table(table.column_names, [[_cell(cell) for cell in row] for row in rows])
    if shown.num_rows < table.num_rows:
        note(_("The first {shown} rows; --limit 0 shows all").format(shown=shown.num_rows))


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


def _values(column: pa.ChunkedArray) -> list[object]:
    """The values of *column*; times that Python cannot hold as texts."""
    try:
        return list(column.to_pylist())
    except (OverflowError, ValueError):
        return list(column.cast("string").to_pylist())


def _distinct(names: Sequence[str]) -> list[str]:
    """*names* with a number behind those that were there before, so that JSON loses no column."""
    found: list[str] = []
    for name in names:
        others = (f"{name}_{number}" for number in range(1, len(names) + 1))
        found.append(name if name not in found else next(each for each in others if each not in {*found, *names}))
    return found


def _for_json(value: object) -> object:
    """JSON has no NaN and no infinity; both are null there."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
