"""``pack``: from the store to a sealed data product."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli import pack_copies, pack_record
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
            "Check a package: every byte, every signature, rows and fields against its papers.\n\nExample: factory-kit pack verify energy.zip"
        ),
    )(verify)
    pack_copies.register(group)
    pack_record.register(group)
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
    from contextlib import ExitStack

    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json, success
    from factory_kit.cli.passphrase import asked_passphrase
    from factory_kit.load.product import find_product, product_folder
    from factory_kit.load.workspace import Workspace
    from factory_kit.reports.product import build_package
    from factory_kit.seal.keys import Signer, open_key
    from factory_kit.shipped import search_path
    from factory_kit.store import Store

    place = Workspace.at(workspace)
    site, _connectors = place.site()
    template = product_folder(find_product(product, search_path("datasets", place.root)))
    store = Store(place.store_folder)
    with ExitStack() as stack:
        signers = []
        if key is not None:
            opened = stack.enter_context(open_key(key, asked_passphrase(key)))
            signers.append(Signer(opened, "publisher", signer or site.plant.name.zh, now))
        made = build_package(
            template, site, store, out, span=_span(store, site.plant.timezone, since, until), key_file=place.root / "keys" / "pseudonyms.key",
            graded_by=graded_by, signers=signers, clock=now, labels=place.root / "labels",
        )  # fmt: skip
    if as_json:
        print_json({"file": str(out), "rows": made.rows, "outside": [vars_of(verdict) for verdict in made.verdicts]})
        return
    success(_("{file}: {rows} rows, sealed.").format(file=out, rows=made.rows))
    for verdict in made.verdicts:
        if not verdict.installed:
            note(
                _("{validator}: not installed (pip install 'factory-kit[validate]')").format(
                    validator=verdict.validator
                )
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
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("The package, sealed or unpacked."))],
    ring: Annotated[Path | None, typer.Option("--ring", metavar="DIR", help=N_("The folder of trusted keys."))] = None,
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import fail, success
    from factory_kit.cli.seal import verify as check
    from factory_kit.pack.verify import package_findings

    check(file, ring, as_json=as_json)
    findings = package_findings(file)
    for finding in findings:
        fail(_(finding.message).format(**finding.details))
    if findings:
        raise typer.Exit(1)
    if not as_json:
        success(_("Rows, fields and papers agree."))


def _span(store: Store, zone: str, first: str, last: str) -> Span:
    """The days asked for as times in UTC."""
    from factory_kit.pack.build import Span

    interval = asked_interval(store, zone, first, last)
    begins, ends = (
        datetime.fromtimestamp(micros / 1e6, UTC).replace(tzinfo=None) for micros in (interval.start, interval.end)
    )
    return Span(begins, ends)
