"""``assess report``, ``seal``, ``acknowledge`` and ``rescore``: what is handed over."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.assess_arguments import Bundle, Name, opened
from factory_kit.cli.options import AsJson, SignerOfPlant, WorkspaceFolder, asked_languages
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory_kit.assess.bundle import Leaving
    from factory_kit.assess.folder import AssessmentFolder
    from factory_kit.reports.assessment import Material

__all__ = ["acknowledge", "report", "rescore", "seal"]


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
    for language in asked_languages(languages):
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
    from factory_kit.cli.pasted import pasted
    from factory_kit.reports.leaving import bundle_pages
    from factory_kit.seal.keys import Signer, open_key

    folder, material = _material(workspace, name)
    assessment = material.scored.assessment
    target = out or folder.path / f"{assessment.plant.id}-{name}.zip"
    role = "provider" if assessment.provider else "enterprise"
    called = signer or (assessment.provider.name if assessment.provider else assessment.plant.name.zh)
    _keep_acknowledged(target, role)
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
        note(_("Next, at the enterprise:"))
        pasted("factory-kit", "assess", "acknowledge", target, "--key", "enterprise.key")


def _keep_acknowledged(target: Path, role: str) -> None:
    """``UsageError`` where *target* is no bundle, or one that somebody beside *role* has signed: nobody can sign it again for them."""
    from factory_kit.errors import SealError, UsageError
    from factory_kit.seal.verify import open_sealed

    if not target.exists():
        return
    try:
        signed = {each.role for each in open_sealed(target).report.signatures if each.file}
    except SealError:
        signed = {""}
    if signed - {role}:
        raise UsageError("{file}: is there already; nothing was changed", file=target)


def acknowledge(
    bundle: Bundle,
    key: Annotated[Path, typer.Option("--key", metavar="FILE.key", help=N_("The key of the enterprise."))],
    signer: SignerOfPlant = "",
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


ROLES = (N_("provider"), N_("enterprise"))
PURPOSES = (
    N_("assessment"), N_("answers"), N_("decisions"), N_("evidence"), N_("indicator"), N_("model"), N_("score"), N_("report"), N_("leaving"),
)  # fmt: skip
"""Names of roles and purposes, for the catalogue."""


def _material(workspace: Path, name: str) -> tuple[AssessmentFolder, Material]:
    """What the report is made from, freshly scored."""
    from factory_kit import __version__
    from factory_kit.assess.scored import write_score
    from factory_kit.assess.stands import freeze_ladders, stands
    from factory_kit.cli.clock import now
    from factory_kit.diagnose.known import Known
    from factory_kit.load.workspace import Workspace
    from factory_kit.reports.assessment import Material, found_in, shown_day
    from factory_kit.shipped import search_path
    from factory_kit.store import Store

    folder, sources = opened(workspace, name)
    place = Workspace.at(workspace)
    site, _connectors = place.site()
    scored = write_score(folder, sources)
    freeze_ladders(folder, search_path("assessments", place.root))
    store, made_at = Store(place.store_folder), now()
    day = shown_day(scored, site, store)
    found = found_in(scored, site, store, Known.of(place.root, site), made_at) if day else None
    return folder, Material(
        scored=scored, site=site, made_at=made_at, software=f"factory-kit {__version__}", day=day, diagnosis=found,
        stands=stands(scored),
    )  # fmt: skip
