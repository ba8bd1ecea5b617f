"""``store push`` and ``store pull``: data that travels to an object store or a carried disk, and back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.cli.sheets import Cell, OutFile, save_table
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.lake import Engine, Figure, Pace, Question, Remote
    from factory_kit.lake.delta import Tabled
    from factory_kit.lake.figures import Asked
    from factory_kit.lake.push import Pushed
    from factory_kit.load.workspace import Workspace

__all__ = ["join_store", "register"]

Place = Annotated[str, typer.Argument(metavar="PLACE", help=N_("s3://BUCKET/PREFIX, or a folder."))]
Raw = Annotated[
    bool, typer.Option("--raw", help=N_("The samples too; without it only minutes, gaps and losses travel."))
]
Limit = Annotated[
    float,
    typer.Option("--limit", metavar="MBIT/S", help=N_("At most so many megabits a second; 0 for no limit."), min=0),
]
MEGABIT = 125_000


def register(app: typer.Typer) -> None:
    """The group ``lake`` joins *app*."""
    group = typer.Typer(
        help=N_("Many plants that were pushed to one place."), no_args_is_help=True, rich_markup_mode=None
    )
    group.command(
        "plants", help=N_("What lies at a place.\n\nExample: factory-kit lake plants s3://songjiang/machines")
    )(plants)
    group.command(
        "figures",
        help=N_(
            "Compute the KPIs and indicators of many plants, on the processors of this computer or on a Spark cluster; the figures are the same "
            "to the last digit.\n\n"
            "Example: factory-kit lake figures s3://songjiang/machines --from 2026-09-01 --to 2026-09-30 --engine spark --master local[4] --out september.xlsx"
        ),
    )(figures)
    app.add_typer(group, name="lake")


def join_store(group: typer.Typer) -> None:
    """``push`` and ``pull`` join the *group* of the store."""
    group.command(
        "push",
        help=N_(
            "Send roll-ups by the minute, and samples where asked, to an object store (S3) or a folder; what is there is not sent again. "
            "Credentials come from the environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, AWS_REGION.\n\n"
            "Example: factory-kit store push s3://songjiang/machines --raw --limit 20"
        ),
    )(push)
    group.command(
        "pull",
        help=N_(
            "Fetch a plant that was pushed into a workspace of its own, or bring one up to date that was fetched before.\n\n"
            "Example: factory-kit store pull s3://songjiang/machines demo-plant copies/demo-plant --raw"
        ),
    )(pull)


def push(
    place: Place,
    workspace: WorkspaceFolder = Path(),
    raw: Raw = False,
    delta: Annotated[
        bool,
        typer.Option(
            "--delta", help=N_("As Delta tables, a day of a plant at a time, in place of the files of the store.")
        ),
    ] = False,
    limit: Limit = 0,
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import note
    from factory_kit.errors import UsageError
    from factory_kit.lake import opened, settled
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    found = Workspace.at(workspace)
    plant = found.site()[0].plant.id
    remote = opened(place)
    if not (found.store_folder / "catalogue.jsonl").is_file():
        raise UsageError("the store is empty; collect or import first")
    if not settled(Store(found.store_folder)):
        note(
            _(
                "A collection goes on: what is not sealed yet, or not rolled up by the minute, travels with the next push."
            )
        )
    with _pace(limit) as pace:
        said = _as_tables if delta else _as_files
        lines, done = said(found, plant, remote, place, raw, pace)
    _tell(lines, done, as_json=as_json)


def _as_tables(
    workspace: Workspace, plant: str, remote: Remote, place: str, raw: bool, pace: Pace
) -> tuple[list[str], Tabled | Pushed]:
    from factory_kit.lake import push_tables

    done = push_tables(workspace.root, plant, remote, place, raw=raw, pace=pace)
    return [_("{place}: {days} days written, {there} were there.").format(**asdict(done))], done


def _as_files(
    workspace: Workspace, plant: str, remote: Remote, _place: str, raw: bool, pace: Pace
) -> tuple[list[str], Tabled | Pushed]:
    from factory_kit.cli.clock import now
    from factory_kit.lake import push

    done = push(workspace.root, plant, remote, raw=raw, pace=pace, now=now)
    lines = [
        _("{place}: {sent} files sent ({size}), {there} were there.").format(size=_size(done.bytes), **asdict(done))
    ]
    if done.without_rollup:
        text = _("{count} files are not rolled up by the minute yet; they travel with the next push.")
        lines.append(text.format(count=done.without_rollup))
    return lines, done


def _tell(lines: Sequence[str], done: Tabled | Pushed, *, as_json: bool) -> None:
    """What was done: the first of *lines* as done, the others beside it."""
    from factory_kit.cli.console import note, print_json, success

    if as_json:
        print_json(asdict(done))
        return
    success(lines[0])
    for line in lines[1:]:
        note(line)


def pull(
    place: Place,
    plant: Annotated[str, typer.Argument(metavar="PLANT", help=N_("The plant's id."))],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("The new workspace, or one pulled before."))],
    raw: Raw = False,
    limit: Limit = 0,
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import print_json, success
    from factory_kit.lake import opened, pull

    with _pace(limit) as pace:
        done = pull(opened(place), plant, folder, raw=raw, pace=pace, now=now)
    if as_json:
        print_json(
            {"workspace": str(done.workspace), "received": done.received, "bytes": done.bytes, "there": done.there}
        )
        return
    success(
        _("{folder}: {count} files received ({size}), {there} were there.").format(
            folder=done.workspace, count=done.received, size=_size(done.bytes), there=done.there
        )
    )


def plants(place: Place, as_json: AsJson = False) -> None:
    from factory_kit.cli.console import print_json, print_table
    from factory_kit.lake import opened, plants_at
    from factory_kit.lake.listing import listing_of

    remote = opened(place)
    found = [listing[0] for plant in plants_at(place) if (listing := listing_of(remote, plant)) is not None]
    rows = [
        {
            "plant": each.plant,
            "pushed": each.pushed,
            "samples": sum(file.rows for file in each.files if file.kind == "samples"),
            "files": len(each.files),
            "bytes": sum(file.size for file in each.files),
        }
        for each in found
    ]
    if as_json:
        print_json(rows)
        return
    columns = (_("Plant"), _("Pushed (UTC)"), _("Samples"), _("Files"), _("Size"))
    print_table(
        columns,
        [
            (row["plant"], row["pushed"], f"{row['samples']:,}", row["files"], _size(int(str(row["bytes"]))))
            for row in rows
        ],
        numbers={2: True, 3: True, 4: True},
    )


def figures(
    place: Place,
    since: Annotated[
        str, typer.Option("--from", metavar="YYYY-MM-DD", help=N_("First day, in each plant's own zone."))
    ],
    until: Annotated[str, typer.Option("--to", metavar="YYYY-MM-DD", help=N_("Last day, included."))],
    plant: Annotated[
        list[str] | None, typer.Option("--plant", metavar="ID", help=N_("Only this plant; may be given several times."))
    ] = None,
    what: Annotated[str, typer.Option("--of", metavar="kpi|indicators|all", help=N_("Which figures."))] = "all",
    engine: Annotated[
        str, typer.Option("--engine", metavar="duckdb|spark", help=N_("Where the work is done: here, or on a cluster."))
    ] = "duckdb",
    master: Annotated[
        str, typer.Option("--master", metavar="URL", help=N_("Where Spark is: local[4], spark://HOST:7077, yarn."))
    ] = "local[*]",
    out: OutFile = None,
    records: Annotated[
        Path | None,
        typer.Option("--records", metavar="DIR", help=N_("Write the evidence records there, a folder for each plant.")),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import fail, print_json, print_table, success
    from factory_kit.lake import computed

    question, chosen = _question(place, what, since, until, now()), _chosen(place, plant or [])
    found = [each for of_plant in computed(question, chosen, _engine(engine), master=master) for each in of_plant]
    broken = [each for each in found if not each.id]
    rows = [each for each in found if each.id]
    if records is not None:
        _write_records(records, rows)
    if out is not None:
        save_table(out, _("Figures"), _figure_columns(), [_figure_cells(each) for each in rows])
        success(_("{count} figures written to {file}.").format(count=len(rows), file=out))
    if as_json:
        print_json([asdict(each) for each in rows])
    elif out is None:
        shown = [[_shown(cell) for cell in _figure_cells(each)] for each in rows if each.subject == "plant"]
        print_table(_figure_columns(), shown, numbers={3: True, 4: True, 5: True, 6: True})
    for each in broken:
        fail(f"{each.plant}: {each.reason}")
    if broken:
        raise typer.Exit(1)


def _question(place: str, what: str, since: str, until: str, received: int) -> Question:
    """``UsageError`` for words that mean nothing."""
    import os

    from factory_kit.cli.timerange import day_of
    from factory_kit.errors import UsageError
    from factory_kit.lake import Question

    if what not in {"kpi", "indicators", "all"}:
        raise UsageError("--of {what}: no such figures, expected kpi, indicators or all", what=what)
    credentials = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
    whole = str(Path(place).absolute()) if "://" not in place else place
    return Question(whole, cast("Asked", what), day_of(since), day_of(until), received, credentials)


def _engine(name: str) -> Engine:
    from factory_kit.errors import UsageError

    if name not in {"duckdb", "spark"}:
        raise UsageError("--engine {name}: no such engine, expected duckdb or spark", name=name)
    return cast("Engine", name)


def _chosen(place: str, wanted: Sequence[str]) -> list[str]:
    from factory_kit.errors import UsageError
    from factory_kit.lake import plants_at

    there = plants_at(place)
    for each in wanted:
        if each not in there:
            raise UsageError(
                "{place}: plant {plant} was not pushed there; see factory-kit lake plants", place=place, plant=each
            )
    return list(wanted) or there


def _write_records(folder: Path, figures: Sequence[Figure]) -> None:
    """Each evidence record under its own name, as in the folder of an assessment."""
    from factory_kit.files import write_atomically
    from factory_kit.model.evidence import Evidence

    for each in figures:
        if each.record is not None:
            data = each.record.encode()
            target = folder / each.plant / Evidence.read(data, each.plant).file_name
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(target, data)


def _figure_columns() -> tuple[str, ...]:
    return _("Plant"), _("Figure"), _("Of"), _("Value"), _("At least"), _("At most"), _("Coverage"), _("Remark")


def _figure_cells(figure: Figure) -> tuple[Cell, ...]:
    from fractions import Fraction

    numbers = (figure.value, figure.lower, figure.upper, figure.coverage)
    told = (None if number is None else Fraction(number) for number in numbers)
    return figure.plant, figure.id, figure.subject, *told, _(figure.reason) if figure.reason else ""


def _shown(cell: Cell) -> str:
    return "" if cell is None else cell if isinstance(cell, str) else f"{float(cell):,.4f}"


@contextlib.contextmanager
def _pace(limit: float) -> Iterator[Pace]:
    """The limit, with a bar on standard error where somebody looks."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    from factory_kit.cli.console import stderr
    from factory_kit.lake import Pace

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr(), transient=True, disable=not stderr().is_terminal) as progress:
        task = progress.add_task("", total=None)
        yield Pace(
            limit * MEGABIT,
            lambda size: progress.advance(task, size),
            expect=lambda _files, size: progress.update(task, total=size),
        )


def _size(size: int) -> str:
    return f"{size / 1e6:,.1f} MB" if size >= 100_000 else f"{size / 1e3:,.1f} kB"
