"""``assess``: an assessment from its first file to its score and the reasons for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.beside import agreement, form, import_, ladder, rate
from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from factory_kit.assess.bundle import Leaving
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.i18n import Language
    from factory_kit.model.assessment import AssessmentType
    from factory_kit.reports.assessment import Material

__all__ = ["register"]

TYPES = ("self", "provider", "on-site", "re-assessment")
MODEL = "gbt-39116@2020"
USUAL_DAYS = 30

Name = Annotated[str, typer.Argument(metavar="NAME", help=N_("The assessment: the name of its folder in assessments."))]
Bundle = Annotated[Path, typer.Argument(metavar="FILE.zip", help=N_("The bundle of an assessment."))]
By = Annotated[str, typer.Option("--by", metavar="NAME", help=N_("Who decides."))]
Why = Annotated[str, typer.Option("--why", metavar="TEXT", help=N_("The reason."))]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(
        help=N_("Assessments: answers, machine evidence and decisions become a score with its reasons."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    for command, text in COMMANDS:
        group.command(command.__name__.rstrip("_"), help=text)(command)
    app.add_typer(group, name="assess")


def new(
    name: Name,
    model: Annotated[str, typer.Option("--model", metavar="ID@EDITION", help=N_("The maturity model."))] = MODEL,
    kind: Annotated[str, typer.Option("--type", metavar="|".join(TYPES), help=N_("How it is assessed."))] = "self",
    assessor: Annotated[str, typer.Option("--assessor", metavar="NAME", help=N_("Who answers."))] = "",
    provider: Annotated[str, typer.Option("--provider", metavar="NAME", help=N_("The diagnosis provider."))] = "",
    first: Annotated[
        str,
        typer.Option("--from", metavar="DATE", help=N_("First day the evidence speaks for; by default 30 days ago.")),
    ] = "",
    last: Annotated[
        str, typer.Option("--to", metavar="DATE", help=N_("Last day the evidence speaks for; by default today."))
    ] = "",
    on_site: Annotated[
        list[str] | None, typer.Option("--on-site", metavar="DATE", help=N_("A day in the plant; may be repeated."))
    ] = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(
            "--unit", metavar="CODE", help=N_("Reporting unit of the plant: street, town, park; may be repeated.")
        ),
    ] = None,
    example: Annotated[
        bool, typer.Option("--example", help=N_("Fill in the example answers of the model; demo workspaces only."))
    ] = False,
    workspace: WorkspaceFolder = Path(),
) -> None:
    import secrets

    from factory_kit.assess.begin import Wish, begin
    from factory_kit.assess.forms import TO_FILL_IN
    from factory_kit.cli.console import note, success
    from factory_kit.load.workspace import Workspace

    place = Workspace.at(workspace)
    today = _today(place)
    wish = Wish(
        name=name,
        model=model,
        period=_period(first, last, today),
        type=_type(kind),
        assessor=assessor or TO_FILL_IN,
        provider=provider,
        units=tuple(unit or ()),
        on_site=tuple(_day(text) for text in on_site or ()),
        example=example,
    )
    folder = begin(place, wish, secrets.token_hex(8))
    success(_("{folder} is ready.").format(folder=folder.path))
    note(
        _("Next: fill in {file}, then run: factory-kit assess score {name}").format(file=folder.answers_file, name=name)
    )


def score(name: Name, workspace: WorkspaceFolder = Path(), as_json: AsJson = False) -> None:
    from factory_kit.assess.scored import write_score
    from factory_kit.cli.console import print_json, success
    from factory_kit.cli.reasons import show_score

    folder, sources = _opened(workspace, name)
    scored = write_score(folder, sources)
    if as_json:
        print_json(scored.record())
        return
    show_score(scored)
    success(_("{file} is written.").format(file=folder.score_file))


def explain(
    name: Name,
    criterion: Annotated[
        str, typer.Argument(metavar="[CRITERION]", help=N_("One requirement, such as MP4.3.a; without it the level."))
    ] = "",
    sensitivity: Annotated[
        bool, typer.Option("--sensitivity", help=N_("Say what the level hangs on: margins, answers, weights."))
    ] = False,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.assess.scored import read_scored
    from factory_kit.cli import reasons
    from factory_kit.errors import UsageError

    scored = read_scored(_opened(workspace, name)[0])
    if criterion and criterion not in scored.model.criteria:
        raise UsageError("{model} has no requirement {criterion!r}", model=scored.model.id, criterion=criterion)
    if criterion:
        reasons.explain_criterion(scored, criterion, as_json=as_json)
    elif sensitivity:
        reasons.explain_sensitivity(scored, as_json=as_json)
    else:
        reasons.explain_level(scored, as_json=as_json)


def path(
    name: Name,
    level: Annotated[
        int, typer.Option("--level", metavar="N", min=0, help=N_("The level to reach; by default the next one."))
    ] = 0,
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

    scored = read_scored(_opened(workspace, name)[0])
    wanted = level or scored.score.level + 1
    if not scored.score.level < wanted <= max(scored.model.structure.levels):
        raise UsageError("--level: the plant has level {have}; name a higher one of the model", have=scored.score.level)
    actions = actions_for(scored.model, search_path("assessments", Workspace.at(workspace).root))
    if actions is None:
        raise UsageError("{model}: there are no actions for this model in assessments/actions", model=scored.model.id)
    plans = paths(scored.score, scored.decided, actions, wanted)
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

    folder, _sources = _opened(workspace, name)
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

    folder, _sources = _opened(workspace, name)
    made = settle(folder, criterion, value, by, why, now())
    note(
        _("{criterion}: {new}; the machine evidence says {machine}, and stays beside it").format(
            criterion=criterion, new=made.new, machine=made.machine or "-"
        )
    )
    _score_again(folder, workspace, name)


def report(
    name: Name,
    form: Annotated[
        list[str] | None,
        typer.Option("--format", metavar="html|docx|xlsx|pdf", help=N_("html by default; may be repeated.")),
    ] = None,
    template: Annotated[
        Path | None,
        typer.Option(
            "--template", metavar="FILE.docx", help=N_("Your own Word template; the fields are in docs/reports.md.")
        ),
    ] = None,
    languages: Annotated[
        str, typer.Option("--in", metavar="zh|en|both", help=N_("Languages of the report; both by default."))
    ] = "both",
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import print_json, success
    from factory_kit.reports.assessment import view
    from factory_kit.reports.files import write

    folder, material = _material(workspace, name)
    folder.report_folder.mkdir(exist_ok=True)
    written = []
    for language in _languages(languages):
        document = view(material, language)
        for suffix in form or ["html"]:
            path = folder.report_folder / f"report.{language}.{suffix}"
            write(document, path, template if suffix == "docx" else None)
            written.append(path)
    if as_json:
        print_json([str(path) for path in written])
    else:
        for path in written:
            success(_("{file} is written.").format(file=path))


def seal(
    name: Name,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.zip", help=N_("The bundle; by default in the folder of the assessment.")),
    ] = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE.key", help=N_("The key to sign with."))] = None,
    signer: Annotated[
        str,
        typer.Option("--signer", metavar="NAME", help=N_("Name to sign as; by default the provider's or the plant's.")),
    ] = "",
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from contextlib import ExitStack

    from factory_kit.assess.bundle import seal_assessment
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.cli.passphrase import asked_passphrase
    from factory_kit.reports.leaving import bundle_pages
    from factory_kit.seal.keys import Signer, open_key

    folder, material = _material(workspace, name)
    assessment = material.scored.assessment
    target = out or folder.path / f"{assessment.plant.id}-{name}.zip"
    role = "provider" if assessment.provider else "enterprise"
    called = signer or (assessment.provider.name if assessment.provider else assessment.plant.name.zh)
    with ExitStack() as stack:
        signers = []
        if key is not None:
            opened = stack.enter_context(open_key(key, asked_passphrase(key)))
            signers.append(Signer(opened, role, called, now))
        manifest = seal_assessment(material.scored, target, bundle_pages(material), material.software, signers)
    if as_json:
        print_json(
            {
                "file": str(target),
                "files": len(manifest.files),
                "expects": list(manifest.expects),
                "signed": [each.role for each in signers],
            }
        )
        return
    success(_("{file}: {count} files, sealed.").format(file=target, count=len(manifest.files)))
    missing = [each for each in manifest.expects if each not in {signer.role for signer in signers}]
    if missing:
        note(_("Still to sign: {roles}.").format(roles=", ".join(_(each) for each in missing)))
    if "enterprise" in missing:
        note(
            _("Next, at the enterprise: factory-kit assess acknowledge {file} --key enterprise.key").format(file=target)
        )


def acknowledge(
    bundle: Bundle,
    key: Annotated[Path, typer.Option("--key", metavar="FILE.key", help=N_("The key of the enterprise."))],
    signer: Annotated[
        str, typer.Option("--signer", metavar="NAME", help=N_("Name to sign as; by default the plant's."))
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.zip", help=N_("Where to write; by default in its place."))
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help=N_("List every file, not only what they are for."))] = False,
) -> None:
    from factory_kit.assess.bundle import about_whom, leaving, open_bundle
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import success
    from factory_kit.cli.passphrase import asked_passphrase
    from factory_kit.seal.keys import Signer, open_key
    from factory_kit.seal.sealing import countersign

    sealed = open_bundle(bundle)
    files = leaving(dict(sealed.contents()))
    _show_leaving(files, everything=everything)
    with open_key(key, asked_passphrase(key)) as opened:
        called = signer or about_whom(sealed).plant.name.zh
        signed = countersign(bundle, Signer(opened, "enterprise", called, now), out)
    success(_("{file} is acknowledged by {name}.").format(file=signed.path, name=called))


def _show_leaving(files: Sequence[Leaving], *, everything: bool) -> None:
    """What leaves the plant: by purpose, or file by file."""
    from factory_kit.cli.console import note, print_table

    title = _("What leaves the plant")
    if not everything:
        columns = (_("Purpose"), _("Files"), _("May name people"), _("Bytes"))
        print_table(columns, _by_purpose(files), title=title, numbers={1: True, 3: True})
        note(_("Every file with its hash: --all, or the page leaving/leaving.zh.html inside the bundle."))
        return
    rows = [
        (each.path, _(each.purpose.value), _("yes") if each.personal else _("no"), str(each.size), each.sha256[:12])
        for each in files
    ]
    print_table(
        (_("File"), _("Purpose"), _("May name people"), _("Bytes"), "SHA-256"), rows, title=title, numbers={3: True}
    )


def _by_purpose(files: Sequence[Leaving]) -> list[tuple[str, str, str, str]]:
    """Purpose, how many files, whether one of them may name people, and their bytes."""
    found: dict[str, list[Leaving]] = {}
    for each in files:
        found.setdefault(each.purpose.value, []).append(each)
    return [
        (
            _(purpose),
            str(len(group)),
            _("yes") if any(each.personal for each in group) else _("no"),
            str(sum(each.size for each in group)),
        )
        for purpose, group in found.items()
    ]


def rescore(bundle: Bundle, as_json: AsJson = False) -> None:
    from factory_kit.assess.bundle import rescore as rebuild
    from factory_kit.cli.console import fail, print_json, success

    found = rebuild(bundle)
    if as_json:
        print_json(
            {
                "file": str(bundle),
                "same": found.same,
                "level": found.scored.score.level,
                "differences": list(found.differences),
            }
        )
    elif found.same:
        success(
            _("{file}: rebuilt from the bundle alone, every byte of the score is the same: level {level}.").format(
                file=bundle.name, level=found.scored.score.level
            )
        )
    else:
        fail(
            _("{file}: the score in the bundle is not the one its answers and evidence give:").format(file=bundle.name)
        )
        for text in found.differences:
            fail(f"  {text}")
    if not found.same:
        raise typer.Exit(1)


COMMANDS = (
    (
        new,
        N_(
            "Begin an assessment: every requirement of the model in a file to fill in.\n\n"
            "Example: factory-kit assess new 2026-09 --assessor 李工"
        ),
    ),
    (
        score,
        N_(
            "Score an assessment from its answers, decisions and machine evidence.\n\nExample: factory-kit assess score 2026-09"
        ),
    ),
    (
        explain,
        N_(
            "Say why the plant has its level and what would raise it most, what it hangs on, or what stands behind one requirement.\n\n"
            "Example: factory-kit assess explain 2026-09 MP4.3.a"
        ),
    ),
    (
        path,
        N_(
            "Plan the way to the next level: three sets of actions with their estimated cost.\n\nExample: factory-kit assess path 2026-09"
        ),
    ),
    (
        form,
        N_(
            "Write the answers as an Excel form: a sheet per place, drop-downs, and what the machines propose.\n\nExample: factory-kit assess form 2026-09 answers.xlsx"
        ),
    ),
    (
        import_,
        N_(
            "Take the answers of a filled-in form back; every mistake is told with sheet and cell.\n\nExample: factory-kit assess import 2026-09 answers.xlsx"
        ),
    ),
    (
        ladder,
        N_(
            "Say where the plant stands on a ladder: SME digital level, tiers of smart factories, SIRI, the district's steps.\n\nExample: factory-kit assess ladder 2026-09 sme-digital@2024 --new"
        ),
    ),
    (
        rate,
        N_(
            "Begin a blind rating of one person's own, in the form of the answers.\n\nExample: factory-kit assess rate 2026-09 --rater 李工"
        ),
    ),
    (
        agreement,
        N_(
            "Say how far the raters agree, and where they differ without a reason.\n\nExample: factory-kit assess agreement 2026-09"
        ),
    ),
    (
        accept,
        N_(
            "Take what the machine evidence proposes, as a decision with name and reason.\n\n"
            "Example: factory-kit assess accept 2026-09 MP4.3.a --by 李工 --why 与现场一致"
        ),
    ),
    (
        override,
        N_(
            "Decide on a value yourself; what the machine evidence says stays beside it.\n\n"
            "Example: factory-kit assess override 2026-09 MP4.3.a 0.8 --by 李工 --why 两台新设备尚未联网"
        ),
    ),
    (
        report,
        N_(
            "Write the report for people, in Chinese and English.\n\nExample: factory-kit assess report 2026-09 --in zh"
        ),
    ),
    (
        seal,
        N_(
            "Seal answers, evidence, decisions, score, model and report into one file, with the list of what leaves the plant.\n\n"
            "Example: factory-kit assess seal 2026-09 --key provider.key"
        ),
    ),
    (
        acknowledge,
        N_(
            "Show what would leave the plant, and sign for the enterprise that it may.\n\n"
            "Example: factory-kit assess acknowledge my-plant-2026-09.zip --key enterprise.key"
        ),
    ),
    (
        rescore,
        N_(
            "Rebuild the score from a bundle alone and compare every byte.\n\nExample: factory-kit assess rescore my-plant-2026-09.zip"
        ),
    ),
)


ROLES = (N_("provider"), N_("enterprise"))
PURPOSES = (
    N_("assessment"), N_("answers"), N_("decisions"), N_("evidence"), N_("indicator"), N_("model"), N_("score"), N_("report"), N_("leaving"),
)  # fmt: skip
"""Names of roles and purposes, for the catalogue."""


def _score_again(folder: AssessmentFolder, workspace: Path, name: str) -> None:
    from factory_kit.assess.scored import write_score
    from factory_kit.cli.console import success

    scored = write_score(folder, _opened(workspace, name)[1])
    success(_("{file} is written: level {level}.").format(file=folder.score_file, level=scored.score.level))


def _opened(workspace: Path, name: str) -> tuple[AssessmentFolder, list[Path]]:
    """The folder of the assessment, and where indicators are found."""
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.load.workspace import Workspace
    from factory_kit.shipped import search_path

    place = Workspace.at(workspace)
    sources = [folder / "indicators" for folder in search_path("assessments", place.root)]
    return AssessmentFolder.of(place, name), sources


def _material(workspace: Path, name: str) -> tuple[AssessmentFolder, Material]:
    """What the report is made from, freshly scored."""
    from factory_kit import __version__
    from factory_kit.assess.scored import write_score
    from factory_kit.cli.clock import now
    from factory_kit.load.workspace import Workspace
    from factory_kit.reports.assessment import Material, shown_day
    from factory_kit.store import Store

    folder, sources = _opened(workspace, name)
    place = Workspace.at(workspace)
    site, _connectors = place.site()
    scored = write_score(folder, sources)
    day = shown_day(scored, site, Store(place.store_folder))
    return folder, Material(scored=scored, site=site, made_at=now(), software=f"factory-kit {__version__}", day=day)


def _languages(text: str) -> tuple[Language, ...]:
    from factory_kit.errors import UsageError
    from factory_kit.i18n import LANGUAGES

    found = tuple(each for each in LANGUAGES if text in {each, "both"})
    if not found:
        raise UsageError("{text!r} is no language of reports, expected zh, en or both", text=text)
    return found


def _type(text: str) -> AssessmentType:
    from typing import cast

    from factory_kit.errors import UsageError

    if text not in TYPES:
        raise UsageError(
            "{type!r} is no type of assessment, expected one of {known}", type=text, known=", ".join(TYPES)
        )
    return cast("AssessmentType", text)


def _today(place: object) -> date:
    """Today in the zone of the plant."""
    from datetime import UTC, datetime
    from zoneinfo import ZoneInfo

    from factory_kit.cli.clock import now
    from factory_kit.load.workspace import Workspace

    assert isinstance(place, Workspace)  # noqa: S101 - for the types only
    zone = ZoneInfo(place.site()[0].plant.timezone)
    return datetime.fromtimestamp(now() // 1_000_000, UTC).astimezone(zone).date()


def _period(first: str, last: str, today: date) -> tuple[date, date]:
    from datetime import timedelta

    ends = _day(last) if last else today
    return (_day(first) if first else ends - timedelta(days=USUAL_DAYS)), ends


def _day(text: str) -> date:
    from datetime import date

    from factory_kit.errors import UsageError

    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise UsageError("{text!r} is not a date, expected YYYY-MM-DD", text=text) from error
