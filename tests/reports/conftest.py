"""A realistic assessment, built by the real functions from seeded answers and made-up machine records."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from factory_kit.assess.decisions import latest
from factory_kit.assess.evidence import speaking_for
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.proposals import proposals
from factory_kit.assess.scored import Scored
from factory_kit.assess.standing import Proofs, standings
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Segment
from factory_kit.load.indicator import all_indicators
from factory_kit.load.maturity import maturity_model
from factory_kit.load.site import site_file
from factory_kit.model.answers import Answer, Answers, EvidenceItem, Period, Trim
from factory_kit.model.assessment import Assessment, Judgement, ModelEdition, Person, Provider
from factory_kit.model.connector import MachineState
from factory_kit.model.evidence import PLANT, Engine, Evidence, FileUsed, IndicatorUsed, Json, PointUsed, decimal_text
from factory_kit.model.indicator import Indicator
from factory_kit.model.maturity import MaturityModel
from factory_kit.model.site import Site
from factory_kit.reports.assessment import Day, MachineDay, Material
from factory_kit.score import score
from factory_kit.shipped import data_dir

INTERVAL = days_between(date(2026, 9, 1), date(2026, 9, 3), "Asia/Shanghai")
MADE_AT = INTERVAL.end + 40 * 3600 * 1_000_000
NOTES = {"B": "设备台账与制度文件 2026 版", "C": "车间现场查看，访谈生产主管", "D": "企业填报"}


def shipped_model() -> MaturityModel:
    """The shipped edition of GB/T 39116."""
    return maturity_model(data_dir("assessments") / "models" / "gbt-39116" / "2020")


def shipped_indicators() -> dict[str, Indicator]:
    """The shipped indicators."""
    return all_indicators([data_dir("assessments") / "indicators"])


def demo_site() -> Site:
    """The site of the demonstration plant."""
    return site_file(data_dir("examples") / "demo-plant" / "site.yaml", [data_dir("connectors")])[0]


def seeded_answers(model: MaturityModel, seed: int = 7) -> dict[str, Answer]:
    """Answers of a plant that has reached level 2 and is some way into level 3."""
    rng = random.Random(seed)  # noqa: S311 - an example
    chances = {
        1: (1, 0, 0, 0),
        2: (0.55, 0.35, 0.1, 0),
        3: (0.08, 0.22, 0.4, 0.3),
        4: (0, 0.05, 0.2, 0.75),
        5: (0, 0, 0.05, 0.95),
    }
    found: dict[str, Answer] = {}
    for criterion in model.structure.criteria:
        value = rng.choices(("1", "0.8", "0.5", "0"), chances[criterion.level])[0]
        grade = rng.choices(("B", "C", "D"), (6, 3, 1))[0]
        evidence = (EvidenceItem(grade=grade, note=NOTES[grade]),) if grade != "D" else ()
        found[criterion.id] = Answer(value=value, evidence=evidence)
    return found


def record(
    indicator: Indicator,
    subject: str,
    parts: tuple[int, int, int],
    figures: Mapping[str, Json] | None = None,
    *,
    reason: str | None = None,
    points: Sequence[PointUsed] = (),
) -> Evidence:
    """A record: numerator, known denominator and unknown rest in whole parts; with *reason* it is inconclusive."""
    numerator, denominator, unknown = parts
    whole = denominator + unknown
    return Evidence(
        indicator=IndicatorUsed(indicator.id, indicator.definition.rev, indicator.sql_sha256),
        subject=subject,
        unit=indicator.definition.unit,
        outcome="inconclusive" if reason else "value",
        reason=reason,
        value=None if reason else decimal_text(Fraction(numerator, denominator)),
        lower=decimal_text(Fraction(numerator, whole), "down") if whole else None,
        upper=decimal_text(Fraction(numerator + unknown, whole), "up") if whole else None,
        numerator=str(numerator),
        denominator=str(denominator),
        coverage=decimal_text(Fraction(denominator, whole), "down") if whole else None,
        points=tuple(points),
        start=INTERVAL.from_text,
        end=INTERVAL.to_text,
        blocks=INTERVAL.blocks,
        ledger=10,
        origin=("simulated",),
        files=(
            FileUsed("samples/day=2026-09-01/part-0.parquet", 812_334, "7a3f" * 16),
            FileUsed("samples/day=2026-09-02/part-0.parquet", 810_117, "91bc" * 16),
            FileUsed("samples/day=2026-09-03/part-0.parquet", 809_002, "04de" * 16),
        ),
        engine=Engine("0.1.0", "1.5.6"),
        received="2026-09-04T09:12:44+08:00",
        details={"figures": dict(figures or {})},
    )


def example_evidence(indicators: Mapping[str, Indicator]) -> tuple[Evidence, ...]:
    """Records such as the shipped indicators make."""
    rng = random.Random(11)  # noqa: S311 - an example
    found = [
        record(indicators["equipment-connected-share"], PLANT, (8, 10, 0)),
        record(indicators["data-completeness"], PLANT, (9_812, 10_000, 0)),
        record(indicators["energy-metering-share"], PLANT, (4, 5, 0)),
    ]
    sums = dict.fromkeys(("planned_s", "producing_s", "unknown_s", "total", "good", "ideal_total_s", "ideal_good_s"), 0)
    earned = 0
    for number in range(1, 9):
        planned, unknown = 259_200, rng.choice((0, 0, 1_800, 7_200))
        producing = int((planned - unknown) * rng.uniform(0.55, 0.86))
        cycle = (30, 34, 38, 45, 52, 64, 90, 120)[number - 1]
        total = int(producing * rng.uniform(0.88, 0.97) / cycle)
        good = int(total * rng.uniform(0.965, 0.998))
        figures = {
            "planned_s": planned,
            "producing_s": producing,
            "unknown_s": unknown,
            "total": total,
            "good": good,
            "ideal_total_s": total * cycle,
            "ideal_good_s": good * cycle,
        }
        reason = "effectiveness is above 1, so the ideal cycle is wrong" if number == 4 else None
        text: dict[str, Json] = {name: str(value) for name, value in figures.items()}
        points = tuple(PointUsed(f"cnc-{number:02}", name, name) for name in ("state", "total_count", "good_count"))
        found.append(
            record(
                indicators["oee"],
                f"cnc-{number:02}",
                (good * cycle, planned - unknown, unknown),
                text,
                reason=reason,
                points=points,
            )
        )
        found.append(
            record(
                indicators["availability"],
                f"cnc-{number:02}",
                (producing, planned - unknown, unknown),
                points=points[:1],
            )
        )
        if reason is None:
            earned += good * cycle
            sums = {name: sums[name] + value for name, value in figures.items()}
    plant: dict[str, Json] = {name: str(value) for name, value in sums.items()}
    known = sums["planned_s"] - sums["unknown_s"]
    found.append(record(indicators["oee"], PLANT, (earned, known, sums["unknown_s"]), plant))
    for number, (all_kwh, idle) in enumerate(((4_210, 903), (2_602, 388), (1_044, 402), (514, 96)), start=1):
        energy: dict[str, Json] = {"all_kwh": str(all_kwh), "idle_kwh": str(idle)}
        found.append(record(indicators["idle-energy"], f"meter-{number:02}", (idle, all_kwh - 20, 20), energy))
    return tuple(found)


def example_day(site: Site, machines: int = 8) -> Day:
    """A day of states of the first *machines* pieces of equipment, one of them silent for a while."""
    rng = random.Random(3)  # noqa: S311 - an example
    window = days_between(date(2026, 9, 3), date(2026, 9, 3), "Asia/Shanghai").window
    weights = {
        MachineState.PRODUCING: 10,
        MachineState.SETUP: 1,
        MachineState.IDLE: 3,
        MachineState.DOWN: 1,
        MachineState.MAINTENANCE: 0.4,
        MachineState.OFF: 0.6,
        MachineState.UNKNOWN: 0.4,
    }
    found = []
    for equipment in site.equipment[:machines]:
        at, segments = window.start, []
        while at < window.end:
            end = min(window.end, at + int(rng.expovariate(1 / 2_700) * 1_000_000) + 1)
            segments.append(Segment(at, end, rng.choices(list(weights), list(weights.values()))[0]))
            at = end
        found.append(MachineDay(equipment.id, segments))
    return Day(window, found)


def judgements(records: Sequence[Evidence]) -> tuple[Judgement, ...]:
    """Two decisions of an assessor."""
    connected = next(each.id for each in records if each.indicator.id == "equipment-connected-share")
    common = {"form": 1, "by": "李工"}
    return (
        Judgement.model_validate({**common, "criterion": "RE.2.b", "verdict": "accept-machine", "old": "1", "machine": "0.8", "records": (connected,), "new": "0.8", "at": "2026-09-04T02:10:00Z", "why": "两台普通车床没有通信接口"}),
        Judgement.model_validate({**common, "criterion": "RN.2.a", "verdict": "override-machine", "old": "1", "machine": "0.8", "records": (connected,), "new": "1", "at": "2026-09-04T02:20:00Z", "why": "网络已覆盖全部车间，未接入的设备没有网口"}),
    )  # fmt: skip


def example_scored(
    answers: Mapping[str, Answer] | None = None,
    trimming: Sequence[Trim] = (),
    *,
    evidence: Sequence[Evidence] | None = None,
    site: Site | None = None,
) -> Scored:
    """The assessment scored as ``assess score`` does it, from parts in memory."""
    model, indicators, plant = shipped_model(), shipped_indicators(), (site or demo_site()).plant
    records = tuple(example_evidence(indicators) if evidence is None else evidence)
    given = dict(seeded_answers(model) if answers is None else answers)
    papers = Answers(
        form=1,
        model="gbt-39116",
        edition="2020",
        model_sha256=model.sha256,
        kind="demo",
        type="discrete",
        assessor="李工",
        trimming=tuple(trimming),
        answers=given,
    )
    assessment = Assessment(
        form=1,
        id="3f9a01c2d4e5b678",
        kind="demo",
        type="on-site",
        model=ModelEdition(id="gbt-39116", edition="2020", sha256=model.sha256),
        plant=plant,
        period=Period(start=date(2026, 9, 1), end=date(2026, 9, 3)),
        on_site=(date(2026, 9, 2), date(2026, 9, 3)),
        provider=Provider(name="示例智造诊断服务有限公司"),
        people=(Person(name="李工", role="lead"), Person(name="周敏", role="assessor"), Person(name="陈厂长", role="plant contact", employer="plant")),
    )  # fmt: skip
    decisions = judgements(records) if records else ()
    proposed = proposals(model, speaking_for(records, indicators))
    proofs = Proofs(frozenset(each.id for each in records), assessment.period.end)
    found = standings(model, papers, latest(decisions), proposed, proofs)
    result = score(model, "discrete", {name: each.decided for name, each in found.items()}, papers.trimming)
    folder = AssessmentFolder(Path("assessments/2026-09"))
    return Scored(
        folder=folder,
        assessment=assessment,
        model=model,
        answers=papers,
        judgements=decisions,
        evidence=records,
        indicators=indicators,
        standings=found,
        score=result,
        inputs={"assessment_sha256": "5c" * 32, "answers_sha256": "d1" * 32, "decisions_sha256": "0e" * 32},
    )


def example_material(**changes: object) -> Material:
    """Everything the report of the example draws on."""
    site = demo_site()
    material = Material(
        scored=example_scored(), site=site, made_at=MADE_AT, software="factory-kit 0.1.0", day=example_day(site)
    )
    return replace(material, **changes)  # type: ignore[arg-type]  # tests name fields


@pytest.fixture(scope="session")
def material() -> Material:
    """The realistic example."""
    return example_material()
