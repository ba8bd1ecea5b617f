"""``district``, the officer's part: registers, index, letters, status."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.options import AsJson
from factory_kit.i18n import N_, _

__all__ = ["add_commands"]

DistrictFolder = Annotated[
    Path,
    typer.Option("--district", "-d", metavar="DIR", help=N_("The folder of the district; by default the current one.")),
]


def add_commands(group: typer.Typer) -> None:
    """The commands of this module join *group*."""
    group.command(
        "import",
        help=N_(
            "Take an Excel or CSV sheet into a register; mistakes come with sheet and cell, editions are kept.\n\n"
            "Example: factory-kit district import plants plants.xlsx -d songjiang"
        ),
    )(import_)
    group.command(
        "rebuild",
        help=N_(
            "Make the index anew from ledger and bundles, checking every one of them.\n\n"
            "Example: factory-kit district rebuild -d songjiang"
        ),
    )(rebuild)
    group.command(
        "status",
        help=N_(
            "Check the ledger and say what was received, and which registers there are.\n\n"
            "Example: factory-kit district status -d songjiang"
        ),
    )(status)
    group.command(
        "letters",
        help=N_(
            "Write a letter to each provider about what came back, as Word and Excel.\n\n"
            "Example: factory-kit district letters letters -d songjiang"
        ),
    )(letters)
    group.command(
        "rules",
        help=N_("The rules of receiving by number.\n\nExample: factory-kit district rules"),
    )(rules)


def import_(
    register: Annotated[str, typer.Argument(metavar="REGISTER", help=N_("plants, providers, recognitions and so on."))],
    file: Annotated[Path, typer.Argument(metavar="FILE", help=N_("An .xlsx or .csv file."))],
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, success
    from factory_kit.district.office import Office
    from factory_kit.district.register import keep_edition
    from factory_kit.district.sheet_import import read_sheet
    from factory_kit.errors import UsageError

    if not file.is_file():
        raise UsageError("{path}: there is no such file or folder", path=file)
    office = Office.at(district)
    found = read_sheet(file, register, office.units(), office.registers())
    for warning in found.warnings:
        note(warning.located(_(warning.message)))
    edition = keep_edition(office.registers().folder, register, found.rows, file, now)
    if edition.new:
        success(
            _("{register}: edition {number}, {rows} entries").format(
                register=register, number=edition.number, rows=len(edition.rows)
            )
        )
    else:
        note(_("{register}: edition {number} says the same already").format(register=register, number=edition.number))


def rebuild(district: DistrictFolder = Path()) -> None:
    import os

    from factory_kit.cli.console import success
    from factory_kit.district.index import rebuild_index
    from factory_kit.district.office import Office

    done = rebuild_index(Office.at(district), min(8, os.cpu_count() or 1))
    success(
        _(
            "The index is new: {records} receipts, {bundles} bundles checked, {receipts} lost receipts written again."
        ).format(records=done.records, bundles=done.bundles, receipts=done.receipts)
    )


def status(district: DistrictFolder = Path(), as_json: AsJson = False) -> None:
    from collections import Counter

    from factory_kit.cli.console import print_json, print_table
    from factory_kit.district.office import Office
    from factory_kit.district.register import forms
    from factory_kit.i18n import language
    from factory_kit.seal.chain import verify_chain

    office = Office.at(district)
    if office.ledger_file.exists():
        report = verify_chain(office.ledger_file)
        if report.problem is not None:
            raise report.problem
    outcomes = Counter(link.record["outcome"] for link in office.ledger())
    registers = {name: len(office.registers().rows(name)) for name in forms()}
    if as_json:
        print_json({"campaign": office.campaign().id, "receipts": dict(outcomes), "registers": registers})
        return
    rows = [(_(outcome), str(count)) for outcome, count in sorted(outcomes.items())]
    rows += [(forms()[name].name.in_(language()), str(count)) for name, count in registers.items() if count]
    title = f"{office.campaign().name.in_(language())} · {_('the ledger holds')}"
    print_table((_("What"), _("Count")), rows, title=title, numbers={1: True})


def letters(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("Where the letters are written."))],
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.console import note, success
    from factory_kit.district.letters import write_letters
    from factory_kit.district.office import Office
    from factory_kit.i18n import language

    made = write_letters(Office.at(district), folder, language())
    if not made:
        note(_("Nothing was returned; there is nobody to write to."))
    for path in made:
        success(str(path))


def rules() -> None:
    from factory_kit.cli.console import print_table
    from factory_kit.district.rules import rule_texts
    from factory_kit.i18n import language

    print_table(
        (_("Rule"), _("What it asks for")), [(number, text.in_(language())) for number, text in rule_texts().items()]
    )
