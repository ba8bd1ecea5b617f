"""Ladders from their folders, and the answers to them, with every mistake at its line."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import rfc8785

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import checked
from factory_kit.load.document import Document, Path_, dotted, read_yaml, yaml_in
from factory_kit.load.files import Files, Somewhere, files_of
from factory_kit.model.definition import exact
from factory_kit.model.ladder import Ladder, LadderAnswers, LadderCases, LadderContent

__all__ = ["ladder", "ladder_answers", "ladder_answers_in", "ladder_cases", "ladder_folders"]

UNHASHED = ("form", "status", "sources", "licence_note", "issued", "figures")
"""What changes no answer and no level."""


def ladder_folders(folders: Sequence[Path]) -> dict[str, Path]:
    """Every ladder below *folders* (each an ``assessments`` folder) by ``ladder@edition``; the first match wins."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("models/*/*/ladder.yaml")):
            found.setdefault(f"{file.parent.parent.name}@{file.parent.name}", file.parent)
    return found


def ladder(folder: Somewhere, shown: str | None = None) -> Ladder:
    """The ladder in *folder*; ``DefinitionError`` with all its mistakes."""
    files = files_of(folder)
    document = yaml_in(files, "ladder.yaml", f"{shown or folder}/ladder.yaml")
    content = checked(document, LadderContent)
    problems = [*_place(content, files, document), *_within(content, document)]
    if problems:
        raise DefinitionError(problems)
    return Ladder(content, content_hash(content))


def ladder_cases(folder: Path, found: Ladder, shown: str | None = None) -> LadderCases:
    """The worked examples in *folder*; ``DefinitionError`` also for what the ladder does not have."""
    document = read_yaml(folder / "cases.yaml", f"{shown or folder}/cases.yaml")
    cases = checked(document, LadderCases)
    problems = list(_same(cases.ladder, cases.edition, found, document))
    known = {*found.items, *(group.id for group in found.content.groups)}
    problems += [
        _problem(document, ("cases", position, field, name), N_("is no item of the ladder"))
        for position, case in enumerate(cases.cases)
        for field in ("items", "points")
        for name in getattr(case, field)
        if name not in known
    ]
    if problems:
        raise DefinitionError(problems)
    return cases


def ladder_answers(file: Path, found: Ladder, shown: str | None = None) -> LadderAnswers:
    """The answers of *file* to the ladder; ``DefinitionError`` with all mistakes, also those that only the ladder shows."""
    return ladder_answers_in(read_yaml(file, shown or file.name), found)


def ladder_answers_in(document: Document, found: Ladder) -> LadderAnswers:
    """The answers in *document* to the ladder; ``DefinitionError`` as ``ladder_answers``."""
    answers = checked(document, LadderAnswers)
    problems = list(_same(answers.ladder, answers.edition, found, document))
    if not problems and answers.ladder_sha256 != found.sha256:
        message = N_(
            "answers another content of {model} (now {found}); migrate the answers instead of changing this line"
        )
        problems.append(_problem(document, ("ladder_sha256",), message, model=found.id, found=found.sha256))
    problems += _answers(answers, found, document)
    if problems:
        raise DefinitionError(problems)
    return answers


def content_hash(content: LadderContent) -> str:
    """sha256 (hex) of what the ladder means: canonical JSON of what changes answers or levels, defaults left out."""
    plain = content.model_dump(mode="json", exclude_defaults=True)
    meaning = {key: value for key, value in plain.items() if key not in UNHASHED}
    for row in (*meaning.get("items", ()), *meaning.get("rungs", ())):
        row.pop("confidence", None)
    return hashlib.sha256(rfc8785.dumps(meaning)).hexdigest()


def _answers(answers: LadderAnswers, found: Ladder, document: Document) -> Iterator[Problem]:
    figures = {figure.id for figure in found.content.figures}
    for name, answer in answers.answers.items():
        item = found.items.get(name)
        if item is None:
            yield _problem(document, ("answers", name), N_("is no item of the ladder"))
        elif answer.value is not None and exact(answer.value) not in found.values[item.options]:
            allowed = ", ".join(option.value for option in found.content.options[item.options])
            message = N_("{value} is not allowed, expected one of {allowed}")
            yield _problem(document, ("answers", name, "value"), message, value=answer.value, allowed=allowed)
    for name in answers.figures.keys() - figures:
        yield _problem(document, ("figures", name), N_("is no figure of the ladder"))


def _within(content: LadderContent, document: Document) -> Iterator[Problem]:
    groups = [group.id for group in content.groups]
    yield from _once("groups", groups, document)
    yield from _once("items", [item.id for item in content.items], document)
    yield from _once("figures", [figure.id for figure in content.figures], document)
    for name, options in content.options.items():
        numbers = [exact(option.value) for option in options]
        if len(numbers) < 2 or numbers != sorted(set(numbers)) or numbers[0] != 0:
            yield _problem(document, ("options", name), N_("must ascend from 0, each value once"))
    for position, group in enumerate(content.groups):
        if group.part_of is not None and group.part_of not in groups[:position]:
            yield _problem(document, ("groups", position, "part_of"), N_("is no group above this one"))
    for position, item in enumerate(content.items):
        if item.group not in groups:
            yield _problem(document, ("items", position, "group"), N_("is no group of this file"))
        if item.options not in content.options:
            yield _problem(document, ("items", position, "options"), N_("is no set of options of this file"))
    yield from _rungs(content, set(groups), document)


def _rungs(content: LadderContent, groups: set[str], document: Document) -> Iterator[Problem]:
    levels = [rung.level for rung in content.rungs]
    if levels != sorted(set(levels)):
        yield _problem(document, ("rungs",), N_("must ascend, each level once"))
    known = {
        "sum": groups, "count": groups, "item": {item.id for item in content.items},
        "figure": {figure.id for figure in content.figures},
    }  # fmt: skip
    for position, rung in enumerate(content.rungs):
        for place, condition in enumerate(rung.all_of):
            named = {"sum": "groups", "count": "group", "item": "item", "figure": "figure"}.get(condition.need)
            names = getattr(condition, named) if named else ()
            for name in (names,) if isinstance(names, str) else names:
                if name not in known[condition.need]:
                    path: Path_ = ("rungs", position, "all_of", place)
                    yield _problem(document, path, N_("{name!r} is not in this file"), name=name)


def _once(where: str, names: Sequence[str], document: Document) -> Iterator[Problem]:
    for position, name in enumerate(names):
        if name in names[:position]:
            yield _problem(document, (where, position, "id"), N_("{id!r} is given twice"), id=name)


def _place(content: LadderContent, files: Files, document: Document) -> Iterable[Problem]:
    if files.parts[-2:] != (content.ladder, content.edition):
        expected = f"{content.ladder}/{content.edition}"
        yield _problem(document, ("ladder",), N_("must stand in a folder {expected}"), expected=expected)


def _same(name: str, edition: str, found: Ladder, document: Document) -> Iterator[Problem]:
    if f"{name}@{edition}" != found.id:
        yield _problem(document, ("ladder",), N_("speaks of another model, expected {expected}"), expected=found.id)


def _problem(document: Document, path: Path_, message: str, **details: object) -> Problem:
    return Problem(document.name, document.line(path), dotted(path), message, details)
