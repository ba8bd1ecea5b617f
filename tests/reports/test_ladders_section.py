"""The section on other gradings and certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal

import pytest

from factory_kit.assess.stands import standing_on
from factory_kit.load.document import Document
from factory_kit.load.ladder import ladder, ladder_folders
from factory_kit.model.assessment import Certificate
from factory_kit.render.document import Bullets, Section, Table
from factory_kit.reports.assessment import Material, view
from factory_kit.reports.files import html
from factory_kit.shipped import data_dir

ODD = '<b>甲</b> & "乙" {{7*7}} 㵘🏭'
FOLDERS = ladder_folders([data_dir("assessments")])


def with_ladders(material: Material) -> Material:
    """The example with two ladders and three certificates."""
    stands = []
    for name, value in (("sme-digital@2024", "1"), ("siri@2020", "1")):
        found = ladder(FOLDERS[name], name)
        content = {
            "form": 1, "ladder": found.content.ladder, "edition": found.content.edition, "ladder_sha256": found.sha256,
            "answers": {next(iter(found.items)): {"value": value}},
        }  # fmt: skip
        stands.append(standing_on(Document("x", content), found, {}))
    held = (
        Certificate(kind="dcmm", grade="二级", number=ODD, valid_until=date(2027, 1, 1)),
        Certificate(kind="network-security", grade="三级", valid_until=date(2020, 1, 1)),
        Certificate(kind="other", grade="A"),
    )
    assessment = material.scored.assessment.model_copy(update={"certificates": held})
    return replace(material, stands=stands, scored=replace(material.scored, assessment=assessment))


def section(material: Material, language: Literal["zh", "en"]) -> Section:
    """The section of the report of *material*."""
    return next(each for each in view(material, language).sections if each.id == "ladders")


def test_a_report_without_ladders_has_no_such_section(material: Material) -> None:
    """Nothing answered, nothing said."""
    assert "ladders" not in [each.id for each in view(material, "zh").sections]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_condition_has_its_verdict_and_what_is_missing_is_listed(
    material: Material, language: Literal["zh", "en"]
) -> None:
    """Pass, fail and unknown stand apart, the next level's open conditions follow, and a profile shows its items."""
    parts = {part.id: part for part in section(with_ladders(material), language).parts}
    conditions, missing, profile = (
        parts[name] for name in ("table-ladder-sme-digital", "ladder-missing-sme-digital", "table-ladder-siri")
    )

    assert isinstance(conditions, Table)
    assert isinstance(missing, Bullets)
    assert isinstance(profile, Table)
    assert {row.cells[3].text for row in conditions.rows} <= {"通过", "不通过", "未知", "pass", "fail", "unknown"}
    assert {row.cells[3].tone for row in conditions.rows} == {"warn"}
    assert len(missing.items) == 3
    assert len(profile.rows) == 16


@pytest.mark.parametrize("language", ["zh", "en"])
def test_certificates_are_shown_as_the_enterprise_says_them(material: Material, language: Literal["zh", "en"]) -> None:
    """Kind, grade, number and end, each with what the date means; odd names arrive as text."""
    report = view(with_ladders(material), language)
    part = report.part("table-certificates")

    assert isinstance(part, Table)
    assert [row.cells[5].tone for row in part.rows] == ["good", "bad", "warn"]
    assert "<b>甲</b>" not in html(report)
    assert "&lt;b&gt;甲&lt;/b&gt; &amp; " in html(report)
