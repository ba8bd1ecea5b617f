"""Checking a model against its standard: the rows to compare, and the record of who compared what."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import yaml

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.load.maturity import maturity_model
from factory_kit.model.maturity import Check, MaturityModel
from factory_kit.store.formats import FORMULA

__all__ = ["COLUMNS", "WHOLE", "mark_verified", "model_rows", "own_copy", "rows_as_csv"]

COLUMNS = (
    N_("Id"), N_("Place in the standard"), N_("Level"), N_("Our label (Chinese)"), N_("Our label (English)"),
    N_("Confidence"), N_("Compared by"), N_("Compared on"), N_("The same? (yes/no)"), N_("What the standard says"),
)  # fmt: skip
"""Headings of ``model export``; the last two are filled in by who compares."""
WHOLE = ("weights", "scoring")
"""What can be compared beside the criteria."""


def model_rows(model: MaturityModel) -> list[tuple[str, ...]]:
    """One row per criterion and per weight, in the order of the model, as *COLUMNS* tell."""
    done = {what: check for check in model.checks for what in check.what}
    rows: list[tuple[str, ...]] = []
    for row in model.structure.criteria:
        check = done.get(row.id)
        labels = (model.label(row.id, "zh"), model.label(row.id, "en"))
        sure = "verified" if row.id in model.verified else row.confidence
        rows.append((row.id, model.citation(row.id, "zh"), str(row.level), *labels, sure, *_who(check), "", ""))
    check = done.get("weights")
    for node in model.structure.nodes:
        for kind, weight in node.weight.items():
            labels = (f"{model.label(node.id, 'zh')} {weight.share}", f"{model.label(node.id, 'en')} {weight.share}")
            rows.append((f"{node.id} {kind}", node.clause, "", *labels, weight.confidence, *_who(check), "", ""))
    return rows


def _who(check: Check | None) -> tuple[str, str]:
    return (check.by, check.on.isoformat()) if check else ("", "")


def rows_as_csv(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The rows as CSV in UTF-8 with a mark that spreadsheets know, so that Chinese opens right everywhere."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(heading)
    writer.writerows([_harmless(cell) for cell in row] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode("utf-8")


def _harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if re.match(FORMULA, cell) else cell


def own_copy(folder: Path, assessments: Path) -> Path:
    """The edition in *folder* as a copy below *assessments* (a workspace's folder), where it can be marked; made once."""
    target = assessments / "models" / folder.parent.name / folder.name
    if target.resolve() == folder.resolve():
        return folder
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(aside, ignore_errors=True)
        shutil.copytree(folder, aside)
        aside.rename(target)
    return target


def mark_verified(folder: Path, what: Sequence[str], *, against: str, by: str, on: date) -> MaturityModel:
    """The model of *folder* after ``checks.yaml`` has one more entry: *by* compared *what* with *against* on the day *on*.

    *what* holds ids of criteria, of nodes (all criteria below them), ``weights``, ``scoring`` or ``all``. The content hash
    does not change. ``UsageError`` for what the model does not have, and where a name or a source is missing.
    """
    model = maturity_model(folder)
    if not by.strip() or not against.strip():
        raise UsageError("a check needs a name (--by) and what it was compared with (--against)")
    ids = [id_ for name in what for id_ in _meant(model, name)]
    entry = {"what": list(dict.fromkeys(ids)), "against": against, "by": by, "on": on}
    entries = [check.model_dump() | {"what": list(check.what)} for check in model.checks]
    content = {
        "form": 1, "model": model.structure.model, "edition": model.structure.edition, "checks": [*entries, entry],
    }  # fmt: skip
    write_atomically(folder / "checks.yaml", yaml.safe_dump(content, allow_unicode=True, sort_keys=False))
    return maturity_model(folder)


def _meant(model: MaturityModel, name: str) -> Iterable[str]:
    if name == "all":
        return (*model.criteria, *WHOLE)
    if name in WHOLE or name in model.criteria:
        return (name,)
    if name in model.nodes:
        return [row.id for row in model.structure.criteria if name in _line(model, row.node)]
    raise UsageError(
        "{model}: {name!r} is no criterion and no node; name ids, weights, scoring or all", model=model.id, name=name
    )


def _line(model: MaturityModel, node: str | None) -> set[str]:
    found = set()
    while node is not None:
        found.add(node)
        node = model.nodes[node].parent
    return found
