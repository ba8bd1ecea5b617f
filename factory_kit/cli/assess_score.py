"""``assess score``, ``explain``, ``path``, ``accept`` and ``override``: the score, its reasons, and what people decide."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.assess_arguments import By, Name, Why, opened
from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.assess.scored import Scored

__all__ = ["accept", "explain", "override", "path", "score"]


def score(name: Name, workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from factory_kit.assess.scored import write_score
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.cli.pasted import of_workspace, pasted
    from factory_kit.cli.reasons import show_score

    folder, sources = opened(workspace, name)
    scored = write_score(folder, sources)
    if as_json:
        print_json(scored.record())
        return
    show_score(scored)
    success(_("{file} is written.").format(file=folder.score_file))
    note(_("Next: the way to the next level, and the report:") if _can_rise(scored) else _("Next: the report:"))
    if _can_rise(scored):
        pasted("factory-kit", "assess", "path", name, *of_workspace(workspace))
    pasted("factory-kit", "assess", "report", name, *of_workspace(workspace))


def _can_rise(scored: Scored) -> bool:
    return scored.score.level < max(scored.model.structure.levels)


def explain(
    name: Name,
    criterion: Annotated[
        str, typer.Argument(metavar="[CRITERION]", help=N_("One requirement, such as MP4.3.a; without it the level."))
    ] = "",
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help=N_("Say what the level hangs on: margins, answers, weights."))
    ] = False,
    proof: Annotated[
        bool,
        typer.Option(
            "--proof", help=N_("Say what is proven (floor), what could be (ceiling), and what stands between.")
        ),
    ] = False,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.assess.scored import read_scored
    from factory_kit.cli import reasons
    from factory_kit.errors import UsageError
    from factory_kit.load.overlay import local_texts
    from factory_kit.shipped import search_path

    scored = read_scored(opened(workspace, name)[0])
    if criterion and criterion not in scored.model.criteria:
        raise UsageError("{model} has no requirement {criterion!r}", model=scored.model.id, criterion=criterion)
    if criterion:
        wording = local_texts(search_path("assessments", workspace), scored.model).get(criterion, "")
        reasons.explain_criterion(scored, criterion, wording, as_json=as_json)
    elif proof:
        from factory_kit.cli.proof import explain_proof

        explain_proof(scored, as_json=as_json)
    elif sensitivity:
        reasons.explain_sensitivity(scored, as_json=as_json)
    else:
        reasons.explain_level(scored, as_json=as_json)


def path(
    name: Name,
    level: Annotated[
        int, typer.Option("--level", metavar="N", min=0, help=N_("The level to reach; by default the next one."))
    ] = 0,
    most: Annotated[
        int, typer.Option("--plans", metavar="N", min=1, max=3, help=N_("So many ways, the cheapest first."))
    ] = 3,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.assess.scored import read_scored
    from factory_kit.cli import reasons
    from factory_kit.errors import AssessmentError, UsageError
    from factory_kit.load.actions import actions_for
    from factory_kit.load.workspace import Workspace
    from factory_kit.score.path import paths
    from factory_kit.shipped import search_path

    scored = read_scored(opened(workspace, name)[0])
    wanted = level or scored.score.level + 1
    if scored.score.level == max(scored.model.structure.levels):
        raise UsageError(
            "{model}: the plant has level {have}, the highest of the model; there is no path further",
            model=scored.model.id, have=scored.score.level,
        )  # fmt: skip
    if not scored.score.level < wanted <= max(scored.model.structure.levels):
        raise UsageError("--level: the plant has level {have}; name a higher one of the model", have=scored.score.level)
    actions = actions_for(scored.model, search_path("assessments", Workspace.at(workspace).root))
    if actions is None:
        raise UsageError("{model}: there are no actions for this model in assessments/actions", model=scored.model.id)
    plans = paths(scored.score, scored.decided, actions, wanted, plans=most)
    if not plans:
        raise AssessmentError("{model}: these actions do not reach level {level}", model=scored.model.id, level=wanted)
    reasons.show_plans(actions, plans, wanted, as_json=as_json)


def accept(
    name: Name,
    by: By,
    why: Why,
    criteria: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CRITERION...]", help=N_("Requirements; without any all open proposals are taken.")),
    ] = None,
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.assess.decide import accept as take
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note

    folder, _sources = opened(workspace, name)
    taken = take(folder, criteria or [], by, why, now())
    for judgement in taken:
        note(
            _("{criterion}: {new} instead of {old}").format(
                criterion=judgement.criterion, new=judgement.new, old=_(judgement.old) if judgement.old else "-"
            )
        )
    if not taken:
        note(_("The machine evidence proposes nothing that is still open."))
    _score_again(folder, workspace, name)


def override(
    name: Name,
    criterion: Annotated[str, typer.Argument(metavar="CRITERION", help=N_("The requirement."))],
    value: Annotated[str, typer.Argument(metavar="VALUE", help=N_("What counts from now on, such as 0.8."))],
    by: By,
    why: Why,
    workspace: WorkspaceFolder = Path(),
) -> None:
    from factory_kit.assess.decide import settle
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note

    folder, _sources = opened(workspace, name)
    made = settle(folder, criterion, value, by, why, now())
    note(
        _("{criterion}: {new}; the machine evidence says {machine}, and stays beside it").format(
            criterion=criterion, new=made.new, machine=made.machine or "-"
        )
    )
    _score_again(folder, workspace, name)


def _score_again(folder: AssessmentFolder, workspace: Path, name: str) -> None:
    from factory_kit.assess.scored import write_score
    from factory_kit.cli.console import success

    scored = write_score(folder, opened(workspace, name)[1])
    success(_("{file} is written: level {level}.").format(file=folder.score_file, level=scored.score.level))
