from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from factory_kit.assess.begin import Wish, begin
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.forms import TO_FILL_IN, answers_text
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.load.answers import answers_file
from factory_kit.load.maturity import maturity_model
from factory_kit.load.workspace import Workspace
from factory_kit.model.answers import Answer, EvidenceItem, Period, Trim
from factory_kit.shipped import data_dir

WISH = Wish("first", "gbt-39116@2020", (date(2026, 9, 1), date(2026, 9, 30)), assessor="李工")
ID = "0123456789abcdef"


def test_the_files_of_a_new_assessment_are_valid_as_they_stand(folder: AssessmentFolder) -> None:
    """What ``assess new`` writes is read back without a mistake, every criterion of the type not assessed."""
    assessment = folder.assessment()
    model = maturity_model(folder.model_folder(assessment.model))
    answers = answers_file(folder.answers_file, model)

    assert list(answers.answers) == list(model.criteria)
    assert {answer.no_value for answer in answers.answers.values()} == {"not assessed"}
    assert (answers.assessor, answers.kind, assessment.id) == ("李工", "demo", ID)


def test_the_plant_is_copied_with_all_its_signs(folder: AssessmentFolder, workspace: Workspace) -> None:
    """A name with quotation marks, markup and a rare character comes through unchanged."""
    assert folder.assessment().plant == workspace.site()[0].plant


def test_the_model_is_frozen_byte_for_byte(folder: AssessmentFolder) -> None:
    """The assessment carries the model edition with it, so that it can be scored without ours."""
    shipped = data_dir("assessments") / "models" / "gbt-39116" / "2020"
    frozen = folder.model_folder(folder.assessment().model)

    assert {path.name for path in frozen.iterdir()} >= {"model.yaml", "text.zh.yaml", "text.en.yaml"}
    assert all(path.read_bytes() == (shipped / path.name).read_bytes() for path in frozen.iterdir())


def test_every_requirement_is_asked_in_both_languages(folder: AssessmentFolder) -> None:
    """The form shows label, level, allowed values and proofs in Chinese and English above each line."""
    text = folder.answers_file.read_text(encoding="utf-8")
    model = maturity_model(folder.model_folder(folder.assessment().model))

    for criterion in model.criteria:
        assert f"# {criterion}（" in text
        assert f"{model.label(criterion, 'zh')} / {model.label(criterion, 'en')}" in text


@pytest.mark.parametrize("name", ["models", "../out", "A B", ".hidden", ""])
def test_a_name_that_cannot_be_a_folder_is_refused(workspace: Workspace, name: str) -> None:
    """Names that leave the folder, hide, or stand for definitions are refused."""
    with pytest.raises(UsageError, match="cannot be the name of an assessment"):
        begin(workspace, replace(WISH, name=name), ID)


def test_an_assessment_is_never_overwritten(folder: AssessmentFolder, workspace: Workspace) -> None:
    """A second assessment of the same name leaves the first one alone."""
    before = folder.answers_file.read_bytes()

    with pytest.raises(UsageError, match="there is an assessment of this name"):
        begin(workspace, WISH, ID)
    assert folder.answers_file.read_bytes() == before


def test_an_unknown_model_names_the_known_ones(workspace: Workspace) -> None:
    """A mistyped model edition is answered with the list of those there are, and nothing is made."""
    with pytest.raises(
        UsageError, match=r"gbt-39116@2021: there is no such model edition, expected one of .*gbt-39116@2020"
    ):
        begin(workspace, replace(WISH, model="gbt-39116@2021"), ID)
    assert not workspace.assessment_folder("first").exists()


def test_an_on_site_assessment_needs_its_days(workspace: Workspace) -> None:
    """On-site without a day in the plant is refused; with one it asks for the second person."""
    with pytest.raises(DefinitionError, match="needs its on_site dates and at least two people"):
        begin(workspace, replace(WISH, type="on-site", provider="某服务商"), ID)
    made = begin(workspace, replace(WISH, type="on-site", provider="某服务商", on_site=(date(2026, 9, 3),)), ID)
    assert [person.role for person in made.assessment().people] == ["lead", "assessor"]


def test_a_period_that_ends_before_it_starts_is_refused(workspace: Workspace) -> None:
    """Days the wrong way round are one clear line."""
    with pytest.raises(UsageError, match="the period ends 2026-09-01, before it starts 2026-09-30"):
        begin(workspace, replace(WISH, period=(date(2026, 9, 30), date(2026, 9, 1))), ID)


@pytest.mark.usefixtures("folder")
def test_a_mistyped_name_is_answered_with_the_known_ones(workspace: Workspace) -> None:
    """Asking for an assessment that is not there lists those that are."""
    with pytest.raises(UsageError, match=r"fist: there is no such assessment \(there are: first\)"):
        AssessmentFolder.of(workspace, "fist")


def test_nothing_is_left_half_made(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails in the middle, no folder stands under the name, and the next try works."""

    def fails(path: Path, content: object) -> None:
        raise OSError(28, "No space left on device", str(path), content)

    with monkeypatch.context() as broken:
        broken.setattr("factory_kit.assess.begin.write_atomically", fails)
        with pytest.raises(OSError, match="No space"):
            begin(workspace, WISH, ID)
    assert not workspace.assessment_folder("first").exists()
    assert begin(workspace, WISH, ID).answers_file.is_file()


def test_the_example_answers_fill_the_form(workspace: Workspace) -> None:
    """Every answer of the example stands in the form unchanged, and the form names the example's assessor."""
    made = begin(workspace, replace(WISH, example=True, assessor=TO_FILL_IN), ID)
    model = maturity_model(made.model_folder(made.assessment().model))
    answers = answers_file(made.answers_file, model)
    example = answers_file(data_dir("assessments") / "models/gbt-39116/2020/example/answers.yaml", model)

    assert answers.answers == example.answers
    assert answers.answers.keys() == model.criteria.keys()
    assert answers.assessor == example.assessor == made.assessment().people[0].name


def test_a_real_plant_gets_no_example_answers(real_workspace: Workspace) -> None:
    """Fictional answers never end in a real assessment."""
    with pytest.raises(UsageError, match="example answers are fictional"):
        begin(real_workspace, replace(WISH, example=True), ID)


def test_every_part_of_an_answer_can_be_written_on_its_line(folder: AssessmentFolder) -> None:
    """Value, reason, dates, hash and remark of an answer come back from the form as they were."""
    model = maturity_model(folder.model_folder(folder.assessment().model))
    given = {
        "PS.1.a": Answer(
            value="0.8",
            decision="override-machine",
            reason='新设备 "甲": {周, 入}账 #1',
            evidence=(
                EvidenceItem(
                    grade="B",
                    note="台账 <&>㵘",
                    period=Period(start=date(2026, 9, 1), end=date(2026, 9, 2)),
                    received=date(2026, 9, 3),
                    expires=date(2027, 9, 3),
                    sha256="a" * 64,
                ),
            ),
            remark="复核",
        ),
        "PS.1.b": Answer(no_value="not applicable", reason="无"),
        "RE.2.a": Answer(decision="accept-machine"),
    }
    trimming = (Trim(node="MD1", reason="来图加工", agreed_by="李工"),)
    before = answers_file(folder.answers_file, model)
    wished = before.model_copy(update={"answers": given, "trimming": trimming})
    folder.answers_file.write_text(answers_text(model, "demo", "discrete", "李工", wished), encoding="utf-8")

    read = answers_file(folder.answers_file, model)
    assert {code: read.answers[code] for code in given} == given
    assert read.trimming == trimming
