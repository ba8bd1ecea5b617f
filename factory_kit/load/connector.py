"""Connectors from their folders: ``connector.yaml`` and ``points.csv`` together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import problems_of
from factory_kit.load.document import Document, read_yaml
from factory_kit.load.table import Row, read_table
from factory_kit.model.connector import Connector, Limits, Point
from factory_kit.model.registers import point_mistakes

__all__ = ["POINT_COLUMNS", "connector_folder", "find_connector", "named_connectors"]

POINT_COLUMNS = (
    "name", "label_zh", "label_en", "role", "address", "type", "order", "size", "scale", "offset", "sf", "unit", "na", "texts", "charset",
    "min", "max", "rate", "rollover", "scan", "priority", "reading", "deadband", "queue", "discard", "personal", "source", "confidence",
)  # fmt: skip

Kind = TypeVar("Kind", bound=BaseModel)

POINT_PATH = re.compile(r"points\[(?P<index>\d+)\](?:\.(?P<rest>.*))?")


def connector_folder(folder: Path, shown: str | None = None) -> Connector:
    """The connector in *folder*; ``DefinitionError`` with all mistakes of both files."""
    name = shown or str(folder)
    document = read_yaml(folder / "connector.yaml", f"{name}/connector.yaml")
    rows = read_table(folder / "points.csv", POINT_COLUMNS, f"{name}/points.csv")
    if not isinstance(document.content, dict):
        raise DefinitionError([Problem(document.name, 1, "", N_("must be a group of keys and values"))])
    problems = []
    if "points" in document.content:
        problems.append(
            Problem(document.name, document.line(("points",)), "points", N_("stand in points.csv, not here"))
        )
    content = {**document.content, "points": tuple(_point(row) for row in rows)}
    try:
        connector = Connector.model_validate(content)
    except ValidationError as error:
        problems += _placed(error, Document(document.name, content, document.lines), f"{name}/points.csv", rows)
        problems += _misplaced(document, f"{name}/points.csv", rows)
        raise DefinitionError(problems) from error
    problems += _misplaced(document, f"{name}/points.csv", rows)
    if connector.connector != folder.name:
        message = N_("{id!r} differs from the name of its folder")
        problems.append(
            Problem(document.name, document.line(("connector",)), "connector", message, {"id": connector.connector})
        )
    if problems:
        raise DefinitionError(problems)
    return connector


def find_connector(name: str, folders: Sequence[Path]) -> Path | None:
    """The first folder called *name* in *folders* that holds a connector, or None."""
    return next((folder / name for folder in folders if (folder / name / "connector.yaml").is_file()), None)


def named_connectors(names: Iterable[str], folders: Sequence[Path]) -> dict[str, Connector]:
    """The connectors called *names*, by name; ``DefinitionError`` with the mistakes of all of them."""
    found: dict[str, Connector] = {}
    problems: list[Problem] = []
    for name in sorted(set(names)):
        folder = find_connector(name, folders)
        if folder is None:
            continue
        try:
            found[name] = connector_folder(folder, f"connectors/{name}")
        except DefinitionError as error:
            problems += error.problems
    if problems:
        raise DefinitionError(problems)
    return found


def _point(row: Row) -> dict[str, object]:
    cells: dict[str, object] = {key: value for key, value in row.cells.items() if not key.startswith("label_")}
    cells["label"] = {"zh": row.cells.get("label_zh", ""), "en": row.cells.get("label_en", "")}
    for column in ("size", "rollover", "queue"):
        if str(cells.get(column, "")).isdigit():
            cells[column] = int(str(cells[column]))
    if "personal" in cells:
        cells["personal"] = {"true": True, "false": False}.get(str(cells["personal"]).lower(), cells["personal"])
    if cells.get("role") is not None:
        cells["role"] = str(cells["role"]).lower()
    return cells


def _placed(error: ValidationError, document: Document, table: str, rows: Sequence[Row]) -> list[Problem]:
    """The mistakes of *error*; those of a point stand in the table, at the line of its row."""
    placed = []
    for problem in problems_of(error, document, Connector):
        point = POINT_PATH.fullmatch(problem.path)
        if point:
            column = (point["rest"] or "name").replace(".", "_")
            placed.append(Problem(table, rows[int(point["index"])].line, column, problem.message, problem.details))
        else:
            placed.append(problem)
    return placed


def _misplaced(document: Document, table: str, rows: Sequence[Row]) -> list[Problem]:
    """The mistakes of a Modbus connector's points against each other and the limits, as far as rows and limits are right by themselves."""
    content = document.content if isinstance(document.content, dict) else {}
    if content.get("driver") != "modbus":
        return []
    limits = _valid(Limits, content.get("limits", {})) or Limits()
    points = [(row.line, point) for row in rows if (point := _valid(Point, _point(row)))]
    lines = {point.name: line for line, point in reversed(points)}
    return [
        Problem(table, lines[each.point], each.column, each.message, each.details)
        if each.point
        else Problem(document.name, document.line(("limits",)), each.column, each.message, each.details)
        for each in point_mistakes([point for _line, point in points], limits, str(content.get("time_from", "")))
    ]


def _valid(kind: type[Kind], content: object) -> Kind | None:
    try:
        return kind.model_validate(content)
    except ValidationError:
        return None
