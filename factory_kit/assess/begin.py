"""A new assessment: its folder, the frozen model, and the files people fill in."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pydantic import ValidationError

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import TO_FILL_IN, answers_text, assessment_text
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.files import write_atomically
from factory_kit.load.answers import answers_file
from factory_kit.load.checked import problems_of
from factory_kit.load.document import Document
from factory_kit.load.maturity import maturity_model, model_folders
from factory_kit.load.workspace import Workspace
from factory_kit.model.answers import Answers, Period
from factory_kit.model.assessment import Assessment, AssessmentType, ModelEdition, Person, Provider
from factory_kit.model.maturity import MaturityModel
from factory_kit.model.site import Site
from factory_kit.shipped import search_path

__all__ = ["Wish", "begin", "freeze_model"]

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
TAKEN = {"models", "indicators", "actions", "crosswalks", "migrations"}
EXAMPLE = "example/answers.yaml"
FROZEN = ("model.yaml", "text.zh.yaml", "text.en.yaml", "checks.yaml")


@dataclass(frozen=True)
class Wish:
    """What a new assessment shall be."""

    name: str
    model: str
    """``gbt-39116@2020``."""
    period: tuple[date, date]
    type: AssessmentType = "self"
    assessor: str = TO_FILL_IN
    provider: str = ""
    units: tuple[str, ...] = ()
    on_site: tuple[date, ...] = ()
    example: bool = False
    """Filled in with the shipped answers of the demonstration plant; demo workspaces only."""


def begin(workspace: Workspace, wish: Wish, id_: str) -> AssessmentFolder:
    """The new assessment *wish* of the plant of *workspace*; *id_* is its random id, 16 hexadecimal digits.

    ``UsageError`` when the name is taken or cannot be used, or the model is unknown; nothing is left half made.
    """
    folder = AssessmentFolder(workspace.assessment_folder(_free_name(workspace, wish.name)))
    site, _ = workspace.site()
    source = find_edition(workspace, wish.model)
    model = maturity_model(source, f"models/{wish.model.replace('@', '/')}")
    example = _example(source, model, site) if wish.example else None
    if example is not None and wish.assessor == TO_FILL_IN:
        wish = replace(wish, assessor=example.assessor)
    structure = model.structure
    assessment = _checked(
        form=1,
        id=id_,
        kind=site.kind,
        type=wish.type,
        model=ModelEdition(id=structure.model, edition=structure.edition, sha256=model.sha256),
        plant=site.plant,
        units=wish.units,
        period=_period(wish),
        on_site=wish.on_site,
        provider=Provider(name=wish.provider or TO_FILL_IN) if wish.type != "self" or wish.provider else None,
        people=_people(wish),
    )
    form = answers_text(model, assessment.kind, assessment.plant.type, wish.assessor, example)
    _fill(folder, assessment, form, source)
    return folder


def find_edition(workspace: Workspace, model: str) -> Path:
    """The folder of *model* (``id@edition``); ``UsageError`` names those there are."""
    known = model_folders(search_path("assessments", workspace.root))
    if model not in known:
        raise UsageError(
            "{model}: there is no such model edition, expected one of {known}",
            model=model,
            known=", ".join(sorted(known)),
        )
    return known[model]


def freeze_model(source: Path, target: Path) -> None:
    """A copy of the model edition in *source* without its worked examples, byte for byte, in the folder *target*."""
    target.mkdir(parents=True)
    for name in FROZEN:
        if (source / name).is_file():
            write_atomically(target / name, (source / name).read_bytes())


def _free_name(workspace: Workspace, name: str) -> str:
    if not NAME.fullmatch(name) or name in TAKEN:
        raise UsageError(
            "{name!r}: cannot be the name of an assessment; use small letters, digits, dots and hyphens, such as 2026-09",
            name=name,
        )
    if workspace.assessment_folder(name).exists():
        raise UsageError("{name}: there is an assessment of this name; nothing was changed", name=name)
    return name


def _checked(**content: object) -> Assessment:
    """The assessment of *content*; ``DefinitionError`` for what the wish got wrong."""
    try:
        return Assessment.model_validate(content)
    except ValidationError as error:
        raise DefinitionError(problems_of(error, Document("assessment.yaml", content, {}), Assessment)) from error


def _period(wish: Wish) -> Period:
    first, last = wish.period
    if last < first:
        raise UsageError("the period ends {last}, before it starts {first}", first=first, last=last)
    return Period(start=first, end=last)


def _people(wish: Wish) -> tuple[Person, ...]:
    employer = "plant" if wish.type == "self" else "provider"
    lead = Person(name=wish.assessor, role="lead", employer=employer)  # type: ignore[arg-type] # one of the literals
    return (lead, Person(name=TO_FILL_IN, role="assessor")) if wish.type == "on-site" else (lead,)


def _example(source: Path, model: MaturityModel, site: Site) -> Answers:
    """The example answers shipped with *model*; ``UsageError`` for a real plant, which must not get somebody else's answers."""
    file = source / EXAMPLE
    if site.kind != "demo":
        raise UsageError("example answers are fictional, and this workspace is a real one; leave --example out")
    if not file.is_file():
        raise UsageError("{model}: has no example answers; leave --example out", model=model.id)
    example = answers_file(file, model, f"{model.id}/{EXAMPLE}")
    if example.type != site.plant.type:
        raise UsageError("the example answers are of a plant of type {type}; leave --example out", type=example.type)
    return example


def _fill(folder: AssessmentFolder, assessment: Assessment, form: str, source: Path) -> None:
    """Made aside and renamed, so that an interrupted ``assess new`` leaves nothing under the name."""
    aside = AssessmentFolder(folder.path.with_name(f".{folder.path.name}.new"))
    shutil.rmtree(aside.path, ignore_errors=True)
    aside.path.mkdir(parents=True)
    aside.evidence_folder.mkdir()
    freeze_model(source, aside.model_folder(assessment.model))
    write_atomically(aside.answers_file, form)
    write_atomically(aside.assessment_file, assessment_text(assessment))
    aside.path.rename(folder.path)
