"""``district``, the officer's part: registers, index, letters, status."""

from __future__ import annotations

from collections.abc import Callable
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


def import_(
    register: Annotated[
        str,
        typer.Argument(
            metavar="[REGISTER]",
            help=N_("plants, providers or another, or its Chinese name; without it all are listed."),
        ),
    ] = "",
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help=N_("An .xlsx or .csv file."))] = None,
    firm: Annotated[
        str,
        typer.Option(
            "--firm",
            metavar="CODE",
            help=N_("Credit code of the firm whose products.jsonl (of pack record) this is; its other products stay."),
        ),
    ] = "",
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, success
    from factory_kit.district.blank_sheets import register_named
    from factory_kit.district.office import Office
    from factory_kit.district.product_records import product_rows
    from factory_kit.district.register import forms, keep_edition
    from factory_kit.district.sheet_import import read_sheet
    from factory_kit.errors import UsageError
    from factory_kit.i18n import language

    if not register:
        _registers()
        return
    register = register_named(register)
    if file is None:
        raise UsageError("{register}: name the file as well, an .xlsx or .csv", register=register)
    if not file.is_file():
        raise UsageError("{path}: there is no such file or folder", path=file)
    office = Office.at(district)
    if firm and register != "products":
        raise UsageError("--firm belongs to products: factory-kit district import products products.jsonl --firm CODE")
    if firm:
        rows = product_rows(file, firm, office.registers().rows("products"))
    else:
        found = read_sheet(file, register, office.units(), office.registers())
        rows = found.rows
        for warning in found.warnings:
            note(warning.located(_(warning.message)))
    edition = keep_edition(office.registers().folder, register, rows, file, now)
    name = forms()[register].name.in_(language())
    if edition.new:
        said = _("{register}: edition {number}, {rows} entries")
        success(said.format(register=name, number=edition.number, rows=len(edition.rows)))
    else:
        note(_("{register}: edition {number} says the same already").format(register=name, number=edition.number))


def _registers() -> None:
    """All registers with the columns that must be there."""
    from factory_kit.cli.console import note, print_table
    from factory_kit.district.blank_sheets import heading
    from factory_kit.district.register import forms
    from factory_kit.i18n import language

    spoken = language()
    between = "、" if spoken == "zh" else ", "
    rows = [
        (register, form.name.in_(spoken), between.join(heading(each, spoken) for each in form.columns.values() if each.required))
        for register, form in forms().items()
    ]  # fmt: skip
    print_table((_("Register"), _("What it is"), _("Columns it needs")), rows)
    note(_("Empty sheets with all columns: factory-kit district sheets DIR"))


def sheets(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("Where the empty workbooks are written."))],
    registers: Annotated[
        list[str] | None, typer.Argument(metavar="[REGISTER...]", help=N_("Only these; otherwise all."))
    ] = None,
) -> None:
    from factory_kit.cli.console import success
    from factory_kit.district.blank_sheets import register_named, write_blank_sheets
    from factory_kit.district.register import forms
    from factory_kit.i18n import language

    wanted = [register_named(name) for name in registers or []] or list(forms())
    for path in write_blank_sheets(folder, wanted, language()):
        success(str(path))


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

    from factory_kit.cli.console import note, print_json, print_table, success
    from factory_kit.district.office import Office
    from factory_kit.district.receipts import check_ledger
    from factory_kit.district.register import forms
    from factory_kit.i18n import language

    office = Office.at(district)
    report = check_ledger(office)
    if report.problem is not None:
        raise report.problem
    outcomes = Counter(link.record["outcome"] for link in office.ledger())
    registers = {name: len(office.registers().rows(name)) for name in forms()}
    if as_json:
        print_json({"campaign": office.campaign().id, "receipts": dict(outcomes), "registers": registers})
        return
    rows = [(_(outcome), str(count)) for outcome, count in sorted(outcomes.items())]
    rows += [(forms()[name].name.in_(language()), str(count)) for name, count in registers.items() if count]
    campaign = office.campaign()
    success(
        _("{campaign}: the ledger holds, {count} receipts.").format(
            campaign=campaign.name.in_(language()), count=report.count
        )
    )
    if rows:
        print_table((_("What"), _("Count")), rows, numbers={1: True})
    else:
        note(_("Nothing was received or imported yet."))


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


def publish(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("A new folder for the public files."))],
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import success
    from factory_kit.cli.progress import working
    from factory_kit.district.office import Office
    from factory_kit.district.publish import publish as give_out
    from factory_kit.i18n import language

    with working(_("the tables are proven")):
        release = give_out(Office.at(district), folder, now, language())
    hidden = sum(table.hidden for table in release.tables.values())
    success(
        _("Release {number}: {hidden} cells are hidden, and it is proven that none can be worked out.").format(
            number=release.number, hidden=hidden
        )
    )
    for path in release.files:
        success(str(path))


def workbook(
    file: Annotated[Path, typer.Argument(metavar="FILE.xlsx", help=N_("The new workbook."))],
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.console import success
    from factory_kit.cli.progress import working
    from factory_kit.district.office import Office
    from factory_kit.district.publish import write_internal
    from factory_kit.i18n import language

    with working(_("everything is counted")):
        write_internal(Office.at(district), file, language())
    success(str(file))


def trace(
    release: Annotated[int, typer.Argument(metavar="RELEASE", help=N_("The number of the release."))],
    table: Annotated[str, typer.Argument(metavar="TABLE", help="street, division, size")],
    row: Annotated[
        str, typer.Argument(metavar="ROW", help=N_("The row: its code such as 310117105, or the name of the street."))
    ],
    level: Annotated[int, typer.Option("--level", help=N_("Only this level; otherwise the whole row."))] = -1,
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.console import note, print_table
    from factory_kit.district.office import Office
    from factory_kit.district.publish import trace as way_back

    office = Office.at(district)
    codes = {name: unit.id for unit in office.units().units for name in (unit.name.zh, unit.name.en)}
    table = TABLES.get(table, table)
    found = way_back(office, release, table, codes.get(row, row), None if level < 0 else level)
    if not found:
        note(_("No plant stands behind it: nobody in this row has this level."))
        return
    rows = [(each.plant, str(each.receipt), each.file, each.bundle) for each in found]
    print_table((_("Plant"), _("Receipt"), _("File"), _("Bundle")), rows, numbers={1: True})


TABLES = {"街镇": "street", "行业": "division", "规模": "size"}


def sample(
    seed: Annotated[
        int | None,
        typer.Option(
            "--seed", help=N_("Kept with the sample, so that anybody can draw it again; by default a new one is drawn.")
        ),
    ] = None,
    each: Annotated[int, typer.Option("--each", min=1, help=N_("Plants per provider."))] = 4,
    district: DistrictFolder = Path(),
) -> None:
    import secrets

    from factory_kit.cli.console import note, print_table
    from factory_kit.district.office import Office
    from factory_kit.district.watch import sample as drawn

    office = Office.at(district)
    if seed is None:
        seed = secrets.randbelow(1_000_000)
        note(_("Keep the seed: with --seed {seed} the same plants are drawn again.").format(seed=seed))
    first = office.campaign().models[0]
    rows = [
        (item.provider, item.plant, str(item.receipt), f"{item.total:.2f}")
        for item in drawn(office, f"{first.id}@{first.edition}", each, seed)
    ]
    columns = (_("Provider"), _("Plant"), _("Receipt"), _("Total"))
    print_table(
        columns, rows, title=_("To be assessed again; seed {seed}").format(seed=seed), numbers={2: True, 3: True}
    )


def consistency(district: DistrictFolder = Path()) -> None:
    from factory_kit.cli.console import note, print_table
    from factory_kit.district.office import Office
    from factory_kit.district.watch import looked_at

    office = Office.at(district)
    first = office.campaign().models[0]
    found = looked_at(office, f"{first.id}@{first.edition}")
    if not found:
        note(_("Nothing stands out."))
        return
    print_table((_("Provider"), _("What was seen")), [(flag.provider, flag.text()) for flag in found])


def peers(
    plant: Annotated[str, typer.Argument(metavar="PLANT", help=N_("Credit code, with -SITE where it is not 01."))],
    district: DistrictFolder = Path(),
) -> None:
    from factory_kit.cli.console import note, print_table
    from factory_kit.district.office import Office
    from factory_kit.district.statistics import models_counted
    from factory_kit.district.statistics import peers as among
    from factory_kit.district.trial import model_name
    from factory_kit.district.wording import say
    from factory_kit.i18n import language

    office = Office.at(district)
    code, _dash, site = plant.strip().upper().partition("-")
    rows = []
    for model in models_counted(office):
        if found := among(office, code, site or "01", model):
            circle = say(f"circle.{found['kind']}", language())
            numbers = (found[key] for key in ("score", "peers", "below", "q1", "median", "q3"))
            rows.append((model_name(model, language()), circle, *map(_two_places, numbers)))
    if not rows:
        note(_("{plant}: was not assessed, or has fewer than ten peers.").format(plant=plant))
        return
    columns = (
        _("Model"), _("Peers are"), _("Total"), _("Peers"), _("Below"), _("Lower quartile"), _("Median"), _("Upper quartile"),
    )  # fmt: skip
    print_table(columns, rows, title=plant, numbers=dict.fromkeys(range(2, 8), True))


def _two_places(value: object) -> str:
    from decimal import Decimal

    return str(value) if isinstance(value, int) else f"{Decimal(str(value)):.2f}"


def clusters(district: DistrictFolder = Path()) -> None:
    from factory_kit.cli.console import note, print_table
    from factory_kit.district.groups import kinds, node_name
    from factory_kit.district.office import Office
    from factory_kit.district.statistics import models_counted
    from factory_kit.district.trial import model_name
    from factory_kit.district.wording import say
    from factory_kit.i18n import language

    office = Office.at(district)
    for model in models_counted(office):
        found = kinds(office, model)
        title = model_name(model, language())
        if not found:
            note(_("{model}: no kinds of plants hold when they are looked for again among fewer.").format(model=title))
            continue
        rows = [
            (str(at), ", ".join(node_name(model, node, language()) for node in each.lacks) or say("kinds.nothing", language()), str(len(each.plants)))
            for at, each in enumerate(found, start=1)
        ]  # fmt: skip
        print_table((_("Kind"), _("What it lacks"), _("Plants")), rows, title=title, numbers={0: True, 2: True})


def rules() -> None:
    from factory_kit.cli.console import print_table
    from factory_kit.district.rules import rule_texts
    from factory_kit.i18n import language

    print_table(
        (_("Rule"), _("What it asks for")), [(number, text.in_(language())) for number, text in rule_texts().items()]
    )


COMMANDS: tuple[tuple[str, Callable[..., None], str], ...] = (
    (
        "import",
        import_,
        N_(
            "Take an Excel or CSV sheet into a register; mistakes come with sheet and cell, editions are kept.\n\n"
            "Example: factory-kit district import plants plants.xlsx -d songjiang"
        ),
    ),
    (
        "sheets",
        sheets,
        N_(
            "Write empty Excel sheets of the registers, to be filled in and imported.\n\n"
            "Example: factory-kit district sheets sheets plants providers"
        ),
    ),
    (
        "rebuild",
        rebuild,
        N_(
            "Make the index anew from ledger and bundles, checking every one of them.\n\n"
            "Example: factory-kit district rebuild -d songjiang"
        ),
    ),
    (
        "status",
        status,
        N_(
            "Check the ledger and say what was received, and which registers there are.\n\n"
            "Example: factory-kit district status -d songjiang"
        ),
    ),
    (
        "letters",
        letters,
        N_(
            "Write a letter to each provider about what came back, as Word and Excel.\n\n"
            "Example: factory-kit district letters letters -d songjiang"
        ),
    ),
    (
        "publish",
        publish,
        N_(
            "Write what may be given out, proven so that no plant can be worked out from it; or say why not.\n\n"
            "Example: factory-kit district publish public -d songjiang"
        ),
    ),
    (
        "workbook",
        workbook,
        N_(
            "Write the workbook with everything in it, for inside use.\n\n"
            "Example: factory-kit district workbook internal.xlsx -d songjiang"
        ),
    ),
    (
        "trace",
        trace,
        N_(
            "The bundles behind a published number: release, table, row, level.\n\n"
            "Example: factory-kit district trace 1 street 310117105 --level 2 -d songjiang"
        ),
    ),
    (
        "sample",
        sample,
        N_(
            "Draw plants per provider to be assessed again; the same seed draws the same.\n\n"
            "Example: factory-kit district sample --each 4 --seed 2026 -d songjiang"
        ),
    ),
    (
        "consistency",
        consistency,
        N_(
            "What should be looked at in the scores of providers, with the reason.\n\n"
            "Example: factory-kit district consistency -d songjiang"
        ),
    ),
    (
        "peers",
        peers,
        N_(
            "Where a plant stands among at least ten of its kind.\n\n"
            "Example: factory-kit district peers 91310117FAKE100006 -d songjiang"
        ),
    ),
    (
        "clusters",
        clusters,
        N_(
            "Kinds of plants named by what they lack, or that there are none that hold.\n\n"
            "Example: factory-kit district clusters -d songjiang"
        ),
    ),
    ("rules", rules, N_("The rules of receiving by number.\n\nExample: factory-kit district rules")),
)


def add_commands(group: typer.Typer) -> None:
    """The commands of this module join *group*."""
    for name, command, text in COMMANDS:
        group.command(name, help=text)(command)
