from __future__ import annotations

from fractions import Fraction

import pytest

from factory_kit.load.answers import answers_file
from factory_kit.load.maturity import maturity_model
from factory_kit.model.answers import Answer, NoValueKind
from factory_kit.score import Decided, NoValue, Score, Value, score
from factory_kit.shipped import data_dir

FOLDER = data_dir("assessments") / "models" / "gbt-39116" / "2020"
CMMM = maturity_model(FOLDER)
EXAMPLE = answers_file(FOLDER / "example" / "answers.yaml", CMMM)


def decided(answer: Answer, proposal: Decided) -> Decided:
    """What *answer* comes to when the machine evidence proposes *proposal*."""
    if answer.decision == "accept-machine":
        return proposal
    if answer.value is not None:
        return Value(Fraction(answer.value), answer.grade)
    return NoValue(NoValueKind(answer.no_value), answer.reason, answer.grade)


def scored(proposal: Decided) -> Score:
    """The score of the example when the machine evidence proposes the same everywhere."""
    return score(CMMM, EXAMPLE.type, {code: decided(answer, proposal) for code, answer in EXAMPLE.answers.items()})


def test_the_example_answers_every_requirement() -> None:
    """All 216 rows in the order of the model, so that a newcomer sees each kind of answer."""
    assert tuple(EXAMPLE.answers) == tuple(CMMM.criteria)
    assert {answer.no_value for answer in EXAMPLE.answers.values()} == {
        None,
        "not applicable",
        "unknown",
        "not assessed",
    }
    assert {answer.grade for answer in EXAMPLE.answers.values()} == {"B", "C", "D"}
    assert EXAMPLE.kind == "demo"


def test_machine_evidence_is_accepted_and_overridden_in_the_example() -> None:
    """Accepted where indicators measure the requirement itself, overridden with a reason where it asks for more."""
    by_decision: dict[str, list[str]] = {}
    for code, answer in EXAMPLE.answers.items():
        by_decision.setdefault(answer.decision, []).append(code)
    assert by_decision["accept-machine"] == ["TD.2.a", "TD.3.a", "RE.2.b", "RN.2.a", "MP4.3.b", "MP7.2.a"]
    assert by_decision["override-machine"] == ["MP4.3.a"]
    assert EXAMPLE.answers["MP4.3.a"].reason


def test_everything_said_in_the_example_rests_on_something() -> None:
    """A value without a single piece of evidence would teach the wrong thing."""
    bare = [code for code, answer in EXAMPLE.answers.items() if answer.value is not None and not answer.evidence]
    assert bare == []


@pytest.mark.parametrize(
    "proposal",
    [
        Value(Fraction(1), "A"),
        Value(Fraction(4, 5), "A"),
        Value(Fraction(1, 2), "A"),
        NoValue(NoValueKind.INCONCLUSIVE),
    ],
)
def test_the_example_plant_is_at_level_2_with_a_floor_of_1(proposal: Decided) -> None:
    """Whatever the short demonstration measures, the story holds: level 2, proven level 1, level 3 in reach."""
    found = scored(proposal)
    assert (found.floor.level, found.outcome.level, found.ceiling.level) == (1, 2, 2)
    assert found.outcome.stopped_at == 3
    assert found.outcome.levels[2].value >= Fraction(69, 100)
    assert 5 <= len(found.shortest_way) <= 8


def test_the_score_of_the_example_is_pinned() -> None:
    """With 0.8 proposed everywhere: exact figures, so that any change of answers, weights or rules shows."""
    found = scored(Value(Fraction(4, 5), "A"))
    assert [str(item.value) for item in found.outcome.levels] == [
        "2454539/2500000",
        "13215673/15000000",
        "14387321/20000000",
        "198659/1000000",
        "0",
    ]
    assert {item.grade: item.count for item in found.grades} == {"A": 6, "B": 53, "C": 95, "D": 50}
    assert [str(item) for item in found.warnings] == [
        "216 of 216 requirements of this model have not been compared with the standard yet",
        "the weights or the rules of scoring of this model have not been compared with the standard yet",
        "provisional: requirements not answered yet: 6; whatever their answers, the level stays 2",
        "level 2 rests on declarations: evidence of grades A to C alone gives level 1",
        "added up without stopping at level 3 the total would be 2.91, which would mean level 3",
    ]
