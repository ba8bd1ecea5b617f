"""``assess serve``: the questionnaire of an assessment as pages for a browser on this computer."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.web.questionnaire.desk import Desk

__all__ = ["serve"]

Name = Annotated[str, typer.Argument(metavar="NAME", help=N_("The assessment: the name of its folder in assessments."))]


def serve(
    name: Name,
    rater: Annotated[
        str,
        typer.Option(
            "--rater", metavar="NAME", help=N_("A blind rating: this person's own file, nobody else's answers.")
        ),
    ] = "",
    consensus: Annotated[
        bool,
        typer.Option(
            "--consensus", help=N_("The round after blind ratings: what each rater gave stands beside each question.")
        ),
    ] = False,
    port: Annotated[
        int,
        typer.Option("--port", metavar="N", min=0, max=65535, help=N_("Port on this computer; by default a free one.")),
    ] = 0,
    browser: Annotated[bool, typer.Option("--open", help=N_("Open the page in the browser."))] = False,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    import webbrowser

    from factory_kit.cli.console import note, print_json, results
    from factory_kit.i18n import language
    from factory_kit.web.entry import Entry
    from factory_kit.web.questionnaire.app import create_app
    from factory_kit.web.serving import hosts_of, listening
    from factory_kit.web.serving import serve as serve_pages

    desk = _desk(workspace, name, rater, consensus=consensus)
    sock = listening(port)
    hosts = hosts_of(sock)
    entry = Entry(sock.getsockname()[1])
    address = f"http://{hosts[0]}{entry.path}"

    def ready() -> None:
        if as_json:
            print_json({"url": address})
        else:
            results().print(address, markup=False, soft_wrap=True)
        sys.stdout.flush()
        note(
            _(
                "Open this link in a browser on this computer; whoever has it can answer. Every answer is saved at once; Ctrl-C ends."
            )
        )
        if browser:
            webbrowser.open(address)

    serve_pages(create_app(desk, entry, hosts, language()), sock, ready)


def _desk(workspace: Path, name: str, rater: str, *, consensus: bool) -> Desk:
    """What is served; a rater who has no file yet gets one. Read once, so that mistakes in files are told at once."""
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.assess.ratings import start_rating
    from factory_kit.assess.sheet import AnswerSheet
    from factory_kit.cli.clock import now
    from factory_kit.errors import UsageError
    from factory_kit.load.workspace import Workspace
    from factory_kit.shipped import search_path
    from factory_kit.web.questionnaire.desk import Desk

    if rater and consensus:
        raise UsageError("--rater and --consensus do not go together: who rates blindly must not see other ratings")
    place = Workspace.at(workspace)
    folder = AssessmentFolder.of(place, name)
    sheet = AnswerSheet(folder, rater)
    if rater and not sheet.file.is_file():
        start_rating(folder, rater)
    desk = Desk(sheet, place.store_folder, now, consensus, tuple(search_path("assessments", place.root)))
    desk.scored()
    return desk
