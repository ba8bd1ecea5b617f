"""What only people know about the machines: limits, what a machine did while somebody watched, when it ran well.

The user's file ``diagnosis.yaml`` in the workspace. Nothing in it is needed; what is not given is not guessed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, ValidationError, model_validator

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import problems_of
from factory_kit.load.document import Document, Path_, dotted, read_yaml
from factory_kit.model.connector import MachineState
from factory_kit.model.definition import Definition, ExactNumber, Identifier, LaxDecimal, mistake

__all__ = ["SETTINGS_FILE", "Limit", "Seen", "Settings", "StateRule", "Threshold", "Watch", "settings_file"]

SETTINGS_FILE = "diagnosis.yaml"
PointName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}/[a-z0-9][a-z0-9._-]{0,63}$")]
"""``equipment/point``."""
Moment = Annotated[AwareDatetime, Field(strict=False)]
State = Annotated[MachineState, Field(strict=False)]


class Limit(Definition):
    """A value a point must not pass, upward or downward, and who says so."""

    point: PointName
    above: ExactNumber | None = None
    below: ExactNumber | None = None
    because: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_side(self) -> Limit:
        if (self.above is None) == (self.below is None):
            raise mistake("needs either above or below; write two limits for two sides")
        return self


class Seen(Definition):
    """What somebody saw the machine do."""

    start: Moment = Field(alias="from")
    until: Moment
    state: State

    @model_validator(mode="after")
    def _lasts(self) -> Seen:
        if self.until <= self.start:
            raise mistake("until does not come after from")
        return self


class Threshold(Definition):
    """From this value on the machine is in ``state``."""

    start: ExactNumber = Field(alias="from")
    state: State


class StateRule(Definition):
    """How to read the state of a machine that tells none: labels, thresholds, or a model that was saved."""

    machine: Identifier
    point: PointName
    labels: tuple[Seen, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    model: str = ""
    """A file in the workspace, as ``diagnose --save-models`` writes it."""
    cycle_s: LaxDecimal = Field(default=0, validate_default=True, ge=0, le=3600)
    dwell_s: LaxDecimal = Field(default=20, validate_default=True, ge=0, le=3600)

    @model_validator(mode="after")
    def _one_way(self) -> StateRule:
        if sum(map(bool, (self.labels, self.thresholds, self.model))) != 1:
            raise mistake("needs exactly one of labels, thresholds and model")
        return self


class Watch(Definition):
    """Signals of one machine that belong together, and a time in which somebody knows that it ran well."""

    machine: Identifier
    points: Annotated[tuple[PointName, ...], Field(min_length=2)]
    normal: tuple[Moment, Moment]
    """First and following moment of the normal running that is learned."""

    @model_validator(mode="after")
    def _lasts(self) -> Watch:
        if self.normal[1] <= self.normal[0]:
            raise mistake("normal: the second moment does not come after the first")
        return self


class Settings(Definition):
    """The user's file ``diagnosis.yaml``."""

    diagnosis: Literal[1] = 1
    limits: tuple[Limit, ...] = ()
    states: tuple[StateRule, ...] = ()
    anomalies: tuple[Watch, ...] = ()


def settings_file(path: Path, equipment: Collection[str] | None) -> Settings:
    """The settings in *path*; ``DefinitionError`` with all mistakes, also equipment that the ledger does not name.

    *equipment* is None where the ledger is not known: then names are not looked up.
    """
    document = read_yaml(path, path.name)
    problems: list[Problem] = []
    found = None
    try:
        found = Settings.model_validate(document.content)
    except ValidationError as error:
        problems += problems_of(error, document, Settings)
    problems += _unknown(document, equipment)
    problems += _twice(document)
    problems += _no_model(document, path.parent)
    if problems or found is None:
        raise DefinitionError(problems)
    return found


def _entries(document: Document, part: str) -> Iterator[tuple[int, dict[str, object]]]:
    """The entries of *part* as they were written, right or wrong, so that one mistake hides no other."""
    content = document.content if isinstance(document.content, dict) else {}
    entries = content.get(part)
    for number, entry in enumerate(entries if isinstance(entries, tuple) else ()):
        if isinstance(entry, dict):
            yield number, entry


def _named(document: Document) -> Iterator[tuple[Path_, object]]:
    """Every piece of equipment that is named, and where."""
    for part, fields in (("limits", ("point",)), ("states", ("machine", "point")), ("anomalies", ("machine",))):
        for number, entry in _entries(document, part):
            yield from (((part, number, name), entry.get(name)) for name in fields)
    for number, entry in _entries(document, "anomalies"):
        points = entry.get("points")
        for at, point in enumerate(points if isinstance(points, tuple) else ()):
            yield ("anomalies", number, "points", at), point


def _unknown(document: Document, equipment: Collection[str] | None) -> Iterator[Problem]:
    for place, name in _named(document) if equipment is not None else ():
        machine = name.partition("/")[0] if isinstance(name, str) else ""
        if machine and machine not in (equipment or ()):
            yield _problem(document, place, N_("{id!r} is not in the ledger"), id=machine)


def _twice(document: Document) -> Iterator[Problem]:
    seen: set[object] = set()
    for number, entry in _entries(document, "states"):
        machine = entry.get("machine")
        if isinstance(machine, str) and machine in seen:
            yield _problem(document, ("states", number, "machine"), N_("{id!r} is given twice"), id=machine)
        seen.add(machine if isinstance(machine, str) else None)


def _no_model(document: Document, folder: Path) -> Iterator[Problem]:
    for number, entry in _entries(document, "states"):
        model = entry.get("model")
        if isinstance(model, str) and model and not (folder / model).is_file():
            yield _problem(
                document, ("states", number, "model"), N_("{path}: does not exist; check the path"), path=model
            )


def _problem(document: Document, place: Path_, text: str, **details: object) -> Problem:
    return Problem(document.name, document.line(place), dotted(place), text, details)
