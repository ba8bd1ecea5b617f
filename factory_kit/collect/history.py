"""Exports of historians (CSV) become samples: first the whole file is checked, then it is written, so that nothing is half-imported."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from factory_kit.errors import DefinitionError, Problem, StoreFull
from factory_kit.files import name_of
from factory_kit.i18n import N_
from factory_kit.model.history import HistoryMap, MappedPoint
from factory_kit.model.run import CataloguePoint, LossEntry, Run
from factory_kit.model.sample import Int64, Origin, Quality, SampleBatch
from factory_kit.model.site import Kind
from factory_kit.store import Store

__all__ = ["Imported", "import_history", "read_history"]

ROWS_AT_ONCE = 20_000
CELLS_AT_ONCE = 2_000_000
"""Fewer rows of very wide tables."""

MOST_PROBLEMS = 100
LONGEST_CELL = 1_000_000
YEARS = (1970, 2199)
"""Historians write 0001-01-01 or 9999-12-31 where they know no time."""
Places = npt.NDArray[np.intp]
BAD = 0x80000000
"""The status of a bad value whose reason is not known (OPC 10000-4, 7.39)."""
UNIX = {"unix_s": 1_000_000, "unix_ms": 1_000}


@dataclass(frozen=True)
class Imported:
    """What an import did: the run, rows read, rows left out, samples written, first and last time (µs UTC).

    *overruled* samples of those share point and time with a later, different one: of them the last stands.
    """

    run: str
    rows: int
    left_out: int
    samples: int
    first: int
    last: int
    overruled: int = 0


@dataclass
class _Rows:
    """Some rows of the file: their lines, and their cells by column."""

    lines: list[int]
    columns: Mapping[str, pd.Series]


@dataclass
class _Findings:
    """Mistakes of a file, bounded, and the lines they make unusable."""

    file: str
    problems: list[Problem] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)

    def add(self, line: int, path: str, message: str, **details: object) -> None:
        self.lines.add(line)
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(Problem(self.file, line, path, message, details))


def import_history(
    file: Path, mapping: HistoryMap, store: Store, *, kind: Kind, clock: Callable[[], int], skip_broken: bool = False
) -> Imported:
    """The samples of *file* in *store*, origin ``imported``; ``DefinitionError`` with the broken rows, and then nothing was written.

    ``StoreFull`` says which lines are in; the same file again adds what is missing and doubles nothing.

    *skip_broken* leaves broken rows out instead and counts them. Memory does not grow with the file.
    """
    findings = _Findings(file.name)
    total = sum(len(rows.lines) for rows in _checked_rows(file, mapping, findings))
    if not total and not findings.lines:
        findings.add(2, "", N_("has no rows"))
        raise DefinitionError(findings.problems)
    if findings.lines and not skip_broken:
        raise DefinitionError(findings.problems)
    ids = dict(
        zip(
            (point.column for point in mapping.points),
            store.register([_entry(point) for point in mapping.points]),
            strict=True,
        )
    )
    run = Run(f"import-{clock()}", clock(), Origin.IMPORTED, kind, f"import {name_of(file)}")
    delivered: dict[int, int] = dict.fromkeys(ids.values(), 0)
    first, last, overruled = 2**63 - 1, -(2**63), 0
    written = 1
    try:
        with store.writer(run) as writer:
            for rows in _checked_rows(file, mapping, _Findings(file.name)):
                for batch in _batches(rows, mapping, ids):
                    writer.append(batch)
                    overruled += _overruled(batch)
                    first, last = min(first, int(batch.time.min())), max(last, int(batch.time.max()))
                    for point, count in zip(*np.unique(batch.point, return_counts=True), strict=True):
                        delivered[int(point)] += int(count)
                written = rows.lines[-1] if rows.lines else written
            for point, count in delivered.items():
                writer.loss(LossEntry(point, count, dropped=len(findings.lines)))
    except StoreFull as full:
        raise StoreFull(
            "{file}: the disk is full; its lines up to {line} are in the store ({samples} samples); make room and import it again: nothing will be there twice",
            file=file.name,
            line=written,
            samples=sum(delivered.values()),
        ) from full
    return Imported(run.id, total, len(findings.lines), sum(delivered.values()), first, last, overruled)


def _overruled(batch: SampleBatch) -> int:
    """How many samples of *batch*, all of one point, are followed by a different one of the same moment."""
    order = np.argsort(batch.time, kind="stable")
    before, after = order[:-1], order[1:]
    different = (batch.value[before] != batch.value[after]) & ~(
        np.isnan(batch.value[before]) & np.isnan(batch.value[after])
    )
    different |= batch.quality[before] != batch.quality[after]
    if batch.text is not None:
        text = np.asarray(batch.text, dtype=object)
        different |= text[before] != text[after]
    return int(((batch.time[before] == batch.time[after]) & different).sum())


def read_history(file: Path, mapping: HistoryMap, *, skip_broken: bool = False) -> Iterator[SampleBatch]:
    """The samples that ``import_history`` would write; their ``point`` is the place in ``mapping.points``.

    ``DefinitionError`` with the broken rows comes at the end, unless *skip_broken* leaves them out.
    """
    findings = _Findings(file.name)
    places = {point.column: place for place, point in enumerate(mapping.points)}
    for rows in _checked_rows(file, mapping, findings):
        yield from _batches(rows, mapping, places)
    if findings.lines and not skip_broken:
        raise DefinitionError(findings.problems)


def _entry(point: MappedPoint) -> CataloguePoint:
    return CataloguePoint(
        point.equipment, point.point, point.role.value, point.unit, point.type, point.column, "imported", "1", ""
    )


def _checked_rows(file: Path, mapping: HistoryMap, findings: _Findings) -> Iterator[_Rows]:
    """The rows that are whole, in pieces of ``ROWS_AT_ONCE``; the others are in *findings*."""
    with _opened(file, mapping, findings) as (header, records):
        _check_header(header, mapping, findings)
        if findings.problems:
            raise DefinitionError(findings.problems)
        at_once = min(ROWS_AT_ONCE, max(CELLS_AT_ONCE // len(header), 1))
        while piece := list(islice(_whole(records, len(header), findings), at_once)):
            lines = [line for line, _ in piece]
            cells = zip(*(cells for _, cells in piece), strict=True)
            rows = _Rows(
                lines,
                {
                    name: pd.Series(column, dtype="object").str.strip()
                    for name, column in zip(header, cells, strict=True)
                },
            )
            yield _without_broken(rows, mapping, findings)


@contextmanager
def _opened(
    file: Path, mapping: HistoryMap, findings: _Findings
) -> Iterator[tuple[list[str], Iterator[tuple[int, list[str]]]]]:
    """The header and the numbered records of *file*; ``DefinitionError`` when it cannot be read as the map says."""
    encoding = "utf-8-sig" if mapping.encoding == "utf-8" else mapping.encoding
    csv.field_size_limit(LONGEST_CELL)
    try:
        with file.open(encoding=encoding, newline="") as text:
            for _ in range(mapping.skip_rows):
                text.readline()
            record: list[str] = []
            reader = csv.reader(_noted(text, record), delimiter=mapping.separator)
            header = [cell.strip() for cell in next(reader, [])]
            record.clear()
            yield header, _records(reader, record, mapping)
    except UnicodeError as error:
        findings.add(0, "", N_("is not {encoding}; correct encoding in the map"), encoding=mapping.encoding)
        raise DefinitionError(findings.problems) from error
    except csv.Error as error:
        findings.add(0, "", N_("cannot be read as a table ({reason})"), reason=str(error))
        raise DefinitionError(findings.problems) from error
    except OSError as error:
        findings.add(0, "", N_("cannot be read ({reason})"), reason=error.strerror)
        raise DefinitionError(findings.problems) from error


def _noted(text: Iterable[str], record: list[str]) -> Iterator[str]:
    """The lines of *text*, each noted in *record*."""
    for line in text:
        record.append(line)
        yield line


def _records(reader: Any, record: list[str], mapping: HistoryMap) -> Iterator[tuple[int, list[str]]]:
    """The records with the line on which they end; *record* has the lines of the last one. ``csv.Error`` when its quote stays open."""
    for cells in reader:
        line = reader.line_num + mapping.skip_rows
        if len(record) > 1:
            _check_closed(record, line, mapping.separator)
        record.clear()
        yield line, cells


def _check_closed(record: Sequence[str], line: int, separator: str) -> None:
    """A quote that is never closed takes the rest of the file into one cell."""
    try:
        list(csv.reader(record, delimiter=separator, strict=True))
    except csv.Error as error:
        if "end of data" in str(error):
            reason = f"the quote opened on line {line - len(record) + 1} is never closed"
            raise csv.Error(reason) from error


def _check_header(header: Sequence[str], mapping: HistoryMap, findings: _Findings) -> None:
    _check_time_format(mapping.time.format, findings)
    line = mapping.skip_rows + 1
    needed = list(mapping.time.columns)
    needed += [
        name
        for name in (mapping.name_column, mapping.value_column, mapping.quality_column)
        if name and mapping.layout == "long"
    ]
    if mapping.layout == "wide":
        needed += [point.column for point in mapping.points]
        known = {*needed, *mapping.ignore}
        for column in header:
            if column and column not in known:
                findings.add(
                    line,
                    column,
                    N_("this column is neither mapped nor ignored; add it to points or to ignore in the map"),
                )
    counts = Counter(header)
    for column in needed:
        if column not in counts:
            findings.add(
                line, column, N_("there is no such column; the file has: {columns}"), columns=", ".join(header)[:300]
            )
    for column in sorted(name for name, count in counts.items() if name and count > 1):
        findings.add(line, column, N_("this column is given twice"))


def _check_time_format(form: str, findings: _Findings) -> None:
    """A form that says how each time is written."""
    if form in UNIX or form == "iso":
        return
    reason = "" if "%" in form else f"{form!r} says nothing with %"
    try:
        pd.to_datetime(pd.Series(["0"], dtype="object"), format=form, errors="coerce")
    except ValueError as error:
        reason = str(error)
    if reason:
        findings.add(0, "time.format", N_("cannot be read ({reason})"), reason=reason)


def _whole(
    records: Iterator[tuple[int, list[str]]], width: int, findings: _Findings
) -> Iterator[tuple[int, list[str]]]:
    for line, cells in records:
        if len(cells) == width:
            yield line, cells
        elif any(cell.strip() for cell in cells):
            findings.add(line, "", N_("has {found} cells, expected {expected}"), found=len(cells), expected=width)


def _without_broken(rows: _Rows, mapping: HistoryMap, findings: _Findings) -> _Rows:
    """*rows* without those whose time, name or number cannot be read."""
    keep = np.ones(len(rows.lines), dtype=bool)
    times = _times(rows, mapping)
    for index in np.flatnonzero((times.dt.year < YEARS[0]) | (times.dt.year > YEARS[1])):
        message = N_("{value!r} lies outside the years {first} to {last}, so it cannot be the time of a sample")
        said = str(rows.columns[mapping.time.columns[0]].iloc[index])
        findings.add(rows.lines[index], mapping.time.columns[0], message, value=said, first=YEARS[0], last=YEARS[1])
        keep[index] = False
    for index in np.flatnonzero(times.isna().to_numpy()):
        said = " ".join(str(rows.columns[name].iloc[index]) for name in mapping.time.columns)
        findings.add(
            rows.lines[index],
            mapping.time.columns[0],
            N_("{value!r} is no time of the form {form} in {zone}"),
            value=said,
            form=mapping.time.format,
            zone=mapping.time.timezone,
        )
        keep[index] = False
    for column, point, places in _value_columns(rows, mapping):
        cells = rows.columns[column].iloc[places]
        unreadable = (cells != "") & ~cells.isin(mapping.bad) & ~np.isfinite(_numbers(cells, mapping).astype("float64"))
        for index in places[unreadable.to_numpy()] if point.type == "float64" else ():
            said = str(rows.columns[column].iloc[index])[:60]
            findings.add(
                rows.lines[index],
                column,
                N_("{value!r} is no number; mark it in bad, or give the column the type string"),
                value=said,
            )
            keep[index] = False
    if mapping.layout == "long":
        known = {point.column for point in mapping.points} | set(mapping.ignore)
        for index in np.flatnonzero(~rows.columns[mapping.name_column].isin(known).to_numpy()):
            name = str(rows.columns[mapping.name_column].iloc[index])[:60]
            findings.add(
                rows.lines[index], mapping.name_column, N_("{value!r} is neither mapped nor ignored"), value=name
            )
            keep[index] = False
    if keep.all():
        return rows
    lines = [line for line, kept in zip(rows.lines, keep, strict=True) if kept]
    return _Rows(lines, {name: cells[keep].reset_index(drop=True) for name, cells in rows.columns.items()})


def _value_columns(rows: _Rows, mapping: HistoryMap) -> Iterator[tuple[str, MappedPoint, Places]]:
    """Column, point, and the places of the rows that speak of that point."""
    if mapping.layout == "wide":
        for point in mapping.points:
            yield point.column, point, np.arange(len(rows.lines))
        return
    named = rows.columns[mapping.name_column].groupby(rows.columns[mapping.name_column]).indices
    for point in mapping.points:
        if point.column in named:
            yield mapping.value_column, point, np.asarray(named[point.column], dtype=np.intp)


def _times(rows: _Rows, mapping: HistoryMap) -> pd.Series:
    """Times in UTC, NaT where a row has none that exists, or one that occurs twice in that zone."""
    said = rows.columns[mapping.time.columns[0]]
    for name in mapping.time.columns[1:]:
        said = said + " " + rows.columns[name]
    if mapping.time.format in UNIX:
        ticks = pd.to_numeric(said, errors="coerce") * UNIX[mapping.time.format]
        return pd.to_datetime(ticks.round(), unit="us", utc=True, errors="coerce").astype("datetime64[us, UTC]")
    form = "ISO8601" if mapping.time.format == "iso" else mapping.time.format
    said = said.where(said.str.contains(r"\d"))  # pandas understands words: now, today
    offsets = said.str.contains(r"(?:Z|[+-]\d\d:?\d\d|[T ].*[+-]\d\d)$", na=False)
    with_offset = "%z" in form or bool(form == "ISO8601" and offsets.any())
    if with_offset:
        said = said.where(offsets)  # a time without its offset among others that have one could mean anything
    with_zone = with_offset or "%Z" in form
    times = pd.to_datetime(said, format=form, errors="coerce", utc=with_zone)
    if not with_zone:
        times = times.dt.tz_localize(mapping.time.timezone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
    exact: pd.Series = times.astype("datetime64[us, UTC]")
    return exact


def _numbers(cells: pd.Series, mapping: HistoryMap) -> pd.Series:
    said = cells
    if mapping.thousands:
        sign, point = re.escape(mapping.thousands), re.escape(mapping.decimal)
        grouped = rf"[+-]?\d{{1,3}}(?:{sign}\d{{3}})+(?:{point}\d*)?"
        plain = ~said.str.contains(mapping.thousands, regex=False, na=False)
        said = said.where(plain | said.str.fullmatch(grouped, na=False), "")  # 3,5 is not 35
        said = said.str.replace(mapping.thousands, "", regex=False)
    if mapping.decimal == ",":
        said = said.where(~said.str.contains(".", regex=False, na=False), "")  # 1.500 is not 1.5 where 1,5 is
        said = said.str.replace(",", ".", regex=False)
    return pd.to_numeric(said, errors="coerce")


def _batches(rows: _Rows, mapping: HistoryMap, ids: Mapping[str, int]) -> Iterator[SampleBatch]:
    """The samples of *rows*, one batch a point; empty cells are no samples, bad marks are samples of bad quality."""
    if not rows.lines:
        return
    times: Int64 = np.asarray(_times(rows, mapping).astype("int64"), dtype=np.int64)
    for column, point, chosen in _value_columns(rows, mapping):
        places = chosen[(rows.columns[column].iloc[chosen] != "").to_numpy()]
        if not len(places):
            continue
        cells = rows.columns[column].iloc[places]
        marked = cells.isin(mapping.bad).to_numpy()
        bad = marked
        if mapping.quality_column and mapping.layout == "long":
            bad = marked | ~rows.columns[mapping.quality_column].iloc[places].isin(mapping.good).to_numpy()
        numeric = point.type == "float64"
        yield SampleBatch(
            point=np.full(len(places), ids[point.column], dtype=np.int32),
            time=times[places],
            value=_numbers(cells.mask(marked), mapping).to_numpy(dtype=np.float64)
            if numeric
            else np.full(len(places), np.nan),
            quality=np.where(bad, Quality.BAD, Quality.GOOD).astype(np.int8),
            has_value=~marked if numeric else np.zeros(len(places), dtype=bool),
            text=None if numeric else [None if gone else str(said) for said, gone in zip(cells, marked, strict=True)],
            status=np.where(bad, BAD, 0).astype(np.int64),
        )
