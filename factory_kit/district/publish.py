"""Publishing: proven tables as workbook, report, page, CSV and JSON; and the way back from a number to its bundles, inside only."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory_kit.district.disclosure import Rules, Safe, Withheld, protect
from factory_kit.district.index import index
from factory_kit.district.office import Office
from factory_kit.district.statistics import statistics
from factory_kit.district.tables import internal_document, public_document
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import Language
from factory_kit.model.definition import exact
from factory_kit.seal.canonical import canonical
from factory_kit.seal.chain import open_chain, read_chain
from factory_kit.seal.digest import digest
from factory_kit.seal.stamps import to_text

__all__ = ["DIMENSIONS", "Release", "Traced", "publish", "trace", "write_internal"]

DIMENSIONS = ("street", "division", "size")
LOG = "releases.jsonl"
PLACES = """
SELECT credit_code || '-' || site_no, coalesce({by}, ''), level, total, number, sha256, file FROM facts
WHERE campaign = ? AND model = ? ORDER BY number
"""


@dataclass(frozen=True)
class Release:
    """What was given out: its number, and the files."""

    number: int
    files: tuple[Path, ...]
    tables: Mapping[str, Safe]


@dataclass(frozen=True)
class Traced:
    """One assessment behind a published number."""

    plant: str
    receipt: int
    bundle: str
    file: str


def publish(office: Office, out: Path, now: Callable[[], int], language: Language, model: str = "") -> Release:
    """The public documents of the campaign in force in the new folder *out*, and the secret record of the release inside.

    ``Withheld`` when no safe way was found; nothing is then written. Word uses ``templates/report.docx`` of the district.
    """
    found = {**statistics(office), "kind": office.campaign().kind}
    wanted = model or next(iter(found["models"]), "")
    if wanted not in found["models"]:
        raise UsageError("{model}: nothing was counted for this model in the campaign", model=wanted or "-")
    found["models"] = {wanted: found["models"][wanted]}
    number = len(_log(office)) + 1
    tables, scores = {}, {}
    for by in DIMENSIONS:
        rows = _places(office, by, wanted)
        plants = {plant: (name, level) for plant, name, level, *_ in rows}
        tables[by] = protect(plants, _rules(office), _earlier(office, by, wanted))
        scores[by] = _medians(tables[by], rows, _rules(office))
    if out.exists():
        raise UsageError("{folder}: is there already; publish into a new folder", folder=out)
    document, data = public_document(office, found, tables, scores, language), _data(found, tables, scores)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=out.parent) as aside:
        made = Path(aside) / "out"
        made.mkdir()
        files = _write(office, made, document, data, language)
        _record(office, number, wanted, tables, found, files, now)
        made.rename(out)  # nothing is to be seen before it is on record
    return Release(number, tuple(out / path.name for path in files), tables)


def write_internal(office: Office, path: Path, language: Language) -> None:
    """The workbook with everything in it, for inside use."""
    from factory_kit.render.excel import write_excel  # noqa: PLC0415 - each format loads its own library

    found = {**statistics(office), "kind": office.campaign().kind}
    write_excel(internal_document(office, found, language), path)


def trace(office: Office, release: int, by: str, row: str, level: int | None = None) -> tuple[Traced, ...]:
    """The assessments behind a number of *release*: its row by name (a merged row by any of its names), one level or all.

    Reads the secret record, so it works inside the authority only. ``UsageError`` for what was not published.
    """
    records = _log(office)
    if not 1 <= release <= len(records):
        raise UsageError("release {number}: there is none with this number", number=release)
    secret = _secret(office, records[release - 1])
    table = secret["tables"].get(by)
    merged = next((set(names) for names in table["rows"] if row in names), None) if table else None
    if table is None or merged is None:
        raise UsageError("{by} {row}: was not published in release {number}", by=by, row=row, number=release)
    column = next((set(levels) for levels in table["columns"] if level in levels), None)
    return tuple(
        Traced(plant, *secret["bundles"][plant])
        for plant, (name, own) in sorted(table["secret"].items())
        if name in merged and (level is None or (column is not None and own in column))
    )


def _rules(office: Office) -> Rules:
    asked = office.campaign().disclosure
    return Rules(asked.counts, asked.scores, asked.shares, exact(asked.one), exact(asked.two))


def _places(office: Office, by: str, model: str) -> list[tuple[Any, ...]]:
    with index(office) as con:
        rows: list[tuple[Any, ...]] = con.execute(PLACES.format(by=by), [office.campaign().id, model]).fetchall()
    return rows


def _medians(table: Safe, rows: Sequence[tuple[Any, ...]], rules: Rules) -> Mapping[str, str]:
    """By merged row its median, the lower of two, where enough plants are behind it."""
    found = {}
    for names in table.rows:
        values = sorted((exact(total), total) for _, name, _, total, *_ in rows if name in names)
        if len(values) >= rules.scores:
            found["+".join(names)] = values[(len(values) - 1) // 2][1]
    return found


def _data(
    found: Mapping[str, Any], tables: Mapping[str, Safe], scores: Mapping[str, Mapping[str, str]]
) -> dict[str, Any]:
    """What goes to the city platform: null where a cell is hidden."""
    return {
        "form": 1, "campaign": found["campaign"], "kind": found["kind"], "cutoff": found["cutoff"]["received"][:10],
        "model": next(iter(found["models"])),
        "tables": {
            by: {
                "rows": [list(row) for row in table.rows], "levels": [list(column) for column in table.columns],
                "cells": [list(row) for row in table.cells], "row_totals": list(table.row_totals),
                "level_totals": list(table.column_totals), "medians": dict(scores[by]),
            }
            for by, table in tables.items()
        },
    }  # fmt: skip


def _write(office: Office, out: Path, document: Any, data: Mapping[str, Any], language: Language) -> tuple[Path, ...]:
    from factory_kit.render.excel import write_excel  # noqa: PLC0415 - each format loads its own library
    from factory_kit.render.html import page  # noqa: PLC0415 - see above
    from factory_kit.render.word import write_word  # noqa: PLC0415 - see above

    own = office.path / "templates" / "report.docx"
    write_excel(document, out / "public.xlsx")
    write_word(document, out / f"report.{language}.docx", own if own.exists() else None)
    write_atomically(out / f"page.{language}.html", page(document))
    write_atomically(out / "data.json", canonical(data) + b"\n")
    write_atomically(out / "data.csv", _csv(data))
    return tuple(sorted(out.iterdir()))


def _csv(data: Mapping[str, Any]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(("campaign", "model", "cutoff", "table", "row", "levels", "plants"))
    head = (data["campaign"], data["model"], data["cutoff"])
    for by, table in data["tables"].items():
        for names, cells in zip(table["rows"], table["cells"], strict=True):
            for levels, cell in zip(table["levels"], cells, strict=True):
                rows.writerow((*head, by, "+".join(names), "+".join(map(str, levels)), "" if cell is None else cell))
    return "\ufeff" + text.getvalue()


def _record(
    office: Office,
    number: int,
    model: str,
    tables: Mapping[str, Safe],
    found: Mapping[str, Any],
    files: Sequence[Path],
    now: Callable[[], int],
) -> None:
    folder = office.path / "releases"
    folder.mkdir(exist_ok=True)
    bundles = {
        plant: [receipt, sha256, file] for plant, _, _, _, receipt, sha256, file in _places(office, "street", model)
    }
    secret = canonical(
        {
            "form": 1, "model": model, "cutoff": found["cutoff"], "bundles": bundles,
            "tables": {by: _kept(table) for by, table in tables.items()},
        }
    )  # fmt: skip
    write_atomically(folder / f"{number:04d}.json", secret)
    with open_chain(folder / LOG) as log:
        if (log.last.n if log.last else 0) != number - 1:
            raise Withheld("another release was published meanwhile; publish again")
        log.append(
            {
                "form": 1, "release": number, "campaign": found["campaign"], "model": model, "published": to_text(now()),
                "secret": digest([secret]).sha256, "files": {path.name: digest([path.read_bytes()]).sha256 for path in files},
            }
        )  # fmt: skip


def _kept(table: Safe) -> dict[str, Any]:
    return {
        "rows": [list(row) for row in table.rows], "columns": [list(column) for column in table.columns],
        "cells": [list(row) for row in table.cells], "row_totals": list(table.row_totals),
        "column_totals": list(table.column_totals), "secret": {plant: list(place) for plant, place in table.secret.items()},
    }  # fmt: skip


def _log(office: Office) -> list[Mapping[str, Any]]:
    path = office.path / "releases" / LOG
    return [link.record for link in read_chain(path)] if path.exists() else []


def _secret(office: Office, record: Mapping[str, Any]) -> dict[str, Any]:
    path = office.path / "releases" / f"{record['release']:04d}.json"
    content = path.read_bytes()
    if digest([content]).sha256 != record["secret"]:
        raise UsageError("{file}: the record of this release was changed; bring the right one back", file=path.name)
    found: dict[str, Any] = json.loads(content)
    return found


def _earlier(office: Office, by: str, model: str) -> list[Safe]:
    """Earlier releases of the same model and campaign, oldest first."""
    campaign = office.campaign().id
    records = [each for each in _log(office) if (each["campaign"], each["model"]) == (campaign, model)]
    return [_table(_secret(office, record)["tables"][by]) for record in records]


def _table(kept: Mapping[str, Any]) -> Safe:
    return Safe(
        tuple(tuple(row) for row in kept["rows"]), tuple(tuple(column) for column in kept["columns"]),
        tuple(tuple(row) for row in kept["cells"]), tuple(kept["row_totals"]), tuple(kept["column_totals"]), {},
        {plant: (name, level) for plant, (name, level) in kept["secret"].items()},
    )  # fmt: skip
