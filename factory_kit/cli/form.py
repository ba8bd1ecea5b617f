"""``form``: papers for a visit, to be printed and signed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder, asked_languages
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory_kit.i18n import Language
    from factory_kit.render.document import Document
    from factory_kit.reports.field import Visit

    Paper = Callable[[Visit | None, str, str, Language], Document]

__all__ = ["register"]

Formats = Annotated[
    list[str] | None,
    typer.Option("--format", metavar="html|docx|xlsx|pdf", help=N_("html by default; may be repeated.")),
]
Languages = Annotated[
    str, typer.Option("--in", metavar="zh|en|both", help=N_("Languages of the paper; both by default."))
]
Provider = Annotated[str, typer.Option("--provider", metavar="NAME", help=N_("The provider, to be printed."))]
Folder = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help=N_("Where to write; by default forms/ in the workspace.")),
]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    forms = typer.Typer(
        help=N_("Papers for a visit, to be printed and signed: field checklist, authorisation to collect data."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    forms.command(
        help=N_(
            "The provider's field checklist, with the site's own equipment, addresses and limits; blank outside a workspace.\n\n"
            "Example: factory-kit form checklist -w my-plant --format pdf"
        )
    )(checklist)
    forms.command(
        help=N_(
            "The authorisation to collect data, for the plant to sign: what is read and what not, how long, who sees it, how it is withdrawn; blank outside a workspace.\n\n"
            "Example: factory-kit form authorisation -w my-plant --format docx"
        )
    )(authorisation)
    app.add_typer(forms, name="form")


def checklist(
    form: Formats = None,
    languages: Languages = "both",
    provider: Provider = "",
    out: Folder = None,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.reports.checklist import checklist as paper

    _write("checklist", paper, form, languages, provider, out, workspace, as_json=as_json)


def authorisation(
    form: Formats = None,
    languages: Languages = "both",
    provider: Provider = "",
    out: Folder = None,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.reports.authorisation import authorisation_form

    _write("authorisation", authorisation_form, form, languages, provider, out, workspace, as_json=as_json)


def _write(
    name: str,
    paper: Paper,
    form: list[str] | None,
    languages: str,
    provider: str,
    out: Path | None,
    workspace: Path,
    *,
    as_json: bool,
) -> None:
    from factory_kit import __version__
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.reports.files import write

    chosen = asked_languages(languages)
    visit = _visit(workspace)
    folder = out or (workspace / "forms" if visit else workspace)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for language in chosen:
        document = paper(visit, provider, f"factory-kit {__version__}", language)
        for suffix in form or ["html"]:
            files.append(folder / f"{name}.{language}.{suffix}")
            write(document, files[-1])
    if as_json:
        print_json([str(file) for file in files])
        return
    if visit is None:
        note(_("{folder} is no workspace, so the paper is blank, to be filled in by hand.").format(folder=workspace))
    for file in files:
        success(_("{file} is written.").format(file=file))


def _visit(workspace: Path) -> Visit | None:
    """The plant of *workspace*; None where there is no site file."""
    from factory_kit.load.workspace import Workspace
    from factory_kit.reports.field import Visit

    if not (workspace / "site.yaml").is_file():
        return None
    site, connectors = Workspace.at(workspace).site()
    return Visit.of(site, connectors)
