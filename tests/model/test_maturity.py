from __future__ import annotations

import re
from dataclasses import replace

import pytest
from pydantic import ValidationError

from factory_kit.load.maturity import maturity_model
from factory_kit.model.answers import Answer, EvidenceItem, NoValueKind, NoValueWord, Period
from factory_kit.model.maturity import Check
from factory_kit.shipped import data_dir

CMMM = maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")


def test_the_tree_is_that_of_the_standard() -> None:
    """4 elements, 12 domains, 20 subdomains, 216 requirements."""
    kinds = [node.kind for node in CMMM.structure.nodes]
    assert {kind: kinds.count(kind) for kind in kinds} == {"element": 4, "domain": 12, "subdomain": 20}
    assert len(CMMM.criteria) == 216


def test_rows_are_counted_by_how_sure_they_are() -> None:
    """The report states the share of rows by confidence; nobody verified any yet."""
    assert CMMM.confidence_counts() == {"verified": 0, "A": 79, "B": 121, "C": 16}
    assert CMMM.status == "unverified"


def test_forty_nine_rows_can_be_measured() -> None:
    """Rows with machine data as best evidence."""
    assert sum("T" in row.evidence for row in CMMM.structure.criteria) == 49


def test_labels_are_short_and_our_own() -> None:
    """Chinese labels have at most 40 signs, English ones 90, without full stop; no two in one subdomain are alike."""
    for language, limit in (("zh", 40), ("en", 90)):
        labels = CMMM.texts[language].criteria  # type: ignore[index]
        assert [code for code, label in labels.items() if len(label) > limit or label.endswith(("。", "."))] == []
        rows = [(code.split(".")[0], label) for code, label in labels.items()]
        assert len(set(rows)) == len(rows)


def test_chinese_labels_are_chinese_and_english_ones_are_not() -> None:
    """No label was left in the other language."""
    han = re.compile(r"[\u4e00-\u9fff]")
    assert all(han.search(label) for label in CMMM.texts["zh"].criteria.values())
    assert not any(han.search(label) for label in CMMM.texts["en"].criteria.values())


def test_an_id_says_where_it_stands() -> None:
    """The parts of an id are its node, level and item, so that nobody moves a row without a new id."""
    for code, row in CMMM.criteria.items():
        assert code == f"{row.node}.{row.level}.{row.item.removesuffix(')')}"


def test_a_requirement_is_cited_with_clause_node_level_and_item() -> None:
    """As an assessor writes it, in both languages."""
    assert CMMM.citation("MP4.3.a", "zh") == "GB/T 39116-2020，7.4，设备管理，三级，a)"
    assert CMMM.citation("MP4.3.a", "en") == "GB/T 39116-2020, 7.4, Equipment management, Level 3, a)"


def test_labels_fall_back_to_the_id() -> None:
    """A node, a criterion, and something the model does not know."""
    assert [CMMM.label(code, "zh") for code in ("MP4", "MP4.3.b", "XX")] == [
        "设备管理",
        "依据关键运行参数计算设备综合效率（OEE）",
        "XX",
    ]


def test_a_model_is_verified_when_rows_weights_and_rules_are() -> None:
    """Checks name rows, weights and scoring; one missing and the model stays unverified."""
    every = Check(what=(*CMMM.criteria, "weights"), against="GB/T 39116-2020", by="somebody", on="2026-10-01")  # type: ignore[arg-type]
    rules = every.model_copy(update={"what": ("scoring",)})
    assert replace(CMMM, checks=(every,)).status == "unverified"
    assert replace(CMMM, checks=(every, rules)).status == "verified"
    assert replace(CMMM, checks=(every,)).confidence_counts() == {"verified": 216, "A": 0, "B": 0, "C": 0}


# ---- answers


def test_the_words_of_the_file_are_the_kinds_of_no_value() -> None:
    """What people write and what code uses do not drift apart."""
    assert {kind.value for kind in NoValueKind} == set(NoValueWord.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({}, "give either value or no_value"),
        ({"value": "1", "no_value": "unknown"}, "give either value or no_value"),
        ({"value": "1", "decision": "accept-machine"}, "accept-machine takes the proposed value"),
        ({"no_value": "not applicable"}, "need a reason"),
        ({"value": "1", "decision": "override-machine"}, "need a reason"),
        ({"value": "nan"}, "is not an exact number"),
        ({"value": "inf"}, "is not an exact number"),
        ({"value": 1.0}, "valid string"),
        ({"value": "1", "note": "x"}, "Extra inputs"),
    ],
)
def test_an_answer_is_one_of_three(content: dict[str, object], said: str) -> None:
    """A value, no value with its kind, or the acceptance of a proposal: everything else is refused."""
    with pytest.raises(ValidationError, match=said):
        Answer.model_validate(content)


def test_the_best_evidence_grades_an_answer() -> None:
    """Several pieces: the best counts; none: it is declared only."""
    pieces = tuple(EvidenceItem(grade=grade, note="x") for grade in ("D", "B", "C"))  # type: ignore[arg-type]
    assert Answer(value="1", evidence=pieces).grade == "B"
    assert Answer(value="1").grade == "D"


def test_machine_evidence_is_named_by_its_hash() -> None:
    """Grade A without the sha256 of a record is a claim, not a record."""
    with pytest.raises(ValidationError, match="grade A needs the sha256"):
        EvidenceItem(grade="A", note="OEE")
    assert EvidenceItem(grade="A", note="OEE", sha256="0" * 64).grade == "A"


def test_a_period_does_not_end_before_it_starts() -> None:
    """Both days belong to it, so one day is a period."""
    assert Period.model_validate({"start": "2026-09-01", "end": "2026-09-01"}).start.day == 1
    with pytest.raises(ValidationError, match="end lies before start"):
        Period.model_validate({"start": "2026-09-02", "end": "2026-09-01"})
