"""What stands between floor, score and ceiling."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from factory_kit.assess.between import between
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import write_score

Answer = Callable[[Mapping[str, str]], None]

PROVEN = '{value: "1", evidence: [{grade: B, note: 文件}]}'
DECLARED = '{value: "1", evidence: [{grade: D, note: 说明}]}'


def test_declared_answers_stand_under_the_score_and_open_ones_above(
    folder: AssessmentFolder, sources: list[Path], answer: Answer
) -> None:
    """A proven answer stands nowhere, nor does a zero; a declared one holds floor and score apart, one without a value the ceiling."""
    answer({"PS.1.a": PROVEN, "MS.3.a": DECLARED, "ML.3.a": DECLARED, "ML.3.b": DECLARED, "RE.1.a": '{value: "0"}'})
    scored = write_score(folder, sources)

    found = between(scored)

    assert set(found.unproven) == {"MS.3.a", "ML.3.a", "ML.3.b"}
    assert found.unproven == tuple(each for each in scored.model.criteria if each in found.unproven)
    assert len(found.open) == scored.score.raised_in_ceiling == len(scored.model.criteria) - 5
    assert dict(found.by_node(scored)) == {
        scored.model.criteria["ML.3.a"].node: 2,
        scored.model.criteria["MS.3.a"].node: 1,
    }
    assert found.by_node(scored)[0][1] == 2


def test_unproven_and_open_answers_are_counted_by_level(
    folder: AssessmentFolder, sources: list[Path], answer: Answer
) -> None:
    """Every level has its own, and together they are all."""
    answer({"MS.3.a": DECLARED, "PS.1.a": PROVEN})
    scored = write_score(folder, sources)
    found = between(scored)

    by_level = {level: found.at_level(scored, level) for level in scored.model.structure.levels}

    assert {level: unproven for level, (unproven, _open) in by_level.items()} == {1: 0, 2: 0, 3: 1, 4: 0, 5: 0}
    assert sum(without for _unproven, without in by_level.values()) == len(found.open)


def test_what_does_not_apply_is_not_open(folder: AssessmentFolder, sources: list[Path], answer: Answer) -> None:
    """The ceiling leaves it out as the score does."""
    answer({"MS.3.a": "{no_value: not applicable, reason: 无销售}"})

    assert "MS.3.a" not in between(write_score(folder, sources)).open


def test_floor_and_score_agree_where_nothing_is_unproven(
    folder: AssessmentFolder, sources: list[Path], answer: Answer
) -> None:
    """The list is empty exactly where the floor is the score."""
    answer({"PS.1.a": PROVEN})
    scored = write_score(folder, sources)

    assert between(scored).unproven == ()
    assert scored.score.floor.total == scored.score.outcome.total
