"""What the field's own validators say about a package: mlcroissant (with all rows loaded) and frictionless, where installed."""

from __future__ import annotations

import importlib
import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

__all__ = ["Verdict", "outside_verdicts"]


@dataclass(frozen=True)
class Verdict:
    """What one validator said; ``installed`` is False where the extra ``[validate]`` is missing."""

    validator: str
    installed: bool
    accepted: bool
    said: str


def outside_verdicts(folder: Path) -> list[Verdict]:
    """The verdicts on the unpacked package in *folder*; an exception of a validator is its refusal."""
    return [
        _verdict(folder.resolve(), name, module)
        for name, module in (("mlcroissant", "mlcroissant"), ("frictionless", "frictionless"))
    ]


def _verdict(folder: Path, name: str, module: str) -> Verdict:
    if find_spec(module) is None:
        return Verdict(name, installed=False, accepted=False, said="")
    judge = {"mlcroissant": _croissant, "frictionless": _frictionless}[name]
    with _inside(folder), catch_warnings(), _silent():
        simplefilter("ignore")
        try:
            return judge(folder, importlib.import_module(module))
        except Exception as error:  # noqa: BLE001 - whatever a validator raises is its way of saying no
            return Verdict(
                name,
                installed=True,
                accepted=False,
                said=f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}",
            )


def _croissant(folder: Path, library: Any) -> Verdict:
    dataset = library.Dataset(jsonld="croissant.json")
    rows = sum(1 for _ in dataset.records("rows"))
    expected = int(json.loads((folder / "product.json").read_text(encoding="utf-8"))["rows"])
    return Verdict("mlcroissant", installed=True, accepted=rows == expected, said=f"{rows} / {expected}")


def _frictionless(_folder: Path, library: Any) -> Verdict:
    report = library.Package("datapackage.json").validate()
    errors = [str(error[-1]) for error in report.flatten(["rowNumber", "fieldNumber", "type", "note"])]
    rows = sum(int(task.stats["rows"]) for task in report.tasks if "rows" in task.stats)
    return Verdict("frictionless", installed=True, accepted=bool(report.valid), said=errors[0] if errors else str(rows))


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
