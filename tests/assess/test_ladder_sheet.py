"""Answers to ladders, saved one at a time."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.ladder_sheet import LadderSheets
from factory_kit.assess.sheet import version_of
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.model.answers import Answer
from factory_kit.shipped import data_dir

KEY = "sme-digital@2024"
NOTHING = version_of(Answer(no_value="not assessed"))


@pytest.fixture
def sheets(folder: AssessmentFolder) -> LadderSheets:
    """The shipped ladders beside a new assessment, one of them begun."""
    found = LadderSheets(folder, [data_dir("assessments")])
    found.begin(KEY)
    return found


@pytest.fixture
def file(folder: AssessmentFolder) -> Path:
    """The answers on disk."""
    return folder.path / "ladders" / f"{KEY}.yaml"


def says(**content: object) -> Mapping[str, object]:
    """An answer as its file would say it."""
    return content


def test_one_line_is_exchanged_and_all_else_stays(sheets: LadderSheets, file: Path) -> None:
    """Comments and other answers stay byte for byte, and the stand follows."""
    before = file.read_text(encoding="utf-8").splitlines()

    saved = sheets.save(KEY, "DIG", lambda _answer: says(value="4.5", remark="设备台账 <b>& 㵘"), NOTHING)

    after = file.read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert saved.done
    assert [old for old, _new in changed] == ["  DIG: {no_value: not assessed}"]
    assert sheets.answers(KEY).answers["DIG"].value == "4.5"
    assert sheets.stand(KEY).answered == 1


def test_what_somebody_else_answered_meanwhile_is_kept(sheets: LadderSheets, file: Path) -> None:
    """An answer made on an old version is not written; the same answer again is no conflict."""
    sheets.save(KEY, "DIG", lambda _answer: says(value="3"), NOTHING)
    before = file.read_bytes()

    late = sheets.save(KEY, "DIG", lambda _answer: says(value="6"), NOTHING)
    same = sheets.save(KEY, "DIG", lambda _answer: says(value="3"), NOTHING)

    assert (late.done, late.answer.value, same.done) == (False, "3", True)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("item", "content", "said"),
    [
        ("DIG", {"value": "5"}, "5 is not allowed"),
        ("DIG", {"value": "NaN"}, "is not an exact number"),
        ("DIG", {"no_value": "not applicable"}, "need a reason"),
        ("NONE", {"value": "1"}, "has no requirement 'NONE'"),
    ],
)
def test_what_the_ladder_does_not_allow_is_not_written(
    sheets: LadderSheets, file: Path, item: str, content: dict[str, object], said: str
) -> None:
    """Another value, no number, no reason, no such item: one message, and the file as it was."""
    before = file.read_bytes()
    with pytest.raises((DefinitionError, UsageError), match=said):
        sheets.save(KEY, item, lambda _answer: content, NOTHING)
    assert file.read_bytes() == before


def test_figures_are_numbers_or_nothing(folder: AssessmentFolder) -> None:
    """A figure is kept as the text it was given, taken away by an empty one, and refused where it is no number."""
    sheets = LadderSheets(folder, [data_dir("assessments")])
    key = "sme-digital@2022"
    sheets.begin(key)
    sheets.save_figures(key, {"score": "59.90"})
    assert sheets.answers(key).figures == {"score": "59.90"}
    assert sheets.stand(key).climbed.level == 2
    for wrong in ({"score": "1e999"}, {"score": '1"}, x: {'}, {"other": "1"}):
        with pytest.raises(DefinitionError):
            sheets.save_figures(key, wrong)
    sheets.save_figures(key, {"score": ""})
    assert sheets.answers(key).figures == {}


def test_a_file_laid_out_by_hand_is_left_to_the_hand(sheets: LadderSheets, file: Path) -> None:
    """Where there is no one line to exchange, nothing is guessed."""
    text = file.read_text(encoding="utf-8")
    file.write_text(
        text.replace("  DIG: {no_value: not assessed}", "  DIG:\n    no_value: not assessed"), encoding="utf-8"
    )

    with pytest.raises(UsageError, match="laid out in another way than the form; change it by hand"):
        sheets.save(KEY, "DIG", lambda _answer: says(value="3"), NOTHING)


def test_beginning_twice_changes_nothing(sheets: LadderSheets, file: Path) -> None:
    """Answers that are there are never begun anew; a ladder nobody ships is refused, whatever its name points at."""
    sheets.save(KEY, "DIG", lambda _answer: says(value="3"), NOTHING)
    before = file.read_bytes()
    sheets.begin(KEY)
    assert file.read_bytes() == before
    for name in ("../../site", "none@1", ""):
        with pytest.raises(UsageError, match="there is no such ladder"):
            sheets.begin(name)
