from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from factory_kit.assess.decide import settle
from factory_kit.assess.explain import about_criterion, improvements, warning_texts, way_up, why
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import Scored, write_score
from factory_kit.model.evidence import Evidence

Answer = Callable[[Mapping[str, str]], None]
Record = Callable[..., Evidence]


def answered(folder: AssessmentFolder, levels: Mapping[int, str], sources: list[Path]) -> Scored:
    """The assessment with every requirement of a level answered alike."""
    lines = []
    for line in folder.answers_file.read_text(encoding="utf-8").splitlines():
        criterion = line.strip().split(":")[0]
        if line.endswith("{no_value: not assessed}") and not line.lstrip().startswith("#"):
            said = levels[int(criterion.split(".")[1])]
            line = f"  {criterion}: {said}"  # noqa: PLW2901 - the line is replaced
        lines.append(line)
    folder.answers_file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return write_score(folder, sources)


PROVEN = '{value: "%s", evidence: [{grade: B, note: 文件}]}'
LEVELS = {1: PROVEN % "1", 2: PROVEN % "0.8", 3: PROVEN % "0.5", 4: '{value: "0"}', 5: "{no_value: unknown}"}


def test_the_level_is_explained_in_five_lines(folder: AssessmentFolder, sources: list[Path]) -> None:
    """Level and total, what is reached, what is not and by how much, where most is missing, and what is proven."""
    lines = why(answered(folder, LEVELS, sources))

    assert lines == (
        "Result: Level 2 Standardised. Total S = 2.50 of 5.",
        "Reached: Level 1 (1.00), Level 2 (0.80); each needs at least 0.8.",
        lines[2],
        lines[3],
        "Proven by machine data, documents or observation: Level 2 Standardised.",
    )
    assert lines[2].startswith("Not reached: Level 3 Integrated has 0.50 and needs 0.8; ")
    assert lines[3].startswith("Most is missing in: Logistics, Sales")


def test_open_answers_give_a_range_not_a_zero(folder: AssessmentFolder, sources: list[Path]) -> None:
    """A new assessment says that it may become anything."""
    lines = why(write_score(folder, sources))

    assert len(lines) <= 5
    assert lines[-1].endswith("If all 216 open answers were fully met: Level 5 Leading.")


def test_what_the_ceiling_takes_as_met_is_what_the_sentence_counts(
    folder: AssessmentFolder, sources: list[Path]
) -> None:
    """Answers that could not be shown are raised in the ceiling as those that were never given: both are counted."""
    levels = {**LEVELS, 3: "{no_value: unknown}", 4: "{no_value: not assessed}"}
    scored = answered(folder, levels, sources)

    raised = sum(bool(answer.no_value) for answer in scored.answers.answers.values())
    assert raised == 56 + 47 + 26
    assert why(scored)[-1].endswith(f"If all {raised} open answers were fully met: Level 5 Leading.")


def test_a_plant_with_everything_met_has_nothing_to_improve(folder: AssessmentFolder, sources: list[Path]) -> None:
    """At the highest level there is no next one, and no sentence about a missing level."""
    scored = answered(folder, dict.fromkeys(range(1, 6), PROVEN % "1"), sources)

    assert [line.split(":")[0] for line in why(scored)] == [
        "Result",
        "Reached",
        "Proven by machine data, documents or observation",
    ]
    assert (improvements(scored), way_up(scored)) == ((), "")


def test_the_five_requirements_that_help_most_are_of_the_missing_level(
    folder: AssessmentFolder, sources: list[Path]
) -> None:
    """Largest gain first, all of the first level that is not reached, each with its label and what it stands at."""
    found = improvements(answered(folder, LEVELS, sources))

    gains = [each.gain for each in found]
    assert len(found) == 5
    assert gains == sorted(gains, reverse=True)
    assert {each.criterion.split(".")[1] for each in found} == {"3"}
    assert all(each.now == "0.5" and each.label and each.citation.startswith("GB/T 39116-2020") for each in found)


def test_meeting_the_shortest_way_reaches_the_level(folder: AssessmentFolder, sources: list[Path]) -> None:
    """The number of requirements named does reach the level, and one fewer does not."""
    scored = answered(folder, LEVELS, sources)
    way = [gain.criterion for gain in scored.score.shortest_way]
    assert way_up(scored) == f"Shortest way to Level 3 Integrated: fully meet {len(way)} requirements."

    for criterion in way[:-1]:
        settle(folder, criterion, "1", "李工", "整改完成", 1_790_000_000_000_000)
    assert write_score(folder, sources).score.level == 2
    settle(folder, way[-1], "1", "李工", "整改完成", 1_790_000_000_000_000)
    assert write_score(folder, sources).score.level == 3


def test_one_requirement_shows_all_that_stands_behind_it(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """Question, source, confidence, what counts, answer and its evidence, machine record with interval and coverage, decision."""
    answer({"RE.2.a": '{value: "1", evidence: [{grade: B, note: 设备台账}]}'})
    made = record(5)
    write_score(folder, sources)
    settle(folder, "RE.2.a", "0.8", "王总监", "两台新设备", 1_790_000_000_000_000)

    lines = {line.name: line.text for line in about_criterion(write_score(folder, sources), "RE.2.a")}

    assert lines["Counts"] == "0.8, evidence of grade B"
    assert lines["Answer"] == "1"
    assert lines["Evidence"] == "B: 设备台账"
    assert lines["Machine evidence"] == (
        "connected_share = 0.5 proposes 0.5; 2026-09-01 to before 2026-10-01, coverage 0.97, 1 points, 10 machines in the ledger, "
        f"record {made.id[:12]}"
    )
    assert lines["Decision"] == "0.8 instead of 1, machine said 0.5; 王总监, 2026-09-21T14:13:20Z: 两台新设备"


@pytest.mark.parametrize("criterion", ["PS.1.a", "MP7.3.b", "RE.2.a"])
def test_a_requirement_without_anything_is_not_assessed(
    folder: AssessmentFolder, sources: list[Path], criterion: str
) -> None:
    """Question and state are shown for every requirement of the model."""
    lines = {line.name: line.text for line in about_criterion(write_score(folder, sources), criterion)}

    assert lines["Counts"] == "not assessed"
    assert "Decision" not in lines


def test_warnings_name_requirements_by_id_and_label(
    folder: AssessmentFolder, answer: Answer, record: Record, sources: list[Path]
) -> None:
    """A contradiction is told with the id to look up and the label to understand."""
    answer({"RE.2.a": '{value: "1"}'})
    record(5)

    found = "\n".join(warning_texts(write_score(folder, sources)))

    assert "1 answers stand above what machine evidence shows" in found
    assert "RE.2.a " in found
