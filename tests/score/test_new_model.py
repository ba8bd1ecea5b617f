from __future__ import annotations

from fractions import Fraction
from pathlib import Path

from factory_kit.load.maturity import maturity_cases, maturity_model
from factory_kit.score import Value, case_failures, score

FILES = {
    "model.yaml": """\
form: 1
model: data-readiness
edition: "1"
status: verified
sources: [{title: made for this test, confidence: own}]
types: [any]
levels: [1, 2, 3]
options: {yes: ["0", "1"], scale: ["0", "1/3", "2/3", "1"]}
not_applicable: never
weights: {status: verified, total: "1"}
scoring:
  engine: 1
  status: verified
  steps:
    - {step: weighted_mean, empty_cell: full}
    - {step: gate, at_least: "2/3", stop: true}
    - {step: bands, bands: [{at_least: "2/3", level: 1}, {at_least: "5/3", level: 2}, {at_least: "8/3", level: 3}]}
nodes:
  - {id: MACHINES, kind: dimension, weight: {any: {share: "1/3", confidence: own}}}
  - {id: PEOPLE, kind: dimension, weight: {any: {share: "2/3", confidence: own}}}
criteria:
  - {id: M1, node: MACHINES, level: 1, options: scale, confidence: A, evidence: [T]}
  - {id: M2, node: MACHINES, level: 2, options: yes, confidence: A, evidence: [T]}
  - {id: P1, node: PEOPLE, level: 1, options: yes, confidence: A, evidence: [I]}
  - {id: P3, node: PEOPLE, level: 3, options: yes, confidence: A, evidence: [I]}
""",
    "text.zh.yaml": """\
form: 1
text: zh
model: data-readiness
edition: "1"
title: 数据就绪度
standard: 本测试
licence_note: 自拟
types: {any: 任意}
levels: {0: {mark: 零级, name: 无}, 1: {mark: 一级, name: 甲}, 2: {mark: 二级, name: 乙}, 3: {mark: 三级, name: 丙}}
confidences: {A: 确定}
evidence: {T: 设备数据, I: 访谈}
options: {yes: {"0": 否, "1": 是}, scale: {"0": 无, "1/3": 少, "2/3": 多, "1": 全}}
nodes: {MACHINES: 设备, PEOPLE: 人员}
criteria: {M1: 已联网, M2: 有时间戳, P1: 有专人, P3: 会分析}
""",
    "cases.yaml": """\
form: 1
model: data-readiness
edition: "1"
cases:
  - case: answers
    name: two thirds exactly
    source: by hand
    type: any
    all: "0"
    answers: {P1: "1"}
    expect: {levels: {1: "2/3", 2: "2/3", 3: "1/3"}, total: "7/3", level: 2}
""",
}


def test_a_new_model_needs_no_python(tmp_path: Path) -> None:
    """Other levels, weights in thirds, two sets of options, no plant types to speak of: files alone make a model."""
    folder = tmp_path / "data-readiness" / "1"
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    english = FILES["text.zh.yaml"].replace("text: zh", "text: en")
    (folder / "text.en.yaml").write_text(english, encoding="utf-8")
    model = maturity_model(folder)
    assert [failure for case in maturity_cases(folder, model).cases for failure in case_failures(model, case)] == []
    found = score(model, "any", {"M1": Value(Fraction(1, 3), "B"), "P1": Value(Fraction(1), "B")})
    assert found.outcome.levels[0].value == Fraction(7, 9)
    assert found.level == 2
    assert model.status == "verified"
