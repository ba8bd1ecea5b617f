"""``init`` and ``check``: a workspace begins, and everything people write is held against its rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.options import AsJson
from factory_kit.cli.simulate import HELP as SIMULATE
from factory_kit.cli.simulate import simulate
from factory_kit.i18n import N_, _

__all__ = ["register"]

TEMPLATE = Path(__file__).resolve().parent / "new_workspace"
FOLDERS = ("connectors", "assessments", "datasets", "store")


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    app.command(
        help=N_(
            "Make a workspace: a site file to fill in, and folders for private definitions.\n\nExample: factory-kit init my-plant"
        )
    )(init)
    app.command(
        help=N_(
            "Check a workspace, a connector, a model, an indicator or a site file, offline.\n\nExample: factory-kit check my-plant"
        )
    )(check)
    app.command(help=SIMULATE)(simulate)


def init(folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("The new folder."))]) -> None:
    """A workspace in *folder*."""
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import quoted
    from factory_kit.errors import UsageError
    from factory_kit.files import write_atomically

    if (folder / "site.yaml").exists():
        raise UsageError("{folder}: already holds a site.yaml; nothing was changed", folder=folder)
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True)
    write_atomically(folder / "site.yaml", (TEMPLATE / "site.yaml").read_bytes())
    success(_("{folder} is ready.").format(folder=folder))
    note(
        _("Next: fill in {file}, then run: factory-kit check {folder}").format(
            file=folder / "site.yaml", folder=quoted(folder)
        )
    )
    note(_("To practise first, without a plant: factory-kit simulate practice"))


def check(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help=N_("What to check; by default the workspace in the current folder."))
    ] = Path(),
    timing: Annotated[
        bool, typer.Option("--timing", help=N_("Also show what would be read, how often, in how many requests."))
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Every mistake of *path* at once."""
    from factory_kit.cli.checks import check_path, show_timing
    from factory_kit.cli.console import note, print_json, success

    found = check_path(path)
    remarks = _remarks(path) if found.kind == "site" else []
    if as_json:
        print_json({"path": str(path), "kind": found.kind, "summary": found.summary, "still_open": remarks})
    else:
        success(_("{name}: {value}").format(name=path.name or path.resolve().name, value=found.summary))
        for remark in remarks:
            note(f"! {remark}")
    if timing:
        show_timing(path, as_json=as_json)


def _remarks(path: Path) -> list[str]:
    """What the site file at *path* still lacks."""
    from factory_kit.cli.clock import now
    from factory_kit.cli.still_open import still_open
    from factory_kit.load.workspace import Workspace

    return still_open(Workspace.at(path if path.is_dir() else path.parent).site()[0], now())
