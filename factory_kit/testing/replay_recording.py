"""A recording (a CSV file read as ``factory-kit import`` reads it) row by row, ready to be served."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from factory_kit.collect.history import read_history
from factory_kit.collect.history_map import proposed_map
from factory_kit.errors import UsageError
from factory_kit.load.checked import checked, yaml_file
from factory_kit.load.document import parse_yaml
from factory_kit.model.history import HistoryMap, MappedPoint
from factory_kit.model.sample import Float64, Int8, Int64, SampleBatch

__all__ = ["EMPTY", "Column", "Recording", "map_for", "recording"]

EMPTY = -1
"""In ``Column.quality``: the recording has no value of this point at this time."""


@dataclass(frozen=True, eq=False)
class Column:
    """One point over all rows: quality (``EMPTY`` where there is nothing), number (NaN where there is none) and text."""

    point: MappedPoint
    quality: Int8
    value: Float64
    text: Sequence[str | None] | None = None
    """None for a point of numbers."""

    @property
    def first(self) -> int:
        """The first row in which the point has a value, be it a bad one."""
        return int(np.flatnonzero(self.quality != EMPTY)[0])


@dataclass(frozen=True, eq=False)
class Recording:
    """Everything one file says, in the order of time. Rows of the same time are one row, and the later value counts."""

    file: str
    digest: str
    """SHA-256 of the file."""
    timezone: str
    times: Int64
    """Microseconds since 1970-01-01 UTC, ascending, none twice."""
    columns: tuple[Column, ...]
    empty: tuple[str, ...] = ()
    """Columns of the file without a single value; they are not served."""

    @property
    def equipment(self) -> tuple[str, ...]:
        """The equipment the columns belong to, in the order of the map."""
        return tuple(dict.fromkeys(column.point.equipment for column in self.columns))

    def columns_of(self, equipment: str) -> tuple[Column, ...]:
        """The columns of one piece of equipment."""
        return tuple(column for column in self.columns if column.point.equipment == equipment)

    def __len__(self) -> int:
        return len(self.times)


def map_for(file: Path, given: Path | None, timezone: str, equipment: str) -> tuple[HistoryMap, str]:
    """The map in *given* or else the one proposed for *file*, and its text; ``DefinitionError`` when there is none."""
    if given is not None:
        return yaml_file(given, HistoryMap), given.read_text(encoding="utf-8-sig")
    text = proposed_map(file, timezone, equipment)
    if text.rstrip().endswith("points:"):
        raise UsageError("{file}: has no column besides the time; there is nothing to replay", file=file.name)
    return checked(parse_yaml(text, f"{file.name} (map)"), HistoryMap), text


def recording(file: Path, mapping: HistoryMap, *, skip_broken: bool = False) -> Recording:
    """What *file* says by *mapping*; ``DefinitionError`` names its broken rows, ``UsageError`` says that it is empty."""
    batches = list(read_history(file, mapping, skip_broken=skip_broken))
    if not batches:
        raise UsageError("{file}: has no values; there is nothing to replay", file=file.name)
    times = np.unique(np.concatenate([batch.time for batch in batches]))
    if times[0] < 0:
        raise UsageError("{file}: has times before 1970, which no protocol here can carry", file=file.name)
    columns = [_column(point, place, times, batches) for place, point in enumerate(mapping.points)]
    served = tuple(column for column in columns if (column.quality != EMPTY).any())
    empty = tuple(column.point.column for column in columns if column not in served)
    digest = sha256(file.read_bytes()).hexdigest()
    return Recording(file.name, digest, mapping.time.timezone, times, served, empty)


def _column(point: MappedPoint, place: int, times: Int64, batches: Sequence[SampleBatch]) -> Column:
    quality = np.full(len(times), EMPTY, np.int8)
    value = np.full(len(times), np.nan)
    text: list[str | None] | None = None if point.type == "float64" else [None] * len(times)
    for batch in batches:
        if batch.point[0] != place:
            continue
        rows = np.searchsorted(times, batch.time)
        quality[rows], value[rows] = batch.quality, batch.value
        for row, said in zip(rows, batch.text or (), strict=False):
            if text is not None:
                text[row] = said
    return Column(point, quality, value, text)
