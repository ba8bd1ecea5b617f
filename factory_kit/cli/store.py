"""``store``: the files under what was collected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from factory_kit.cli.lake import join_store
from factory_kit.cli.losses import join_losses
from factory_kit.cli.options import AsJson, CsvFor, WorkspaceFolder, csv_reader, format_of
from factory_kit.cli.timerange import asked_times
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.errors import Problem
    from factory_kit.store import Status, Store
    from factory_kit.store.export import ExportForm

__all__ = ["register", "store_of"]

EXPORTS = ("csv", "xlsx", "parquet", "duckdb")
MANY = 20


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
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
    group.command(
        "export",
        help=N_(
            "Write samples and catalogue for other programs: a folder of CSV or plain Parquet files, an Excel file, or a DuckDB file.\n\n"
            "Example: factory-kit store export september.xlsx --from 2026-09-01 --to 2026-09-30 --equipment cnc-01"
        ),
    )(export)
    join_losses(group)
    join_store(group)
    app.add_typer(group, name="store")


def export(
    target: Annotated[
        Path, typer.Argument(metavar="TARGET", help=N_("The new folder (csv, parquet) or file (xlsx, duckdb)."))
    ],
    form: Annotated[
        str, typer.Option("--format", metavar="csv|xlsx|parquet|duckdb", help=N_("By default what TARGET ends in."))
    ] = "",
    since: Annotated[
        str, typer.Option("--from", metavar="YYYY-MM-DD", help=N_("First day, in the plant's zone; by default all."))
    ] = "",
    until: Annotated[
        str, typer.Option("--to", metavar="YYYY-MM-DD", help=N_("Last day, included; by default all."))
    ] = "",
    equipment: Annotated[
        list[str] | None,
        typer.Option("--equipment", metavar="ID", help=N_("Only this equipment; may be given several times.")),
    ] = None,
    point: Annotated[
        list[str] | None,
        typer.Option(
            "--point",
            metavar="NAME",
            help=N_("Only points of this name, or EQUIPMENT/NAME; may be given several times."),
        ),
    ] = None,
    csv_for: CsvFor = "",
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import print_json, success
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store
    from factory_kit.store.columns import FIRST_TIME, LAST_TIME
    from factory_kit.store.export import Wanted

    chosen = format_of(form, target, EXPORTS)
    place = Workspace.at(workspace)
    zone = place.site()[0].plant.timezone
    store = Store(place.store_folder)
    start, end = asked_times(zone, since, until)
    samples = store.export(
        target,
        cast("ExportForm", chosen),
        Wanted(
            FIRST_TIME if start is None else start,
            LAST_TIME + 1 if end is None else end,
            _wanted_points(store, equipment or [], point or []),
            zone,
            csv_reader(csv_for, "excel"),
        ),
    )
    if as_json:
        print_json({"target": str(target), "format": chosen, "samples": samples})
        return
    success(_("{count} samples written to {target}.").format(count=samples, target=target))


def _wanted_points(store: Store, equipment: Sequence[str], names: Sequence[str]) -> set[int] | None:
    """The points asked for, None for all; ``UsageError`` for words that fit none."""
    from factory_kit.errors import UsageError

    if not equipment and not names:
        return None
    rows = store.query("SELECT point, equipment, name FROM points").to_pylist()
    for word, known in ((each, {row["equipment"] for row in rows}) for each in equipment):
        if word not in known:
            raise UsageError(
                "{word!r} is no equipment with points in the store; there are {known}",
                word=word,
                known=", ".join(sorted(known)[:MANY]) or "-",
            )
    for word in names:
        if not any(_fits(word, row) for row in rows):
            raise UsageError(
                '{word!r} is no point of the store; factory-kit query "SELECT * FROM points" shows them', word=word
            )
    return {
        row["point"]
        for row in rows
        if (not equipment or row["equipment"] in equipment) and (not names or any(_fits(word, row) for word in names))
    }


def _fits(word: str, point: Mapping[str, str]) -> bool:
    return word in {point["name"], f"{point['equipment']}/{point['name']}"}


def status(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from dataclasses import asdict

    from factory_kit.cli.console import print_json, print_table

    store = store_of(workspace)
    if not as_json and _is_missing(store):
        return
    found = store.status()
    if as_json:
        print_json({**asdict(found), "problems": [_line(problem) for problem in found.problems]})
    else:
        print_table((_("What"), _("Value")), _status_rows(found), numbers={1: True})
        _say_problems(found.problems)
    if found.problems:
        raise typer.Exit(1)


def _status_rows(found: Status) -> list[tuple[str, str]]:
    counts = {
        _("Samples, sealed"): found.rows,
        _("Samples, in the journal"): found.journal_rows,
        _("Points"): found.points,
        _("Equipment in the ledger"): found.equipment,
        _("Runs"): found.runs,
        _("Files"): found.files,
        _("Bytes"): found.bytes + found.journal_bytes,
    }
    return [
        *((label, f"{count:,}") for label, count in counts.items()),
        (_("First sample (UTC)"), _moment(found.first)),
        (_("Last sample (UTC)"), _moment(found.last)),
        (_("Being written by process"), "-" if found.writer is None else str(found.writer)),
    ]


def _is_missing(store: Store) -> bool:
    """Whether there is no store yet; then that is said."""
    from factory_kit.cli.console import note

    missing = not any((store.folder / name).exists() for name in ("catalogue.jsonl", "manifest.jsonl", "data"))
    if missing:
        note(_("{folder}: there is no store yet; collect or import first").format(folder=store.folder))
    return missing


def verify(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from factory_kit.cli.console import print_json, success

    store = store_of(workspace)
    if not as_json and _is_missing(store):
        return
    problems = store.verify()
    if as_json:
        print_json([_line(problem) for problem in problems])
    else:
        _say_problems(problems)
    if problems:
        raise typer.Exit(1)
    if not as_json:
        success(_("Every file of the store is what its checksum says."))


def repair(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from factory_kit.cli.console import note, print_json, success

    store = store_of(workspace)
    if not as_json and _is_missing(store):
        return
    done = store.repair()
    if as_json:
        print_json([_line(problem) for problem in done])
        return
    for problem in done:
        note(_line(problem))
    success(
        _("Nothing was damaged.")
        if not done
        else _("{count} things mended; nothing was deleted.").format(count=len(done))
    )


def compact(workspace: WorkspaceFolder = Path()) -> None:
    from factory_kit.cli.console import success

    store = store_of(workspace)
    if _is_missing(store):
        return
    store.seal()
    success(_("{count} places merged.").format(count=store.compact()))


def _say_problems(problems: Sequence[Problem]) -> None:
    from factory_kit.cli.console import fail

    for problem in problems:
        fail(_line(problem))


def _line(problem: Problem) -> str:
    """What is wrong, in the language in force; the texts of the store name the file themselves."""
    return _(problem.message).format(**problem.details)


def _moment(micros: int | None) -> str:
    from datetime import UTC, datetime, timedelta

    if micros is None:
        return "-"
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)).strftime("%Y-%m-%d %H:%M:%S")


def store_of(workspace: Path) -> Store:
    """The store of the workspace."""
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    return Store(Workspace.at(workspace).store_folder)
