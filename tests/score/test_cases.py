from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from factory_kit.load.maturity import maturity_cases, maturity_model, model_folders
from factory_kit.model.cases import Case, CountsCase, LevelsCase
from factory_kit.model.maturity import MaturityModel
from factory_kit.score import case_failures
from factory_kit.shipped import data_dir

FOLDERS = model_folders([data_dir("assessments")])
MODELS = {name: maturity_model(folder) for name, folder in FOLDERS.items()}
CASES = [
    pytest.param(MODELS[name], case, id=f"{name}: {case.name}")
    for name, folder in FOLDERS.items()
    for case in maturity_cases(folder, MODELS[name]).cases
]


@pytest.mark.parametrize(("model", "case"), CASES)
def test_a_worked_example_comes_out_exactly(model: MaturityModel, case: Case) -> None:
    """Every case that a model ships comes out as it says."""
    assert [str(failure) for failure in case_failures(model, case)] == []


def test_there_are_worked_examples() -> None:
    """The parametrised test above is not empty, and every model has cases of its own."""
    assert len(CASES) >= 27
    assert {name.partition(":")[0] for case in CASES if (name := case.id)} == set(MODELS)


def test_a_wrong_golden_is_found(cmmm: MaturityModel, cmmm_folder: Path) -> None:
    """Changing any expected figure of any case by the smallest step makes that case fail, and say what differs."""
    found = 0
    for case in maturity_cases(cmmm_folder, cmmm).cases:
        for wrong in _spoiled(case):
            failures = case_failures(cmmm, wrong)
            assert failures, wrong
            assert all("expected" in str(failure) for failure in failures)
            found += 1
    assert found > 60


def _spoiled(case: Case) -> list[Case]:
    if isinstance(case, CountsCase):
        return [case.model_copy(update={"total": case.total + 1})] + [
            case.model_copy(update={"counts": case.counts | {node: (*row[:-1], row[-1] + 1)}})
            for node, row in case.counts.items()
        ]
    if case.case == "weights":
        return [case.model_copy(update={"percent": case.percent | {node: "0.001"}}) for node in case.percent]
    expect = case.expect
    wrong = [expect.model_copy(update={"levels": expect.levels | {level: "0.1234"}}) for level in expect.levels]
    wrong += [
        expect.model_copy(update={"nodes": expect.nodes | {node: row | dict.fromkeys(row, "0.1234")}})
        for node, row in expect.nodes.items()
    ]
    for field in ("total", "literal"):
        if getattr(expect, field) is not None:
            wrong.append(expect.model_copy(update={field: "0.1234"}))
    for field in ("level", "literal_level", "floor_level", "ceiling_level"):
        if getattr(expect, field) is not None:
            wrong.append(expect.model_copy(update={field: getattr(expect, field) + 1}))
    return [case.model_copy(update={"expect": each}) for each in wrong]


def test_a_case_the_model_cannot_score_is_a_failure_not_a_crash(cmmm: MaturityModel) -> None:
    """A level score too many, or a trimming that is not allowed, is reported in one line."""
    shipped = next(case for case in maturity_cases(FOLDERS["gbt-39116@2020"], cmmm).cases if case.case == "answers")
    (failure,) = case_failures(cmmm, shipped.model_copy(update={"type": "hybrid"}))
    assert "cannot be scored" in str(failure)
    assert "'hybrid' is no plant type" in str(failure)
    levels = LevelsCase(case="levels", name="six", source="a test", levels=("1",) * 6, expect=shipped.expect)
    (failure,) = case_failures(cmmm, levels)
    assert "six" in str(failure)


def test_a_changed_weight_turns_cases_red(cmmm: MaturityModel, cmmm_folder: Path) -> None:
    """The worked examples notice a weight that moved."""
    nodes = list(cmmm.structure.nodes)
    position = next(index for index, node in enumerate(nodes) if node.id == "MP1")
    moved = nodes[position].weight["discrete"].model_copy(update={"share": "15"})
    nodes[position] = nodes[position].model_copy(update={"weight": nodes[position].weight | {"discrete": moved}})
    other = replace(cmmm, structure=cmmm.structure.model_copy(update={"nodes": tuple(nodes)}))
    red = [case.name for case in maturity_cases(cmmm_folder, cmmm).cases if case_failures(other, case)]
    assert "flat weights, discrete type" in red
    assert "worked example, discrete type" in red
    assert "worked example, process type" not in red
