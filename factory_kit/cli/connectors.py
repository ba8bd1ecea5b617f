"""``connectors``: the shelf of equipment families, and the points of one of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from factory_kit.cli.options import AsJson
from factory_kit.i18n import N_, _, language

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(help=N_("Equipment families that can be read."), no_args_is_help=True, rich_markup_mode=None)
    group.command(
        "list",
        help=N_(
            "List the connectors, or those whose name, label or product holds a word.\n\nExample: factory-kit connectors list 电能表"
        ),
    )(list_)
    group.command(
        "show",
        help=N_(
            "Show one connector: sources, caveats and the table of points.\n\nExample: factory-kit connectors show sim-energy-meter"
        ),
    )(show)
    app.add_typer(group, name="connectors")


def list_(
    word: Annotated[str, typer.Argument(metavar="[WORD]", help=N_("What to look for, in Chinese or English."))] = "",
    workspace: Annotated[
        Path,
        typer.Option("--workspace", "-w", metavar="DIR", help=N_("Also look into this workspace."), show_default=False),
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import print_json, print_table
    from factory_kit.load.connector import named_connectors
    from factory_kit.shipped import search_path

    folders = search_path("connectors", workspace)
    names = {path.parent.name for folder in folders for path in folder.glob("*/connector.yaml")}
    found = [
        connector
        for connector in named_connectors(names, folders).values()
        if word.lower()
        in " ".join((connector.connector, connector.label.zh, connector.label.en, *connector.products)).lower()
    ]
    if as_json:
        print_json(
            [
                {
                    "id": each.connector,
                    "version": each.version,
                    "driver": each.driver,
                    "label": each.label.model_dump(),
                    "points": len(each.points),
                    "grade": each.quality.grade,
                }
                for each in found
            ]
        )
        return
    columns = (_("Connector"), _("Equipment"), _("Driver"), _("Points"), _("Grade"), _("Version"))
    rows = [
        (each.connector, each.label.in_(language()), each.driver, len(each.points), each.quality.grade, each.version)
        for each in found
    ]
    print_table(columns, rows, numbers={3: True})


def show(
    name: Annotated[str, typer.Argument(metavar="CONNECTOR", help=N_("Name of the connector."))],
    workspace: Annotated[
        Path,
        typer.Option("--workspace", "-w", metavar="DIR", help=N_("Also look into this workspace."), show_default=False),
    ] = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import note, print_json, print_table
    from factory_kit.errors import UsageError
    from factory_kit.load.connector import connector_folder, find_connector
    from factory_kit.shipped import search_path

    folder = find_connector(name, search_path("connectors", workspace))
    if folder is None:
        raise UsageError("{name}: there is no such connector; see factory-kit connectors list", name=name)
    connector = connector_folder(folder, name)
    if as_json:
        print_json(connector.model_dump(mode="json"))
        return
    note(
        f"{connector.label.in_(language())} ({connector.connector} {connector.version}, {connector.driver}, {connector.quality.grade}: {connector.quality.because})"
    )
    for source in connector.sources:
        note(
            _("Source: {title} {version} {page} ({confidence})").format(
                title=source.title, version=source.version, page=source.page, confidence=source.confidence
            )
        )
    for caveat in connector.caveats:
        note(_("Caveat: {text}").format(text=caveat.text.in_(language())))
    columns = (_("Point"), _("Label"), _("Role"), _("Address"), _("Type"), _("Scale"), _("Unit"))
    print_table(
        columns,
        [
            (each.name, each.label.in_(language()), each.role.value, each.address, each.type, each.scale, each.unit)
            for each in connector.points
        ],
    )
