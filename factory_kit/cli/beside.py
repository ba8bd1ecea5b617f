"""``assess ladder``, ``assess rate`` and ``assess agreement``: what stands beside the answers of an assessment."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.assess_arguments import Name
from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.assess.ratings import Ratings
    from factory_kit.score.agreement import Estimate

__all__ = ["agreement", "form", "import_", "ladder", "rate"]

FINDINGS = 1


def ladder(
    name: Name,
    which: Annotated[str, typer.Argument(metavar="LADDER", help=N_("A ladder, such as sme-digital@2024."))],
    new: Annotated[bool, typer.Option("--new", help=N_("Begin: write the file to fill in."))] = False,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.assess.ladders import begin_ladder, stand_on
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import at
    from factory_kit.cli.reasons import show_stand
    from factory_kit.shipped import search_path

    folder = _folder(workspace, name)
    sources = search_path("assessments", workspace)
    if not new:
        show_stand(stand_on(folder, which, sources), as_json=as_json)
        return
    file = begin_ladder(folder, which, sources)
    success(_("{folder} is ready.").format(folder=file))
    note(
        _("Next: fill in {file}, then run: factory-kit assess ladder {name} {ladder}").format(
            file=file, name=name, ladder=at(which, workspace)
        )
    )


def form(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help=N_("The new form."))],
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.assess.workbook import answers_workbook
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import at
    from factory_kit.errors import UsageError
    from factory_kit.files import write_atomically
    from factory_kit.shipped import search_path

    if file.suffix.lower() != ".xlsx" or file.exists() or not file.parent.is_dir():
        raise UsageError("{file}: name a new file that ends in .xlsx, in a folder that is there", file=file)
    write_atomically(file, answers_workbook(_folder(workspace, name), search_path("assessments", workspace)))
    success(_("{file} is ready: a sheet per place, with what is answered so far.").format(file=file))
    note(_("When it is filled in: factory-kit assess import {name} {file}").format(name=name, file=at(file, workspace)))


def import_(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help=N_("The form, filled in."))],
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.assess.workbook import take_back
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import at

    taken = take_back(_folder(workspace, name), file)
    if taken.kept is None:
        note(_("The form says what the answers say already; nothing was changed."))
        return
    success(
        _("{count} answers changed; those of before are kept in {file}.").format(
            count=len(taken.changed), file=taken.kept
        )
    )
    note(_("Next: factory-kit assess score {name}").format(name=at(name, workspace)))


def rate(
    name: Name,
    rater: Annotated[str, typer.Option("--rater", metavar="NAME", help=N_("Who rates."), show_default=False)],
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.assess.ratings import start_rating
    from factory_kit.cli.console import note, success
    from factory_kit.cli.pasted import at, of_workspace, pasted

    file = start_rating(_folder(workspace, name), rater)
    success(_("{file} is ready: to be filled in without seeing other ratings.").format(file=file))
    note(_("Fill it in, or answer in the browser:"))
    pasted("factory-kit", "assess", "serve", name, "--rater", rater, *of_workspace(workspace))
    note(_("When all have rated: factory-kit assess agreement {name}").format(name=at(name, workspace)))


def agreement(name: Name, workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from dataclasses import asdict

    from factory_kit.assess.ratings import read_ratings
    from factory_kit.cli.console import print_json

    found = read_ratings(_folder(workspace, name))
    if as_json:
        print_json(
            {
                "raters": found.raters,
                "items": found.agreement.items,
                "exact": _text(found.agreement.exact),
                "weighted_kappa": _estimate(found.agreement.kappa),
                "ordinal_alpha": _estimate(found.agreement.alpha),
                "seed": found.agreement.seed,
                "differences": [asdict(each) for each in found.differences],
            }
        )
    else:
        _show(found, name, workspace)
    if found.unexplained:
        raise typer.Exit(FINDINGS)


def _show(found: Ratings, name: str, workspace: Path) -> None:
    from factory_kit.cli.console import note, print_table, results
    from factory_kit.cli.pasted import of_workspace, pasted

    figures = found.agreement
    out = results()
    out.print(
        _("{items} requirements were rated by at least two of {raters}.").format(
            items=figures.items, raters=", ".join(found.raters)
        ),
        markup=False,
    )
    shown = [
        (_("Same value"), f"{float(figures.exact):.2f}" if figures.exact is not None else "–", ""),
        (_("Weighted kappa"), *_range(figures.kappa)),
        (_("Ordinal alpha"), *_range(figures.alpha)),
    ]
    print_table((_("Agreement"), _("Value"), _("95 % of draws")), shown, numbers={1: True, 2: True})
    if figures.alpha is None:
        note(
            _("Below 20 requirements, or where all values are the same, kappa and alpha say nothing and are left out.")
        )
    rows = [(each.criterion, *each.values, each.consensus or "–", each.reason or "!") for each in found.differences]
    if rows:
        columns = (_("Requirement"), *found.raters, _("Consensus"), _("Reason"))
        print_table(columns, rows, title=_("Where raters differ"))
    if found.unexplained:
        note(
            _(
                "{count} differences (!) lack a consensus with its reason: write it as remark, in answers.yaml or in:"
            ).format(count=len(found.unexplained))
        )
        pasted("factory-kit", "assess", "serve", name, "--consensus", *of_workspace(workspace))


def _range(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None:
        return "–", ""
    return f"{float(estimate.value):.2f}", f"{float(estimate.low):.2f} … {float(estimate.high):.2f}"


def _estimate(estimate: Estimate | None) -> dict[str, str | None] | None:
    if estimate is None:
        return None
    return {"value": _text(estimate.value), "low": _text(estimate.low), "high": _text(estimate.high)}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _folder(workspace: Path, name: str) -> AssessmentFolder:
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.load.workspace import Workspace

    return AssessmentFolder.of(Workspace.at(workspace), name)
