"""The section on other gradings and certificates."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Literal, get_args

import pytest

from factory_kit.assess.stands import stand_record, standing_on
from factory_kit.collect.findings import Kind
from factory_kit.load.document import Document
from factory_kit.load.ladder import ladder, ladder_folders
from factory_kit.model.assessment import Certificate
from factory_kit.model.definition import Language
from factory_kit.model.evidence import Evidence
from factory_kit.model.securityrecord import SECURITY
from factory_kit.render.document import Bullets, Callout, Section, Table
from factory_kit.reports.assessment import Material, view
from factory_kit.reports.files import html
from factory_kit.reports.wording import wording
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


def stated(material: Material, record: Evidence) -> Material:
    """The example with the security grading answered better than the server of *record* showed."""
    found = ladder(FOLDERS["network-security@2024"], "network-security@2024")
    content = {
        "form": 1, "ladder": "network-security", "edition": "2024", "ladder_sha256": found.sha256,
        "answers": {"protocols.1": {"value": "1"}, "protocols.2": {"value": "0.5"}, "hosts.1": {"value": "1"}},
    }  # fmt: skip
    return replace(material, stands=[standing_on(Document("x", content), found, {}, [record])])


def server_record(material: Material) -> Evidence:
    """What a server without login shows: 0 for the first item, 0.5 for the second, 1 for the third."""
    said = [
        ("protocols.1", "0", ["anonymous_open"]),
        ("protocols.2", "0.5", ["sign_offered"]),
        ("protocols.3", "1", []),
    ]
    statements = [
        {"model": "network-security@2024", "criterion": item, "score": score, "because": because}
        for item, score, because in said
    ]
    one = material.scored.evidence[0]
    used = replace(one.indicator, id=SECURITY)
    return replace(one, indicator=used, subject="server", details={"statements": statements})


@pytest.mark.parametrize(("language", "weak"), [("zh", "允许匿名登录"), ("en", "anybody may log in without a name")])
def test_what_servers_show_stands_beside_the_answers(
    material: Material, language: Literal["zh", "en"], weak: str
) -> None:
    """The security grading shows each item's machine evidence with its record; an answer above it is called out."""
    record = server_record(material)
    parts = {part.id: part for part in section(stated(material, record), language).parts}
    table, callout = parts["table-ladder-network-security"], parts["ladder-contradicted-network-security"]

    assert isinstance(table, Table)
    cells = {row.cells[0].text: row.cells[2] for row in table.rows}
    first, second, *rest = (cell for cell in cells.values() if cell.text)
    assert weak in first.text
    assert record.id[:12] in first.text
    assert (first.tone, second.tone, [cell.tone for cell in rest]) == ("bad", "", [""])
    assert isinstance(callout, Callout)
    assert "OPC UA" in callout.text
    assert callout.tone == "bad"


def test_every_weakness_has_words_in_both_languages() -> None:
    """A kind of weakness that discovery knows is never shown as its code."""
    for language in get_args(Language):
        texts = wording("ladders", language).texts
        assert {f"servers.weakness.{kind}" for kind in get_args(Kind)} <= texts.keys()


def test_a_stand_keeps_what_servers_state(material: Material) -> None:
    """The record of the stand names score, weaknesses and records; without such evidence it is as it always was."""
    record = server_record(material)
    (stand,) = stated(material, record).stands
    found = stand_record(stand)

    assert found["contradicted"] == ["protocols.1"]
    assert found["stated"]["protocols.2"] == {"score": "0.5", "because": ["sign_offered"], "records": [record.id]}  # type: ignore[index]
    assert {"stated", "contradicted"}.isdisjoint(stand_record(replace(stand, stated={})))
