"""``store push`` and ``store pull``: data that travels to an object store or a carried disk, and back."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.lake import Pace

__all__ = ["register"]

Place = Annotated[str, typer.Argument(metavar="PLACE", help=N_("s3://BUCKET/PREFIX, or a folder."))]
Raw = Annotated[
    bool, typer.Option("--raw", help=N_("The samples too; without it only minutes, gaps and losses travel."))
]
Limit = Annotated[
    float,
    typer.Option("--limit", metavar="MBIT/S", help=N_("At most so many megabits a second; 0 for no limit."), min=0),
]
MEGABIT = 125_000


def register(group: typer.Typer) -> None:
    """The commands of this module join *group*."""
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
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.lake import opened, push, push_tables, settled
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    found = Workspace.at(workspace)
    plant = found.site()[0].plant.id
    remote = opened(place)
    if not settled(Store(found.store_folder)):
        note(
            _(
                "A collection goes on: what is not sealed yet, or not rolled up by the minute, travels with the next push."
            )
        )
    with _pace(limit) as pace:
        if delta:
            tabled = push_tables(found.root, plant, remote, place, raw=raw, pace=pace)
        else:
            done = push(found.root, plant, remote, raw=raw, pace=pace, now=now)
    if delta:
        if as_json:
            print_json({"place": tabled.place, "days": tabled.days, "there": tabled.there})
        else:
            success(
                _("{place}: {days} days written, {there} were there.").format(
                    place=tabled.place, days=tabled.days, there=tabled.there
                )
            )
        return
    if as_json:
        print_json(
            {
                "place": done.place,
                "sent": done.sent,
                "bytes": done.bytes,
                "there": done.there,
                "without_rollup": done.without_rollup,
            }
        )
        return
    success(
        _("{place}: {sent} files sent ({size}), {there} were there.").format(
            place=done.place, sent=done.sent, size=_size(done.bytes), there=done.there
        )
    )
    if done.without_rollup:
        note(
            _("{count} files are not rolled up by the minute yet; they travel with the next push.").format(
                count=done.without_rollup
            )
        )


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
