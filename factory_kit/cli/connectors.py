"""``connectors``: the shelf of equipment families, and the points of one of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory_kit.cli.drafted import ADOPT, adopt
from factory_kit.cli.options import AsJson
from factory_kit.i18n import N_, _, language

if TYPE_CHECKING:
    from factory_kit.model.connector import Connector, Point

__all__ = ["register"]

GRADES = (N_("bronze"), N_("silver"), N_("gold"))
CONFIDENCES = (N_("high"), N_("medium"), N_("low"))
"""Words of definitions that people read, for the catalogue."""

AlsoIn = Annotated[
    Path,
    typer.Option("--workspace", "-w", metavar="DIR", help=N_("Also look into this workspace."), show_default=False),
]


def register(app: typer.Typer) -> None:
    """The commands of this module join *app*."""
    group = typer.Typer(help=N_("Equipment families that can be read."), no_args_is_help=True, rich_markup_mode=None)
    group.command(
        "list",
        help=N_(
            "List the connectors, or those that match all the words given, in Chinese or English.\n\n"
            "Example: factory-kit connectors list 电表"
        ),
    )(list_)
    group.command(
        "show",
        help=N_(
            "Show one connector: what to mind, the table of points, and where each address was read.\n\n"
            "Example: factory-kit connectors show eastron-sdm630"
        ),
    )(show)
    group.command(help=ADOPT)(adopt)
    app.add_typer(group, name="connectors")


def list_(
    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[WORD]...", help=N_("What to look for, such as 变频器 or acrel."), show_default=False),
    ] = None,
    workspace: AlsoIn = Path(),
    as_json: AsJson = False,
) -> None:
    from factory_kit.cli.console import note, print_json, print_table
    from factory_kit.load.connector import named_connectors
    from factory_kit.load.shelf import found
    from factory_kit.shipped import search_path

    folders = search_path("connectors", workspace)
    names = {path.parent.name for folder in folders for path in folder.glob("*/connector.yaml")}
    shelf = found(named_connectors(names, folders).values(), words or ())
    if as_json:
        print_json([_line(each) for each in shelf])
        return
    if not shelf:
        note(
            _("No connector matches {words}; factory-kit connectors list shows all {count}.").format(
                words=" ".join(words or ()), count=len(names)
            )
        )
        return
    columns = (_("Connector"), _("Equipment"), _("Driver"), _("Points"), _("Grade"), _("Confidence in addresses"))
    print_table(
        columns,
        [
            (
                each.connector,
                each.label.in_(language()),
                each.driver,
                len(each.points),
                _(each.quality.grade),
                _sure(each),
            )
            for each in shelf
        ],
        numbers={3: True},
    )


def show(
    name: Annotated[str, typer.Argument(metavar="CONNECTOR", help=N_("Name of the connector."))],
    workspace: AlsoIn = Path(),
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
    _introduce(connector)
    sources = list(dict.fromkeys(point.source for point in connector.points if point.source))
    columns = (_("Point"), _("Label"), _("Role"), _("Address"), _("Type"), _("Value"), _("Unit"), _("Source"))
    print_table(columns, [_row(each, sources) for each in connector.points])
    if sources:
        rows = [(place, text) for place, text in enumerate(sources, start=1)]
        print_table(("", _("Where the addresses were read")), rows, numbers={0: True})
    note(_("Wiring, settings and traps: {file}").format(file=folder / "README.md"))


def _line(connector: Connector) -> dict[str, object]:
    return {
        "id": connector.connector,
        "version": connector.version,
        "driver": connector.driver,
        "label": connector.label.model_dump(),
        "products": connector.products,
        "points": len(connector.points),
        "grade": connector.quality.grade,
        "confidence": dict(Counter(point.confidence for point in connector.points if point.confidence)),
    }


def _sure(connector: Connector) -> str:
    """How sure the addresses are: the confidences that occur, with how many points have each."""
    counts: Counter[str] = Counter(point.confidence for point in connector.points)
    return ", ".join(f"{_(each)} {counts[each]}" for each in CONFIDENCES if counts[each])


def _introduce(connector: Connector) -> None:
    from factory_kit.cli.console import note

    note(
        f"{connector.label.in_(language())} ({connector.connector} {connector.version}, {connector.driver}, "
        f"{_(connector.quality.grade)}: {connector.quality.because})"
    )
    if connector.products:
        note(_("Products: {products}").format(products=", ".join(connector.products)))
    for source in connector.sources:
        words = " ".join(each for each in (source.title, source.version, source.page) if each)
        note(_("Source: {source} ({confidence})").format(source=words, confidence=_(source.confidence)))
    for caveat in connector.caveats:
        note(_("Caveat: {text}").format(text=caveat.text.in_(language())))
    if connector.state_mapping is not None:
        states = ", ".join(f"{raw} → {_(state.value)}" for raw, state in connector.state_mapping.states.items())
        note(_("States ({profile}): {states}").format(profile=connector.state_mapping.profile, states=states))


def _row(point: Point, sources: Sequence[str]) -> tuple[object, ...]:
    kind = point.type if point.order == "ABCD" else f"{point.type} {point.order}"
    source = f"[{sources.index(point.source) + 1}] {_(point.confidence) if point.confidence else ''}".rstrip()
    return (
        point.name,
        point.label.in_(language()),
        point.role.value,
        point.address,
        kind,
        _formula(point),
        point.unit,
        source if point.source else "",
    )


def _formula(point: Point) -> str:
    """How the raw number becomes the value, in short: ``× 0.1 + 5``, empty where it is the value."""
    parts = [f"× 10^{point.sf}"] if point.sf else []
    parts += [f"× {point.scale}"] if point.scale != 1 else []
    if point.offset:
        parts.append(f"{'+' if point.offset > 0 else '-'} {abs(point.offset)}")
    return " ".join(parts)
