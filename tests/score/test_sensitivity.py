"""What a level hangs on: margins, single steps, the smallest fall, moved weights."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory_kit.load.maturity import maturity_model
from factory_kit.score import Decided, Score, Value, score
from factory_kit.score.sensitivity import margins, one_steps, sensitivity, smallest_fall, weight_draws
from factory_kit.shipped import data_dir

CMMM = maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")
VALUES = tuple(Fraction(text) for text in ("0", "1/2", "4/5", "1"))
USUAL = {1: "1", 2: "1", 3: "4/5", 4: "1/2", 5: "0"}


def sheet(**others: str) -> dict[str, Decided]:
    """Answers by level, all of grade B, but for *others* (with ``_`` for a dot)."""
    answers: dict[str, Decided] = {row.id: Value(Fraction(USUAL[row.level]), "B") for row in CMMM.structure.criteria}
    return answers | {name.replace("_", "."): Value(Fraction(value), "B") for name, value in others.items()}


# Plants close to a threshold: level 3 usually met by four fifths, with some answers moved.
near = st.dictionaries(
    st.sampled_from([row.id for row in CMMM.structure.criteria if row.level in (2, 3)]),
    st.sampled_from(VALUES),
    max_size=8,
).map(lambda moved: sheet() | {name: Value(value, "B") for name, value in moved.items()})
few = settings(max_examples=8, deadline=None)


def scored(answers: dict[str, Decided]) -> Score:
    """The score of a discrete plant."""
    return score(CMMM, "discrete", answers)


def test_margins_are_the_distances_to_both_ends_of_the_band() -> None:
    """S = 3 + A4 with A4 = 1/2 lies 0.7 above the lower end of level 3 and 0.3 below level 4."""
    found = margins(scored(sheet()))

    assert (found.above, found.below) == (Fraction("0.7"), Fraction("0.3"))


def test_outside_the_bands_there_is_no_margin() -> None:
    """A plant without a met requirement has nothing below it, one that meets all has nothing above it."""
    nothing = margins(scored(dict.fromkeys(CMMM.criteria, Value(Fraction(0), "B"))))
    everything = margins(scored(dict.fromkeys(CMMM.criteria, Value(Fraction(1), "B"))))

    assert (nothing.above, nothing.below) == (None, Fraction("0.8"))
    assert (everything.above, everything.below) == (Fraction("0.2"), None)


@few
@given(near)
def test_single_steps_are_all_that_change_the_level_and_no_others(answers: dict[str, Decided]) -> None:
    """Scoring every neighbour of every answer anew finds the same list."""
    found = scored(answers)
    expected = []
    for criterion, answer in answers.items():
        assert isinstance(answer, Value)
        place = VALUES.index(answer.value)
        for then in (*VALUES[max(place - 1, 0) : place], *VALUES[place + 1 : place + 2]):
            level = scored(answers | {criterion: replace(answer, value=then)}).level
            if level != found.level:
                expected.append((criterion, answer.value, then, level))

    assert [(step.criterion, step.now, step.then, step.level) for step in one_steps(found, answers)] == expected


@few
@given(near)
def test_the_smallest_fall_drops_the_level_and_one_answer_less_does_not(answers: dict[str, Decided]) -> None:
    """With the whole set at 0 the level is lower; no set with one answer fewer does it at any level, by the level's own losses."""
    found = scored(answers)
    way = smallest_fall(found, answers)
    lowest = Value(Fraction(0), "B")

    assert way
    assert scored(answers | dict.fromkeys(way, lowest)).level < found.level
    for item in found.outcome.levels[: found.level]:
        rows = [row.id for row in CMMM.structure.criteria if row.level == item.level]
        losses = sorted(
            (item.value - scored(answers | {row: lowest}).outcome.levels[item.level - 1].value for row in rows),
            reverse=True,
        )
        assert item.value - sum(losses[: len(way) - 1]) >= Fraction("0.8")


def test_a_plant_below_the_lowest_level_cannot_fall() -> None:
    """At level 0 the smallest fall is empty."""
    answers: dict[str, Decided] = dict.fromkeys(CMMM.criteria, Value(Fraction(0), "B"))

    assert smallest_fall(scored(answers), answers) == ()


def test_moved_weights_are_reproducible_and_count_every_draw() -> None:
    """The same seed gives the same levels, another seed another draw; a plant on the edge does not always stay."""
    edge = sheet(PS_3_a="1/2", TD_3_a="1")
    found = scored(edge)
    one, again, other = (weight_draws(found, edge, draws=40, seed=seed) for seed in (1, 1, 2))

    assert one == again
    assert one.levels != other.levels or one.stayed != other.stayed or one.seed != other.seed
    assert sum(one.levels.values()) == 40
    assert one.stayed == one.levels.get(found.level, 0)
    assert 0 < one.stayed < 40


def test_weights_cannot_move_what_all_answers_share() -> None:
    """Where every requirement of a level has the same value, no weights change its score."""
    answers = sheet()

    assert weight_draws(scored(answers), answers, draws=10).share == 1


def test_all_of_it_at_once() -> None:
    """The parts stand together, and each is its own function's."""
    answers = sheet(PS_3_a="1/2")
    found = scored(answers)
    whole = sensitivity(found, answers, draws=5, seed=7)

    assert whole.margins == margins(found)
    assert whole.one_steps == one_steps(found, answers)
    assert whole.smallest_fall == smallest_fall(found, answers)
    assert whole.weights == weight_draws(found, answers, draws=5, seed=7)
    with pytest.raises(AttributeError):
        whole.margins = margins(found)  # type: ignore[misc]
