"""Tables of the workspace that a data product joins: results of inspections, reasons of stops, nominal values; CSV in, columns out."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from factory_kit.errors import DefinitionError, FactoryKitError, Problem
from factory_kit.i18n import N_
from factory_kit.model.product import LabelTable
from factory_kit.seal.digest import digest_file

__all__ = ["LABELS", "Labels", "read_labels"]

LABELS = "labels"
"""The folder of a workspace they lie in."""
TYPES: Mapping[str, pa.DataType] = {
    "timestamp": pa.timestamp("us"), "string": pa.string(), "integer": pa.int64(), "number": pa.float64(), "boolean": pa.bool_(),
}  # fmt: skip
YES_NO = {"true": True, "1": True, "是": True, "yes": True, "false": False, "0": False, "否": False, "no": False}
MOST_PROBLEMS = 20


@dataclass(frozen=True)
class Labels:
    """One table with where it comes from: rows and sha256 of its file, empty where there is none."""

    name: str
    rows: pa.Table
    sha256: str

    def source(self) -> dict[str, str]:
        """What the provenance tells of it."""
        return {"table": self.name, "rows": str(self.rows.num_rows), "sha256": self.sha256}


def read_labels(folder: Path | None, tables: Sequence[LabelTable]) -> list[Labels]:
    """The *tables* from their files in *folder*; ``DefinitionError`` with all mistakes of a file, ``FactoryKitError`` when one is missing."""
    return [_read(None if folder is None else folder / f"{table.table}.csv", table) for table in tables]


def _read(path: Path | None, table: LabelTable) -> Labels:
    if path is None or not path.is_file():
        if table.required:
            raise FactoryKitError(
                "{file}: is missing; the product joins this table, with the columns {columns}",
                file=path or f"{LABELS}/{table.table}.csv", columns=", ".join(table.columns),
            )  # fmt: skip
        return Labels(
            table.table, pa.table({name: pa.array([], TYPES[kind]) for name, kind in table.columns.items()}), ""
        )
    shown = f"{LABELS}/{path.name}"
    lines = csv.reader(io.StringIO(_text(path, shown), newline=""))
    columns, problems = _columns(lines, table, shown)
    if problems:
        raise DefinitionError(problems[:MOST_PROBLEMS])
    made = {name: pa.array(columns[name], TYPES[kind]) for name, kind in table.columns.items()}
    return Labels(table.table, pa.table(made), digest_file(path).sha256)


def _text(path: Path, shown: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        problem = Problem(shown, 0, "", N_("is not UTF-8; save it as CSV UTF-8"))
        raise DefinitionError([problem]) from error


def _columns(lines: Any, table: LabelTable, shown: str) -> tuple[dict[str, list[Any]], list[Problem]]:
    head = [name.strip() for name in next(lines, [])]
    missing = [name for name in table.columns if name not in head]
    if missing:
        message = N_("lacks the columns {names}; its first line names the columns")
        return {}, [Problem(shown, 1, "", message, {"names": ", ".join(missing)})]
    columns: dict[str, list[Any]] = {name: [] for name in table.columns}
    problems: list[Problem] = []
    places = [(name, head.index(name), READ[kind]) for name, kind in table.columns.items()]
    for cells in lines:
        if not any(cell.strip() for cell in cells):
            continue
        problems += _take(cells, places, columns, shown, lines.line_num)
        if len(problems) >= MOST_PROBLEMS:
            break
    return columns, problems


def _take(
    cells: Sequence[str], places: Sequence[tuple[str, int, Callable[[str], Any]]], columns: Mapping[str, list[Any]], shown: str, line: int
) -> Iterator[Problem]:  # fmt: skip
    for name, place, read in places:
        text = cells[place].strip() if place < len(cells) else ""
        try:
            columns[name].append(read(text) if text else None)
        except (ValueError, KeyError, OverflowError):
            columns[name].append(None)
            message = N_("{value!r} is no {kind}")
            yield Problem(shown, line, name, message, {"value": text, "kind": KINDS[read]})


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError(text)
    return found.astimezone(UTC).replace(tzinfo=None)


def _number(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(text)
    return found


def _boolean(text: str) -> bool:
    return YES_NO[text.lower()]


READ: Mapping[str, Callable[[str], Any]] = {
    "timestamp": _moment, "string": str, "integer": int, "number": _number, "boolean": _boolean,
}  # fmt: skip
KINDS: Mapping[Callable[[str], Any], str] = {
    _moment: "time with a zone (2026-11-21T08:00:00+08:00)", str: "text", int: "whole number", _number: "number", _boolean: "yes or no",
}  # fmt: skip
