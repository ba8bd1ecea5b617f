"""``district``: a district's folder, what it receives, and what it counts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.district_office import add_commands
from factory_kit.cli.district_web import add_pages
from factory_kit.cli.options import AsJson
from factory_kit.i18n import N_, _

if TYPE_CHECKING:
    from factory_kit.district.receive import Receipt
    from factory_kit.district.stats import UnitRow

__all__ = ["receipt_table", "register", "unit_table"]

DistrictFolder = Annotated[
    Path,
    typer.Option("--district", "-d", metavar="DIR", help=N_("The folder of the district; by default the current one.")),
]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(
        help=N_("The district: receive bundles by numbered rules, keep them unchanged, count them."),
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command(
        "init",
        help=N_(
            "Make the folder of a district: campaign, reporting units, keys, bundles, ledger.\n\n"
            "Example: factory-kit district init songjiang --example"
        ),
    )(init)
    group.command(
        "receive",
        help=N_(
            "Hold bundles against the rules and give each a receipt; repeating it adds nothing.\n\n"
            "Example: factory-kit district receive songjiang/inbox -d songjiang"
        ),
    )(receive)
    group.command(
        "stats",
        help=N_("Count plants by level and reporting unit.\n\nExample: factory-kit district stats -d songjiang"),
    )(stats)
    add_commands(group)
    add_pages(group)
    app.add_typer(group, name="district")


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help=N_("The new folder."))],
    example: Annotated[
        bool, typer.Option("--example", help=N_("Also make an inbox of twenty fictional bundles, three of them bad."))
    ] = False,
    real: Annotated[
        bool,
        typer.Option(
            "--real", help=N_("For real plants: takes real bundles only. Otherwise to try things with demo bundles.")
        ),
    ] = False,
) -> None:
    from factory_kit.cli.console import note, success
    from factory_kit.district.office import begin_office
    from factory_kit.errors import UsageError
    from factory_kit.shipped import search_path

    if example and real:
        raise UsageError("--example makes fictional bundles, which a real campaign refuses; leave one of the two out")

    begin_office(folder, search_path("assessments"), "real" if real else "demo")
    success(_("{folder} is ready.").format(folder=folder))
    inbox = folder / "inbox"
    inbox.mkdir(exist_ok=True)
    if example:
        from factory_kit.testing.district import make_inbox

        made = make_inbox(inbox)
        success(_("{folder}: {count} fictional bundles.").format(folder=inbox, count=len(made)))
    note(_("Next: look through {file}, then").format(file=folder / "campaign.yaml"))
    for step in (
        f"check {folder}",
        f"district import plants plants.xlsx -d {folder}",
        f"district receive {inbox} -d {folder}",
    ):
        note(f"  factory-kit {step}")


def receive(
    paths: Annotated[list[Path], typer.Argument(metavar="FILE|DIR...", help=N_("Bundles, or folders of bundles."))],
    district: DistrictFolder = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.clock import now
    from factory_kit.cli.console import note, print_json
    from factory_kit.cli.district_rebuilt import rebuilt
    from factory_kit.cli.progress import counted
    from factory_kit.district.office import Office
    from factory_kit.district.receive import receive as take

    office, (files, others) = Office.at(district), _files(paths)
    taken = take(office, files, rebuilt, now, _workers(len(files)))
    receipts = list(counted(taken, len(files), _("bundles")))
    if as_json:
        print_json([_as_record(receipt) for receipt in receipts])
    else:
        receipt_table(receipts)
    _say_left_out(others)
    if any(receipt.outcome in {"rejected", "returned"} for receipt in receipts):
        note(
            _("Next: factory-kit district letters DIR -d {folder} writes to each provider what to fix.").format(
                folder=district
            )
        )
        raise typer.Exit(1)


def stats(
    district: DistrictFolder = Path(),
    model: Annotated[
        str,
        typer.Option(
            "--model", metavar="ID@EDITION", help=N_("The maturity model; by default the first of the campaign.")
        ),
    ] = "",
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import print_json
    from factory_kit.district.office import Office
    from factory_kit.district.stats import levels_by_unit
    from factory_kit.district.trial import is_trial, model_name, trial_of
    from factory_kit.i18n import language

    office = Office.at(district)
    first = office.campaign().models[0]
    names = [model] if model else [f"{first.id}@{first.edition}", trial_of(f"{first.id}@{first.edition}")]
    found = {name: levels_by_unit(office, name) for name in names}
    shown = {name: rows for name, rows in found.items() if rows[-1].plants} or {names[0]: found[names[0]]}
    if as_json:
        print_json(
            [
                {"unit": row.unit, "levels": list(row.levels), "plants": row.plants, "late": row.late, "trial": is_trial(name)}
                for name, rows in shown.items()
                for row in rows
            ]
        )  # fmt: skip
        return
    for name, rows in shown.items():
        unit_table(office.path, rows, model_name(name, language()) if is_trial(name) else "")


def receipt_table(receipts: list[Receipt]) -> None:
    """The receipts as a table on standard output, and how many had which outcome; of many only those that somebody must look at."""
    from collections import Counter

    from factory_kit.cli.console import note, print_table, results

    columns = (_("File"), _("Outcome"), _("Receipt"), _("Level"), _("What the rules say"))
    shown = [each for each in receipts if len(receipts) <= SHOWN or each.rulings or each.outcome != "accepted"]
    if shown:
        print_table(columns, [_row(receipt) for receipt in shown], numbers={2: True, 3: True})
    if len(shown) < len(receipts):
        said = _("{count} bundles that were accepted without a remark are not listed; --json lists all.")
        note(said.format(count=len(receipts) - len(shown)))
    counts = Counter(receipt.outcome for receipt in receipts)
    results().print(
        "; ".join(f"{_(outcome)}: {count}" for outcome, count in sorted(counts.items())), markup=False, soft_wrap=True
    )


def unit_table(district: Path, rows: tuple[UnitRow, ...], what: str = "") -> None:
    """Level by reporting unit as a table on standard output; *what* is said in its title."""
    from factory_kit.cli.console import print_table, results
    from factory_kit.district.office import Office
    from factory_kit.i18n import language

    office = Office.at(district)
    units, campaign = office.units(), office.campaign()
    names = {unit.id: unit.name.in_(language()) for unit in units.units} | {
        "": _("no unit named"),
        "*": _("All, each once"),
    }
    levels = range(len(rows[-1].levels))
    columns = (
        _("Unit"),
        *(_("L{level}").format(level=level) for level in levels),
        _("Plants"),
        _("Late"),
    )
    shown = [
        (
            names.get(row.unit, row.unit),
            *(str(count) if count else "" for count in row.levels),
            str(row.plants),
            str(row.late),
        )
        for row in rows
    ]
    parts = (units.district.in_(language()), campaign.name.in_(language()), _(campaign.kind), what)
    title = " · ".join(part for part in parts if part)
    print_table(columns, shown, title=title, numbers=dict.fromkeys(range(1, len(columns)), True))
    results().print(
        _("A plant that reports to several units stands in each of their rows."), markup=False, soft_wrap=True
    )


OUTCOMES = (
    N_("accepted"),
    N_("accepted late"),
    N_("returned"),
    N_("rejected"),
    N_("duplicate"),
    N_("demo"),
    N_("real"),
)
"""Outcomes and kinds, for the catalogue."""


def _row(receipt: Receipt) -> tuple[str, ...]:
    said = "\n".join(f"{ruling.rule} {ruling.text()}" for ruling in receipt.rulings)
    level = "" if receipt.level is None else str(receipt.level)
    return receipt.file, _(receipt.outcome), str(receipt.number), level, said


def _as_record(receipt: Receipt) -> dict[str, object]:
    return {
        "file": receipt.file,
        "outcome": receipt.outcome,
        "number": receipt.number,
        "hash": receipt.hash,
        "level": receipt.level,
        "rules": [{"rule": each.rule, "weight": each.weight, "said": each.text()} for each in receipt.rulings],
    }


def _files(paths: list[Path]) -> tuple[list[Path], list[Path]]:
    """The files named, and all zip files of the folders named, by name; then what else lies in these folders."""
    from factory_kit.errors import UsageError

    found: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if not path.exists():
            raise UsageError("{path}: there is no such file or folder", path=path)
        inside = sorted(path.iterdir()) if path.is_dir() else []
        zips = [each for each in inside if each.suffix.lower() == ".zip" and each.is_file()]
        found += zips if path.is_dir() else [path]
        others += [each for each in inside if each not in zips and not _is_noise(each)]
    return found, others


def _is_noise(path: Path) -> bool:
    """What file managers leave behind."""
    return path.name.startswith((".", "~$")) or path.name.lower() in {"thumbs.db", "desktop.ini"}


def _say_left_out(others: list[Path]) -> None:
    """Name what was not looked at, so that no submission waits unseen."""
    from factory_kit.cli.console import note

    if others:
        names = ", ".join(each.name + "/" * each.is_dir() for each in others[:NAMED])
        said = _(
            "{count} files or folders are no .zip and got no receipt: {names}. Bundles in a folder of their own: name it too; anything else: ask its sender for the bundle."
        )
        note(said.format(count=len(others), names=names + (" …" if len(others) > NAMED else "")))


def _workers(files: int) -> int:
    """One process for a handful, else one per processor: starting them costs as much as some twenty bundles."""
    import os

    return 1 if files < MANY else min(8, os.cpu_count() or 1)


MANY = 100
SHOWN = 30
"""Receipts that are listed one by one, whatever became of them."""
NAMED = 5
