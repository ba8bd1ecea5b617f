"""All the office knows of one plant: its history, how it stands, and what evidence is in its bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from typing import Any

from factory_kit.district.receive import LIMITS
from factory_kit.errors import FactoryKitError
from factory_kit.i18n import Language
from factory_kit.load.maturity import find_model, maturity_model
from factory_kit.model.maturity import MaturityModel
from factory_kit.seal.verify import Sealed, open_sealed
from factory_kit.shipped import search_path
from factory_kit.web.district.book import Entry
from factory_kit.web.district.desk import Desk

__all__ = ["Bundle", "Dossier", "dossier"]

GRADES = "ABCD"


@dataclass(frozen=True)
class Bundle:
    """What lies in one accepted bundle, as far as a page shows it."""

    domains: Sequence[tuple[str, str, float]]
    """Nodes without nodes below them: code, name, and the mean of the scores over the levels that ask for something."""
    records: Sequence[Mapping[str, Any]]
    """Machine evidence."""
    answers: Sequence[Mapping[str, Any]]
    """Answers that name evidence: criterion, value, and what was seen."""
    grades: Mapping[str, int]
    """How many pieces of evidence of each grade."""
    signatures: Sequence[tuple[str, str, str]]
    """Role, holder and state of each signature."""
    files: int


@dataclass(frozen=True)
class Dossier:
    """One plant."""

    code: str
    site: str
    name: str
    row: Mapping[str, str]
    """Its row in the register; empty where it is new."""
    history: Sequence[Entry]
    shown: Entry | None
    """The receipt whose bundle is shown."""
    bundle: Bundle | None
    """None where it was erased or cannot be read."""
    units: Sequence[str]
    cases: object


def dossier(desk: Desk, code: str, site: str, receipt: str, language: Language) -> Dossier | None:
    """The dossier of the plant, the bundle that of *receipt* (by default the newest that counts); None for a plant nobody knows."""
    history, row = desk.book.of_plant(code, site), desk.settings.plants.get((code, site), {})
    if not history and not row:
        return None
    cases = desk.journal.cases
    counting = [each for each in history if each.accepted and each.number not in cases.withdrawn]
    shown = next((each for each in history if str(each.number) == receipt and each.accepted), None)
    shown = shown or (counting[-1] if counting else None)
    last = history[-1] if history else None
    named = (last.name_zh if language == "zh" else last.name_en) if last else ""
    units = {each.id: each.name.in_(language) for each in desk.settings.units.units}
    reports_to = [units.get(each, each) for each in [row.get("street", ""), *row.get("units", "").split(";")] if each]
    found = _bundle(desk, shown, language) if shown else None
    return Dossier(code, site, named or row.get("name", ""), row, history, shown, found, reports_to, cases)


def _bundle(desk: Desk, entry: Entry, language: Language) -> Bundle | None:
    path = desk.office.bundles_folder / f"{entry.sha256}.zip"
    with suppress(FactoryKitError):
        sealed = open_sealed(path, desk.office.keys(), limits=LIMITS, keep=lambda name: name.endswith(".json"))
        return _content(sealed, entry.model, language)
    return None


def _content(sealed: Sealed, model: str, language: Language) -> Bundle:
    known, score, answers = _model(model), sealed.read_json("score.json"), sealed.read_json("answers.json")["answers"]
    names = known.texts[language].nodes if known else {}
    above = {node.parent for node in known.structure.nodes} if known else set()
    items = [
        {"criterion": code, "value": given.get("value", ""), "evidence": given["evidence"]}
        for code, given in sorted(answers.items())
        if given.get("evidence")
    ]
    grades = {grade: sum(each["grade"] == grade for item in items for each in item["evidence"]) for grade in GRADES}
    records = [
        sealed.read_json(name) for name in sealed.names if name.startswith("evidence/") and name.endswith(".json")
    ]
    domains = [
        (node, names.get(node, ""), _mean(values))
        for node, values in sorted(score["nodes"].items())
        if node not in above
    ]
    signatures = [(each.role, each.holder or "", each.state.value) for each in sealed.report.signatures]
    return Bundle(domains, records, items, grades, signatures, len(sealed.names))


def _mean(values: Mapping[str, str | None]) -> float:
    found = [Fraction(value) for value in values.values() if value is not None]
    return float(sum(found, Fraction()) / len(found)) if found else 0.0


@cache
def _model(model: str) -> MaturityModel | None:
    """The *model*, as far as it is known here."""
    source = find_model(*model.partition("@")[::2], search_path("assessments"))
    return maturity_model(source) if source else None
