from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_kit.errors import DefinitionError
from factory_kit.load.answers import answers_file
from factory_kit.load.maturity import content_hash, find_model, maturity_cases, maturity_model, model_folders
from factory_kit.model.definition import exact
from factory_kit.shipped import data_dir

SHIPPED = data_dir("assessments") / "models" / "gbt-39116" / "2020"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model that a test may spoil."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "models" / "gbt-39116" / "2020"))


def spoil(path: Path, *pairs: tuple[str, str]) -> None:
    """Replace the first place of each."""
    text = path.read_text(encoding="utf-8")
    for old, new in pairs:
        assert text.count(old) >= 1, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def line_of(path: Path, sign: str) -> int:
    """The first line that holds *sign*."""
    return next(n for n, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if sign in line)


def mistakes(call: Callable[[], object]) -> list[str]:
    """What *call* is refused with, line by line."""
    with pytest.raises(DefinitionError) as caught:
        call()
    return [str(problem) for problem in caught.value.problems]


# ---- content hash


def test_the_hash_of_the_shipped_edition_is_pinned() -> None:
    """Assessments name this hash: a change of it is a change of meaning and needs a new edition or a migration."""
    assert maturity_model(SHIPPED).sha256 == "640f90e89a18f67a3e5795e12fd0ace111b9c02534ebb04507c4f3e5a8282b5a"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("model.yaml", "status: unverified", "status: verified"),
        ("model.yaml", "confidence: B, evidence: [D]", "confidence: A, evidence: [D, S]"),
        ("model.yaml", 'margin: "0.02"', 'margin: "0.03"'),
        ("model.yaml", 'share: "6", confidence: memory', 'share: "6", confidence: verified'),
        ("model.yaml", "shown: {places: 2", "shown: {places: 3"),
        ("model.yaml", 'rev: 1, clause: "7.1"', 'clause: "7.1.1"'),
        ("model.yaml", "# Trimming:", "# About trimming:"),
        ("text.zh.yaml", "licence_note: 标签", "licence_note: 本标签"),
        ("text.en.yaml", "PS.1.a: Written", "PS.1.a: A written"),
    ],
)
def test_what_changes_no_score_changes_no_hash(folder: Path, file: str, old: str, new: str) -> None:
    """Confidence, status, sources, clauses, comments, how numbers are shown, and further languages."""
    before = maturity_model(folder).sha256
    spoil(folder / file, (old, new))
    assert maturity_model(folder).sha256 == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("model.yaml", "id: PS.1.a, node: PS, level: 1, rev: 1", "id: PS.1.a, node: PS, level: 1, rev: 2"),
        ("model.yaml", "id: PS.1.a, node: PS, level: 1", "id: PS.1.a, node: PS, level: 2"),
        ("model.yaml", "empty_cell: renormalise", "empty_cell: full"),
        ("model.yaml", "stop: true", "stop: false"),
        ("model.yaml", 'at_least: "0.8", stop', 'at_least: "0.80", stop'),
        ("model.yaml", 'four: ["0", "0.5"', 'four: ["0", "0.4"'),
        ("model.yaml", "not_applicable: with_reason", "not_applicable: never"),
        ("text.zh.yaml", "PS.1.a: 有书面的", "PS.1.a: 已发布书面的"),
        ("text.zh.yaml", "MP4: 设备管理", "MP4: 装备管理"),
    ],
)
def test_what_changes_a_meaning_changes_the_hash(folder: Path, file: str, old: str, new: str) -> None:
    """A moved row, another rule, another option, another word of the Chinese text."""
    model = maturity_model(folder)
    pairs = [(old, new)]
    if "0.4" in new:
        for language in ("zh", "en"):
            spoil(folder / f"text.{language}.yaml", ('"0.5":', '"0.4":'))
    spoil(folder / file, *pairs)
    assert maturity_model(folder).sha256 != model.sha256


def test_a_weight_written_otherwise_is_another_content() -> None:
    """The text of a number is hashed, not its value: nothing is reread and nothing rounded."""
    model = maturity_model(SHIPPED)
    weights = model.structure.weights.model_copy(update={"total": "100.0"})
    assert exact(weights.total) == exact(model.structure.weights.total)
    assert content_hash(model.structure.model_copy(update={"weights": weights}), model.texts["zh"]) != model.sha256


# ---- mistakes


def test_all_mistakes_of_a_model_are_told_at_once_with_their_lines(folder: Path) -> None:
    """Mistakes of every kind in three files: each is named at its line, in the order of the files."""
    model, zh, en = folder / "model.yaml", folder / "text.zh.yaml", folder / "text.en.yaml"
    spoil(
        model,
        ("parent: production", "parent: prodution"),
        ('process: {share: "4"', 'hybrid: {share: "0"'),
        ("id: PS.1.b, node: PS", "id: PS.1.a, node: PS"),
        ("id: PS.2.a, node: PS, level: 2", "id: PS.2.a, node: people, level: 6"),
        ("options: four, confidence: B, evidence: [I]", "options: five, confidence: B, evidence: [I]"),
        ('four: ["0", "0.5", "0.8", "1"]', 'four: ["0", "0.8", "0.5", "1"]'),
        ('- {at_least: "1.8", level: 2}', '- {at_least: "0.8", level: 2}'),
    )  # fmt: skip
    spoil(zh, ("  PK.1.a:", "  PK.9.a:"))
    spoil(en, ('edition: "2020"', 'edition: "2024"'))
    at = {
        sign: line_of(model, sign)
        for sign in ("four: [", "step: bands", "hybrid", "prodution", "PS.1.a", "options: five")
    }
    again = line_of(zh, "PS.1.b")
    assert mistakes(lambda: maturity_model(folder, "m")) == [
        f"m/model.yaml:{at['four: [']}: options.four: must ascend from 0, each value once",
        f"m/model.yaml:{at['step: bands']}: scoring.steps[2]: bands must ascend and lead to known levels",
        f"m/model.yaml:{at['hybrid']}: nodes[11].weight.hybrid: a share must be above 0; leave a node without weight out",
        f"m/model.yaml:{at['hybrid']}: nodes[11].weight.hybrid: is not one of the types of the model",
        f"m/model.yaml:{at['prodution']}: nodes[25].parent: 'prodution' is no node above this one",
        f"m/model.yaml:{at['PS.1.a'] + 1}: criteria[1].id: 'PS.1.a' is given twice",
        f"m/model.yaml:{at['PS.1.a'] + 2}: criteria[2].level: 6 is none of the levels",
        f"m/model.yaml:{at['PS.1.a'] + 2}: criteria[2].node: 'people' is none of the lowest nodes",
        f"m/model.yaml:{at['options: five']}: criteria[6].options: 'five' is no set of options",
        f"m/text.en.yaml:{line_of(en, 'model: gbt')}: model: speaks of another model, expected gbt-39116 2020",
        f"m/text.en.yaml:{line_of(en, 'PS.1.b')}: criteria.PS.1.b: is not in model.yaml",
        f"m/text.zh.yaml:{line_of(zh, 'criteria:')}: criteria.PK.1.a: is missing",
        f"m/text.zh.yaml:{again}: criteria.PS.1.b: is not in model.yaml",
        f"m/text.zh.yaml:{line_of(zh, 'PK.9.a')}: criteria.PK.9.a: is not in model.yaml",
    ]


def test_siblings_that_do_not_add_up_are_each_named(folder: Path) -> None:
    """The first sibling of every wrong group, with sum and expectation."""
    spoil(folder / "model.yaml", ('process: {share: "23"', 'process: {share: "24"'))
    spoil(folder / "model.yaml", ('discrete: {share: "46"', 'discrete: {share: "47"'))
    line, other = (line_of(folder / "model.yaml", sign) for sign in ("id: data,", "id: MP1,"))
    assert mistakes(lambda: maturity_model(folder, "m")) == [
        f"m/model.yaml:{line}: nodes[6].weight.discrete: the shares of this node and its siblings add up to 101, expected 100",
        f"m/model.yaml:{other}: nodes[25].weight.process: the shares of this node and its siblings add up to 101, expected 100",
    ]


def test_every_letter_that_rows_use_has_its_words(folder: Path) -> None:
    """A report never shows a bare T or C."""
    text = folder / "text.en.yaml"
    spoil(text, ("{T: machine data, ", "{"), ("  C: from memory, unsure", "  # "))
    assert mistakes(lambda: maturity_model(folder, "m")) == [
        f"m/text.en.yaml:{line_of(text, 'confidences:')}: confidences.C: is missing",
        f"m/text.en.yaml:{line_of(text, 'evidence:')}: evidence.T: is missing",
    ]


def test_an_unknown_step_is_refused_with_those_there_are(folder: Path) -> None:
    """The vocabulary is fixed: there is no place for a formula."""
    spoil(folder / "model.yaml", ("step: gate", "step: formula"))
    (mistake,) = mistakes(lambda: maturity_model(folder, "m"))
    assert "'weighted_mean', 'gate', 'bands'" in mistake


def test_steps_in_another_order_are_refused(folder: Path) -> None:
    """Engine 1 knows one order."""
    spoil(folder / "model.yaml", ("    - {step: weighted_mean, empty_cell: renormalise}\n", ""))
    (mistake,) = mistakes(lambda: maturity_model(folder, "m"))
    assert "engine 1 expects the steps weighted_mean, gate, bands" in mistake


def test_a_missing_text_file_is_one_line(folder: Path) -> None:
    """Both languages belong to a model."""
    (folder / "text.en.yaml").unlink()
    assert mistakes(lambda: maturity_model(folder, "m")) == ["m/text.en.yaml: does not exist; check the path"]


def test_a_model_stands_in_a_folder_of_its_name(folder: Path) -> None:
    """So that model@edition finds it."""
    moved = folder.rename(folder.parent / "2024")
    (mistake,) = mistakes(lambda: maturity_model(moved, "m"))
    assert "must stand in a folder gbt-39116/2020" in mistake


def test_checks_verify_rows_without_changing_the_hash(folder: Path) -> None:
    """checks.yaml says what was compared with the standard, by whom, when."""
    before = maturity_model(folder)
    (folder / "checks.yaml").write_text(
        'form: 1\nmodel: gbt-39116\nedition: "2020"\nchecks:\n'
        "  - {what: [PS.1.a, weights], against: GB/T 39116-2020, by: 张工, on: 2026-10-01}\n",
        encoding="utf-8",
    )
    after = maturity_model(folder)
    assert after.sha256 == before.sha256
    assert after.verified == {"PS.1.a", "weights"}
    assert after.confidence_counts() == {"verified": 1, "A": 79, "B": 120, "C": 16}


def test_a_check_of_something_else_is_refused(folder: Path) -> None:
    """A mistyped id would verify nothing without a word."""
    (folder / "checks.yaml").write_text(
        'form: 1\nmodel: gbt-39116\nedition: "2020"\nchecks:\n'
        "  - {what: [PS.1.z], against: GB/T 39116-2020, by: 张工, on: 2026-10-01}\n",
        encoding="utf-8",
    )
    assert mistakes(lambda: maturity_model(folder, "m")) == [
        "m/checks.yaml:5: checks[0].what[0]: 'PS.1.z' is no criterion of the model"
    ]


def test_cases_about_something_else_are_refused(folder: Path) -> None:
    """A worked example that names a node the model does not have would test nothing."""
    spoil(folder / "cases.yaml", ("      PK: [2, 3", "      PX: [2, 3"))
    model = maturity_model(folder)
    (mistake,) = mistakes(lambda: maturity_cases(folder, model, "m"))
    line = line_of(folder / "cases.yaml", "PX")
    assert mistake == f"m/cases.yaml:{line}: cases[0].counts.PX: is neither node nor criterion of the model"


def test_the_first_folder_that_has_an_edition_wins(folder: Path) -> None:
    """A workspace may hold its own copy of a model."""
    workspace = folder.parent.parent.parent
    assert find_model("gbt-39116", "2020", [workspace, data_dir("assessments")]) == folder
    assert find_model("gbt-39116", "2020", [data_dir("assessments")]) == SHIPPED
    assert find_model("gbt-39116", "1999", [workspace]) is None
    assert "gbt-39116@2020" in model_folders([data_dir("assessments")])


# ---- answers

HEAD = """\
form: 1
model: gbt-39116
edition: "2020"
model_sha256: '{sha256}'
kind: demo
type: discrete
assessor: 张工
"""


def answers_text(tmp_path: Path, rest: str, **changes: str) -> Path:
    """A file of answers to the shipped model."""
    head = HEAD.format(sha256=changes.pop("sha256", maturity_model(SHIPPED).sha256))
    for old, new in changes.items():
        head = head.replace(old.replace("_", "-"), new)
    path = tmp_path / "answers.yaml"
    path.write_text(head + rest, encoding="utf-8")
    return path


def test_answers_are_held_against_their_model(tmp_path: Path) -> None:
    """Values, kinds of no value, proposals, trimming and evidence come out as written."""
    rest = """\
trimming:
  - {node: MV2, reason: 只做零件, agreed_by: 李工}
answers:
  PS.1.a: {value: "0.8", evidence: [{grade: B, note: 规划文件, received: 2026-09-10}]}
  PS.1.b: {no_value: unknown}
  TD.3.a: {decision: accept-machine, remark: 见设备数据}
"""
    path = answers_text(tmp_path, rest)
    answers = answers_file(path, maturity_model(SHIPPED))
    assert {code: answer.value for code, answer in answers.answers.items()} == {
        "PS.1.a": "0.8",
        "PS.1.b": None,
        "TD.3.a": None,
    }
    assert answers.answers["PS.1.a"].grade == "B"
    assert answers.answers["TD.3.a"].decision == "accept-machine"
    assert answers.trimming[0].node == "MV2"


def test_all_mistakes_of_answers_are_told_at_once(tmp_path: Path) -> None:
    """A value that is not allowed, an unknown criterion, and a node that must not be trimmed, each at its line."""
    path = answers_text(
        tmp_path,
        "trimming:\n  - {node: MP4, reason: x, agreed_by: y}\n  - {node: ZZ, reason: x, agreed_by: y}\n"
        'answers:\n  PS.1.a: {value: "0.7"}\n  PS.9.z: {value: "1"}\n',
    )
    assert mistakes(lambda: answers_file(path, maturity_model(SHIPPED), "a.yaml")) == [
        "a.yaml:9: trimming[0].node: MP4 must not be trimmed; assess it, what is not met counts as not met",
        "a.yaml:10: trimming[1].node: 'ZZ' is no node of the model for this plant type",
        "a.yaml:12: answers.PS.1.a.value: 0.7 is not allowed, expected one of 0, 0.5, 0.8, 1",
        "a.yaml:13: answers.PS.9.z: 'PS.9.z' is no criterion of the model",
    ]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ("{value: 1}", "1 is not a text; put it in quotation marks"),
        ("{value: .nan}", "nan is not a text"),
        ("{value: no}", "'no' is not an exact number"),
        ('{value: "1", valeu: "1"}', "answers.PS.1.a.valeu: is not a known key (value?)"),
        ("{no_value: n/a}", "'n/a' is not one of 'not applicable', 'unknown', 'not assessed' or 'inconclusive'"),
        ("{no_value: not applicable}", "need a reason"),
        ('{value: "1", evidence: [{grade: E, note: x}]}', "'E' is not one of 'A', 'B', 'C' or 'D'"),
        ('{value: "1", evidence: [{grade: B, note: x, received: 2026-02-30}]}', "2026-02-30' is not a date"),
    ],
)
def test_a_wrong_answer_is_told_in_words(tmp_path: Path, answer: str, said: str) -> None:
    """One line with file, line and path; no traceback, nothing guessed."""
    path = answers_text(tmp_path, f"answers:\n  PS.1.a: {answer}\n")
    (mistake,) = mistakes(lambda: answers_file(path, maturity_model(SHIPPED), "a.yaml"))
    assert mistake.startswith("a.yaml:9: answers.PS.1.a")
    assert said in mistake


def test_answers_to_another_model_are_refused(tmp_path: Path) -> None:
    """Another edition is one line, not two hundred unknown criteria."""
    path = answers_text(tmp_path, 'answers:\n  XX.1: {value: "1"}\n', **{'"2020"': '"2024"'})
    assert mistakes(lambda: answers_file(path, maturity_model(SHIPPED), "a.yaml")) == [
        "a.yaml:2: model: answers another model, expected gbt-39116@2020"
    ]


def test_answers_to_another_content_are_refused(tmp_path: Path) -> None:
    """The hash says which words were answered; a changed model asks for a migration."""
    path = answers_text(tmp_path, 'answers:\n  PS.1.a: {value: "1"}\n', sha256="0" * 64)
    (mistake,) = mistakes(lambda: answers_file(path, maturity_model(SHIPPED), "a.yaml"))
    assert mistake.startswith("a.yaml:4: model_sha256: answers another content of gbt-39116@2020")
