"""What a score says of itself, over a model of two nodes and three levels."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from factory_kit.load.maturity import maturity_model
from factory_kit.model.answers import EvidenceGrade, NoValueKind
from factory_kit.model.maturity import MaturityModel, Structure
from factory_kit.score import Decided, NoValue, Score, Value, score
from factory_kit.score.sentence import Ref, sentence
from factory_kit.shipped import data_dir

CMMM = maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")
ROWS = ("x1", "y1", "x2", "y2", "x3", "y3")
OPTIONS = {"yes": ("0", "1"), "steps": ("0", "0.6", "0.7", "0.8", "1"), "two": ("0", "1", "2")}


def model(
    rows: tuple[str, ...] = ROWS, *, at_least: str = "0.8", stop: bool = True, policy: str = "renormalise", **kinds: str
) -> MaturityModel:
    """X and Y weigh the same; each of *rows* names node and level of a requirement, *kinds* its options; nothing is verified."""
    weight = {"any": {"share": "1", "confidence": "own"}}
    bands = tuple({"at_least": end, "level": level} for level, end in enumerate(("0.8", "1.8", "2.8"), 1))
    structure = {
        "form": 1, "model": "pair", "edition": "1", "status": "unverified", "types": ("any",), "levels": (1, 2, 3), "options": OPTIONS,
        "sources": ({"title": "made for this test", "confidence": "own"},),
        "weights": {"status": "unverified", "total": "2", "margin": "0.1"},
        "scoring": {
            "engine": 1, "status": "unverified",
            "steps": (
                {"step": "weighted_mean", "empty_cell": policy}, {"step": "gate", "at_least": at_least, "stop": stop},
                {"step": "bands", "bands": bands},
            ),
        },
        "nodes": tuple({"id": name, "kind": "part", "weight": weight} for name in "XY"),
        "criteria": tuple(
            {"id": name, "node": name[0].upper(), "level": int(name[1]), "options": kinds.get(name, "steps"),
             "confidence": "A", "evidence": ("I",)}
            for name in rows
        ),
    }  # fmt: skip
    return replace(CMMM, structure=Structure.model_validate(structure, strict=False), checks=())


def verified(*what: str) -> MaturityModel:
    """The model with its weights or its rules of scoring compared with the standard."""
    found = model()
    parts = {each: getattr(found.structure, each).model_copy(update={"status": "verified"}) for each in what}
    return replace(found, structure=found.structure.model_copy(update=parts))


def scored(found: MaturityModel, values: str, grade: EvidenceGrade = "B", **others: Decided) -> Score:
    """The score of *values*, one for each requirement; ``-`` where one is open, or stands among *others*."""
    names = (row.id for row in found.structure.criteria)
    given = {
        name: Value(Fraction(value), grade) for name, value in zip(names, values.split(), strict=True) if value != "-"
    }
    return score(found, "any", given | others)


def explanation(found: Score) -> list[str]:
    """Its sentences, but the last two, which stand there always."""
    said = [str(each) for each in found.explanation]
    assert said[-2].startswith("the total is S = ")
    assert said[-1].startswith("evidence of grades A to C alone gives level ")
    return said[:-2]


def warnings(found: Score) -> list[str]:
    """All of them but that of requirements which nobody has compared with the standard."""
    first, *others = map(str, found.warnings)
    assert first == "6 of 6 requirements of this model have not been compared with the standard yet"
    return others


REACHED = "level {} is reached: A{} = {} >= 0.8"
MISSED = "level {} is not reached: A{} = {} < 0.8; {} of its {} requirements are not fully met"
MISSING = "most of what is missing at level {} lies in {}"
NEAR = "level {} is sensitive to unverified weights: A{} = {} lies within 0.1 of 0.8"
LITERAL = "added up without stopping at level 1 the total would be {}, which would mean level {}"
DECLARED = "level {} rests on declarations: evidence of grades A to C alone gives level 0"


def test_levels_above_the_one_that_is_missed_do_not_count() -> None:
    """Where there are any, and where the model stops; where it adds up on, every level is told, though it may add nothing."""
    stopped = "levels 2 to 3 do not count while level 1 is not reached"

    assert explanation(scored(model(), "0 1 1 1 1 1")) == [
        MISSED.format(1, 1, "0.50", 1, 2),
        MISSING.format(1, "X"),
        stopped,
    ]
    assert explanation(scored(model(), "1 1 1 1 0 0"))[2:] == [
        MISSED.format(3, 3, "0.00", 2, 2),
        MISSING.format(3, "X, Y"),
    ]
    for value, shown in (("0", "0.00"), ("0.6", "0.60")):
        said = explanation(scored(model(stop=False), f"1 0 {value} {value} 0 0"))
        assert [each for each in said if "not reached" in each] == [
            MISSED.format(1, 1, "0.50", 1, 2), MISSED.format(2, 2, shown, 2, 2), MISSED.format(3, 3, "0.00", 2, 2)
        ]  # fmt: skip
        assert not any("do not count" in each for each in said)


@pytest.mark.parametrize(
    ("made", "values", "level", "nodes"),
    [
        (model(at_least="1.4", x1="two", y1="yes"), "1 1 0 0 0 0", 1, "X"),  # the highest value of X is higher
        (model(x3="two"), "1 0 0 0 0 0", 1, "Y"),  # that of another level says nothing
        (model(("x1", "x1b", "y1", "x2", "x3")), "1 1 0 0 0", 1, "Y"),
        (model(("x1", "y1", "x2", "x3"), policy="full"), "1 1 0 0", 2, "X"),  # nothing is asked of Y, which counts as full
        (model(("x1", "y1", "x2", "x3"), policy="inherit", stop=False), "0 0 1 1", 2, "Y"),  # or as nothing
    ],
)  # fmt: skip
def test_what_is_missing_lies_where_a_better_answer_would_add(
    made: MaturityModel, values: str, level: int, nodes: str
) -> None:
    """A node of which all is met is not among them, whatever its highest value."""
    assert MISSING.format(level, nodes) in explanation(scored(made, values))


def test_what_does_not_apply_is_not_missing() -> None:
    """X has one requirement that counts, and it is met."""
    rows = ("x1", "x1b", "y1", "x2", "x3")
    found = scored(model(rows), "1 - 0 0 0", x1b=NoValue(NoValueKind.NOT_APPLICABLE, "a reason", "B"))

    assert MISSING.format(1, "Y") in explanation(found)


RULE = "the weights or the rules of scoring of this model have not been compared with the standard yet"


def test_weights_and_rules_that_nobody_compared_are_warned_of() -> None:
    """Either of them is enough; how sure the requirements are is said apart."""
    whole = "1 1 1 1 1 1"

    assert warnings(scored(model(), whole)) == [RULE]
    assert warnings(scored(verified("weights"), whole)) == warnings(scored(verified("scoring"), whole)) == [RULE]
    assert warnings(scored(verified("weights", "scoring"), whole)) == []


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("0.6 1 1 1 1 1", [NEAR.format(1, 1, "0.80")]),
        ("1 1 0.7 0.8 0 0", [NEAR.format(2, 2, "0.75")]),
        ("0.7 0.8 0.8 0.8 0 0", [LITERAL.format("1.75", 1), NEAR.format(1, 1, "0.75")]),  # what stands above a level that is missed hangs on that one
        ("0.7 0.7 0 0 0 0", []), ("1 0.8 0 0 0 0", []),  # just as far as the margin
        ("0 1 1 1 1 1", [LITERAL.format("2.50", 2)]),
        ("0 1 0 0 0 0", []),
    ],
)  # fmt: skip
def test_a_level_that_hangs_on_little_is_told(values: str, said: list[str]) -> None:
    """Levels near the threshold, up to the first that is missed; and what adding up on would give, if that is another level."""
    assert warnings(scored(model(), values)) == [RULE, *said]


def test_declared_and_open_answers_are_told_of_the_score_as_it_is() -> None:
    """Neither what is proven nor what is open moves the level scores that are looked at."""
    declared, left_open = scored(model(), "0.8 0.8 0 0 0 0", "D"), scored(model(), "0.6 - 0 0 0 0")
    sure = scored(model(), "1 1 0 - 0 0")

    assert warnings(declared) == [RULE, DECLARED.format(1), NEAR.format(1, 1, "0.80")]
    unanswered = "provisional: requirements not answered yet: 1; "
    assert warnings(left_open) == [RULE, unanswered + "the level lies between 0 and 1"]
    assert warnings(sure) == [RULE, unanswered + "whatever their answers, the level stays 1"]


def test_a_name_in_a_sentence_is_shown_in_the_readers_language() -> None:
    """One or several of them; plain words and numbers stay what they are."""
    found = sentence("{one} and {all}: {reason} {count}", one=Ref("x"), all=(Ref("y"), Ref("z")), reason="why", count=2)

    assert found.text(name=str.upper) == "X and Y, Z: why 2"
    assert str(found) == "x and y, z: why 2"
