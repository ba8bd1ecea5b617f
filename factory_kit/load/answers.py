"""Answers from their file, held against the model they answer, with every mistake at its line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import problems_of, validated
from factory_kit.load.document import Document, Path_, dotted, read_yaml
from factory_kit.model.answers import Answers
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel

__all__ = ["answers_file", "answers_in"]


def answers_file(path: Path, model: MaturityModel, shown: str | None = None) -> Answers:
    """The answers in *path* to *model*; ``DefinitionError`` with all mistakes, also those that only the model shows.

    Such are another model, edition or content, criteria it does not have, values it does not allow, and nodes that must
    not be trimmed. Answers to criteria that do not count for the plant type are no mistake.
    """
    return answers_in(read_yaml(path, shown), model)


def answers_in(document: Document, model: MaturityModel) -> Answers:
    """The answers in *document* to *model*; ``DefinitionError`` as ``answers_file``."""
    problems: list[Problem] = []
    answers = None
    try:
        answers = validated(document, Answers)
    except ValidationError as error:
        problems += problems_of(error, document, Answers)
    if answers is not None:
        problems += _against(answers, model, document)
    if problems or answers is None:
        raise DefinitionError(problems)
    return answers


def _against(answers: Answers, model: MaturityModel, document: Document) -> Iterator[Problem]:
    structure = model.structure
    if (answers.model, answers.edition) != (structure.model, structure.edition):
        message = N_("answers another model, expected {expected}")
        yield _problem(document, ("model",), message, expected=model.id)
        return
    if answers.model_sha256 != model.sha256:
        message = N_(
            "answers another content of {model} (now {found}); migrate the answers instead of changing this line"
        )
        yield _problem(document, ("model_sha256",), message, model=model.id, found=model.sha256)
    if answers.type not in structure.types:
        message = N_("{type!r} is no plant type of the model, expected one of {expected}")
        yield _problem(document, ("type",), message, type=answers.type, expected=", ".join(structure.types))
    yield from _trimming(answers, model, document)
    yield from _values(answers, model, document)


def _trimming(answers: Answers, model: MaturityModel, document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, trim in enumerate(answers.trimming):
        path: Path_ = ("trimming", position, "node")
        node = model.nodes.get(trim.node)
        if node is None or answers.type not in node.weight:
            yield _problem(document, path, N_("{node!r} is no node of the model for this plant type"), node=trim.node)
        elif not node.trimmable:
            message = N_("{node} must not be trimmed; assess it, what is not met counts as not met")
            yield _problem(document, path, message, node=trim.node)
        if trim.node in seen:
            yield _problem(document, path, N_("{node} is trimmed twice; keep one reason"), node=trim.node)
        seen.add(trim.node)


def _values(answers: Answers, model: MaturityModel, document: Document) -> Iterator[Problem]:
    for code, answer in answers.answers.items():
        path: Path_ = ("answers", code)
        criterion = model.criteria.get(code)
        if criterion is None:
            yield _problem(document, path, N_("{code!r} is no criterion of the model"), code=code)
            continue
        allowed = model.structure.options[criterion.options]
        if answer.value is not None and exact(answer.value) not in model.options[criterion.options]:
            message = N_("{value} is not allowed, expected one of {expected}")
            yield _problem(document, (*path, "value"), message, value=answer.value, expected=", ".join(allowed))
        if answer.no_value == "not applicable" and model.structure.not_applicable == "never":
            yield _problem(document, (*path, "no_value"), N_("this model knows no 'not applicable'; answer it"))


def _problem(document: Document, path: Path_, message: str, **details: object) -> Problem:
    return Problem(document.name, document.line(path), dotted(path), message, details)
