"""``pack``: from the store to a sealed data product."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli import pack_copies, pack_example, pack_record, pack_templates
from factory_kit.cli.options import AsJson, PublisherKey, SignerOfPlant, WorkspaceFolder
from factory_kit.cli.timerange import FirstDay, LastDay, asked_interval
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.pack.build import Span
    from factory_kit.store import Store

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(
        help=N_("Data products: build, seal and check datasets that may leave the plant."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(
        "build",
        help=N_(
            "Build a data product from the store: rows, papers, quality, and the sealed file.\n\n"
            "Example: factory-kit pack build energy-hourly --out energy.zip --graded-by 张三"
        ),
    )(build)
    group.command(
        "verify",
        help=N_(
            "Check a package, with nothing but the package: every byte, every signature, rows and fields against its papers.\n\n"
            "Example: factory-kit pack verify energy.zip"
        ),
    )(verify)
    pack_templates.register(group)
    pack_copies.register(group)
    pack_record.register(group)
    pack_example.register(group)
    app.add_typer(group, name="pack")


def build(
    product: Annotated[
        str, typer.Argument(metavar="PRODUCT", help=N_("Name of the data product, such as energy-hourly."))
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help=N_("The sealed file to write."))],
    graded_by: Annotated[
        str, typer.Option("--graded-by", metavar="NAME", help=N_("Who decides that the proposed grading is right."))
    ] = "",
    since: FirstDay = "",
    until: LastDay = "",
    key: PublisherKey = None,
    signer: SignerOfPlant = "",
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.cli.pack_asked import asked_product
    from factory_kit.cli.progress import working
    from factory_kit.reports.product import build_package
    from factory_kit.store import Store

    with asked_product(workspace, product, key, signer) as asked, working(_("rows, papers, quality, leaks")):
        store = Store(asked.place.store_folder)
        made = build_package(
            asked.template, asked.site, store, out, span=_span(store, asked.site.plant.timezone, since, until), key_file=asked.key_file,
            graded_by=graded_by, signers=asked.signers, clock=now, labels=asked.place.root / "labels",
        )  # fmt: skip
    if as_json:
        print_json({"file": str(out), "rows": made.rows, "outside": [vars_of(verdict) for verdict in made.verdicts]})
        return
    success(_("{file}: {rows} rows, sealed.").format(file=out, rows=made.rows))
    for verdict in made.verdicts:
        if not verdict.installed:
            note(
                _(
                    '{validator}: not installed; run: pip install "factory-kit[validate]" (from a wheelhouse folder: with --no-index --find-links FOLDER)'
                ).format(validator=verdict.validator)
            )
        else:
            said = _("accepts it ({said})") if verdict.accepted else _("refuses it: {said}")
            note(f"{verdict.validator}: " + said.format(said=verdict.said))
    if not all(verdict.accepted for verdict in made.verdicts if verdict.installed):
        raise typer.Exit(1)


def vars_of(verdict: object) -> dict[str, object]:
    from dataclasses import asdict, is_dataclass

    assert is_dataclass(verdict)  # noqa: S101 - only verdicts come here
    assert not isinstance(verdict, type)  # noqa: S101
    return asdict(verdict)


def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help=N_("The package: sealed, unpacked, or unpacked and zipped again."))
    ],
    ring: Annotated[Path | None, typer.Option("--ring", metavar="DIR", help=N_("The folder of trusted keys."))] = None,
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import fail, note, print_json, success
    from factory_kit.cli.seal import asked_ring, report_as_record, show_report
    from factory_kit.pack.verify import verify_package

    found = verify_package(file, asked_ring(ring))
    if as_json:
        said = [{"file": finding.file, "what": finding.what.value, "said": str(finding)} for finding in found.findings]
        print_json(report_as_record(found.report) | {"ok": found.ok, "repacked": found.repacked, "content": said})
    else:
        show_report(found.report)
        for finding in found.findings:
            fail(_(finding.message).format(**finding.details))
        if found.repacked:
            note(_("The zip file was packed by another program: its files were checked, not how they are packed."))
        if found.ok:
            success(_("Rows, fields and papers agree."))
    if not found.ok:
        raise typer.Exit(1)


def _span(store: Store, zone: str, first: str, last: str) -> Span:
    """The days asked for as times in UTC."""
    from factory_kit.pack.build import Span

    interval = asked_interval(store, zone, first, last)
    begins, ends = (
        datetime.fromtimestamp(micros / 1e6, UTC).replace(tzinfo=None) for micros in (interval.start, interval.end)
    )
    return Span(begins, ends)
