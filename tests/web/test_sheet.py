"""Answers are saved one at a time: whole, in their place, never over somebody else's."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.ratings import start_rating
from factory_kit.assess.sheet import AnswerSheet, version_of
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.i18n import said
from factory_kit.model.answers import Answer
from factory_kit.web.questionnaire.wishes import Sent

NOTHING = Answer(no_value="not assessed")


def to(**content: object) -> object:
    """A change to just this content."""

    def change(_before: Answer) -> Mapping[str, object]:
        return content

    return change


def saved(folder: AssessmentFolder, code: str, **content: object) -> Answer:
    """The answer after *content* was saved over whatever stands there."""
    sheet = AnswerSheet(folder)
    before = sheet.scored().answers.answers.get(code, NOTHING)
    done = sheet.save(code, to(**content), version_of(before))  # type: ignore[arg-type]
    assert done.done
    return sheet.scored().answers.answers[code]


def test_only_the_line_of_the_answer_changes(folder: AssessmentFolder) -> None:
    """Everything else stays as people wrote it, their comments and line ends too."""
    text = folder.answers_file.read_text(encoding="utf-8").replace("answers:\n", "answers:  # 甲乙\n  # my own note\n")
    text = text.replace("  RE.2.a: {no_value: not assessed}\n", "  RE.2.a: {no_value: not assessed}   # 明天再看\n")
    folder.answers_file.write_bytes(text.replace("\n", "\r\n").encode())

    saved(folder, "RE.2.a", value="0.8")

    expected = text.replace("RE.2.a: {no_value: not assessed}   #", 'RE.2.a: {value: "0.8"}   #')
    assert folder.answers_file.read_bytes() == expected.replace("\n", "\r\n").encode()


def test_a_file_laid_out_in_another_way_is_written_anew_and_kept(folder: AssessmentFolder) -> None:
    """An answer over several lines is exchanged too; what stood in the file is kept under ``earlier``."""
    line = "  RE.2.a: {no_value: not assessed}\n"
    text = folder.answers_file.read_text(encoding="utf-8").replace(
        line, '  RE.2.a:\n    value: "0.5"\n    remark: 多行\n'
    )
    folder.answers_file.write_text(text, encoding="utf-8")

    assert saved(folder, "RE.2.a", value="1").value == "1"

    assert (folder.path / "earlier" / "answers-001.yaml").read_text(encoding="utf-8") == text


def test_an_answer_given_meanwhile_is_not_overwritten(folder: AssessmentFolder) -> None:
    """Who saw an older version gets the newer one back, and the file stays."""
    saved(folder, "RE.2.a", value="0.8")
    before = folder.answers_file.read_bytes()

    met = AnswerSheet(folder).save("RE.2.a", to(value="0"), version_of(NOTHING))  # type: ignore[arg-type]

    assert (met.done, met.answer.value) == (False, "0.8")
    assert folder.answers_file.read_bytes() == before


def test_saying_the_same_twice_is_no_conflict(folder: AssessmentFolder) -> None:
    """Who never heard that an answer was saved may send it again."""
    for _ in range(2):
        again = AnswerSheet(folder).save("RE.2.a", to(value="0.8"), version_of(NOTHING))  # type: ignore[arg-type]

    assert (again.done, again.answer.value) == (True, "0.8")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"value": "0.7"}, "0.7 is not allowed, expected one of 0, 0.5, 0.8, 1"),
        ({"value": "NaN"}, "is not an exact number"),
        ({"no_value": "not applicable"}, "not applicable and override-machine need a reason"),
        ({"value": "1", "no_value": "unknown"}, "give either value or no_value"),
    ],
)
def test_an_answer_the_model_does_not_allow_is_refused(
    folder: AssessmentFolder, content: dict[str, object], message: str
) -> None:
    """With the place and the reason; nothing is written."""
    before = folder.answers_file.read_bytes()

    with pytest.raises(DefinitionError) as refused:
        AnswerSheet(folder).save("RE.2.a", to(**content), version_of(NOTHING))  # type: ignore[arg-type]

    assert message in said(refused.value)
    assert folder.answers_file.read_bytes() == before


def test_a_requirement_the_model_does_not_have_is_refused(folder: AssessmentFolder) -> None:
    """By its name."""
    with pytest.raises(UsageError, match=r"has no requirement 'X\.9'"):
        AnswerSheet(folder).save("X.9", to(value="1"), "")  # type: ignore[arg-type]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(), max_size=60))
def test_any_text_comes_back_as_it_was_cleaned(folder: AssessmentFolder, text: str) -> None:
    """Quotes, braces, emoji, rare and half signs: YAML gives back what was put in."""
    remark = Sent({"remark": text}).text("remark")

    assert saved(folder, "RE.2.a", value="1", remark=remark).remark == remark


def test_many_writers_lose_nothing(folder: AssessmentFolder) -> None:
    """Eight threads answer eight questions at once; all answers stand in the file."""
    codes = [code for code in AnswerSheet(folder).scored().model.criteria if code.startswith("MP3.")][:8]
    threads = [threading.Thread(target=saved, args=(folder, code), kwargs={"value": "1"}) for code in codes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    found = AnswerSheet(folder).scored().answers.answers
    assert [found[code].value for code in codes] == ["1"] * 8


def test_a_blind_rating_neither_reads_nor_writes_the_answers(folder: AssessmentFolder) -> None:
    """Its score comes from its own file, and the decisions of others do not count in it."""
    saved(folder, "RE.2.a", value="1")
    start_rating(folder, "王工")
    before = folder.answers_file.read_bytes()
    sheet = AnswerSheet(folder, "王工")

    sheet.save("PS.1.a", to(value="0.5"), version_of(NOTHING))  # type: ignore[arg-type]

    found = sheet.scored().answers.answers
    assert (found["RE.2.a"], found["PS.1.a"].value) == (NOTHING, "0.5")
    assert folder.answers_file.read_bytes() == before


def test_a_part_left_out_changes_one_line(folder: AssessmentFolder) -> None:
    """The line of the trimming is exchanged, its comment and all else stay; counted again the file is as it was."""
    sheet = AnswerSheet(folder)
    before = folder.answers_file.read_text(encoding="utf-8")

    sheet.trim("MD1", '来图加工 "]" # &', "李工")
    sheet.trim("MV2", "只做零件", "李工")

    after = folder.answers_file.read_text(encoding="utf-8")
    changed = [(old, new) for old, new in zip(before.splitlines(), after.splitlines(), strict=True) if old != new]
    assert len(changed) == 1
    assert changed[0][1].endswith(changed[0][0].partition("]")[2])
    assert [trim.node for trim in sheet.scored().answers.trimming] == ["MD1", "MV2"]
    sheet.trim("MD1", "", "")
    sheet.trim("MV2", "", "")
    assert folder.answers_file.read_text(encoding="utf-8") == before


def test_what_must_count_is_never_left_out(folder: AssessmentFolder) -> None:
    """A node that always counts, none at all, no name beside the reason, and a file laid out by hand: nothing is written."""
    sheet = AnswerSheet(folder)
    before = folder.answers_file.read_bytes()
    for node, by in (("MP1", "李工"), ("none", "李工"), ("MD1", "")):
        with pytest.raises(DefinitionError):
            sheet.trim(node, "理由", by)
    assert folder.answers_file.read_bytes() == before
    folder.answers_file.write_bytes(before.replace(b"trimming: []", b"trimming:\n  []"))
    with pytest.raises(UsageError, match="laid out in another way"):
        sheet.trim("MD1", "理由", "李工")
