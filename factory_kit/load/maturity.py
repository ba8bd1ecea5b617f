"""Maturity models from their folders: structure, texts, checks and cases, with every mistake at its line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import rfc8785

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import checked
from factory_kit.load.document import Document, Path_, dotted, read_yaml, yaml_in
from factory_kit.load.files import Files, Somewhere, files_of
from factory_kit.model.cases import Cases
from factory_kit.model.definition import Definition, Language, exact
from factory_kit.model.maturity import ORDER, Checks, MaturityModel, Structure, Texts

__all__ = ["content_hash", "find_model", "maturity_cases", "maturity_model", "model_folders"]

LANGUAGES: tuple[Language, ...] = ("zh", "en")

# What only says how sure, how sourced or how shown a part is: it changes no answer and no score.
UNHASHED = ("form", "status", "sources", "places")
UNHASHED_WEIGHTS = ("status", "margin")
UNHASHED_SCORING = ("status", "shown")
UNHASHED_NODE = ("clause",)
UNHASHED_WEIGHT = ("confidence",)
UNHASHED_CRITERION = ("clause", "item", "confidence", "evidence")
UNHASHED_TEXT = ("form", "text", "licence_note", "confidences", "evidence", "places")


def maturity_model(folder: Somewhere, shown: str | None = None) -> MaturityModel:
    """The model edition in *folder*; ``DefinitionError`` with the mistakes of all its files."""
    name, files = shown or str(folder), files_of(folder)
    problems: list[Problem] = []
    found: dict[str, object] = {}
    documents: dict[str, Document] = {}
    for file, form in (("model.yaml", Structure), ("text.zh.yaml", Texts), ("text.en.yaml", Texts)):
        try:
            documents[file] = yaml_in(files, file, f"{name}/{file}")
            found[file] = checked(documents[file], form)
        except DefinitionError as error:
            problems += error.problems
    structure = found.get("model.yaml")
    if not isinstance(structure, Structure):
        raise DefinitionError(problems)
    problems += _in_structure(structure, documents["model.yaml"])
    texts: dict[Language, Texts] = {}
    for language in LANGUAGES:
        text = found.get(f"text.{language}.yaml")
        if isinstance(text, Texts):
            texts[language] = text
            problems += _in_texts(structure, text, language, documents[f"text.{language}.yaml"])
    problems += _place(structure, files, documents["model.yaml"])
    checks = _checks(structure, files, name, problems)
    if problems:
        raise DefinitionError(problems)
    return MaturityModel(structure, texts, content_hash(structure, texts["zh"]), checks.checks if checks else ())


def maturity_cases(folder: Path, model: MaturityModel, shown: str | None = None) -> Cases:
    """The worked examples in *folder*; ``DefinitionError`` also where they speak of what *model* does not have."""
    document = read_yaml(folder / "cases.yaml", f"{shown or folder}/cases.yaml")
    cases = checked(document, Cases)
    problems = list(_same_model(model.structure, cases, document))
    known = model.nodes.keys() | model.criteria.keys()
    for position, case in enumerate(cases.cases):
        for field in ("answers", "cells", "counts", "percent"):
            for code in getattr(case, field, {}):
                if code not in known:
                    path: Path_ = ("cases", position, field, code)
                    problems.append(_problem(document, path, N_("is neither node nor criterion of the model")))
    if problems:
        raise DefinitionError(problems)
    return cases


def model_folders(folders: Sequence[Path]) -> dict[str, Path]:
    """Every model edition below *folders* (each an ``assessments`` folder) by ``model@edition``; the first match wins."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("models/*/*/model.yaml")):
            found.setdefault(f"{file.parent.parent.name}@{file.parent.name}", file.parent)
    return found


def find_model(model: str, edition: str, folders: Sequence[Path]) -> Path | None:
    """The folder of an edition in the first of *folders* that has it, or None."""
    return model_folders(folders).get(f"{model}@{edition}")


def content_hash(structure: Structure, text: Texts) -> str:
    """sha256 (hex) of what the model means: canonical JSON (RFC 8785) of structure and Chinese text.

    Left out is what changes no answer and no score (status, confidence, sources, clauses, how numbers are shown), and every
    field that has its default, so that a later version of this software finds the same hash.
    """
    content = {"structure": _meaning(structure), "text": _without(_plain(text), UNHASHED_TEXT)}
    return hashlib.sha256(rfc8785.dumps(content)).hexdigest()


def _meaning(structure: Structure) -> dict[str, Any]:
    content = _without(_plain(structure), UNHASHED)
    content["weights"] = _without(content["weights"], UNHASHED_WEIGHTS)
    content["scoring"] = _without(content["scoring"], UNHASHED_SCORING)
    content["nodes"] = [_without(node, UNHASHED_NODE) for node in content["nodes"]]
    for node in content["nodes"]:
        node["weight"] = {key: _without(weight, UNHASHED_WEIGHT) for key, weight in node["weight"].items()}
    content["criteria"] = [_without(row, UNHASHED_CRITERION) for row in content["criteria"]]
    return content


def _plain(definition: Definition) -> dict[str, Any]:
    return definition.model_dump(mode="json", exclude_defaults=True)


def _without(content: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    left_out = set(keys)
    return {key: value for key, value in content.items() if key not in left_out}


def _in_structure(structure: Structure, document: Document) -> Iterator[Problem]:
    """What is wrong between the parts of a structure."""
    yield from _scales(structure, document)
    wrong = list(_tree(structure, document))
    yield from wrong or _sums(structure, document)
    yield from _rows(structure, document)
    yield from _places(structure, document)


def _places(structure: Structure, document: Document) -> Iterator[Problem]:
    """Where places are given, each lowest node is asked about in just one of them."""
    parents = {node.parent for node in structure.nodes}
    lowest = {node.id for node in structure.nodes if node.id not in parents}
    seen: set[str] = set()
    for name, nodes in structure.places.items():
        for position, node in enumerate(nodes):
            if node not in lowest or node in seen:
                yield _problem(
                    document,
                    ("places", name, position),
                    N_("{node!r} is no lowest node, or has a place already"),
                    node=node,
                )
            seen.add(node)
    if structure.places and lowest - seen:
        yield _problem(
            document, ("places",), N_("no place is given for {nodes}"), nodes=", ".join(sorted(lowest - seen))
        )


def _scales(structure: Structure, document: Document) -> Iterator[Problem]:
    if list(structure.levels) != sorted(set(structure.levels)):
        yield _problem(document, ("levels",), N_("must ascend, each level once"))
    for name, values in structure.options.items():
        numbers = [exact(value) for value in values]
        if len(numbers) < 2 or numbers != sorted(set(numbers)) or numbers[0] != 0:
            yield _problem(document, ("options", name), N_("must ascend from 0, each value once"))
    if tuple(type(step) for step in structure.scoring.steps) != ORDER:
        expected = "weighted_mean, gate, bands"
        yield _problem(document, ("scoring", "steps"), N_("engine 1 expects the steps {expected}"), expected=expected)
    for position, step in enumerate(structure.scoring.steps):
        if step.step == "bands":
            ends = [exact(band.at_least) for band in step.bands]
            levels = [band.level for band in step.bands]
            if ends != sorted(set(ends)) or levels != sorted(set(levels)) or not {*levels} <= {*structure.levels}:
                yield _problem(
                    document, ("scoring", "steps", position), N_("bands must ascend and lead to known levels")
                )


def _tree(structure: Structure, document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    trimmable = {node.id for node in structure.nodes if node.trimmable}
    for position, node in enumerate(structure.nodes):
        path: Path_ = ("nodes", position)
        if node.id in seen:
            yield _problem(document, (*path, "id"), N_("{id!r} is given twice"), id=node.id)
        if node.parent is not None and node.parent not in seen:
            yield _problem(document, (*path, "parent"), N_("{parent!r} is no node above this one"), parent=node.parent)
        if node.parent in trimmable and not node.trimmable:
            message = N_("its parent {parent!r} may be trimmed, so it must be trimmable too")
            yield _problem(document, path, message, parent=node.parent)
        for plant_type, weight in node.weight.items():
            place = (*path, "weight", plant_type)
            if plant_type not in structure.types:
                yield _problem(document, place, N_("is not one of the types of the model"))
            if exact(weight.share) <= 0:
                yield _problem(document, place, N_("a share must be above 0; leave a node without weight out"))
        seen.add(node.id)


def _sums(structure: Structure, document: Document) -> Iterator[Problem]:
    expected = exact(structure.weights.total)
    sums: dict[tuple[str | None, str], Fraction] = {}
    first: dict[tuple[str | None, str], int] = {}
    for position, node in enumerate(structure.nodes):
        for plant_type, weight in node.weight.items():
            key = (node.parent, plant_type)
            sums[key] = sums.get(key, Fraction(0)) + exact(weight.share)
            first.setdefault(key, position)
    for (_, plant_type), total in ((key, total) for key, total in sums.items() if total != expected):
        key = next(key for key, value in sums.items() if value == total and key[1] == plant_type)
        message = N_("the shares of this node and its siblings add up to {found}, expected {expected}")
        path: Path_ = ("nodes", first[key], "weight", plant_type)
        yield _problem(document, path, message, found=str(total), expected=structure.weights.total)


def _rows(structure: Structure, document: Document) -> Iterator[Problem]:
    nodes = {node.id for node in structure.nodes}
    parents = {node.parent for node in structure.nodes}
    seen: set[str] = set(nodes)
    for position, row in enumerate(structure.criteria):
        path: Path_ = ("criteria", position)
        if row.id in seen:
            yield _problem(document, (*path, "id"), N_("{id!r} is given twice"), id=row.id)
        if row.node not in nodes or row.node in parents:
            yield _problem(document, (*path, "node"), N_("{node!r} is none of the lowest nodes"), node=row.node)
        if row.level not in structure.levels:
            yield _problem(document, (*path, "level"), N_("{level} is none of the levels"), level=row.level)
        if row.options not in structure.options:
            yield _problem(document, (*path, "options"), N_("{options!r} is no set of options"), options=row.options)
        seen.add(row.id)
    for position, node in enumerate(structure.nodes):
        if node.id not in parents and not any(row.node == node.id for row in structure.criteria):
            yield _problem(document, ("nodes", position), N_("has neither nodes nor criteria below it"))


def _in_texts(structure: Structure, text: Texts, language: Language, document: Document) -> Iterator[Problem]:
    yield from _same_model(structure, text, document)
    if text.text != language:
        yield _problem(document, ("text",), N_("differs from the name of the file"))
    values: dict[str, Iterable[str]] = {**structure.options}
    yield from _labels(document, "nodes", text.nodes.items(), [node.id for node in structure.nodes])
    yield from _labels(document, "criteria", text.criteria.items(), [row.id for row in structure.criteria])
    yield from _labels(document, "types", text.types.items(), structure.types)
    yield from _labels(document, "places", text.places.items(), structure.places)
    yield from _labels(document, "levels", text.levels.items(), ["0", *map(str, structure.levels)])
    yield from _labels(document, "options", text.options.items(), structure.options)
    used = {row.confidence for row in structure.criteria}
    yield from _labels(document, "confidences", text.confidences.items(), used | text.confidences.keys())
    proofs = {kind for row in structure.criteria for kind in row.evidence}
    yield from _labels(document, "evidence", text.evidence.items(), proofs | text.evidence.keys())
    for name, labels in text.options.items():
        yield from _labels(document, f"options.{name}", labels.items(), values.get(name, ()))


def _labels(
    document: Document, where: str, labels: Iterable[tuple[str, object]], needed: Iterable[str]
) -> Iterator[Problem]:
    found = dict(labels)
    path: Path_ = tuple(where.split("."))
    for code in needed:
        if not found.get(code):
            yield _problem(document, (*path, code), N_("is missing"))
    for code in found.keys() - set(needed):
        yield _problem(document, (*path, code), N_("is not in model.yaml"))


def _same_model(structure: Structure, other: Texts | Cases | Checks, document: Document) -> Iterator[Problem]:
    if (other.model, other.edition) != (structure.model, structure.edition):
        expected = f"{structure.model} {structure.edition}"
        yield _problem(document, ("model",), N_("speaks of another model, expected {expected}"), expected=expected)


def _place(structure: Structure, files: Files, document: Document) -> Iterator[Problem]:
    if files.parts[-2:] != (structure.model, structure.edition):
        expected = f"{structure.model}/{structure.edition}"
        yield _problem(document, ("model",), N_("must stand in a folder {expected}"), expected=expected)


def _checks(structure: Structure, files: Files, name: str, problems: list[Problem]) -> Checks | None:
    """What ``checks.yaml`` says, if there is one; its mistakes go to *problems*."""
    if not files.has("checks.yaml"):
        return None
    try:
        document = yaml_in(files, "checks.yaml", f"{name}/checks.yaml")
        checks = checked(document, Checks)
    except DefinitionError as error:
        problems += error.problems
        return None
    problems += _same_model(structure, checks, document)
    known = {row.id for row in structure.criteria} | {"weights", "scoring"}
    for position, check in enumerate(checks.checks):
        for index, what in enumerate(check.what):
            if what not in known:
                path: Path_ = ("checks", position, "what", index)
                problems.append(_problem(document, path, N_("{what!r} is no criterion of the model"), what=what))
    return checks


def _problem(document: Document, path: Path_, message: str, **details: object) -> Problem:
    return Problem(document.name, document.line(path), dotted(path), message, details)
