"""``model``: the editions of maturity models, what they ask, how they score, and who compared them with their standard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.options import AsJson
from factory_kit.i18n import N_, _, language

if TYPE_CHECKING:
    from factory_kit.model.ladder import Ladder
    from factory_kit.model.maturity import MaturityModel, Node

__all__ = ["register"]

ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help=N_("A model (gbt-39116), an edition (gbt-39116@2020) or its folder."))
]
LookedIn = Annotated[
    Path,
    typer.Option("--workspace", "-w", metavar="DIR", help=N_("Also look into this workspace."), show_default=False),
]
FINDINGS = 1


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(
        help=N_("Maturity models: what they ask, how they score, how sure they are."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list", help=N_("List the models with their rows by confidence.\n\nExample: factory-kit model list"))(
        list_
    )
    group.command(
        help=N_(
            "Check a model and its worked examples; with --against also that no meaning moved under the same id and rev.\n\nExample: factory-kit model check gbt-39116"
        )
    )(check)
    group.command(
        help=N_(
            "Show what differs between two editions.\n\nExample: factory-kit model diff gbt-39116@2020 my-plant/assessments/models/gbt-39116/2020"
        )
    )(diff)
    group.command(
        help=N_(
            "Say how a model turns answers into a level, with its weights.\n\nExample: factory-kit model explain gbt-39116"
        )
    )(explain)
    group.command(
        help=N_(
            "Write every row as CSV, to be compared with the standard.\n\nExample: factory-kit model export gbt-39116 rows.csv"
        )
    )(export)
    group.command(
        "mark-verified",
        help=N_(
            "Record that somebody compared rows with the standard; works on the workspace's own copy of the model.\n\nExample: factory-kit model mark-verified gbt-39116 MP4 --by 'Li Wei' --against 'GB/T 39116-2020, 7.4' -w my-plant"
        ),
    )(mark_verified)
    app.add_typer(group, name="model")


def list_(workspace: LookedIn = Path(), as_json: AsJson = False) -> None:
    from factory_kit.cli.console import print_json, print_table
    from factory_kit.load.ladder import ladder
    from factory_kit.load.maturity import maturity_model

    found = [maturity_model(folder, name) for name, folder in _folders(workspace).items()]
    ladders = [ladder(folder, name) for name, folder in _ladders(workspace).items()]
    if as_json:
        print_json([*map(_record, found), *map(_ladder_record, ladders)])
        return
    rows: list[tuple[object, ...]] = [
        (
            model.id,
            model.texts[language()].title,
            len(model.criteria),
            *model.confidence_counts().values(),
            _(model.status),
        )
        for model in found
    ]
    rows += [
        (each.id, each.content.title.in_(language()), len(each.items), "–", "–", "–", "–", _(each.content.status))
        for each in ladders
    ]
    columns = (_("Model"), _("Title"), _("Rows"), _("verified"), "A", "B", "C", _("Status"))
    print_table(columns, rows, numbers=dict.fromkeys(range(2, 7), True))


def check(
    name: ModelName,
    against: Annotated[
        str, typer.Option("--against", metavar="MODEL", help=N_("An earlier state of the model."), show_default=False)
    ] = "",
    workspace: LookedIn = Path(),
) -> None:
    from factory_kit.assess.model_changes import model_changes
    from factory_kit.cli.checks import check_path
    from factory_kit.cli.console import fail, success

    success(check_path(_folder(name, workspace)).summary)
    if not against:
        return
    silent = [each for each in model_changes(_model(against, workspace), _model(name, workspace)) if each.silent]
    for each in silent:
        fail(
            _("{id}: its meaning moved ({old} → {new}) under the same rev; raise rev, or give it a new id").format(
                id=each.id, old=each.old, new=each.new
            )
        )
    if silent:
        raise typer.Exit(FINDINGS)
    success(_("No meaning moved without a new rev."))


def diff(old: ModelName, new: ModelName, workspace: LookedIn = Path(), as_json: AsJson = False) -> None:
    from dataclasses import asdict

    from factory_kit.assess.model_changes import model_changes
    from factory_kit.cli.console import note, print_json, print_table

    one, other = _model(old, workspace), _model(new, workspace)
    changes = model_changes(one, other)
    if as_json:
        print_json({"old": one.sha256, "new": other.sha256, "changes": [asdict(change) for change in changes]})
        return
    if not changes:
        note(_("No difference in what answers and scores mean."))
        return
    rows = [(_(each.kind), each.id, each.old, each.new, _("without rev") if each.silent else "") for each in changes]
    print_table((_("What"), _("Id"), _("Old"), _("New"), _("Note")), rows)


CHANGES = (N_("added"), N_("removed"), N_("moved"), N_("reworded"), N_("options"), N_("weight"), N_("rule"))


def explain(name: ModelName, workspace: LookedIn = Path()) -> None:
    from factory_kit.assess.model_rules import ladder_in_words, rules_in_words
    from factory_kit.cli.console import print_table, results
    from factory_kit.load.ladder import ladder

    folder = _folder(name, workspace)
    if (folder / "ladder.yaml").is_file():
        for line in ladder_in_words(ladder(folder, name)):
            results().print(line, markup=False, soft_wrap=True)
        return
    model = _model(name, workspace)
    texts = model.texts[language()]
    for line in rules_in_words(model):
        results().print(line, markup=False, soft_wrap=True)
    rows = [
        (
            node.id,
            "  " * _depth(model, node.parent) + model.label(node.id, language()),
            *(node.weight[kind].share if kind in node.weight else "–" for kind in model.structure.types),
            sum(row.node == node.id for row in model.structure.criteria) or "",
        )
        for node in _tree(model, None)
    ]
    columns = ("Id", _("Node"), *(texts.types[kind] for kind in model.structure.types), _("Rows"))
    print_table(columns, rows, title=_("Weights, in per cent of the parent"), numbers=dict.fromkeys(range(2, 9), True))


def export(
    name: ModelName,
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help=N_("Where to write the rows."))],
    workspace: LookedIn = Path(),
) -> None:
    from factory_kit.assess.model_checking import COLUMNS, model_rows, rows_as_csv
    from factory_kit.cli.console import success
    from factory_kit.errors import UsageError
    from factory_kit.files import write_atomically

    if not file.parent.is_dir():
        raise UsageError("{folder}: there is no such folder", folder=file.parent)
    if file.exists():  # somebody may have written into it what the standard says
        raise UsageError("{target}: is there already; choose another name or take it away", target=file)
    rows = model_rows(_model(name, workspace))
    write_atomically(file, rows_as_csv([_(column) for column in COLUMNS], rows))
    success(_("{file}: {count} rows to compare.").format(file=file, count=len(rows)))


def mark_verified(
    name: ModelName,
    what: Annotated[list[str], typer.Argument(metavar="WHAT", help=N_("Criteria, nodes, weights, scoring, or all."))],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help=N_("Who compared."), show_default=False)],
    against: Annotated[
        str, typer.Option("--against", metavar="TEXT", help=N_("With what: document and clause."), show_default=False)
    ],
    on: Annotated[
        str, typer.Option("--on", metavar="YYYY-MM-DD", help=N_("On which day; today by default."), show_default=False)
    ] = "",
    workspace: LookedIn = Path(),
) -> None:
    from factory_kit.assess import model_checking
    from factory_kit.cli.console import success
    from factory_kit.load.workspace import Workspace

    folder = _folder(name, workspace)
    if not Path(name).is_dir():
        Workspace.at(workspace)
        folder = model_checking.own_copy(folder, workspace / "assessments")
    model = model_checking.mark_verified(folder, what, against=against, by=by, on=_day(on))
    counts = model.confidence_counts()
    success(
        _("{folder}: {verified} of {count} rows compared with the standard; {status}.").format(
            folder=folder, verified=counts["verified"], count=len(model.criteria), status=_(model.status)
        )
    )


def _day(text: str) -> date:
    from datetime import UTC, datetime

    from factory_kit.cli.clock import now
    from factory_kit.errors import UsageError

    if not text:
        return datetime.fromtimestamp(now() / 1_000_000, UTC).astimezone().date()
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError("--on: {text!r} is no day such as 2026-03-09", text=text) from error


def _folders(workspace: Path) -> dict[str, Path]:
    from factory_kit.load.maturity import model_folders
    from factory_kit.shipped import search_path

    return model_folders(search_path("assessments", workspace))


def _ladders(workspace: Path) -> dict[str, Path]:
    from factory_kit.load.ladder import ladder_folders
    from factory_kit.shipped import search_path

    return ladder_folders(search_path("assessments", workspace))


def _folder(name: str, workspace: Path) -> Path:
    from factory_kit.errors import UsageError

    if any((Path(name) / file).is_file() for file in ("model.yaml", "ladder.yaml")):
        return Path(name)
    folders = _folders(workspace) | _ladders(workspace)
    found = [key for key in folders if name in (key, key.partition("@")[0])]
    if len(found) == 1:
        return folders[found[0]]
    raise UsageError(
        "{name}: names {count} models; name one of {known}, or a folder that holds model.yaml",
        name=name,
        count=len(found),
        known=", ".join(found or folders),
    )


def _model(name: str, workspace: Path) -> MaturityModel:
    from factory_kit.errors import UsageError
    from factory_kit.load.maturity import maturity_model

    folder = _folder(name, workspace)
    if not (folder / "model.yaml").is_file():
        raise UsageError(
            "{name}: is a ladder; this works on models with weights, see factory-kit model list", name=name
        )
    return maturity_model(folder, name)


def _tree(model: MaturityModel, parent: str | None) -> Iterator[Node]:
    """The nodes below *parent*, each before its children."""
    for name in model.children.get(parent, ()):
        yield model.nodes[name]
        yield from _tree(model, name)


def _depth(model: MaturityModel, parent: str | None) -> int:
    return 0 if parent is None else 1 + _depth(model, model.nodes[parent].parent)


def _ladder_record(found: Ladder) -> dict[str, object]:
    content = found.content
    return {
        "id": found.id,
        "sha256": found.sha256,
        "status": content.status,
        "rows": len(found.items),
        "confidence": {},
    }


def _record(model: MaturityModel) -> dict[str, object]:
    return {
        "id": model.id,
        "sha256": model.sha256,
        "status": model.status,
        "rows": len(model.criteria),
        "confidence": model.confidence_counts(),
    }
