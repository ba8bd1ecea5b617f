from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce
from itertools import pairwise
from operator import add
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.errors import AssessmentError
from factory_kit.load.maturity import maturity_model
from factory_kit.model.answers import NoValueKind, Trim
from factory_kit.model.maturity import MaturityModel, Structure
from factory_kit.score import Decided, NoValue, Score, Value, score, score_record
from factory_kit.shipped import data_dir

CMMM = maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")
IDS = tuple(CMMM.criteria)
VALUES = tuple(Fraction(text) for text in ("0", "1/2", "4/5", "1"))
TRIMMABLE = tuple(node.id for node in CMMM.structure.nodes if node.trimmable)
ONE = Fraction(1)
LIMIT = Fraction(4, 5)


def trims(nodes: set[str]) -> tuple[Trim, ...]:
    """*nodes* left out."""
    return tuple(Trim(node=node, reason="not done here", agreed_by="assessor") for node in sorted(nodes))


@st.composite
def decided(draw: st.DrawFn) -> Decided:
    """Any answer an assessor may give."""
    grade = draw(st.sampled_from("ABCD"))
    if draw(st.integers(0, 5)):
        return Value(draw(st.sampled_from(VALUES)), grade)
    return NoValue(draw(st.sampled_from(list(NoValueKind))), "a reason", grade)


# Most answers of a plant are alike; a few differ. Level 1 is kept free of "not applicable" everywhere at once.
answer_sheets = st.builds(
    lambda usual, others: dict.fromkeys(IDS, usual) | others,
    st.builds(Value, st.sampled_from(VALUES), st.sampled_from("ABCD")),
    st.dictionaries(st.sampled_from(IDS), decided(), max_size=60),
)
plant_types = st.sampled_from(("discrete", "process"))
few = settings(max_examples=60, deadline=None)


def oracle(plant_type: str, answers: Mapping[str, Decided], left_out: set[str], level: int) -> Fraction:
    """The score of a level by the formulas of the standard as they are written, from the model data alone."""

    def value(criterion: str) -> Fraction | None:
        answer = answers.get(criterion)
        if isinstance(answer, Value):
            return answer.value
        return None if answer is not None and answer.kind is NoValueKind.NOT_APPLICABLE else Fraction(0)

    def node_score(node: str | None) -> Fraction | None:
        children = [child for child in CMMM.structure.nodes if child.parent == node]
        rows = [row.id for row in CMMM.structure.criteria if row.node == node and row.level == level]
        if not children:
            values = [found for found in map(value, rows) if found is not None]
            return sum(values, Fraction(0)) / len(values) if values else None
        scored = [
            (Fraction(child.weight[plant_type].share), node_score(child.id))
            for child in children
            if child.id not in left_out and plant_type in child.weight
        ]
        kept = [(weight, found) for weight, found in scored if found is not None]
        whole = sum((weight for weight, _ in kept), Fraction(0))
        return sum((weight / whole * found for weight, found in kept), Fraction(0)) if kept else None

    found = node_score(None)
    assert found is not None
    return found


@few
@given(answer_sheets, plant_types, st.sets(st.sampled_from(("design", "logistics", "sales", "service")), max_size=3))
def test_level_scores_equal_the_formulas_as_written(
    answers: dict[str, Decided], plant_type: str, nodes: set[str]
) -> None:
    """The fast integer way gives exactly what the formulas of the standard give in fractions, trimming included."""
    found = score(CMMM, plant_type, answers, trims(nodes))
    for item in found.outcome.levels:
        assert item.value == oracle(plant_type, answers, nodes, item.level)


@few
@given(answer_sheets, plant_types, st.sampled_from(IDS), st.sampled_from(VALUES))
def test_raising_an_answer_never_lowers_anything(
    answers: dict[str, Decided], plant_type: str, criterion: str, value: Fraction
) -> None:
    """A better answer lowers no level score, not the total, not the level: in the score, the floor and the ceiling."""
    old = answers[criterion]
    if not isinstance(old, Value) or value <= old.value:
        return
    before = score(CMMM, plant_type, answers)
    after = score(CMMM, plant_type, answers | {criterion: replace(old, value=value)})
    for one, other in ((before.outcome, after.outcome), (before.floor, after.floor), (before.ceiling, after.ceiling)):
        assert all(low.value <= high.value for low, high in zip(one.levels, other.levels, strict=True))
        assert (one.total, one.literal, one.level) <= (other.total, other.literal, other.level)
        assert one.level <= other.level
        assert one.literal <= other.literal


@few
@given(answer_sheets, plant_types, st.randoms(use_true_random=False))
def test_the_order_of_answers_changes_nothing(answers: dict[str, Decided], plant_type: str, random: Any) -> None:
    """The same answers in another order give the same score, explanation and record."""
    shuffled = list(answers.items())
    random.shuffle(shuffled)
    one, other = score(CMMM, plant_type, answers), score(CMMM, plant_type, dict(shuffled))
    assert one == other
    assert score_record(one) == score_record(other)


@few
@given(answer_sheets, plant_types)
def test_the_score_lies_between_floor_and_ceiling(answers: dict[str, Decided], plant_type: str) -> None:
    """Floor <= score <= ceiling holds for every level score, the total and the level; the literal sum is not below the total."""
    found = score(CMMM, plant_type, answers)
    for low, high in pairwise((found.floor, found.outcome, found.ceiling)):
        assert all(a.value <= b.value for a, b in zip(low.levels, high.levels, strict=True))
        assert (low.total, low.level) <= (high.total, high.level)
        assert low.level <= high.level
    assert found.outcome.total <= found.outcome.literal


@few
@given(st.sets(st.sampled_from(TRIMMABLE)), plant_types)
def test_all_answers_on_the_threshold_satisfy_every_level(nodes: set[str], plant_type: str) -> None:
    """All answers 0.8 satisfy every level exactly, whatever is trimmed; floats would miss some of these by 1e-16."""
    nodes = {node for node in nodes if plant_type in CMMM.nodes[node].weight}
    found = score(CMMM, plant_type, dict.fromkeys(IDS, Value(LIMIT, "B")), trims(nodes))
    assert [item.value for item in found.outcome.levels] == [LIMIT] * 5
    assert (found.total, found.level) == (5, 5)


@few
@given(answer_sheets, plant_types)
def test_gains_are_what_another_scoring_finds(answers: dict[str, Decided], plant_type: str) -> None:
    """Answering a requirement fully raises its level by exactly the gain that was promised, and gains come largest first."""
    before = score(CMMM, plant_type, answers)
    stopped = before.outcome.stopped_at
    if stopped is None:
        assert before.gains == ()
        return
    assert [gain.gain for gain in before.gains] == sorted((gain.gain for gain in before.gains), reverse=True)
    for gain in before.best_gains:
        after = score(CMMM, plant_type, answers | {gain.criterion: Value(ONE, "B")})
        at = before.outcome.levels[stopped - 1].value
        assert after.outcome.levels[stopped - 1].value == at + gain.gain


@few
@given(answer_sheets, plant_types)
def test_the_shortest_way_arrives_and_no_step_is_spare(answers: dict[str, Decided], plant_type: str) -> None:
    """The way to the next level satisfies it, and without any one of its requirements it does not."""
    before = score(CMMM, plant_type, answers)
    stopped = before.outcome.stopped_at
    if stopped is None:
        assert before.shortest_way == ()
        return

    def satisfied_with(steps: tuple[str, ...]) -> bool:
        after = score(CMMM, plant_type, answers | {step: Value(ONE, "B") for step in steps})
        return after.outcome.levels[stopped - 1].satisfied

    steps = tuple(gain.criterion for gain in before.shortest_way)
    assert satisfied_with(steps)
    assert not satisfied_with(steps[:-1])
    assert not satisfied_with(steps[1:])


def sheet(value: str, grade: str = "B", **others: Decided) -> dict[str, Decided]:
    """Every requirement answered alike, but *others*."""
    return dict.fromkeys(IDS, Value(Fraction(value), grade)) | others  # type: ignore[arg-type]


def test_every_answer_counts_with_its_weight() -> None:
    """The weights of all requirements of a level, each the drop of its score when one fails, add up to 1."""
    whole = score(CMMM, "discrete", sheet("1")).outcome.levels
    for position, level in enumerate(CMMM.structure.levels):
        drops = [
            whole[position].value
            - score(CMMM, "discrete", sheet("1") | {row: Value(Fraction(0))}).outcome.levels[position].value
            for row in IDS
            if CMMM.criteria[row].level == level
        ]
        assert sum(drops) == 1
        assert min(drops) > 0


def test_floor_counts_what_evidence_of_grades_a_to_c_supports() -> None:
    """An answer that is only declared counts in the score and not in the floor."""
    found = score(CMMM, "discrete", sheet("1") | {row: Value(ONE, "D") for row in IDS if row.startswith("MP")})
    assert found.outcome.level == 5
    assert found.floor.level == 0
    assert found.floor.levels[0].value == 1 - Fraction(77, 100) * Fraction(48, 100)


def test_not_applicable_without_proof_counts_as_not_met_in_the_floor() -> None:
    """That something does not apply needs evidence too: only then does it leave the mean of the floor."""
    declared = NoValue(NoValueKind.NOT_APPLICABLE, "no stock", "D")
    found = score(CMMM, "discrete", sheet("1") | {"MP5.1.a": declared})
    assert (found.node("MP5", 1).value, found.outcome.level) == (ONE, 5)
    assert found.floor.levels[0].value < 1
    proven = replace(declared, grade="B")
    assert score(CMMM, "discrete", sheet("1") | {"MP5.1.a": proven}).floor.levels[0].value == 1


@pytest.mark.parametrize(
    ("kind", "decided_value", "open_"),
    [
        (NoValueKind.UNKNOWN, Fraction(1, 2), 0),
        (NoValueKind.NOT_ASSESSED, Fraction(1, 2), 1),
        (NoValueKind.INCONCLUSIVE, Fraction(1, 2), 1),
        (NoValueKind.NOT_APPLICABLE, ONE, 0),
    ],
)
def test_the_four_kinds_of_no_value_stay_apart(kind: NoValueKind, decided_value: Fraction, open_: int) -> None:
    """Not applicable leaves the mean, the others count lowest, and two of them leave the score provisional."""
    found = score(CMMM, "discrete", sheet("1") | {"PS.1.a": NoValue(kind, "a reason", "B")})
    assert found.node("PS", 1).value == decided_value
    assert len(found.unanswered) == open_
    assert found.provisional == bool(open_)
    assert found.no_values[kind] == ("PS.1.a",)
    assert [ids for other, ids in found.no_values.items() if other is not kind] == [(), (), ()]
    assert found.ceiling.levels[0].value == 1


def test_a_missing_answer_is_not_assessed() -> None:
    """What the answers do not name gives a range, not a zero: 0 at one end and full at the other."""
    found = score(CMMM, "discrete", {})
    assert len(found.unanswered) == 216
    assert (found.outcome.level, found.ceiling.level) == (0, 5)
    assert "the level lies between 0 and 5" in " ".join(map(str, found.warnings))


def test_grades_are_counted_as_shares_of_all_requirements() -> None:
    """The share of a grade is over all requirements that count, answered or not, without those not applicable."""
    answers = sheet("1", "B") | {"PS.1.a": Value(ONE, "A"), "PS.1.b": NoValue(NoValueKind.NOT_APPLICABLE, "x", "B")}
    answers |= {"PS.2.a": NoValue(NoValueKind.UNKNOWN)}
    grades = {item.grade: (item.count, item.share) for item in score(CMMM, "discrete", answers).grades}
    assert grades == {"A": (1, Fraction(1, 215)), "B": (213, Fraction(213, 215)), "C": (0, 0), "D": (0, 0)}


def test_counts_say_what_holds_a_level_back() -> None:
    """Per level: requirements that count, fully met ones, those that hold it back, open ones, and those left out."""
    answers = sheet("1") | {"PS.1.a": Value(LIMIT), "PS.1.b": NoValue(NoValueKind.NOT_ASSESSED)}
    answers |= {"PK.1.a": NoValue(NoValueKind.NOT_APPLICABLE, "x")}
    first = score(CMMM, "discrete", answers).counts[0]
    assert (first.requirements, first.met, first.held_back, first.open, first.left_out) == (35, 33, 2, 1, 1)


# ---- trimming


@pytest.mark.parametrize("node", ["PS", "PK", "TD", "TI", "TS", "RE", "RN", *(f"MP{n}" for n in range(1, 8))])
def test_what_always_counts_cannot_be_trimmed(node: str) -> None:
    """People, technology, resources and production are refused, by name."""
    with pytest.raises(AssessmentError, match=f"{node} must not be trimmed"):
        score(CMMM, "discrete", {}, trims({node}))


@pytest.mark.parametrize("node", ["production", "manufacturing", "people"])
def test_a_node_above_what_always_counts_cannot_be_trimmed(node: str) -> None:
    """Trimming a whole domain or element does not get round the rule."""
    with pytest.raises(AssessmentError, match=f"{node} must not be trimmed"):
        score(CMMM, "discrete", {}, trims({node}))


def test_a_node_of_another_type_or_model_cannot_be_trimmed() -> None:
    """Product design is no part of the process type, and XX of no type."""
    with pytest.raises(
        AssessmentError, match="'MD1' cannot be trimmed, it is no node of the model for the type process"
    ):
        score(CMMM, "process", {}, trims({"MD1"}))
    with pytest.raises(AssessmentError, match="'XX' cannot be trimmed"):
        score(CMMM, "process", {}, trims({"XX"}))


def test_trimming_twice_is_refused() -> None:
    """One node, one reason."""
    with pytest.raises(AssessmentError, match="ML is trimmed twice"):
        score(CMMM, "discrete", {}, (*trims({"ML"}), *trims({"ML"})))


def test_a_parent_without_children_drops_out() -> None:
    """Without product and process design there is no design domain, and its weight goes to its siblings."""
    found = score(CMMM, "discrete", sheet("1"), trims({"MD1", "MD2"}))
    assert {item.node for item in found.nodes}.isdisjoint({"MD1", "MD2", "design"})
    assert found.node("production", 1).weight == Fraction(77, 100) * Fraction(48, 87)


def test_answers_to_trimmed_criteria_are_ignored() -> None:
    """An answer below a trimmed node changes nothing."""
    one = score(CMMM, "discrete", sheet("1"), trims({"ML"}))
    other = score(CMMM, "discrete", sheet("1") | {"ML.1.a": Value(Fraction(0))}, trims({"ML"}))
    assert one == other


# ---- refusals


def test_a_value_that_is_no_option_is_refused() -> None:
    """0.7 is none of the four values."""
    with pytest.raises(AssessmentError, match=r"PS\.1\.a: 0\.7 is not allowed, expected one of 0, 0\.5, 0\.8, 1"):
        score(CMMM, "discrete", {"PS.1.a": Value(Fraction(7, 10))})


def test_a_criterion_of_another_model_is_refused() -> None:
    """An answer nobody asked for is a mistake, not a bonus."""
    with pytest.raises(AssessmentError, match=r"'ZZ\.1\.a' is no criterion"):
        score(CMMM, "discrete", {"ZZ.1.a": Value(ONE)})


def test_an_unknown_plant_type_is_refused() -> None:
    """The message names the types of the model."""
    with pytest.raises(
        AssessmentError, match="'hybrid' is no plant type of this model, expected one of discrete, process"
    ):
        score(CMMM, "hybrid", {})


def test_not_applicable_needs_a_reason() -> None:
    """Without one it would be a way to make scores."""
    with pytest.raises(AssessmentError, match=r"PS\.1\.a: 'not applicable' needs a reason"):
        score(CMMM, "discrete", {"PS.1.a": NoValue(NoValueKind.NOT_APPLICABLE)})


def test_a_level_without_any_requirement_left_is_refused() -> None:
    """When everything at a level is not applicable there is nothing to score."""
    nothing = {row: NoValue(NoValueKind.NOT_APPLICABLE, "x") for row in IDS if CMMM.criteria[row].level == 5}
    with pytest.raises(AssessmentError, match="no requirement of level 5 is left"):
        score(CMMM, "discrete", sheet("1") | nothing)


# ---- explanation and warnings


def warnings_of(found: Score) -> str:
    """All warnings, one per line."""
    return "\n".join(map(str, found.warnings))


def test_the_explanation_says_why_this_level() -> None:
    """Each step is a sentence: reached levels, the one that is not, what misses most, total, range."""
    answers = sheet("1") | {row: Value(Fraction(1, 2), "D") for row in IDS if CMMM.criteria[row].level == 3}
    assert [str(item) for item in score(CMMM, "discrete", answers).explanation] == [
        "level 1 is reached: A1 = 1.00 >= 0.8",
        "level 2 is reached: A2 = 1.00 >= 0.8",
        "level 3 is not reached: A3 = 0.50 < 0.8; 56 of its 56 requirements are not fully met",
        "most of what is missing at level 3 lies in ML, MS, MP2",
        "levels 4 to 5 do not count while level 3 is not reached",
        "the total is S = 2.50, which means level 2",
        "evidence of grades A to C alone gives level 2; with every open answer fully met it would be level 2",
    ]


def test_the_explanation_speaks_the_readers_language() -> None:
    """Template, names of nodes and separator can all be replaced."""
    answers = sheet("1") | {row: Value(Fraction(0)) for row in IDS if row.startswith(("ML.3", "MS.3"))}
    losses = next(item for item in score(CMMM, "discrete", answers).explanation if "nodes" in item.details)
    said = losses.text(
        lambda template: template.replace("most of what is missing at level {level} lies in", "{level} 级差距主要在"),
        lambda code: CMMM.label(code, "zh"),
        "、",
    )
    assert said == "3 级差距主要在 物流、销售"


def test_trimming_is_explained_first() -> None:
    """Who agreed, and why, stands before the levels."""
    first = score(CMMM, "discrete", sheet("1"), trims({"ML"})).explanation[0]
    assert str(first) == "ML is left out and the weights beside it are scaled up: not done here (agreed by assessor)"


def test_a_literal_sum_of_another_level_is_warned_of() -> None:
    """Levels 1 and 2 whole, 3 just missed, 4 and 5 whole: the literal sum would give level 4."""
    answers = sheet("1") | {row: Value(Fraction(1, 2), "B") for row in IDS if CMMM.criteria[row].level == 3}
    found = score(CMMM, "discrete", answers)
    assert (found.outcome.level, found.outcome.literal_level) == (2, 4)
    assert "added up without stopping at level 3 the total would be 4.50, which would mean level 4" in warnings_of(
        found
    )


def test_a_score_near_its_threshold_is_called_sensitive_while_weights_are_unverified() -> None:
    """Within 0.02 of 0.8 there is a warning; further away, or once the weights are verified, there is none."""
    near = sheet("0.8") | {"PS.1.a": Value(Fraction(1, 2), "B")}
    expected = "level 1 is sensitive to unverified weights: A1 = 0.79 lies within 0.02 of 0.8"
    assert expected in warnings_of(score(CMMM, "discrete", near))
    assert "sensitive" not in warnings_of(score(CMMM, "discrete", sheet("1")))
    weights = CMMM.structure.weights.model_copy(update={"status": "verified"})
    verified = replace(CMMM, structure=CMMM.structure.model_copy(update={"weights": weights}))
    assert "sensitive" not in warnings_of(score(verified, "discrete", near))


def test_unverified_requirements_are_warned_of() -> None:
    """Every score by this model carries the number of rows nobody compared with the standard."""
    assert "216 of 216 requirements" in warnings_of(score(CMMM, "discrete", sheet("1")))


def test_a_level_that_rests_on_declarations_says_so() -> None:
    """A floor below the level is part of the warnings."""
    assert "level 5 rests on declarations: evidence of grades A to C alone gives level 0" in warnings_of(
        score(CMMM, "discrete", sheet("1", "D"))
    )


# ---- small models


def small(values: int = 7, **scoring: object) -> MaturityModel:
    """One node with *values* requirements at level 1, and a second node without any at level 2."""
    steps: dict[str, dict[str, object]] = {
        "mean": {"step": "weighted_mean", "empty_cell": scoring.get("empty_cell", "renormalise")},
        "gate": {"step": "gate", "at_least": "0.8", "stop": scoring.get("stop", True)},
        "bands": {"step": "bands", "bands": ({"at_least": "0.8", "level": 1}, {"at_least": "1.8", "level": 2})},
    }
    weight = {"any": {"share": "50", "confidence": "own"}}

    def row(code: str, node: str, level: int) -> dict[str, object]:
        return {"id": code, "node": node, "level": level, "options": "four", "confidence": "A", "evidence": ("D",)}

    structure = Structure.model_validate(
        {
            "form": 1,
            "model": "small",
            "edition": "1",
            "status": "verified",
            "sources": ({"title": "a test", "confidence": "own"},),
            "types": ("any",),
            "levels": (1, 2),
            "options": {"four": ("0", "0.5", "0.8", "1")},
            "weights": {"status": "verified"},
            "scoring": {"engine": 1, "status": "verified", "steps": tuple(steps.values())},
            "nodes": ({"id": "X", "kind": "part", "weight": weight}, {"id": "Y", "kind": "part", "weight": weight}),
            "criteria": (
                *(row(f"X.1.{n}", "X", 1) for n in range(values)),
                row("X.2.a", "X", 2),
                row("Y.1.a", "Y", 1),
            ),
        }
    )
    return MaturityModel(structure, {}, "0" * 64)


def test_seven_answers_of_eight_tenths_are_exactly_on_the_threshold() -> None:
    """Seven times 0.8 divided by seven is 0.8 here; in floats it is below."""
    assert reduce(add, [0.8] * 7) / 7 < 0.8
    model = small(7)
    found = score(model, "any", dict.fromkeys(model.criteria, Value(LIMIT, "B")))
    assert found.node("X", 1).value == LIMIT
    assert found.level == 2


@pytest.mark.parametrize(
    ("policy", "below", "expected"),
    [
        ("renormalise", "1", Fraction(1, 2)),
        ("full", "1", Fraction(3, 4)),
        ("inherit", "1", Fraction(3, 4)),
        ("inherit", "0.5", Fraction(1, 4)),
        ("full", "0.5", Fraction(3, 4)),
    ],
)
def test_the_policy_for_empty_cells_is_the_models(policy: str, below: str, expected: Fraction) -> None:
    """Y has no requirement at level 2: it is left out, or counts as full, or as full where level 1 is satisfied."""
    model = small(1, empty_cell=policy)
    answers: dict[str, Decided] = dict.fromkeys(model.criteria, Value(Fraction(below), "B"))
    found = score(model, "any", answers | {"X.2.a": Value(Fraction(1, 2), "B")})
    assert found.outcome.levels[1].value == expected


def test_what_is_not_applicable_is_no_empty_cell() -> None:
    """Where the plant lacks something the node is left out, also under a policy that fills cells the model leaves empty."""
    model = small(1, empty_cell="full")
    answers: dict[str, Decided] = dict.fromkeys(model.criteria, Value(Fraction(1, 2), "B"))
    found = score(model, "any", answers | {"Y.1.a": NoValue(NoValueKind.NOT_APPLICABLE, "x", "B")})
    assert found.outcome.levels[0].value == Fraction(1, 2)


def test_a_model_may_add_up_without_stopping() -> None:
    """With stop: false the total is the literal sum."""
    model = small(1, stop=False)
    answers: dict[str, Decided] = dict.fromkeys(model.criteria, Value(Fraction(1, 2), "B"))
    found = score(model, "any", answers | {"X.2.a": Value(ONE, "B")})
    assert found.outcome.total == found.outcome.literal == Fraction(3, 2)
    assert [item.adds for item in found.outcome.levels] == [Fraction(1, 2), 1]


def test_a_verified_model_carries_no_warning() -> None:
    """Warnings are about something; a verified model fully answered with proof has none."""
    model = small(1)
    assert score(model, "any", dict.fromkeys(model.criteria, Value(ONE, "B"))).warnings == ()


@pytest.mark.parametrize(("value", "satisfied"), [("0.8", True), ("1", True), ("0.5", False)])
def test_the_threshold_itself_satisfies(value: str, satisfied: bool) -> None:
    """On and above the threshold a level is satisfied, below it is not."""
    model = small(1)
    found = score(model, "any", dict.fromkeys(model.criteria, Value(Fraction(value), "B")))
    assert [item.satisfied for item in found.outcome.levels] == [satisfied, satisfied]


def test_the_shortest_way_stops_exactly_on_the_threshold() -> None:
    """One answer that lifts the level to 0.8 exactly is enough; equal gains come in the order of the model."""
    model = small(5)
    answers: dict[str, Decided] = dict.fromkeys(model.criteria, Value(ONE, "B"))
    answers |= {"X.1.0": Value(Fraction(0)), "X.1.1": Value(Fraction(0)), "Y.1.a": Value(LIMIT)}
    found = score(model, "any", answers)
    assert found.outcome.levels[0].value == Fraction(7, 10)
    assert [gain.criterion for gain in found.shortest_way] == ["X.1.0"]
    assert [gain.gain for gain in found.gains] == [Fraction(1, 10)] * 3
