"""``assess migrate``: the answers of an assessment as a new draft by another model edition."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.assess_arguments import Name
from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

__all__ = ["migrate"]

HOW = {"carried": N_("carried over"), "confirm": N_("to be confirmed"), "ask": N_("to be asked")}


def migrate(
    name: Name,
    new_name: Annotated[str, typer.Argument(metavar="NEW", help=N_("The name of the new draft."))],
    model: Annotated[str, typer.Option("--to", metavar="ID@EDITION", help=N_("The model edition to move to."))],
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    import secrets
    from dataclasses import asdict

    from factory_kit.assess.migrate import migrate as carry_over
    from factory_kit.cli.console import note, print_json, print_table, success
    from factory_kit.cli.pasted import at
    from factory_kit.load.workspace import Workspace

    done = carry_over(Workspace.at(workspace), name, model, new_name, secrets.token_hex(8))
    if as_json:
        fates = [asdict(each) for each in done.fates]
        print_json({"folder": str(done.folder.path), "fates": fates, "dropped": list(done.dropped)})
        return
    success(_("{folder} is ready.").format(folder=done.folder.path))
    counts = [(_(text), str(sum(each.how == how for each in done.fates))) for how, text in HOW.items()]
    print_table((_("Answers"), _("Requirements")), [*counts, (_("dropped"), str(len(done.dropped)))], numbers={1: True})
    open_ = [each.criterion for each in done.fates if each.how == "confirm"]
    if open_:
        note(_("To be confirmed, with the old answer as a remark: {criteria}.").format(criteria=", ".join(open_)))
    note(
        _("Next: fill in {file}, then run: factory-kit assess score {name}").format(
            file=done.folder.answers_file, name=at(new_name, workspace)
        )
    )
