"""Publishing: proven tables as workbook, report, page, CSV and JSON; and the way back from a number to its bundles, inside only."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from factory_kit.district.disclosure import Rules
from factory_kit.district.given import MEASURES, Given, Place, given, kept, read
from factory_kit.district.groups import among_peers, kinds
from factory_kit.district.index import index
from factory_kit.district.office import Office
from factory_kit.district.proof import Safe, Withheld
from factory_kit.district.screen import screen
from factory_kit.district.statistics import statistics
from factory_kit.district.tables import Groups, internal_document, public_document, row_names, stamped
from factory_kit.district.trial import TRIAL, is_trial
from factory_kit.district.wording import say
from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import Language
from factory_kit.model.definition import exact
from factory_kit.score import exact_text
from factory_kit.seal.canonical import canonical
from factory_kit.seal.chain import open_chain, read_chain
from factory_kit.seal.digest import digest
from factory_kit.seal.stamps import to_text

__all__ = ["DIMENSIONS", "Release", "Traced", "publish", "trace", "write_internal"]

DIMENSIONS = ("street", "division", "size")
LOG = "releases.jsonl"
PLACES = """
SELECT credit_code || '-' || site_no, credit_code, coalesce({by}, ''), level, total, CAST(output_10k AS VARCHAR),
       CAST(energy_tce AS VARCHAR), CAST(mu AS VARCHAR)
FROM facts WHERE campaign = ? AND model = ? ORDER BY number
"""
BUNDLES = """
SELECT credit_code || '-' || site_no, number, sha256, file FROM facts WHERE campaign = ? AND model = ? ORDER BY number
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
        if not wanted:
            raise UsageError("no assessment counts in this campaign yet; receive bundles first")
        raise UsageError("{model}: nothing was counted for this model in the campaign", model=wanted)
    found["models"] = {wanted: found["models"][wanted]}
    number = len(_log(office)) + 1
    parts = {by: given(_places(office, by, wanted), _rules(office), _earlier(office, by, wanted)) for by in DIMENSIONS}
    if out.exists():
        raise UsageError("{folder}: is there already; publish into a new folder", folder=out)
    document, data = public_document(office, found, parts, language), _data(found, parts, _rules(office))
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=out.parent) as aside:
        made = Path(aside) / "out"
        made.mkdir()
        write_atomically(made / f"screen.{language}.html", _screen(office, found, parts, language))
        files = _write(office, made, document, data, language)
        _record(office, number, wanted, parts, found, files, now)
        made.rename(out)  # nothing is to be seen before it is on record
    return Release(number, tuple(out / path.name for path in files), {by: part.table for by, part in parts.items()})


def write_internal(office: Office, path: Path, language: Language) -> None:
    """The workbook with everything in it, for inside use."""
    from factory_kit.render.excel import write_excel  # noqa: PLC0415 - each format loads its own library

    found = {**statistics(office), "kind": office.campaign().kind}
    groups = {model: Groups(kinds(office, model), among_peers(office, model)) for model in found["models"]}
    write_excel(internal_document(office, found, groups, language), path)


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


def _places(office: Office, by: str, model: str) -> list[Place]:
    with index(office) as con:
        rows: list[tuple[Any, ...]] = con.execute(PLACES.format(by=by), [office.campaign().id, model]).fetchall()
    return [
        Place(plant, firm, name, level, total, _amounts(amounts)) for plant, firm, name, level, total, *amounts in rows
    ]


def _amounts(texts: Sequence[str | None]) -> Mapping[str, Fraction]:
    """By measure its amount; nothing unless all of them are known, so that quotients are those of the same plants."""
    known = {measure: exact(text) for measure, text in zip(MEASURES, texts, strict=True) if text is not None}
    return known if len(known) == len(MEASURES) and known["mu"] > 0 else {}


def _data(found: Mapping[str, Any], parts: Mapping[str, Given], rules: Rules) -> dict[str, Any]:
    """What goes to the city platform: null where a number is hidden."""
    return {
        "form": 1, "campaign": found["campaign"], "kind": found["kind"], "cutoff": found["cutoff"]["received"][:10],
        "model": next(iter(found["models"])).removesuffix(TRIAL), "trial": is_trial(next(iter(found["models"]))),
        "tables": {by: _table_data(part, rules) for by, part in parts.items()},
    }  # fmt: skip


def _table_data(part: Given, rules: Rules) -> dict[str, Any]:
    table = part.table
    return {
        "rows": [list(row) for row in table.rows], "levels": [list(column) for column in table.columns],
        "cells": [list(row) for row in table.cells], "row_totals": list(table.row_totals),
        "level_totals": list(table.column_totals), "medians": dict(part.medians),
        "shares": [[None if share is None else f"{float(share):.3f}" for share in row] for row in part.shares(rules)],
        "sums": {
            measure: {"values": [_shown(value) for value in sums.values], "total": _shown(sums.total)}
            for measure, sums in part.sums.items()
        },
    }  # fmt: skip


def _shown(value: Fraction | None) -> str | None:
    return None if value is None else exact_text(value)


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


def _screen(office: Office, found: Mapping[str, Any], parts: Mapping[str, Given], language: Language) -> bytes:
    model = next(iter(found["models"]))
    title = f"{office.units().district.in_(language)} · {office.campaign().name.in_(language)}"
    notes = [say("screen.note", language)] + ([say("demo.text", language)] if found["kind"] == "demo" else [])
    names = {by: row_names(office, by, part.table.rows, language) for by, part in parts.items()}
    return screen(
        title, stamped(office, found, language, "public", model), notes, parts, names, language, trial=is_trial(model)
    )


def _csv(data: Mapping[str, Any]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\r\n")
    rows.writerow(("campaign", "model", "trial", "cutoff", "table", "row", "levels or measure", "number"))
    head = (data["campaign"], data["model"], "trial" if data["trial"] else "", data["cutoff"])
    for by, table in data["tables"].items():
        for names, cells in zip(table["rows"], table["cells"], strict=True):
            for levels, cell in zip(table["levels"], cells, strict=True):
                rows.writerow((*head, by, "+".join(names), "+".join(map(str, levels)), "" if cell is None else cell))
        for measure, sums in table["sums"].items():
            for names, value in zip([*table["rows"], ["*"]], [*sums["values"], sums["total"]], strict=True):
                rows.writerow((*head, by, "+".join(names), measure, value or ""))
    return "\ufeff" + text.getvalue()


def _record(
    office: Office,
    number: int,
    model: str,
    parts: Mapping[str, Given],
    found: Mapping[str, Any],
    files: Sequence[Path],
    now: Callable[[], int],
) -> None:
    folder = office.path / "releases"
    folder.mkdir(exist_ok=True)
    with index(office) as con:
        rows = con.execute(BUNDLES, [found["campaign"], model]).fetchall()
    secret = canonical(
        {
            "form": 1, "model": model, "cutoff": found["cutoff"], "bundles": {plant: way for plant, *way in rows},
            "tables": {by: kept(part) for by, part in parts.items()},
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


def _earlier(office: Office, by: str, model: str) -> list[Given]:
    """Earlier releases of the same model and campaign, oldest first."""
    campaign = office.campaign().id
    records = [each for each in _log(office) if (each["campaign"], each["model"]) == (campaign, model)]
    return [read(_secret(office, record)["tables"][by]) for record in records]
