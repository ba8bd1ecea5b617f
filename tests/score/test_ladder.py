"""Ladders: levels decided by conditions."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.errors import AssessmentError, DefinitionError
from factory_kit.load.ladder import ladder, ladder_cases, ladder_folders
from factory_kit.model.answers import EvidenceGrade, NoValueKind
from factory_kit.model.ladder import (
    Condition,
    FigureCondition,
    ItemCondition,
    Ladder,
    LadderCase,
    LevelCondition,
    SumCondition,
)
from factory_kit.score import Decided, NoValue, Value
from factory_kit.score.ladder import Climbed, climb, points
from factory_kit.score.ladder_cases import ladder_case_failures
from factory_kit.shipped import data_dir

FOLDERS = ladder_folders([data_dir("assessments")])
LADDERS = {name: ladder(folder, name) for name, folder in FOLDERS.items()}
CASES = [(name, case) for name, folder in FOLDERS.items() for case in ladder_cases(folder, LADDERS[name]).cases]
SME = LADDERS["sme-digital@2024"]
few = settings(max_examples=40)


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{name}: {case.name}" for name, case in CASES])
def test_every_worked_example_holds(name: str, case: LadderCase) -> None:
    """Level, level at best, points and what holds back are those of the example."""
    assert [str(failure) for failure in ladder_case_failures(LADDERS[name], case)] == []


def test_a_wrong_example_is_found() -> None:
    """A case that expects another level fails in words."""
    case = LadderCase(name="wrong", source="here", all="0", level=3)

    assert [str(failure) for failure in ladder_case_failures(SME, case)] == ["wrong: level is 0, expected 3"]


def test_the_scored_part_of_the_sme_index_has_100_points() -> None:
    """50 for the foundation, 30 for management, 20 for effect; sixteen scenes, ten of them starred."""
    best: dict[str, Decided] = {name: Value(max(SME.values[item.options])) for name, item in SME.items.items()}
    found = {group: points(SME, best, group)[0] for group in ("scored", "foundation", "management", "effect")}

    assert found == {"scored": 100, "foundation": 50, "management": 30, "effect": 20}
    assert sum(item.starred for item in SME.within("scenes")) == 10
    assert len(SME.within("scenes")) == 16


def test_the_smart_factory_ladder_has_forty_scenes_and_twenty_indicators() -> None:
    """Eight fields of scenes with 3, 2, 2, 12, 10, 4, 3 and 4 of them; none of the indicators has a threshold."""
    found = LADDERS["smart-factory@2025"]

    assert len(found.within("scenes")) == 40
    assert len(found.content.figures) == 20
    assert not any(condition.need == "figure" for rung in found.content.rungs for condition in rung.all_of)


@st.composite
def sheets(draw: st.DrawFn) -> tuple[Ladder, dict[str, Decided], dict[str, int]]:
    """Any ladder with any answers, near the top so that levels are reached."""
    found = LADDERS[draw(st.sampled_from(sorted(LADDERS)))]
    usual = draw(st.sampled_from(("low", "high")))
    moved = (
        draw(st.dictionaries(st.sampled_from(sorted(found.items)), st.integers(0, 99), max_size=9))
        if found.items
        else {}
    )
    answers: dict[str, Decided] = {}
    for name, item in found.items.items():
        values = found.values[item.options]
        place = moved.get(name)
        if place is not None and place % 7 == 0:
            answers[name] = NoValue(draw(st.sampled_from(list(NoValueKind))), "a reason", "C")
        else:
            value = values[place % len(values)] if place is not None else values[-1 if usual == "high" else 0]
            answers[name] = Value(value, draw(st.sampled_from("BD")))
    return found, answers, draw(st.dictionaries(st.sampled_from(("gbt-39116", "smart-factory")), st.integers(0, 5)))


def climbed(sheet: tuple[Ladder, dict[str, Decided], dict[str, int]]) -> Climbed:
    """Where the sheet stands."""
    found, answers, levels = sheet
    return climb(found, answers, {}, levels)


@few
@given(sheets(), st.data())
def test_a_better_answer_never_lowers_a_level(
    sheet: tuple[Ladder, dict[str, Decided], dict[str, int]], data: st.DataObject
) -> None:
    """Raising one value lowers neither the level nor what is proven nor the level at best."""
    found, answers, levels = sheet
    if not answers:
        return
    name = data.draw(st.sampled_from(sorted(answers)))
    best = max(found.values[found.items[name].options])
    before = climbed(sheet)
    after = climb(found, answers | {name: Value(best, "B")}, {}, levels)

    assert (before.level, before.proven) <= (after.level, after.proven)
    assert before.level <= after.level
    assert before.proven <= after.proven


@few
@given(sheets(), st.randoms(use_true_random=False))
def test_floor_level_and_best_are_in_order_whatever_the_order_of_answers(
    sheet: tuple[Ladder, dict[str, Decided], dict[str, int]], random: Random
) -> None:
    """Proven <= level <= at best, and shuffled answers change nothing."""
    found, answers, levels = sheet
    rows = list(answers.items())
    random.shuffle(rows)
    one, other = climbed(sheet), climb(found, dict(rows), {}, levels)

    assert one == other
    assert one.proven <= one.level <= one.at_best


def test_declarations_do_not_prove_a_level() -> None:
    """Answers of grade D reach the level and leave the proven level at 0."""
    answers: dict[str, Decided] = {name: Value(max(SME.values[item.options]), "D") for name, item in SME.items.items()}
    found = climb(SME, answers)

    assert (found.level, found.proven) == (4, 0)


def small(*conditions: Condition, cumulative: bool = True) -> Ladder:
    """A ladder over the items of the SME index, one condition for each level."""
    rung = SME.content.rungs[0]
    rungs = [rung.model_copy(update={"level": at, "all_of": (each,)}) for at, each in enumerate(conditions, 1)]
    return replace(SME, content=SME.content.model_copy(update={"rungs": tuple(rungs), "cumulative": cumulative}))


@pytest.mark.parametrize(("grade", "proven"), [("A", 1), ("B", 1), ("C", 1), ("D", 0)])
def test_evidence_proves_a_level_and_a_declaration_does_not(grade: EvidenceGrade, proven: int) -> None:
    """Of grades A to C; what of a value is proven counts, whatever its grade."""
    needs = small(ItemCondition(need="item", item="DIG", at_least="6"))
    found = climb(needs, {"DIG": Value(Fraction(6), grade)})

    assert (found.level, found.proven) == (1, proven)
    assert climb(needs, {"DIG": Value(Fraction(6), grade, Fraction(3))}).proven == 0
    assert climb(needs, {"DIG": Value(Fraction(6), grade, Fraction(6))}).proven == 1


def test_what_is_not_proven_takes_nothing_from_what_is() -> None:
    """A declaration beside a proof counts nothing, not less; figures and levels by other models are taken as given."""
    needs = small(
        SumCondition(need="sum", groups=("foundation",), at_least="6"),
        FigureCondition(need="figure", figure="output", at_least="5"),
        LevelCondition(need="level", model="gbt-39116", at_least=2),
    )
    answers: dict[str, Decided] = {name: Value(Fraction(), "D") for name in SME.items} | {
        "DIG": Value(Fraction(6), "B")
    }

    for figures, levels, proven in (
        ({"output": Fraction(5)}, {"gbt-39116": 2}, 3),
        ({"output": Fraction(5)}, {}, 2),
        ({}, {}, 1),
    ):
        assert climb(needs, answers, figures, levels).proven == proven


def test_a_level_stands_on_those_below_it() -> None:
    """Where the ladder is cumulative; else the highest that holds is reached."""
    needs = [ItemCondition(need="item", item="DIG", at_least=least) for least in ("1.5", "6", "3")]
    answers: dict[str, Decided] = {"DIG": Value(Fraction(3), "B")}

    for cumulative, level in ((True, 1), (False, 3)):
        found = climb(small(*needs, cumulative=cumulative), answers)
        assert (found.level, found.at_best, found.proven) == (level, level, level)
        assert [rung.state for rung in found.rungs] == ["pass", "fail", "pass"]
    assert climb(small(*needs[1:]), answers).level == 0


def test_what_is_found_is_a_span() -> None:
    """An open item lies between nothing and its highest, one that is not applicable has nothing; what is not given could be anything."""
    needs = small(
        ItemCondition(need="item", item="DIG", at_least="3"),
        SumCondition(need="sum", groups=("foundation", "management"), at_least="60"),
        FigureCondition(need="figure", figure="output", at_least="5"),
        LevelCondition(need="level", model="gbt-39116", at_least=2),
    )
    spans = [rung.held[0].found for rung in climb(needs, {}).rungs]
    without = climb(needs, {"DIG": NoValue(NoValueKind.NOT_APPLICABLE, "a reason")})
    given_ = climb(needs, {"DIG": Value(Fraction(3))}, {"output": Fraction(9, 2)}, {"gbt-39116": 3})

    assert spans == [(0, 6), (0, 80), (-1, 5), (-1, 2)]
    assert [rung.state for rung in climb(needs, {}).rungs] == ["unknown"] * 4
    assert (without.rungs[0].held[0].found, without.rungs[0].state) == ((0, 0), "fail")
    assert [rung.held[0].found for rung in given_.rungs[::2]] == [(3, 3), (Fraction(9, 2), Fraction(9, 2))]
    assert [rung.state for rung in given_.rungs] == ["pass", "unknown", "fail", "pass"]
    assert points(SME, {}, "scored") == (0, 100)


def test_what_a_ladder_does_not_know_is_refused() -> None:
    """An unknown item and a value that is not among the options are each one line."""
    with pytest.raises(AssessmentError, match="'NOPE' is no item of this ladder"):
        climb(SME, {"NOPE": Value(Fraction(1))})
    with pytest.raises(AssessmentError, match=r"DIG: 2 is not allowed, expected one of 0, 1\.5, 3, 4\.5, 6"):
        climb(SME, {"DIG": Value(Fraction(2))})


def test_mistakes_of_a_ladder_are_named_with_their_line(tmp_path: Path) -> None:
    """A stranger among the groups, a doubled id, options that do not ascend and a condition on nothing: each at its line."""
    folder = tmp_path / "district-ladder" / "2025"
    folder.mkdir(parents=True)
    text = (FOLDERS["district-ladder@2025"] / "ladder.yaml").read_text(encoding="utf-8")
    text = text.replace("id: city-recognised, group: documents", "id: district-recognised, group: papers")
    text = text.replace('[{value: "0", label: {zh: 否', '[{value: "2", label: {zh: 否')
    (folder / "ladder.yaml").write_text(text, encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        ladder(folder, "x")

    said = str(caught.value)
    assert "items[1].id: 'district-recognised' is given twice" in said
    assert "items[1].group: is no group of this file" in said
    assert "options.flag: must ascend from 0, each value once" in said
    assert "'city-recognised' is not in this file" in said
    assert all(line.partition(":")[0] == "x/ladder.yaml" for line in said.splitlines())


def test_how_sure_a_row_is_does_not_change_the_hash(tmp_path: Path) -> None:
    """Confidence and sources may be mended; a moved threshold is another content."""
    folder = tmp_path / "district-ladder" / "2025"
    folder.mkdir(parents=True)
    text = (FOLDERS["district-ladder@2025"] / "ladder.yaml").read_text(encoding="utf-8")
    hashes = []
    for version in (
        text,
        text.replace("confidence: own", "confidence: verified"),
        text.replace("at_least: 3", "at_least: 4"),
    ):
        (folder / "ladder.yaml").write_text(version, encoding="utf-8")
        hashes.append(ladder(folder).sha256)

    assert hashes[0] == hashes[1] != hashes[2]
