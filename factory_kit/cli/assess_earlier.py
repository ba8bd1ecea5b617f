"""``assess earlier``: what another platform said of the plant before."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.assess_arguments import Name, opened
from factory_kit.cli.options import WorkspaceFolder
from factory_kit.i18n import N_, _

__all__ = ["earlier"]


def earlier(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help=N_("The sheets of the other platform."))],
    platform: Annotated[
        str, typer.Option("--platform", metavar="TEXT", help=N_("Where the result is from, and of which day."))
    ],
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.assess.earlier import take_earlier
    from factory_kit.cli.console import note, success

    done = take_earlier(opened(workspace, name)[0], file, platform)
    if done.left:
        note(
            _("{count} requirements are answered already and stay as they are: {criteria}.").format(
                count=len(done.left), criteria=", ".join(done.left)
            )
        )
    if done.kept is None:
        note(_("The form says what the answers say already; nothing was changed."))
        return
    success(
        _("{count} answers taken as declarations (grade D); those of before are kept in {file}.").format(
            count=len(done.taken), file=done.kept
        )
    )
