"""``pack record``: what became of a product at the exchange, and which renewals fall due."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from factory_kit.cli.options import AsJson, WorkspaceFolder
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from factory_kit.load.workspace import Workspace
    from factory_kit.pack.record import Event, Machines, State

__all__ = ["register"]

RecordedProduct = Annotated[
    str,
    typer.Argument(
        metavar="[PRODUCT]", help=N_("Name of the data product; without --state all that is noted is listed.")
    ),
]


def register(group: typer.Typer) -> None:
    """The command of this module joins the group ``pack``."""
    group.command(
        "record",
        help=N_(
            "Note what became of a product at the exchange, and write the page that the district counts; without --state, list what is noted and which renewals fall due.\n\n"
            "Example: factory-kit pack record energy-hourly --state registered --on 2026-11-21 --certificate SDE-1 --machines owned --out record.docx"
        ),
    )(record)


def record(
    product: RecordedProduct = "",
    state: Annotated[
        str, typer.Option("--state", metavar="draft|registered|listed|withdrawn", help=N_("What it is now."))
    ] = "",
    on: Annotated[str, typer.Option("--on", metavar="YYYY-MM-DD", help=N_("Since when."))] = "",
    machines: Annotated[
        str, typer.Option("--machines", metavar="owned|leased|mixed", help=N_("Whose machines the data comes from."))
    ] = "",
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE.docx", help=N_("The page to write."))] = None,
    agreement: Annotated[
        str, typer.Option("--agreement", help=N_("The contract that gives you the data of leased machines."))
    ] = "",
    certificate: Annotated[str, typer.Option("--certificate", help=N_("Number of the exchange's certificate."))] = "",
    renew_by: Annotated[str, typer.Option("--renew-by", metavar="YYYY-MM-DD", help=N_("Until when it is valid."))] = "",
    package: Annotated[
        Path | None, typer.Option("--package", metavar="FILE.zip", help=N_("The package itself."))
    ] = None,
    remark: Annotated[str, typer.Option("--note", help=N_("Anything else."))] = "",
    ahead: Annotated[
        int, typer.Option("--ahead", metavar="DAYS", min=0, help=N_("How long before the day a renewal is announced."))
    ] = 90,
    workspace: WorkspaceFolder = Path(),
    as_json: AsJson = False,
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
    today = datetime.fromtimestamp(now() / 1e6, UTC).date()
    needed: dict[str, object] = {"--state": state, "--on": on, "--machines": machines, "--out": out}
    others = (agreement, certificate, renew_by, remark, package)
    if not any((*needed.values(), *others)):
        _list(place, product, today, ahead, as_json)
        return
    _require({"PRODUCT": product} | needed)
    site, _connectors = place.site()
    template = product_folder(find_product(product, search_path("datasets", place.root))).product
    event = Event(
        product, template.version, cast("State", state), on, cast("Machines", machines), agreement, certificate, renew_by,
        tuple(template.listing.delivery), template.identifier, digest_file(package).sha256 if package else "", remark, template.title.zh, site.kind,
    )  # fmt: skip
    events = add_event(place.root / RECORDS, event)
    write_word(record_page(events, template, site.plant, today, language(), ahead), cast("Path", out))
    success(_("{file}: the record of {product}.").format(file=out, product=product))
    _announce([event], today, ahead)


def _require(given: dict[str, object]) -> None:
    """``UsageError`` with what an entry lacks."""
    from factory_kit.errors import UsageError

    missing = [name for name, value in given.items() if not value]
    if missing:
        raise UsageError("an entry needs {missing} as well", missing=", ".join(missing))


def _list(place: Workspace, product: str, today: date, ahead: int, as_json: bool) -> None:
    """The last entry of each product, or of *product* alone, by the day of its renewal."""
    from factory_kit.cli.console import note, print_json, print_table
    from factory_kit.errors import UsageError
    from factory_kit.pack.record import RECORDS, days_left, read_events, renewal_ahead

    found = {event.product: event for event in read_events(place.root / RECORDS)}
    if product and product not in found:
        raise UsageError("{product}: nothing is noted of this data product", product=product)
    shown = sorted(
        (event for name, event in found.items() if product in ("", name)),
        key=lambda event: (days_left(event, today) is None, event.renew_by, event.product),
    )
    if as_json:
        keys = ("product", "version", "title", "state", "on", "certificate", "renew_by", "kind")
        print_json([
            {key: getattr(event, key) for key in keys}
            | {"days_left": days_left(event, today), "renewal_ahead": renewal_ahead(event, today, ahead)}
            for event in shown
        ])  # fmt: skip
        return
    if not shown:
        note(_("Nothing is noted yet."))
        return
    columns = (_("Product"), _("State"), _("Since"), _("Certificate"), _("Renew by"), _("Days left"))
    print_table(columns, [_row(event, days_left(event, today)) for event in shown])
    _announce(shown, today, ahead)


def _row(event: Event, left: int | None) -> tuple[str, ...]:
    from factory_kit.i18n import language
    from factory_kit.reports.wording import wording

    state = wording("product_record", language())(f"state.{event.state}")
    return (event.product, state, event.on, event.certificate, event.renew_by, "" if left is None else str(left))


def _announce(events: Sequence[Event], today: date, ahead: int) -> None:
    """A line for each certificate that ran out or is about to."""
    from factory_kit.cli.console import fail, note
    from factory_kit.pack.record import days_left, renewal_ahead

    for event in events:
        left = days_left(event, today)
        if left is not None and left < 0:
            said = _("{product}: the certificate {certificate} ran out on {day}; it should not be counted now.")
            fail(said.format(product=event.product, certificate=event.certificate, day=event.renew_by))
        elif renewal_ahead(event, today, ahead):
            said = _("{product}: renew the certificate {certificate} by {day}; {left} days are left.")
            note(said.format(product=event.product, certificate=event.certificate, day=event.renew_by, left=left))
