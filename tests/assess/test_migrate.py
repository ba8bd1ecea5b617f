"""Answers carried over to another model edition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

import pytest

from factory_kit.assess.begin import Wish, begin
from factory_kit.assess.decide import settle
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.migrate import migrate
from factory_kit.assess.scored import read_scored, write_score
from factory_kit.errors import DefinitionError, UsageError
from factory_kit.load.crosswalk import crosswalk, crosswalk_files
from factory_kit.load.ladder import ladder, ladder_folders
from factory_kit.load.maturity import maturity_model, model_folders
from factory_kit.load.workspace import Workspace
from factory_kit.shipped import data_dir

ROW = "  - {{id: {id}, node: N, level: 1, options: {options}, confidence: A, evidence: [D]}}\n"
MODEL = """\
form: 1
model: small
edition: "{edition}"
status: verified
sources: [{{title: made for this test, confidence: own}}]
types: [discrete]
levels: [1]
options: {{yes: ["0", "1"], four: ["0", "0.5", "0.8", "1"]}}
weights: {{status: verified, total: "1"}}
scoring:
  engine: 1
  status: verified
  steps:
    - {{step: weighted_mean, empty_cell: renormalise}}
    - {{step: gate, at_least: "0.8", stop: true}}
    - {{step: bands, bands: [{{at_least: "0.8", level: 1}}]}}
nodes: [{{id: N, kind: domain, weight: {{discrete: {{share: "1", confidence: own}}}}}}]
criteria:
{rows}"""
TEXT = """\
form: 1
text: {language}
model: small
edition: "{edition}"
title: 小
standard: 无
licence_note: 自拟
types: {{discrete: 离散}}
levels: {{0: {{mark: 零, name: 无}}, 1: {{mark: 一, name: 甲}}}}
confidences: {{A: 确定}}
evidence: {{D: 文件}}
options: {{yes: {{"0": 否, "1": 是}}, four: {{"0": 无, "0.5": 半, "0.8": 多, "1": 全}}}}
nodes: {{N: 全部}}
criteria: {{{labels}}}
"""
OLD = {"A": "four", "B": "four", "C1": "four", "C2": "four", "D": "four", "E": "four", "F": "four"}
NEW = {"A": "four", "B1": "four", "B2": "four", "C": "four", "E": "four", "F": "yes", "G": "yes"}
WAY = """\
form: 1
purpose: migration
before: {model: small, edition: "1"}
after: {model: small, edition: "2"}
source: {title: made for this test, confidence: own}
rows:
  - {before: [A], after: [A], kind: same, reason: unchanged}
  - {before: [B], after: [B1, B2], kind: split, reason: two things were one}
  - {before: [C1, C2], after: [C], kind: merged, reason: one thing was two}
  - {before: [D], kind: dropped, reason: nobody asks any more}
  - {before: [E], after: [E], kind: changed, reason: yearly became monthly}
  - {before: [F], after: [F], kind: same, reason: unchanged but for the scale}
  - {after: [G], kind: new, reason: added}
"""


def edition(root: Path, number: str, criteria: Mapping[str, str]) -> None:
    """A model edition in the workspace *root*."""
    place = root / "assessments" / "models" / "small" / number
    place.mkdir(parents=True)
    rows = "".join(ROW.format(id=code, options=options) for code, options in criteria.items())
    (place / "model.yaml").write_text(MODEL.format(edition=number, rows=rows), encoding="utf-8")
    labels = ", ".join(f"{code}: 要求{code}" for code in criteria)
    for language in ("zh", "en"):
        text = TEXT.format(language=language, edition=number, labels=labels)
        (place / f"text.{language}.yaml").write_text(text, encoding="utf-8")


@pytest.fixture
def way(workspace: Workspace) -> Path:
    """Two editions and the crosswalk between them."""
    edition(workspace.root, "1", OLD)
    edition(workspace.root, "2", NEW)
    file = workspace.root / "assessments" / "crosswalks" / "small@1__small@2.yaml"
    file.parent.mkdir()
    file.write_text(WAY, encoding="utf-8")
    return file


@pytest.fixture
def old(workspace: Workspace, way: Path) -> AssessmentFolder:
    """An assessment by the old edition, with a decision."""
    assert way.is_file()
    made = begin(workspace, Wish("old", "small@1", (date(2026, 9, 1), date(2026, 9, 30)), assessor="李工"), "0" * 16)
    said = {
        "A": '{value: "1", evidence: [{grade: B, note: 台账}]}', "B": '{value: "0.5"}', "C1": '{value: "0.8"}',
        "C2": '{value: "1"}', "D": '{value: "1"}', "E": '{value: "1"}', "F": '{value: "0.8"}',
    }  # fmt: skip
    text = made.answers_file.read_text(encoding="utf-8")
    for code, answer in said.items():
        text = text.replace(f"  {code}: {{no_value: not assessed}}", f"  {code}: {answer}")
    made.answers_file.write_text(text, encoding="utf-8")
    settle(made, "C1", "0.5", "王工", "复核", 1_790_000_000_000_000)
    write_score(made, [])
    return made


def test_every_answer_has_its_fate(workspace: Workspace, old: AssessmentFolder) -> None:
    """Same and merged carry over, the lowest counting; split, changed and what the new scale refuses are asked again."""
    before = {path: path.read_bytes() for path in old.path.rglob("*") if path.is_file()}

    done = migrate(workspace, "old", "small@2", "new", "1" * 16)
    answers = read_scored(done.folder).answers.answers

    assert {each.criterion: each.how for each in done.fates} == {
        "A": "carried", "B1": "confirm", "B2": "confirm", "C": "carried", "E": "confirm", "F": "confirm", "G": "ask",
    }  # fmt: skip
    assert done.dropped == ("D",)
    assert (answers["A"].value, answers["C"].value) == ("1", "0.5")
    assert answers["A"].evidence[0].note == "台账"
    assert {answers[code].no_value for code in ("B1", "B2", "E", "F", "G")} == {"not assessed"}
    assert "E: 1" in answers["E"].remark
    assert "yearly became monthly" in answers["E"].remark
    assert {path: path.read_bytes() for path in old.path.rglob("*") if path.is_file()} == before


def test_one_edition_is_moved_to_by_ids_and_revisions(workspace: Workspace, old: AssessmentFolder) -> None:
    """Where the content of an edition changed, what has the same id and rev carries over, and a new rev is asked again."""
    model = workspace.root / "assessments" / "models" / "small" / "1" / "model.yaml"
    text = model.read_text(encoding="utf-8")
    model.write_text(text.replace("{id: E, node: N,", "{id: E, rev: 2, node: N,"), encoding="utf-8")

    done = migrate(workspace, old.path.name, "small@1", "again", "1" * 16)

    assert {each.criterion for each in done.fates if each.how == "confirm"} == {"E"}
    assert read_scored(done.folder).answers.answers["C1"].value == "0.5"


def test_without_a_way_nothing_is_made(workspace: Workspace, old: AssessmentFolder) -> None:
    """Editions that no crosswalk joins are named, and no draft is begun."""
    with pytest.raises(UsageError, match="there is no migration from small@1 to gbt-39116@2020"):
        migrate(workspace, old.path.name, "gbt-39116@2020", "new", "1" * 16)
    assert not workspace.assessment_folder("new").exists()


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("  - {before: [D], kind: dropped, reason: nobody asks any more}\n", "", "no row says what becomes of D"),
        ("after: [G], kind: new", "after: [A], kind: new", "'A' stands in 2 rows"),
        ("after: [G], kind: new", "after: [H], kind: new", "'H' is no requirement of that side"),
        ("before: [D], kind: dropped", "before: [D], kind: new", "a row of kind new has other ends"),
        ("kind: changed", "kind: related", "rows of kind related stand in views"),
        (
            'after: {model: small, edition: "2"}',
            'after: {model: small, edition: "3"}',
            "must be called small@1__small@3",
        ),
    ],
)
def test_a_wrong_crosswalk_is_refused(way: Path, before: str, after: str, said: str) -> None:
    """Every requirement of both sides stands in exactly one row, and each row has the ends of its kind."""
    assert before in WAY
    way.write_text(WAY.replace(before, after), encoding="utf-8")

    with pytest.raises(DefinitionError, match=said):
        crosswalk(way, OLD, NEW)


def sides() -> Callable[[str], set[str]]:
    """The ids that a crosswalk may name, by ``model@edition``."""
    folders = [data_dir("assessments")]
    found: dict[str, set[str]] = {}
    for name, place in model_folders(folders).items():
        model = maturity_model(place)
        found[name] = {*model.criteria, *model.nodes}
    for name, place in ladder_folders(folders).items():
        found[name] = {*ladder(place, name).items}
    return lambda name: found[name]


def test_every_shipped_crosswalk_fits_its_two_sides() -> None:
    """Each names only what its sides have."""
    known = sides()
    files = crosswalk_files([data_dir("assessments")])

    assert {"gbt-39116@2020__siri@2020", "sme-digital@2022__sme-digital@2024"} <= files.keys()
    for name, file in files.items():
        before, after = name.split("__")
        assert crosswalk(file, known(before), known(after)).purpose in {"view", "migration"}
