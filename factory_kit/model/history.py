"""The map from a historian's export to the points of a plant."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Literal

from pydantic import Field, model_validator

from factory_kit.model.connector import Role
from factory_kit.model.definition import Definition, Identifier, mistake
from factory_kit.model.site import TimeZone

__all__ = ["HistoryMap", "MappedPoint", "TimeColumns"]


class TimeColumns(Definition):
    """Where a row says when it was."""

    columns: tuple[str, ...] = Field(min_length=1, max_length=2)
    """One column, or date and time of day apart."""
    format: str = "%Y-%m-%d %H:%M:%S"
    """As Python's ``strptime`` writes it; ``iso``, ``unix_s`` and ``unix_ms`` too."""
    timezone: TimeZone
    """The zone of the clock on the wall, unless the format carries an offset (``%z``)."""


class MappedPoint(Definition):
    """One column (wide layout) or one name (long layout) of the file and the point it becomes."""

    column: str = Field(min_length=1)
    equipment: Identifier
    point: Identifier
    role: Annotated[Role, Field(strict=False)] = Role.OTHER
    unit: str = ""
    type: Literal["float64", "string"] = "float64"


class HistoryMap(Definition):
    """How one kind of export is read; ``factory-kit import FILE --propose`` writes a first one."""

    map: Literal[1]
    encoding: Literal["utf-8", "gb18030", "utf-16"] = "utf-8"
    separator: Literal[",", ";", "\t", "|"] = ","
    decimal: Literal[".", ","] = "."
    thousands: Literal["", ",", ".", " ", "'"] = ""
    skip_rows: int = Field(default=0, ge=0)
    """Lines above the header."""
    layout: Literal["wide", "long"] = "wide"
    time: TimeColumns
    bad: tuple[str, ...] = (
        "Bad",
        "bad",
        "BAD",
        "#N/A",
        "NaN",
        "nan",
        "null",
        "NULL",
        "--",
        "---",
        "****",
        "坏点",
        "无效",
        "断线",
    )
    """Texts in place of a value that say: there was none; they become samples of bad quality."""
    points: tuple[MappedPoint, ...] = Field(min_length=1)
    ignore: tuple[str, ...] = ()
    """Columns (or names) of the file that are left out on purpose."""
    name_column: str = ""
    value_column: str = ""
    quality_column: str = ""
    good: tuple[str, ...] = ("Good", "good", "GOOD", "192", "0", "1", "正常", "好")
    """Texts of the quality column that mean good; anything else is bad."""

    @model_validator(mode="after")
    def _complete(self) -> HistoryMap:
        if self.layout == "long" and not (self.name_column and self.value_column):
            raise mistake("the long layout needs name_column and value_column")
        if self.decimal == self.thousands:
            raise mistake("decimal and thousands are the same sign")
        columns = [point.column for point in self.points]
        doubles = sorted(column for column, count in Counter(columns).items() if count > 1)
        if doubles:
            raise mistake("columns mapped twice: {names}", names=", ".join(doubles))
        targets = [(point.equipment, point.point) for point in self.points]
        twice = sorted(f"{equipment}/{name}" for (equipment, name), count in Counter(targets).items() if count > 1)
        if twice:
            raise mistake("points mapped twice: {names}", names=", ".join(twice))
        return self
