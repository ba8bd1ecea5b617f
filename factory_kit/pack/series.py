"""The rows of a product as series, one for each group, in the order of the file; and what their times tell, counted in one pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

__all__ = ["ROWS_AT_ONCE", "Steps", "count_steps", "micros", "series_of"]

ROWS_AT_ONCE = 122_880
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass
class Steps:
    """Counts over the steps from a row to the next of its series; times in µs."""

    steps: int = 0
    gaps: int = 0
    missing: int = 0
    longest: int = 0
    backward: int = 0
    duplicate: int = 0
    still: int = 0
    still_of: int = 0
    off_grid: int = 0
    ahead: int = 0
    rows: int = 0

    @property
    def ascending(self) -> bool:
        """Whether time strictly ascends in each series: then no group and time stand twice."""
        return not self.backward and not self.duplicate


def count_steps(parts: Sequence[Path], per: Sequence[str], time: str, field: str, step: int, ends: int) -> Steps:
    """The steps of all series of *parts*: *step* is the expected one (0: none is), *field* the value that may stand still, *ends* the end of the interval."""
    found = Steps()
    last: dict[str, tuple[int, float]] = {}
    columns = [*per, time, *([field] if field else [])]
    for part in parts:
        for batch in pq.ParquetFile(part).iter_batches(ROWS_AT_ONCE, columns=columns):
            _take(found, batch, last, (per, time, field, step, ends))
    return found


def _take(
    found: Steps,
    batch: pa.RecordBatch,
    last: dict[str, tuple[int, float]],
    asked: tuple[Sequence[str], str, str, int, int],
) -> None:
    per, time, field, step, ends = asked
    times = micros(batch.column(time))
    values = (
        batch.column(field).cast(pa.float64()).to_numpy(zero_copy_only=False) if field else np.full(len(times), np.nan)
    )
    found.rows += len(times)
    found.off_grid += int(np.count_nonzero(times % step)) if step else 0
    found.ahead += int(np.count_nonzero(times >= ends))
    for group, rows in series_of(batch, per):
        mine, levels = times[rows], values[rows]
        if group in last:
            mine, levels = np.concatenate(([last[group][0]], mine)), np.concatenate(([last[group][1]], levels))
        last[group] = int(mine[-1]), float(levels[-1])
        _count(found, np.diff(mine), levels, step)


def _count(found: Steps, since: Ints, levels: Floats, step: int) -> None:
    found.steps += len(since)
    if not len(since):
        return
    if step:
        wide = since[since > step * 3 // 2]
        found.gaps += len(wide)
        found.missing += int((wide // step - 1).sum())
    found.longest = max(found.longest, int(since.max()))
    found.backward += int(np.count_nonzero(since < 0))
    found.duplicate += int(np.count_nonzero(since == 0))
    known = ~(np.isnan(levels[1:]) | np.isnan(levels[:-1]))
    found.still += int(np.count_nonzero(levels[1:] == levels[:-1]))
    found.still_of += int(np.count_nonzero(known))


def series_of(batch: pa.RecordBatch, per: Sequence[str]) -> Iterator[tuple[str, slice | Ints]]:
    """The rows of each series, as a slice where they stand together."""
    if not per:
        yield "", slice(0, batch.num_rows)
        return
    columns = [batch.column(name).cast(pa.string()) for name in per]
    joined = columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, "|")
    coded = joined.dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    names = coded.dictionary.to_pylist()
    edges = np.flatnonzero(np.diff(codes)) + 1
    if len(edges) + 1 == len(names):
        for first, end in zip([0, *edges.tolist()], [*edges.tolist(), len(codes)], strict=True):
            yield str(names[codes[first]]), slice(first, end)
        return
    order = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[order], np.arange(len(names) + 1))
    for code, name in enumerate(names):
        yield str(name), order[bounds[code] : bounds[code + 1]]


def micros(column: pa.Array) -> Ints:
    """A column of times as µs since 1970."""
    found: Ints = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return found
