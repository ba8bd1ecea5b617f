"""The assessment report: what each page says, in both languages, from real scores."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from factory_kit.i18n import Language
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.answers import Answer, EvidenceItem, Trim
from factory_kit.model.definition import Text
from factory_kit.render.charts import Radar, Timeline
from factory_kit.render.document import Bullets, Figure, Table
from factory_kit.reports.assessment import AssessmentReport, Material, view
from factory_kit.reports.assessment.machine import ticks
from factory_kit.reports.files import html

ODD = '<img src=x onerror=alert(1)> & "机床" {{7*7}} {0} 🏭 㵘'
LANGUAGES = pytest.mark.parametrize("language", ["zh", "en"])


@pytest.fixture(scope="module")
def example(request: pytest.FixtureRequest) -> Any:
    """The module that builds examples."""
    return request.config.pluginmanager.get_plugin(str(request.path.parent / "conftest.py"))


@pytest.fixture(scope="module")
def chinese(material: Material) -> AssessmentReport:
    """The example in Chinese."""
    return view(material, "zh")


def table(report: AssessmentReport, name: str) -> Table:
    """The table *name* of *report*."""
    part = report.part(name)
    assert isinstance(part, Table)
    return part


def texts(part: Table) -> list[list[str]]:
    """The texts of the rows of a table, without group rows."""
    return [[cell.text for cell in row.cells] for row in part.rows if row.kind != "group"]


def test_page_one_says_level_and_why(chinese: AssessmentReport) -> None:
    """Level, total, floor and one sentence with the figures of the score."""
    cover = chinese.cover

    assert (cover.level, cover.name, cover.total) == ("二级", "规范级", "2.52")
    assert (
        cover.why
        == "一级、二级均达到 0.8 的满足线，其中二级得 0.88；三级得 0.52，未达到 0.8，56 项要求中有 49 项尚未全部满足。"
    )
    assert cover.floor == "一级 · 1.73"
    assert [rung.reached for rung in cover.ladder] == [True, True, False, False, False]


def test_page_one_names_the_weakest_domains_and_the_first_steps(chinese: AssessmentReport, material: Material) -> None:
    """Lowest scores at the level that comes next, and the requirements with the largest gains."""
    cover, score = chinese.cover, material.scored.score

    assert [weak.label for weak in cover.weak] == ["销售", "装备", "集成"]
    assert [step.remark for step in cover.first_steps] == [gain.criterion for gain in score.gains[:3]]
    assert "三级得分 +" in cover.first_steps[0].text


def test_what_limits_the_result_stands_on_page_one(chinese: AssessmentReport) -> None:
    """Demonstration, simulated data, an unverified model and declared answers are all said."""
    assert chinese.cover.tags == ("现场评估", "演示", "模拟数据", "模型未核对")
    assert [notice.id for notice in chinese.cover.notices] == ["notice-demo", "notice-unverified", "notice-declared"]
    assert "216 / 216" in chinese.cover.notices[1].text
    assert sum(share.count for share in chinese.cover.confidence) == 216


def test_open_answers_make_the_result_provisional(example: Any) -> None:
    """A plant with unanswered requirements gets a notice that says how far the level could rise."""
    answers = example.seeded_answers(example.shipped_model())
    scored = example.example_scored({key: answer for key, answer in answers.items() if key[:2] != "MS"}, evidence=())

    report = view(example.example_material(scored=scored), "en")

    assert "notice-provisional" in [notice.id for notice in report.cover.notices]
    assert report.cover.grades[-1].label == "no answer"
    assert report.cover.grades[-1].count == 10


def test_a_plant_below_level_one_and_a_perfect_one_have_reports(example: Any) -> None:
    """Nothing met, and everything met: both pages can be written and say so."""
    model = example.shipped_model()
    seen = (EvidenceItem(grade="B", note="x"),)
    reports = [
        view(example.example_material(scored=example.example_scored({c: Answer(value=value, evidence=seen) for c in model.criteria}, evidence=())), "en")
        for value in ("0", "1")
    ]  # fmt: skip

    assert [report.cover.total for report in reports] == ["0.00", "5.00"]
    assert reports[0].cover.why == "Level 1 scores 0.00, below 0.8: 36 of its 36 requirements are not fully met."
    assert reports[1].cover.first_steps == ()
    assert texts(table(reports[1], "table-gaps")) == []
    assert [len(html(report)) > 10_000 for report in reports] == [True, True]


def test_levels_stand_against_the_threshold(chinese: AssessmentReport, material: Material) -> None:
    """One row per level with verdict and what it adds, and the sum below."""
    rows = texts(table(chinese, "table-levels"))

    assert [row[2] for row in rows] == ["满足", "满足", "未满足", "不计分", "不计分", "二级 规范级"]
    assert [row[5] for row in rows] == ["1.00", "1.00", "0.52", "0.00", "0.00", "2.52"]
    assert (
        sum((level.adds for level in material.scored.score.outcome.levels), Fraction(0)) == material.scored.score.total
    )


def test_the_radar_shows_the_level_reached_and_the_next(chinese: AssessmentReport) -> None:
    """Twelve domains, two lines, the threshold as a ring."""
    part = chinese.part("figure-radar")

    assert isinstance(part, Figure)
    assert isinstance(part.chart, Radar)
    assert len(part.chart.axes) == 12
    assert [series.label for series in part.chart.series] == ["二级 规范级", "三级 集成级"]
    assert part.chart.threshold == 0.8


def test_every_gap_up_to_the_next_level_is_listed(chinese: AssessmentReport, material: Material) -> None:
    """All requirements not fully met up to the first unsatisfied level, each under its subdomain."""
    score = material.scored.score
    expected = sum(count.held_back for count in score.counts if count.level <= (score.outcome.stopped_at or 5))

    assert len(texts(table(chinese, "table-gaps"))) == expected
    assert sum(row.kind == "group" for row in table(chinese, "table-gaps").rows) > 10


def test_the_shortest_way_ends_at_the_threshold(chinese: AssessmentReport) -> None:
    """The running score of the last step has reached what the level takes, the one before has not."""
    reached = [row[-1] for row in texts(table(chinese, "table-way"))]

    assert reached[-2] < "0.80" <= reached[-1]


def test_machine_evidence_shows_what_was_proposed_and_decided(chinese: AssessmentReport) -> None:
    """The machine's value stays beside the decision, with bounds, coverage and the record's id."""
    part = table(chinese, "table-evidence")
    keys = [column.key for column in part.columns]
    connected = next(
        dict(zip(keys, row, strict=True)) for row in texts(part) if "RE.2.b" in row[keys.index("proposed")]
    )

    assert connected["value"] == "80.0%"
    assert connected["proposed"] == "RE.2.b：0.8；RN.2.a：0.8"
    assert connected["decided"] == "RE.2.b：0.8；RN.2.a：1"
    assert re.fullmatch("[0-9a-f]{12}", connected["id"])
    assert part.caption == "机器证据记录（2026年9月1日 – 2026年9月3日）"


def test_inconclusive_evidence_says_why_and_shows_no_value(chinese: AssessmentReport) -> None:
    """A machine whose ideal cycle is wrong has factors but no OEE."""
    row = next(row for row in texts(table(chinese, "table-oee")) if row[0] == "4 号车削中心")

    assert row[4] == "—"
    assert row[7] != ""
    assert row[1].endswith("%")


def test_oee_factors_multiply_to_the_figure_of_the_record(chinese: AssessmentReport, material: Material) -> None:
    """Availability × effectiveness × quality, as shown, is the OEE of the record within rounding."""
    for row in texts(table(chinese, "table-oee")):
        if row[4] != "—":
            product = Fraction(1)
            for share in row[1:4]:
                product *= Fraction(share.removesuffix("%")) / 100
            assert abs(product - Fraction(row[4].removesuffix("%")) / 100) < Fraction(2, 1000)
    assert any(record.indicator.id == "oee" for record in material.scored.evidence)


def test_the_quality_of_the_plant_weighs_pieces_by_their_cycle(chinese: AssessmentReport, material: Material) -> None:
    """So that its three factors make its OEE; by pieces alone fast machines would count too much."""
    figures: Any = next(
        record.details["figures"]
        for record in material.scored.evidence
        if (record.indicator.id, record.subject) == ("oee", "plant")
    )
    (shown,) = (row[3] for row in texts(table(chinese, "table-oee")) if row[0] == "全厂")
    by_time, by_pieces = (
        Fraction(figures[good]) / Fraction(figures[total])
        for good, total in (("ideal_good_s", "ideal_total_s"), ("good", "total"))
    )

    assert shown == f"{float(by_time):.1%}" != f"{float(by_pieces):.1%}"


def test_the_day_is_shown_and_told(chinese: AssessmentReport) -> None:
    """Each machine has a lane, and a row of shares that add up to the whole day."""
    figure = chinese.part("figure-states")

    assert isinstance(figure, Figure)
    assert isinstance(figure.chart, Timeline)
    assert figure.caption == "设备状态时间线（2026年9月3日）"
    assert [text for _, text in figure.chart.ticks] == [f"{hour:02}:00" for hour in range(0, 25, 2)]
    for row in texts(table(chinese, "table-states")):
        assert abs(sum(Fraction(share[:-1]) for share in row[1:] if share != "—") - 100) < Fraction(4, 10)


def test_a_long_ledger_shows_key_equipment_and_says_what_is_left(example: Any) -> None:
    """Of sixty machines the picture shows two dozen, the key ones among them, and the table all."""
    site = example.demo_site()
    machines = [site.equipment[0].model_copy(update={"id": f"m-{n:02}", "key": n in {40, 59}}) for n in range(60)]
    site = site.model_copy(update={"equipment": tuple(machines)})

    report = view(example.example_material(site=site, day=example.example_day(site, 60)), "zh")

    figure = report.part("figure-states")
    assert isinstance(figure, Figure)
    assert isinstance(figure.chart, Timeline)
    assert len(figure.chart.lanes) == 24
    assert figure.note == "图中为 24 台（关键设备优先），另有 36 台见下表。"
    assert len(texts(table(report, "table-states"))) == 60


def test_ticks_follow_the_clock_through_daylight_saving() -> None:
    """On the day the clocks go forward in Berlin there is no 02:00, and the ticks keep to real time."""
    window = days_between(date(2026, 3, 29), date(2026, 3, 29), "Europe/Berlin").window

    found = list(ticks(window, "Europe/Berlin"))

    assert [text for _, text in found] == [f"{hour:02}:00" for hour in (0, *range(3, 25, 2))]
    assert found[1] == (7_200.0, "03:00")


def test_ticks_of_a_minute_are_seconds_apart_enough() -> None:
    """A short window has at least one tick and no more than asked."""
    found = list(ticks(Stretch(0, 60_000_000), "Asia/Shanghai"))

    assert found == [(0.0, "08:00"), (60.0, "08:01")]


def test_contradictions_name_their_reason_or_its_lack(chinese: AssessmentReport) -> None:
    """A machine proposal set aside shows the reason; one that nobody decided on is marked."""
    rows = {row[0]: row for row in texts(table(chinese, "table-contradictions"))}

    assert rows["RN.2.a"][2:] == ["0.8", "全部满足 1", "网络已覆盖全部车间，未接入的设备没有网口"]
    assert rows["MP7.2.a"][4] == "尚无人作出决定"
    assert len(texts(table(chinese, "table-decisions"))) == 2


def test_what_is_left_out_is_said_with_reason_and_consent(example: Any) -> None:
    """Trimming stands on page one and in its section, and trimmed requirements are in no table."""
    trims = (Trim(node="design", reason="来图加工，不做设计", agreed_by="李工"),)

    report = view(example.example_material(scored=example.example_scored(trimming=trims)), "zh")

    part = report.part("trims")
    assert isinstance(part, Bullets)
    assert (part.items[0].title, part.items[0].text) == ("设计", "来图加工，不做设计")
    assert "裁剪：设计" in dict(report.cover.facts.items)["评估范围"].text
    assert not any(row[0].startswith("MD") for row in texts(table(report, "table-answers")))


def test_evidence_that_expired_is_listed(example: Any) -> None:
    """A document valid only until before the end of the period no longer counts, and the report says which."""
    answers = example.seeded_answers(example.shipped_model())
    old = EvidenceItem(grade="B", note="旧制度文件", expires=date(2026, 8, 1))
    scored = example.example_scored({**answers, "PS.1.a": Answer(value="1", evidence=(old,))})

    part = view(example.example_material(scored=scored), "zh").part("expired")

    assert isinstance(part, Bullets)
    assert [(item.text, item.remark) for item in part.items] == [("旧制度文件", "有效期至 2026年8月1日，不再计入")]


def test_the_appendix_has_every_requirement(chinese: AssessmentReport, material: Material) -> None:
    """All criteria in the order of the model, each with answer and grade."""
    rows = texts(table(chinese, "table-answers"))

    assert [row[0] for row in rows] == list(material.scored.model.criteria)
    assert all(row[4] in {"A", "B", "C", "D"} for row in rows)


def test_provenance_names_model_software_and_files(chinese: AssessmentReport, material: Material) -> None:
    """Content hash, software, and each data file with its hash."""
    facts = chinese.part("provenance-facts")

    assert material.scored.model.sha256 in str(facts)
    assert "factory-kit 0.1.0" in str(facts)
    assert len(texts(table(chinese, "table-files"))) == 3


def test_the_view_is_pure(material: Material) -> None:
    """The same material gives the same view, whatever language was asked before."""
    first = view(material, "zh")
    view(material, "en")

    assert view(material, "zh") == first


@LANGUAGES
def test_the_page_stands_alone(material: Material, language: Language) -> None:
    """No address in src, href or url(), every picture is well-formed XML, no script, no gap in the language."""
    text = html(view(material, language))
    outside = re.sub(r'xmlns(:\w+)?="[^"]+"', "", text)

    assert not re.findall(r"""(?:src|href|action)\s*=\s*["']?\s*(?!#)[a-z]""", outside)
    assert not re.findall(r"url\((?!#)|@import|<script", outside)
    for picture in re.findall(r"<svg.*?</svg>", text, re.DOTALL):
        ET.fromstring(picture)  # noqa: S314 - our own picture
    assert len(re.findall(r"<svg", text)) == 6


def test_names_are_text_wherever_they_stand(example: Any) -> None:
    """A plant, machine, person, note or reason with markup, braces, an emoji and a rare sign is shown as it is."""
    site = example.demo_site()
    equipment = (site.equipment[0].model_copy(update={"name": Text(zh=ODD, en=ODD)}), *site.equipment[1:])
    site = site.model_copy(
        update={"plant": site.plant.model_copy(update={"name": Text(zh=ODD, en=ODD)}), "equipment": equipment}
    )
    answers = example.seeded_answers(example.shipped_model())
    odd = Answer(value="1", evidence=(EvidenceItem(grade="B", note=ODD),), remark=ODD)
    trims = (Trim(node="MV2", reason=ODD, agreed_by=ODD),)
    scored = example.example_scored({**answers, "PS.1.a": odd}, trims, site=site)

    text = html(view(example.example_material(scored=scored, site=site), "zh"))

    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt; &amp; &#34;机床&#34; {{7*7}} {0} 🏭 㵘") >= 10


def test_without_machine_data_the_report_says_so(example: Any) -> None:
    """No evidence and no day: the sections stand with a sentence instead of a table."""
    report = view(example.example_material(scored=example.example_scored(evidence=()), day=None), "zh")

    assert table(report, "table-oee").rows == ()
    assert "没有可以计算 OEE 的设备" in html(report)
    with pytest.raises(KeyError):
        report.part("figure-states")


def test_a_plant_without_shifts_is_told_what_that_does(material: Material) -> None:
    """Round-the-clock planning is said where OEE stands."""
    calendar = material.site.calendar.model_copy(update={"shifts": ()})
    plain = replace(material, site=material.site.model_copy(update={"calendar": calendar}))

    assert "24 小时" in html(view(plain, "zh"))
    assert "24 小时" not in html(view(material, "zh"))
