"""``import``: exports of a historian become samples of the workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        "import",
        help=N_(
            "Import a historian's export (CSV) by a map.\n\n"
            "Example: factory-kit import export.csv --propose > map.yaml, correct map.yaml, then factory-kit import export.csv --map map.yaml"
        ),
    )(import_)


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help=N_("The export."))],
    mapping: Annotated[Path | None, typer.Option("--map", metavar="map.yaml", help=N_("How the file is read."))] = None,
    propose: Annotated[
        bool, typer.Option("--propose", help=N_("Print a map proposed from the file, to be corrected."))
    ] = False,
    zone: Annotated[
        str, typer.Option("--timezone", help=N_("Zone of the file's clock, for --propose; by default the plant's."))
    ] = "",
    equipment: Annotated[
        str, typer.Option("--equipment", help=N_("Equipment the columns belong to, for --propose."))
    ] = "equipment",
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help=N_("Leave broken rows out and count them."))
    ] = False,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import print_json, success
    from factory_kit.collect.history import import_history
    from factory_kit.collect.history_map import proposed_map
    from factory_kit.errors import UsageError
    from factory_kit.load.checked import yaml_file
    from factory_kit.load.workspace import Workspace
    from factory_kit.model.history import HistoryMap
    from factory_kit.store import Store

    if propose:
        typer.echo(proposed_map(file, zone or _zone_of(workspace), equipment), nl=False)
        return
    if mapping is None:
        raise UsageError("give --map map.yaml, or --propose to get a first one")
    place = Workspace.at(workspace)
    site, _connectors = place.site()
    done = import_history(
        file,
        yaml_file(mapping, HistoryMap),
        Store(place.store_folder),
        kind=site.kind,
        clock=now,
        skip_broken=skip_broken,
    )
    if as_json:
        print_json({"run": done.run, "rows": done.rows, "left_out": done.left_out, "samples": done.samples})
        return
    success(
        _("{file}: {rows} rows, {samples} samples, {left_out} rows left out.").format(
            file=file.name, rows=done.rows, samples=done.samples, left_out=done.left_out
        )
    )


def _zone_of(folder: Path) -> str:
    from factory_kit.load.workspace import Workspace

    if not (folder / "site.yaml").is_file():
        return "Asia/Shanghai"
    return Workspace.at(folder).site()[0].plant.timezone
