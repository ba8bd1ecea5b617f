"""What the field's own validators say about a package: mlcroissant (with all rows loaded) and frictionless, where installed."""

from __future__ import annotations

import importlib
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["Verdict", "outside_verdicts"]

MOST_ROWS = 1_000_000
HEAD = 10_000


@dataclass(frozen=True)
class Verdict:
    """What one validator said; ``installed`` is False where the extra ``[validate]`` is missing."""

    validator: str
    installed: bool
    accepted: bool
    said: str


def outside_verdicts(folder: Path) -> list[Verdict]:
    """The verdicts on the unpacked package in *folder*; an exception of a validator is its refusal.

    They load row by row: of a package with more than a million they see the first 10,000 of each part.
    """
    with _short_enough(folder.resolve()) as (place, rows):
        return [_verdict(place, rows, name) for name in JUDGES]


@contextmanager
def _short_enough(folder: Path) -> Iterator[tuple[Path, int]]:
    """*folder* and how many rows product.json tells; of a large one a copy with the first rows of each part, and how many these are."""
    parts = sorted((folder / "data").glob("*.parquet"))
    try:
        rows = {part: pq.read_metadata(part).num_rows for part in parts}
    except pa.ArrowException:  # for the validators to say
        rows = {}
    if sum(rows.values()) <= MOST_ROWS:
        yield folder, int(json.loads((folder / "product.json").read_text(encoding="utf-8"))["rows"])
        return
    with tempfile.TemporaryDirectory(prefix="factory-kit-", dir=folder.parent) as aside:
        place = Path(aside).resolve() / "package"
        shutil.copytree(folder, place, ignore=shutil.ignore_patterns("*.parquet"))
        for part in parts:
            first = next(pq.ParquetFile(part).iter_batches(HEAD))
            pq.write_table(pa.Table.from_batches([first]), place / "data" / part.name, store_schema=False)
        yield place, sum(min(count, HEAD) for count in rows.values())


def _verdict(folder: Path, rows: int, name: str) -> Verdict:
    if find_spec(name) is None:
        return Verdict(name, installed=False, accepted=False, said="")
    with _inside(folder), catch_warnings(), _silent():
        simplefilter("ignore")
        try:
            return JUDGES[name](rows, importlib.import_module(name))
        except Exception as error:  # noqa: BLE001 - whatever a validator raises is its way of saying no
            return Verdict(
                name,
                installed=True,
                accepted=False,
                said=f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}",
            )


def _croissant(expected: int, library: Any) -> Verdict:
    dataset = library.Dataset(jsonld="croissant.json")
    rows = sum(1 for _ in dataset.records("rows"))
    return Verdict("mlcroissant", installed=True, accepted=rows == expected, said=f"{rows} / {expected}")


def _frictionless(_expected: int, library: Any) -> Verdict:
    report = library.Package("datapackage.json").validate()
    errors = [str(error[-1]) for error in report.flatten(["rowNumber", "fieldNumber", "type", "note"])]
    rows = sum(int(task.stats["rows"]) for task in report.tasks if "rows" in task.stats)
    return Verdict("frictionless", installed=True, accepted=bool(report.valid), said=errors[0] if errors else str(rows))


JUDGES: Mapping[str, Callable[[int, Any], Verdict]] = {"mlcroissant": _croissant, "frictionless": _frictionless}


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """Both validators resolve paths against the folder they are run in."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


@contextmanager
def _silent() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)
