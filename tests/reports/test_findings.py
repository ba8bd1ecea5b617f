"""The section "what the machines say": ranked, with evidence, pictures and no guesses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.levels import Moved
from factory_kit.diagnose.run import Diagnosis, Known, diagnose
from factory_kit.i18n import Language
from factory_kit.kpi.interval import Interval, days_between
from factory_kit.model.site import Site
from factory_kit.render.charts import Curve, Pareto, Timeline, Waterfall
from factory_kit.render.document import Callout, Document, Figure, Section, Table
from factory_kit.reports.assessment import Material, found_in, view
from factory_kit.reports.files import html
from factory_kit.reports.findings import Told, findings_parts, findings_view
from factory_kit.store import Store
from factory_kit.testing.plantmodel import PlantModel
from factory_kit.testing.recorded import demo_site, record_plant

from .conftest import INTERVAL, shipped_indicators

MINUTE = 60_000_000
DAY = days_between(INTERVAL.days[0], INTERVAL.days[0], "Asia/Shanghai")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, Site]:
    """A day of a plant with its planted faults."""
    store = Store(tmp_path_factory.mktemp("findings") / "store")
    record_plant(PlantModel(1, DAY.start - 120 * MINUTE, step=5 * MINUTE), store, DAY.end + 60 * MINUTE)
    return store, demo_site()[0]


@pytest.fixture(scope="module")
def found(recorded: tuple[Store, Site]) -> Diagnosis:
    """What is found in it."""
    store, site = recorded
    return diagnose(shipped_indicators(), store, DAY, site, lambda: DAY.end)


def figures(document: Document) -> dict[str, Figure]:
    """The figures of the sections on findings and states, by id."""
    return {
        part.id: part
        for section in document.sections
        if section.id in {"findings", "states"}
        for part in section.parts
        if isinstance(part, Figure)
    }


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_findings_stand_in_the_report(material: Material, found: Diagnosis, language: Language) -> None:
    """The twenty gravest in their order with the pictures; machines by their names; each finding beside its record."""
    report = view(replace(material, diagnosis=found), language)
    table = report.part("table-findings")
    assert isinstance(table, Table)
    rows = [row for row in table.rows if row.kind != "group"]
    assert [row.cells[0].text for row in rows] == [str(number) for number in range(1, 21)]
    names = {each.name.in_(language) for each in material.site.equipment}
    assert {row.cells[1].text for row in rows} <= names
    records = {record.id[:12] for record in material.scored.evidence}
    assert any(record in row.cells[5].text for row in rows for record in records)
    kinds = {name: type(figure.chart) for name, figure in figures(report).items()}
    assert kinds == {"figure-waterfall": Waterfall, "figure-pareto": Pareto, "figure-load": Curve}


def test_the_waterfall_ends_at_the_oee_of_its_machines(found: Diagnosis) -> None:
    """What remains is ideal time of good pieces; every step but the whole ones was taken from what was left."""
    told = Told(found, "en", {})
    (figure,) = [part for part in findings_parts(told) if isinstance(part, Figure) and part.id == "figure-waterfall"]
    assert isinstance(figure.chart, Waterfall)
    steps = figure.chart.steps
    good = sum(each.ideal_good_s for each in found.made.values())
    assert steps[-1].value == pytest.approx(float(good) / 3600)
    assert steps[0].value - sum(step.value for step in steps if not step.whole) == pytest.approx(steps[-1].value)


def test_without_machine_data_the_section_says_so(material: Material) -> None:
    """No table, no picture: one sentence."""
    section = next(each for each in view(material, "en").sections if each.id == "findings")
    (part,) = section.parts
    assert isinstance(part, Callout)
    assert "no findings" in part.text


def test_a_report_of_its_own_is_the_same_bytes_again(found: Diagnosis) -> None:
    """Made twice from one diagnosis it is one page, with the days of the machines."""
    told = Told(found, "zh", {})
    first, second = (findings_view(told, "厂", "factory-kit 1", "今天") for _ in range(2))
    assert html(first) == html(second)
    assert isinstance(figures(first)["figure-timeline"].chart, Timeline)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_pictures_come_before_the_long_table(found: Diagnosis, language: Language) -> None:
    """Where the time went is seen on the first page; the table of findings, which may take pages, follows."""
    kinds = [part.id for part in findings_parts(Told(found, language, {}))]

    assert kinds.index("figure-waterfall") < kinds.index("table-findings")
    assert kinds[0].startswith("figure-")


def test_the_days_are_those_of_the_evidence(material: Material, recorded: tuple[Store, Site], tmp_path: Path) -> None:
    """The interval of the OEE records; without such records there is no diagnosis."""
    store, site = recorded
    diagnosis = found_in(material.scored, site, store, Known(folder=tmp_path), DAY.end)
    assert diagnosis is not None
    interval: Interval = diagnosis.material.interval
    assert (interval.start, interval.end) == (INTERVAL.start, INTERVAL.end)
    none = replace(material.scored, evidence=())
    assert found_in(none, site, store, Known(folder=tmp_path), DAY.end) is None


@pytest.mark.parametrize("language", ["zh", "en"])
def test_trends_and_moved_levels_have_their_pictures(found: Diagnosis, language: Language) -> None:
    """A trend is carried on to its limit with both bounds, on an axis that need not begin at zero; a level shows before and after."""
    numbers = {
        "point": "t", "unit": "°C", "limit": 70.0, "because": "p. 14", "level": 64.0, "days": 6.0, "soonest": 4.0, "latest": 12.0,
        "slope": 1.0, "low": 0.5, "high": 1.5,
    }  # fmt: skip
    extra = {"days": list(range(10)), "medians": [55.0 + day for day in range(10)]}
    nearing = Finding("nearing-limit", "cnc-01", "high", numbers, (DAY.window,), ("cnc-01/t",), extra=extra)
    time = DAY.start + np.arange(40, dtype=np.int64) * 10 * MINUTE
    level = np.where(np.arange(40) < 20, 41.0, 61.0)[:, None]
    moved = Moved("cnc-02", ("cnc-02/p",), ("bar",), 10 * MINUTE, time, level, (20,))
    told = Told(replace(found, findings=(nearing,), moved=(moved,)), language, {})
    shown = {part.id: part for part in findings_parts(told) if isinstance(part, Figure)}
    trend, step = shown["figure-trend-0"].chart, shown["figure-level-0"].chart
    assert isinstance(trend, Curve)
    assert isinstance(step, Curve)
    assert [mark.value for mark in trend.marks] == [70.0]
    assert trend.across == pytest.approx(9 + 1.1 * 12 + 1)
    assert 0 < trend.floor < 55
    assert [y for _x, y in step.traces[1].places] == [41.0, 41.0, 61.0, 61.0]
    assert "p" in shown["figure-level-0"].caption
    assert html(Document(language, "d", "p", (Section("findings", "f", findings_parts(told)),), "c", "x"))
