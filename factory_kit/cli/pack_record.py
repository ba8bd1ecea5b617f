"""``pack record``: what became of a product at the exchange."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from factory_kit.cli.options import WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.pack.record import Machines, State

__all__ = ["register"]

ProductName = Annotated[
    str, typer.Argument(metavar="PRODUCT", help=N_("Name of the data product, such as energy-hourly."))
]


def register(group: typer.Typer) -> None:
    """The command of this module joins the group ``pack``."""
    group.command(
        "record",
        help=N_(
            "Note what became of a product at the exchange, and write the page that the district counts.\n\n"
            "Example: factory-kit pack record energy-hourly --state registered --on 2026-11-21 --certificate SDE-1 --machines owned --out record.docx"
        ),
    )(record)


def record(
    product: ProductName,
    state: Annotated[
        str, typer.Option("--state", metavar="draft|registered|listed|withdrawn", help=N_("What it is now."))
    ],
    on: Annotated[str, typer.Option("--on", metavar="YYYY-MM-DD", help=N_("Since when."))],
    machines: Annotated[
        str, typer.Option("--machines", metavar="owned|leased|mixed", help=N_("Whose machines the data comes from."))
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.docx", help=N_("The page to write."))],
    agreement: Annotated[
        str, typer.Option("--agreement", help=N_("The contract that gives you the data of leased machines."))
    ] = "",
    certificate: Annotated[str, typer.Option("--certificate", help=N_("Number of the exchange's certificate."))] = "",
    renew_by: Annotated[str, typer.Option("--renew-by", metavar="YYYY-MM-DD", help=N_("Until when it is valid."))] = "",
    package: Annotated[
        Path | None, typer.Option("--package", metavar="FILE.zip", help=N_("The package itself."))
    ] = None,
    remark: Annotated[str, typer.Option("--note", help=N_("Anything else."))] = "",
    workspace: WorkspaceFolder = Path(),
) -> None:
    from datetime import UTC, datetime

    from factory_kit.cli.clock import now
    from factory_kit.cli.console import success
    from factory_kit.i18n import language
    from factory_kit.load.product import find_product, product_folder
    from factory_kit.load.workspace import Workspace
    from factory_kit.pack.record import RECORDS, Event, add_event
    from factory_kit.render.word import write_word
    from factory_kit.reports.product_record import record_page
    from factory_kit.seal.digest import digest_file
    from factory_kit.shipped import search_path

    place = Workspace.at(workspace)
    site, _connectors = place.site()
    template = product_folder(find_product(product, search_path("datasets", place.root))).product
    event = Event(
        product, template.version, cast("State", state), on, cast("Machines", machines), agreement, certificate, renew_by,
        tuple(template.listing.delivery), template.identifier, digest_file(package).sha256 if package else "", remark, template.title.zh, site.kind,
    )  # fmt: skip
    events = add_event(place.root / RECORDS, event)
    today = datetime.fromtimestamp(now() / 1e6, UTC).date()
    write_word(record_page(events, template, site.plant, today, language()), out)
    success(_("{file}: the record of {product}.").format(file=out, product=product))
