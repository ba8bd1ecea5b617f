"""The cheapest way to the next level."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations
from pathlib import Path
from random import Random

import pytest

from factory_kit.errors import DefinitionError
from factory_kit.load.actions import actions_in
from factory_kit.load.maturity import maturity_model
from factory_kit.model.action import Action, Actions, Basis, Cost
from factory_kit.model.definition import Text
from factory_kit.score import Decided, Value, score
from factory_kit.score.path import Plan, after, paths
from factory_kit.shipped import data_dir

ASSESSMENTS = data_dir("assessments")
CMMM = maturity_model(ASSESSMENTS / "models" / "gbt-39116" / "2020")
SHIPPED = actions_in(ASSESSMENTS / "actions" / "gbt-39116.yaml", CMMM)
VALUES = tuple(Fraction(text) for text in ("0", "1/2", "4/5", "1"))


def plant(*usual: str) -> dict[str, Decided]:
    """Answers of grade B, one value per level."""
    return {row.id: Value(Fraction(usual[row.level - 1]), "B") for row in CMMM.structure.criteria}


def some_actions(random: Random, count: int) -> Actions:
    """*count* made-up actions over level 3, whole costs, some with a need."""
    rows = [row.id for row in CMMM.structure.criteria if row.level == 3]
    made: list[Action] = []
    for number in range(count):
        cost = str(1 + int(random.random() * 9))
        chosen = {rows[int(random.random() * len(rows))]: "1" for _ in range(14)}
        needs = (made[int(random.random() * number)].id,) if number and random.random() < 0.4 else ()
        label = Text(zh="措施", en="action")
        made.append(
            Action(id=f"a{number}", label=label, cost=Cost(low=cost, high=cost), months=1, needs=needs, raises=chosen)
        )
    return SHIPPED.model_copy(update={"actions": tuple(made)})


def level_with(answers: dict[str, Decided], chosen: tuple[Action, ...]) -> int:
    """The level once *chosen* are done."""
    return score(CMMM, "discrete", after(answers, chosen)).level


@pytest.mark.parametrize("seed", range(4))
def test_no_cheaper_set_reaches_the_level(seed: int) -> None:
    """Every subset of ten actions tried: the first plan costs what the cheapest one costs, and where none does there is none."""
    actions = some_actions(Random(seed), 9)  # noqa: S311 - reproducible
    answers = plant("1", "1", "1/2", "0", "0")
    cheapest = min(
        (
            sum(Fraction(action.cost.low) for action in chosen)
            for size in range(1, 10)
            for chosen in combinations(actions.actions, size)
            if all(need in {action.id for action in chosen} for action in chosen for need in action.needs)
            and level_with(answers, chosen) >= 3
        ),
        default=None,
    )

    found = paths(score(CMMM, "discrete", answers), answers, actions, 3)

    assert [plan.cost for plan in found[:1]] == ([] if cheapest is None else [cheapest])


@pytest.fixture(scope="module")
def three() -> tuple[Plan, ...]:
    """Three plans to level 3 for a plant of level 2, by the shipped actions."""
    answers = plant("1", "1", "1/2", "0", "0")
    return paths(score(CMMM, "discrete", answers), answers, SHIPPED, 3)


def test_three_plans_lead_there_and_are_different(three: tuple[Plan, ...]) -> None:
    """Each is scored at the level by the engine, costs at least as much as the one before, and holds no other one."""
    sets = [{action.id for action in plan.actions} for plan in three]

    assert [plan.score.level for plan in three] == [3, 3, 3]
    assert [plan.cost for plan in three] == sorted(plan.cost for plan in three)
    assert not any(one <= other for one in sets for other in sets if one is not other)


def test_no_action_of_a_plan_can_be_left_out(three: tuple[Plan, ...]) -> None:
    """Without any one of its actions, and without what needs it, a plan misses the level."""
    answers = plant("1", "1", "1/2", "0", "0")
    for plan in three:
        for left_out in plan.actions:
            gone = {left_out.id}
            while more := {each.id for each in plan.actions if gone & set(each.needs)} - gone:
                gone |= more
            assert level_with(answers, tuple(each for each in plan.actions if each.id not in gone)) < 3


def test_what_is_needed_stands_before_what_needs_it(three: tuple[Plan, ...]) -> None:
    """The order of a plan can be done from first to last, and its months are those of the longest chain."""
    for plan in three:
        done: set[str] = set()
        ids = {action.id for action in plan.actions}
        for action in plan.actions:
            assert set(action.needs) & ids <= done
            done.add(action.id)
        assert max(action.months for action in plan.actions) <= plan.months <= sum(a.months for a in plan.actions)


def test_the_same_question_has_the_same_answer(three: tuple[Plan, ...]) -> None:
    """A second run gives the same plans."""
    answers = plant("1", "1", "1/2", "0", "0")

    again = paths(score(CMMM, "discrete", answers), answers, SHIPPED, 3)

    assert [plan.actions for plan in again] == [plan.actions for plan in three]


def test_what_the_plant_has_is_not_proposed() -> None:
    """A plant that meets all of level 2 gets no action that only serves level 2, although others need it."""
    answers = plant("1", "1", "4/5", "1/2", "0")
    found = paths(score(CMMM, "discrete", answers), answers, SHIPPED, 4, plans=1)

    (plan,) = found
    assert not {"machine-data", "erp", "shop-network"} & {action.id for action in plan.actions}
    assert plan.score.level == 4


def test_a_level_out_of_reach_has_no_plan() -> None:
    """No shipped action serves level 5; a level that is reached needs none."""
    answers = plant("1", "1", "1", "1", "0")
    found = score(CMMM, "discrete", answers)

    assert paths(found, answers, SHIPPED, 5) == ()
    assert paths(found, answers, SHIPPED, 4) == ()


def test_plans_do_not_prove_anything() -> None:
    """What an action raises is declared until it is proven: the floor of a plan is the floor of today."""
    answers = plant("1", "1", "1/2", "0", "0")
    now = score(CMMM, "discrete", answers)

    (plan,) = paths(now, answers, SHIPPED, 3, plans=1)

    assert plan.score.floor.total == now.floor.total


def test_mistakes_in_actions_are_named_with_their_line(tmp_path: Path) -> None:
    """An unknown criterion, a value that is not allowed, a stranger among the needs and a circle: each at its line."""
    file = tmp_path / "gbt-39116.yaml"
    text = (ASSESSMENTS / "actions" / "gbt-39116.yaml").read_text(encoding="utf-8")
    text = text.replace('{PS.1.a: "1", PS.1.b', '{PS.9.z: "1", PS.1.b').replace('MP7.4.a: "1"', 'MP7.4.a: "0.7"')
    text = (
        text.replace("needs: [energy-system]", "needs: [nothing]")
        .replace("{id: shop-network,", "{id: shop-network, needs: [machine-data],")
        .replace("months: 2, needs: [office-network], raises: {RN.2.a", "months: 2, raises: {RN.2.a")
    )
    file.write_text(text, encoding="utf-8")

    with pytest.raises(DefinitionError) as caught:
        actions_in(file, CMMM)

    said = str(caught.value)
    assert "PS.9.z: is no criterion of the model" in said
    assert "0.7 is not allowed, expected one of 0, 0.5, 0.8, 1" in said
    assert "'nothing' is no action of this file" in said
    assert said.count("needs itself, in a circle") == 2
    assert all(
        line.startswith("gbt-39116.yaml:") and not line.startswith("gbt-39116.yaml:0") for line in said.splitlines()
    )


def test_every_estimate_says_that_it_is_one() -> None:
    """The shipped costs are estimates, and the file says so in both languages."""
    assert SHIPPED.source.confidence == "estimate"
    own = {"zh": "Factory Kit 开发者自行估算", "en": "Own estimate of the Factory Kit developers"}
    assert SHIPPED.source == Basis(title=Text(**own), version="2026-11", confidence="estimate")


def test_a_source_with_one_name_reads_the_same_in_both_languages() -> None:
    """An offer of a firm needs no translation of the firm's name."""
    assert Basis.model_validate({"title": "ACME 2026-17"}).title == Text(zh="ACME 2026-17", en="ACME 2026-17")
