"""Independent ratings of one assessment: a blind file per rater in the form of the answers, and how far they agree.

Round 1 is blind: every rater fills in a file of their own, ``ratings/<rater>.yaml``. Round 2 is the consensus:
``answers.yaml``, where a remark or a reason stands wherever raters differed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import NOT_ASSESSED, answers_text
from factory_kit.errors import DefinitionError, Problem, UsageError
from factory_kit.files import write_atomically
from factory_kit.load.answers import answers_in
from factory_kit.load.document import read_yaml
from factory_kit.load.maturity import maturity_model
from factory_kit.model.answers import Answers
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel
from factory_kit.score.agreement import Agreement, agreement

__all__ = ["Difference", "Ratings", "differences", "rating_file", "rating_sheets", "read_ratings", "start_rating"]

LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Difference:
    """A criterion to which raters gave different values."""

    criterion: str
    values: tuple[str, ...]
    """In the order of the raters; empty where one gave none."""
    consensus: str
    """What the answers say; empty where they give no value."""
    reason: str
    """Why, as the answers say it; empty where nobody wrote it."""

    @property
    def explained(self) -> bool:
        """Whether the consensus has a value and says why."""
        return bool(self.reason and self.consensus)


@dataclass(frozen=True)
class Ratings:
    """All blind ratings of an assessment."""

    raters: tuple[str, ...]
    agreement: Agreement
    differences: tuple[Difference, ...]

    @property
    def unexplained(self) -> tuple[Difference, ...]:
        """Where raters differed and the consensus has no value or gives no reason."""
        return tuple(each for each in self.differences if not each.explained)


def start_rating(folder: AssessmentFolder, rater: str) -> Path:
    """A blank file for *rater*, in the form of the answers; ``UsageError`` for a name no file can have, or one that rates already."""
    file = rating_file(folder, rater)
    if file.exists():
        raise UsageError("{file}: this rater has a file already; nothing was changed", file=file)
    assessment = folder.assessment()
    model = maturity_model(folder.model_folder(assessment.model))
    file.parent.mkdir(exist_ok=True)
    write_atomically(file, answers_text(model, assessment.kind, assessment.plant.type, file.stem))
    return file


def rating_file(folder: AssessmentFolder, rater: str) -> Path:
    """Where *rater* rates; ``UsageError`` for a name no file can have."""
    name = rater.strip()
    if not name or len(name) > LONGEST_NAME or name.startswith(".") or not _plain(name):
        raise UsageError("{name!r} cannot be the name of a rater's file; use letters, digits and blanks", name=rater)
    return _ratings_folder(folder) / f"{name}.yaml"


def rating_sheets(folder: AssessmentFolder) -> Mapping[str, Answers]:
    """What each rater has answered so far, by name; ``DefinitionError`` with all mistakes of all files."""
    model = maturity_model(folder.model_folder(folder.assessment().model))
    return _sheets(folder, sorted(_ratings_folder(folder).glob("*.yaml")), model)


def read_ratings(folder: AssessmentFolder, *, seed: int = 1) -> Ratings:
    """The ratings beside the answers of *folder*; ``UsageError`` below two raters, ``DefinitionError`` with all mistakes of all files."""
    model = maturity_model(folder.model_folder(folder.assessment().model))
    files = sorted(_ratings_folder(folder).glob("*.yaml"))
    if len(files) < 2:
        raise UsageError(
            "{folder}: holds {count} ratings, agreement needs two; begin one with factory-kit assess rate",
            folder=_ratings_folder(folder),
            count=len(files),
        )
    sheets = _sheets(folder, files, model)
    values = {name: {code: answer.value for code, answer in sheet.answers.items()} for name, sheet in sheets.items()}
    consensus = answers_in(folder.document("answers"), model)
    rated = {
        code: tuple(None if (text := sheet.get(code)) is None else exact(text) for sheet in values.values())
        for code in model.criteria
    }
    return Ratings(tuple(sheets), agreement(rated, seed=seed), differences(sheets, consensus, model))


def differences(sheets: Mapping[str, Answers], consensus: Answers, model: MaturityModel) -> tuple[Difference, ...]:
    """Where the raters of *sheets* gave different values, in the order of *model*, beside what *consensus* says."""
    found = []
    for code in model.criteria:
        given = tuple(_value(sheet, code) for sheet in sheets.values())
        if len({exact(value) for value in given if value}) > 1:
            agreed = consensus.answers.get(code, NOT_ASSESSED)
            found.append(Difference(code, given, agreed.value or "", agreed.remark or agreed.reason))
    return tuple(found)


def _value(sheet: Answers, code: str) -> str:
    return sheet.answers.get(code, NOT_ASSESSED).value or ""


def _sheets(folder: AssessmentFolder, files: list[Path], model: MaturityModel) -> dict[str, Answers]:
    problems: list[Problem] = []
    sheets: dict[str, Answers] = {}
    for file in files:
        try:
            sheets[file.stem] = answers_in(read_yaml(file, folder.shown(f"ratings/{file.name}")), model)
        except DefinitionError as error:
            problems += error.problems
    if problems:
        raise DefinitionError(problems)
    return sheets


def _ratings_folder(folder: AssessmentFolder) -> Path:
    return folder.path / "ratings"


def _plain(name: str) -> bool:
    return all(sign.isalnum() or sign in " -_." for sign in name)
