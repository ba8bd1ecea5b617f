"""Where a criterion stands, from literals: the answer, the decision on it, and what the machine says."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from factory_kit.assess.proposals import Proposal, Voice, proposals
from factory_kit.assess.standing import (
    Contradiction,
    Proofs,
    Standing,
    answer_text,
    contradictions,
    decided_text,
    standings,
)
from factory_kit.load.indicator import indicator_folder
from factory_kit.load.maturity import maturity_model
from factory_kit.model.answers import Answer, Answers, EvidenceItem, NoValueKind
from factory_kit.model.assessment import Judgement
from factory_kit.model.evidence import Evidence
from factory_kit.model.indicator import Band, Indicator, Speaks
from factory_kit.score import Decided, NoValue, Value
from factory_kit.shipped import data_dir

from .conftest import evidence, made

MODEL = maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")
CRITERION, OTHER, ABSENT = "RE.2.a", "PS.1.a", "ZZ.9.z"
TODAY = date(2026, 10, 31)
A = "a" * 64
HALF, MOST, ALL = Fraction(1, 2), Fraction(4, 5), Fraction(1)


@pytest.fixture(scope="module")
def indicators(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the indicator ``connected_share``."""
    return made(tmp_path_factory.mktemp("plant") / "p", "demo").root / "assessments" / "indicators"


@pytest.fixture(scope="module")
def record(indicators: Path) -> Evidence:
    """A record with a value."""
    return evidence(9, 10, indicators)


@pytest.fixture(scope="module")
def empty(indicators: Path) -> Evidence:
    """A record that knows too little."""
    return evidence(None, 10, indicators)


def said(**fields: Any) -> Answer:
    """An answer."""
    return Answer.model_validate(fields, strict=False)


def seen(grade: str, **fields: Any) -> dict[str, Any]:
    """A piece of evidence as the file has it."""
    return {"grade": grade, "note": "seen", **fields}


def judged(verdict: str, new: str, old: str, *records: str) -> Judgement:
    """A decision."""
    content = {"form": 1, "criterion": CRITERION, "verdict": verdict, "old": old, "machine": "", "records": records}
    return Judgement.model_validate(
        {**content, "new": new, "by": "李工", "at": "2026-10-02T00:00:00Z", "why": "seen on site"}, strict=False
    )


def stands(
    answer: Answer | None = None, judgement: Judgement | None = None, proposal: Proposal | None = None
) -> Standing:
    """Where one criterion stands, on a day when only the record ``A`` is there."""
    answers = Answers.model_construct(answers={CRITERION: answer} if answer else {})
    found = standings(
        MODEL,
        answers,
        {CRITERION: judgement} if judgement else {},
        {CRITERION: proposal} if proposal else {},
        Proofs(frozenset({A}), TODAY),
    )
    assert list(found) == [CRITERION]
    return found[CRITERION]


SEEN = said(value="0.8", evidence=[seen("B")])
SAID = said(value="0.8")
SET_ASIDE = said(value="0.8", decision="override-machine", reason="moved house", evidence=[seen("C")])
TAKEN = said(decision="accept-machine")
OPEN = NoValue(NoValueKind.NOT_ASSESSED)


@pytest.mark.parametrize(
    ("answer", "machine", "expected", "by"),
    [
        (SAID, None, Value(MOST, "D"), "answer"),
        (SEEN, None, Value(MOST, "B"), "answer"),
        (SEEN, ALL, Value(MOST, "A"), "answer"),
        (SEEN, MOST, Value(MOST, "A"), "answer"),
        (SEEN, HALF, Value(MOST, "B", HALF), "answer"),
        (SET_ASIDE, HALF, Value(MOST, "C"), "override-machine"),
        (
            said(value="0.8", decision="override-machine", reason="it lies", evidence=[seen("A", sha256=A)]),
            HALF,
            Value(MOST, "A"),
            "override-machine",
        ),
        (SET_ASIDE.model_copy(update={"evidence": ()}), HALF, Value(MOST, "D", HALF), "override-machine"),
        (TAKEN, HALF, Value(HALF, "A"), "accept-machine"),
        (TAKEN, None, OPEN, "accept-machine"),
        (said(no_value="unknown", evidence=[seen("C")]), ALL, NoValue(NoValueKind.UNKNOWN, "", "C"), "answer"),
        (
            said(no_value="not applicable", reason="no design"),
            None,
            NoValue(NoValueKind.NOT_APPLICABLE, "no design"),
            "answer",
        ),
        (
            said(no_value="unknown", decision="override-machine", reason="it lies"),
            HALF,
            NoValue(NoValueKind.UNKNOWN, "it lies"),
            "override-machine",
        ),
        (None, HALF, OPEN, "answer"),
    ],
)
def test_an_answer_counts_beside_the_machine(
    record: Evidence, answer: Answer | None, machine: Fraction | None, expected: Decided, by: str
) -> None:
    """A person's value with the best grade that carries it; what the machine shows less is all that is proven, unless set aside."""
    proposal = Proposal(CRITERION, (Voice(record, machine),)) if machine is not None else None
    found = stands(answer, None, proposal)

    assert found == Standing(CRITERION, expected, by, answer, None, proposal)  # type: ignore[arg-type]
    assert not found.stale


@pytest.mark.parametrize(
    ("verdict", "records", "expected"),
    [
        ("accept-machine", (A,), Value(ALL, "A")),
        ("accept-machine", (A, "b" * 64), Value(ALL, "B", HALF)),
        ("override-machine", (A,), Value(ALL, "B")),
        ("change", (A,), Value(ALL, "B", HALF)),
    ],
)
def test_a_decision_stands_in_place_of_the_answer(
    record: Evidence, verdict: str, records: tuple[str, ...], expected: Value
) -> None:
    """What was accepted from the machine is grade A while all its records are there; the answer's evidence carries the rest."""
    proposal = Proposal(CRITERION, (Voice(record, HALF),))
    decision = judged(verdict, "1", "0.8", *records)

    assert stands(SEEN, decision, proposal) == Standing(
        CRITERION,
        expected,
        verdict,  # type: ignore[arg-type]
        SEEN,
        decision,
        proposal,
    )


def test_an_answer_changed_after_its_decision_is_stale() -> None:
    """The decision names the answer it replaced; without any answer that is the empty text."""
    assert stands(SEEN, judged("change", "1", "0.5")).stale
    assert not stands(SEEN, judged("change", "1", "0.8")).stale
    assert not stands(None, judged("change", "1", "")).stale


def test_too_little_data_is_said_as_such(record: Evidence, empty: Evidence) -> None:
    """Accepting a machine that knows too little leaves the criterion inconclusive; one that proposes nothing, not assessed."""
    nothing = Voice(empty, None)

    assert stands(TAKEN, None, Proposal(CRITERION, (nothing,))).decided == NoValue(NoValueKind.INCONCLUSIVE, grade="A")
    assert stands(TAKEN, None, Proposal(CRITERION, (nothing, Voice(record, None)))).decided == OPEN


@pytest.mark.parametrize(
    ("items", "grade"),
    [
        ([], "D"),
        ([seen("C"), seen("B"), seen("C")], "B"),
        ([seen("A", sha256=A), seen("B")], "A"),
        ([seen("A", sha256="b" * 64), seen("C")], "C"),
        ([seen("B", expires="2026-10-30"), seen("C")], "C"),
        ([seen("B", expires="2026-10-31"), seen("C")], "B"),
    ],
)
def test_the_best_evidence_that_can_count_gives_the_grade(items: list[dict[str, Any]], grade: str) -> None:
    """A record that is gone and what expired before the day prove nothing; on its last day it counts."""
    answer = said(value="0.8", evidence=[EvidenceItem.model_validate(item, strict=False) for item in items])

    assert Proofs(frozenset({A}), TODAY).grade(answer) == grade
    assert Proofs(frozenset({A}), TODAY).grade(None) == "D"


def test_a_contradiction_is_an_open_answer_above_the_machine(record: Evidence) -> None:
    """Equal is none, set aside is none, no value is none."""

    def found(answer: Answer, machine: Fraction | None) -> list[Contradiction]:
        standing = stands(answer, None, Proposal(CRITERION, (Voice(record, machine),)))
        last = replace(standing, criterion=OTHER, decided=Value(ALL, "B"))
        return list(contradictions({CRITERION: standing, OTHER: last}))

    end = [Contradiction(OTHER, ALL, HALF, (record.id,))]
    assert found(SEEN, HALF) == [Contradiction(CRITERION, MOST, HALF, (record.id,)), *end]
    assert found(said(value="0.5"), HALF) == end
    assert found(said(no_value="unknown"), HALF) == end
    assert found(SEEN, None) == []
    assert list(contradictions({CRITERION: stands(SET_ASIDE, None, Proposal(CRITERION, (Voice(record, HALF),)))})) == []
    assert list(contradictions({CRITERION: stands(SEEN)})) == []


def test_criteria_stand_in_the_order_of_the_model(record: Evidence) -> None:
    """Those with an answer, a decision or a proposal, and no others."""
    first, second, third, *_ = MODEL.criteria
    answers = Answers.model_construct(answers={third: SAID, ABSENT: SAID})
    found = standings(
        MODEL,
        answers,
        {second: judged("change", "1", "")},
        {first: Proposal(first, (Voice(record, HALF),))},
        Proofs(frozenset(), TODAY),
    )

    assert list(found) == [first, second, third]


def test_what_counts_is_told_as_one_text() -> None:
    """The value, the kind of no value, or the word for taking the machine's."""
    told = [answer_text(each) for each in (None, SAID, said(no_value="unknown"), TAKEN)]

    assert told == ["", "0.8", "unknown", "accept-machine"]
    assert [decided_text(Value(MOST)), decided_text(OPEN)] == ["0.8", "not assessed"]


def speaking(indicators: Path, *speaks: Speaks) -> Indicator:
    """The indicator with other criteria."""
    known = indicator_folder(indicators / "connected_share")
    return replace(known, definition=known.definition.model_copy(update={"criteria": speaks}))


def test_the_plant_s_records_propose_for_the_criteria_of_the_model(indicators: Path) -> None:
    """Scores come down to a value the model allows; other subjects, models and criteria are not heard."""
    (usual,) = indicator_folder(indicators / "connected_share").definition.criteria
    odd = (Band(at_least="0.7", score="0.79"),)
    indicator = speaking(
        indicators,
        usual.model_copy(update={"criterion": OTHER}),
        usual.model_copy(update={"bands": odd}),
        usual.model_copy(update={"model": "gbt-39116@2099", "criterion": "RE.1.a"}),
        usual.model_copy(update={"criterion": ABSENT}),
        usual.model_copy(update={"criterion": "RE.1.a", "bands": ()}),
    )
    high, low = evidence(9, 10, indicators), evidence(7, 10, indicators)
    of_one = evidence(1, 10, indicators, subject="cnc-01")
    found = proposals(MODEL, [(high, indicator), (of_one, indicator), (low, indicator)])

    assert found == {
        OTHER: Proposal(OTHER, (Voice(high, MOST), Voice(low, HALF))),
        "RE.1.a": Proposal("RE.1.a", (Voice(high, None), Voice(low, None))),
        CRITERION: Proposal(CRITERION, (Voice(high, HALF), Voice(low, HALF))),
    }
    assert list(found) == [OTHER, "RE.1.a", CRITERION]
    assert (found[OTHER].score, found["RE.1.a"].score) == (HALF, None)
    assert found[OTHER].records == tuple(sorted([high.id, low.id]))
    assert proposals(MODEL, [(low, indicator), (high, indicator)])[OTHER].records == found[OTHER].records
    assert not found["RE.1.a"].inconclusive


def test_a_record_without_a_value_proposes_nothing(indicators: Path, empty: Evidence) -> None:
    """Too little data is not zero."""
    indicator = indicator_folder(indicators / "connected_share")
    found = proposals(MODEL, [(empty, indicator)])[CRITERION]

    assert (found.score, found.inconclusive, found.records) == (None, True, (empty.id,))
