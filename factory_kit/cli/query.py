"""``query`` and ``store``: what was collected, seen through SQL, and the state of the files under it."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.cli.timerange import asked_times
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.errors import Problem
    from factory_kit.store import Status, Store
    from factory_kit.store.export import ExportForm
    from factory_kit.store.formats import CsvFor as CsvReader
    from factory_kit.store.formats import RowForm

__all__ = ["register"]

DEFAULT_ROWS = 200
LONGEST_S = 600.0
FORMS = ("table", "csv", "json", "xlsx", "parquet")
EXPORTS = ("csv", "xlsx", "parquet", "duckdb")
MANY = 20
CsvFor = Annotated[
    str,
    typer.Option(
        "--csv-for",
        metavar="excel|programs",
        help=N_(
            "excel (of files the default): with a byte order mark, times to the millisecond, an apostrophe before texts that Excel would run; "
            "programs: every value as it is."
        ),
    ),
]
LONGEST_CELL = 2000
"""Signs of one cell that a table shows; JSON has all."""


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Run one SELECT over the views samples, rollup_1min, latest, points, points_history, equipment, states, gaps, runs and loss_ledger.\n\n"
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
    group.command(
        "export",
        help=N_(
            "Write samples and catalogue for other programs: a folder of CSV or plain Parquet files, an Excel file, or a DuckDB file.\n\n"
            "Example: factory-kit store export september.xlsx --from 2026-09-01 --to 2026-09-30 --equipment cnc-01"
        ),
    )(export)
    app.add_typer(group, name="store")


def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help=N_("One SELECT statement."))],
    workspace: WorkspaceFolder = Path(),
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="table|csv|json|xlsx|parquet",
            help=N_("By default what --output ends in, else a table."),
        ),
    ] = "",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help=N_("Write to this new file; xlsx and parquet need one.")),
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
    store = _store(workspace)
    if chosen == "table":
        _show_rows(store, sql, limit or None, timeout)
        return
    most = limit or None
    if output is None:
        sys.stdout.flush()
        rows, more = store.query_into(
            sql, sys.stdout.buffer, chosen, csv_for=_csv_for(csv_for, "programs"), most=most, seconds=timeout
        )
    else:
        rows, more = _write_rows(store, sql, output, chosen, _csv_for(csv_for, "excel"), most, timeout)
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

    ending = output.suffix.lower().removeprefix(".") if output is not None else "table"
    form = asked or ending
    if form not in FORMS or (output is not None and form == "table"):
        raise UsageError(
            "{form!r} is no format for this, expected one of {forms}; say it with --format or the name of the file",
            form=form,
            forms=", ".join(FORMS if output is None else FORMS[1:]),
        )
    if output is None and form in {"xlsx", "parquet"}:
        raise UsageError("{form} needs a file; add --output FILE", form=form)
    return form


def _csv_for(asked: str, otherwise: CsvReader) -> CsvReader:
    from factory_kit.errors import UsageError

    if asked in {"excel", "programs"}:
        return cast("CsvReader", asked)
    if asked:
        raise UsageError("{asked!r} is no reader of CSV, expected excel or programs", asked=asked)
    return otherwise


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
    from factory_kit.errors import UsageError
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store
    from factory_kit.store.columns import FIRST_TIME, LAST_TIME
    from factory_kit.store.export import Wanted

    chosen = form or target.suffix.lower().removeprefix(".")
    if chosen not in EXPORTS:
        raise UsageError(
            "{form!r} is no format for this, expected one of {forms}; say it with --format or the name of the file",
            form=chosen,
            forms=", ".join(EXPORTS),
        )
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
            _csv_for(csv_for, "excel"),
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

    store = _store(workspace)
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


def _store(workspace: Path) -> Store:
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    return Store(Workspace.at(workspace).store_folder)


def _is_missing(store: Store) -> bool:
    """Whether there is no store yet; then that is said."""
    from factory_kit.cli.console import note

    missing = not any((store.folder / name).exists() for name in ("catalogue.jsonl", "manifest.jsonl", "data"))
    if missing:
        note(_("{folder}: there is no store yet; collect or import first").format(folder=store.folder))
    return missing


def verify(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from factory_kit.cli.console import print_json, success

    store = _store(workspace)
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

    store = _store(workspace)
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

    store = _store(workspace)
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


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    text = "" if value is None else str(value)
    return text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
