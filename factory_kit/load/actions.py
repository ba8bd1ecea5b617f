"""Actions from their file, held against the model they speak of, with every mistake at its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import checked
from factory_kit.load.document import Document, Path_, dotted, read_yaml
from factory_kit.model.action import Action, Actions
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel

__all__ = ["actions_for", "actions_in"]


def actions_for(model: MaturityModel, folders: Sequence[Path]) -> Actions | None:
    """The actions for *model* in the first of *folders* (each an ``assessments`` folder) that has them, or None."""
    for folder in folders:
        file = folder / "actions" / f"{model.structure.model}.yaml"
        if file.is_file():
            return actions_in(file, model)
    return None


def actions_in(file: Path, model: MaturityModel, shown: str | None = None) -> Actions:
    """The actions of *file*; ``DefinitionError`` also for what *model* does not have, and for circles of needs."""
    document = read_yaml(file, shown or file.name)
    actions = checked(document, Actions)
    problems = [*_model(actions, model, document), *_rows(actions, model, document), *_needs(actions, document)]
    if problems:
        raise DefinitionError(problems)
    return actions


def _model(actions: Actions, model: MaturityModel, document: Document) -> Iterator[Problem]:
    expected = f"{model.structure.model} {model.structure.edition}"
    if f"{actions.model} {actions.edition}" != expected:
        yield _problem(document, ("model",), N_("speaks of another model, expected {expected}"), expected=expected)


def _rows(actions: Actions, model: MaturityModel, document: Document) -> Iterator[Problem]:
    for position, action in enumerate(actions.actions):
        for name, value in action.raises.items():
            place: Path_ = ("actions", position, "raises", name)
            row = model.criteria.get(name)
            if row is None:
                yield _problem(document, place, N_("is no criterion of the model"))
            elif exact(value) not in model.options[row.options]:
                allowed = ", ".join(model.structure.options[row.options])
                message = N_("{value} is not allowed, expected one of {allowed}")
                yield _problem(document, place, message, value=value, allowed=allowed)


def _needs(actions: Actions, document: Document) -> Iterator[Problem]:
    places = {action.id: position for position, action in enumerate(actions.actions)}
    known = {action.id: action for action in actions.actions}
    for position, action in enumerate(actions.actions):
        if places[action.id] != position:
            yield _problem(document, ("actions", position, "id"), N_("{id!r} is given twice"), id=action.id)
        strangers = [need for need in action.needs if need not in known]
        for need in strangers:
            yield _problem(document, ("actions", position, "needs"), N_("{id!r} is no action of this file"), id=need)
        if not strangers and _comes_back(action.id, known):
            yield _problem(document, ("actions", position, "needs"), N_("needs itself, in a circle"))


def _comes_back(start: str, known: dict[str, Action]) -> bool:
    """Whether *start* is among all that it needs."""
    pending, seen = list(known[start].needs), set[str]()
    while pending:
        name = pending.pop()
        if name == start:
            return True
        if name not in seen and name in known:
            seen.add(name)
            pending += known[name].needs
    return False


def _problem(document: Document, path: Path_, message: str, **details: object) -> Problem:
    return Problem(document.name, document.line(path), dotted(path), message, details)
