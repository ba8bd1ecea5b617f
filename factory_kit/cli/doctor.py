"""``doctor``: what is on this machine, what is missing, what that switches off, and how it is had without internet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.doctor import Finding

__all__ = ["register"]

SIGNS = {"ok": "√", "note": "·", "limited": "!", "missing": "×"}
"""Signs that a console in GBK has too."""


def register(app: typer.Typer) -> None:
    """The command of this module joins *app*."""
    app.command(
        help=N_(
            "See what this computer has for a day on site, what is missing, what that switches off, and how to get it without internet.\n\n"
            "Opens no connection. Ends with 0 when nothing is missing that a normal day needs, else with 1.\n\n"
            "Example: factory-kit doctor -w my-plant"
        )
    )(doctor)


def doctor(workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    """The findings, then what each lack switches off."""
    from dataclasses import asdict

    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json
    from factory_kit.doctor import examine

    if not as_json:
        note(_("Every package is loaded once; this takes a moment …"))
    found = examine(workspace, now)
    missing = [each for each in found if each.state == "missing"]
    if as_json:
        print_json({"ready": not missing, "findings": [asdict(each) for each in found]})
    else:
        _show(found)
    if missing:
        raise typer.Exit(1)


def _show(found: Sequence[Finding]) -> None:
    from factory_kit.cli.console import fail, note, print_table, success

    print_table(("", _("What"), _("Found")), [(SIGNS[each.state], each.title, each.found) for each in found])
    lacking = [each for state in ("missing", "limited") for each in found if each.state == state]
    if lacking:
        columns = ("", _("What"), _("Switched off"), _("What to do"))
        print_table(columns, [(SIGNS[each.state], each.title, each.off, each.do) for each in lacking])
    missing = sum(each.state == "missing" for each in lacking)
    if missing:
        fail(_("Missing for a normal day: {count}.").format(count=missing))
        return
    success(_("All that a normal day needs is here."))
    if lacking:
        note(_("Switched off: {count}; see above.").format(count=len(lacking)))
