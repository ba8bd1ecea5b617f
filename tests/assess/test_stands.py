"""Ladders beside an assessment: frozen, sealed, and climbed again from the bundle alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from factory_kit.assess.bundle import open_bundle, parts, rescore, seal_assessment
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.ladders import begin_ladder
from factory_kit.assess.scored import Scored, write_score
from factory_kit.assess.stands import freeze_ladders, stands
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.load.workspace import Workspace
from factory_kit.seal.sealing import seal_files
from factory_kit.shipped import data_dir

Answer = Callable[[Mapping[str, str]], None]
SHIPPED = [data_dir("assessments")]
OPEN = "{no_value: not assessed}"


@pytest.fixture
def climbing(folder: AssessmentFolder, answer: Answer, sources: list[Path]) -> Scored:
    """An assessment with the tiers of smart factories and the district's steps beside it."""
    answer({"PS.1.a": '{value: "1", evidence: [{grade: B, note: 规划}]}'})
    begin_ladder(folder, "district-ladder@2025", SHIPPED)
    tiers = begin_ladder(folder, "smart-factory@2025", SHIPPED)
    text = tiers.read_text(encoding="utf-8")
    text = text.replace(f"G.firm: {OPEN}", 'G.firm: {value: "1", evidence: [{grade: B, note: 执照}]}')
    tiers.write_text(text.replace(f"G.finance: {OPEN}", 'G.finance: {value: "0"}'), encoding="utf-8")
    freeze_ladders(folder, SHIPPED)
    return write_score(folder, sources)


def sealed(scored: Scored, out: Path) -> Path:
    """The bundle of *scored*."""
    seal_assessment(scored, out, {}, "factory-kit test")
    return out


def test_a_plant_stands_where_its_answers_put_it(climbing: Scored) -> None:
    """Each ladder is judged by its own answers, the score of the assessment and the other ladders; unknown is no pass."""
    district, tiers = stands(climbing)

    assert (district.ladder.id, tiers.ladder.id) == ("district-ladder@2025", "smart-factory@2025")
    assert district.levels == {"gbt-39116": 0, "smart-factory": 0}
    assert (tiers.climbed.level, tiers.climbed.at_best) == (0, 0)
    assert {held.state for held in tiers.climbed.rungs[0].held} == {"pass", "fail", "unknown"}


def test_ladders_are_rebuilt_from_the_bundle_alone(climbing: Scored, workspace: Workspace, tmp_path: Path) -> None:
    """With the workspace gone the same bytes of ladders.json come out."""
    out = sealed(climbing, tmp_path / "plant.zip")
    shutil.rmtree(workspace.root)

    found = rescore(out)

    assert (found.same, found.differences) == (True, ())
    assert [stand.ladder.id for stand in found.stands] == ["district-ladder@2025", "smart-factory@2025"]
    assert {"ladders/smart-factory@2025.json", "models/smart-factory/2025/ladder.yaml", "ladders.json"} <= set(
        open_bundle(out).names
    )


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        (
            "ladders/smart-factory@2025.json",
            b'"G.finance":{"value":"0"}',
            b'"G.finance":{"value":"1"}',
            "values.G.finance",
        ),
        (
            "ladders.json",
            b'"ladder":"smart-factory@2025","level":0',
            b'"ladder":"smart-factory@2025","level":3',
            "level: 3",
        ),
    ],
)
def test_a_ladder_made_better_is_found(
    climbing: Scored, tmp_path: Path, name: str, before: bytes, after: bytes, said: str
) -> None:
    """An answer or a level that was raised in a freshly sealed bundle is named."""
    contents = dict(open_bundle(sealed(climbing, tmp_path / "plant.zip")).contents())
    assert before in contents[name]
    files: dict[str, Path | bytes] = {**contents, name: contents[name].replace(before, after)}
    forged = tmp_path / "forged.zip"
    seal_files(files, forged, "assessment-bundle", {}, (), ("enterprise",))

    found = rescore(forged)

    assert not found.same
    assert any(text.startswith("ladders.json.ladders[1]") and said in text for text in found.differences)


def test_a_ladder_taken_out_of_the_bundle_is_found(climbing: Scored, tmp_path: Path) -> None:
    """Without the answers that ladders.json speaks of, the bundle is not what was computed."""
    contents = dict(open_bundle(sealed(climbing, tmp_path / "plant.zip")).contents())
    files: dict[str, Path | bytes] = {name: data for name, data in contents.items() if not name.startswith("ladders/")}
    seal_files(files, tmp_path / "less.zip", "assessment-bundle", {}, (), ("enterprise",))

    assert not rescore(tmp_path / "less.zip").same


def test_answers_to_another_content_of_the_ladder_are_refused(climbing: Scored) -> None:
    """A ladder that changed under its answers is named, and nothing is sealed."""
    frozen = climbing.folder.path / "models" / "smart-factory" / "2025" / "ladder.yaml"
    text = frozen.read_text(encoding="utf-8")
    frozen.write_text(text.replace("{need: level, model: gbt-39116, at_least: 2}", "{need: level, model: gbt-39116, at_least: 1}"), encoding="utf-8")  # fmt: skip

    with pytest.raises(DefinitionError, match="answers another content of smart-factory@2025"):
        parts(climbing)


def test_a_ladder_that_is_not_at_hand_is_named(climbing: Scored) -> None:
    """Answers whose ladder was never frozen say what is missing."""
    shutil.rmtree(climbing.folder.path / "models" / "district-ladder")

    with pytest.raises(
        UsageError, match=r"first/ladders/district-ladder@2025\.yaml: answers a ladder that is not at hand"
    ):
        stands(climbing)
