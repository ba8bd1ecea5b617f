"""The ranked findings as a table, and the pictures beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.run import Diagnosis
from factory_kit.i18n import Language, _, speaking
from factory_kit.kpi.calendar import local_iso
from factory_kit.render.document import Bullets, Cell, Column, Figure, Item, Part, Row, Table
from factory_kit.render.theme import Tone
from factory_kit.reports.findings.curves import anomaly_strips, load_duration, power_states
from factory_kit.reports.findings.losses import oee_waterfall, stops_pareto
from factory_kit.reports.findings.moves import moved_levels, trends
from factory_kit.reports.shown import DASH
from factory_kit.reports.wording import Wording, wording

__all__ = ["Told", "findings_parts"]

TONES: dict[str, Tone] = {"high": "bad", "middle": "warn", "low": "muted"}
SECOND = 1_000_000
MOST = 20
"""Findings in a report; the gravest come first, and ``factory-kit diagnose --all`` has them all."""


@dataclass(frozen=True)
class Told:
    """A diagnosis, whom its ids name, and which evidence record a finding rests on."""

    diagnosis: Diagnosis
    language: Language
    names: Mapping[str, str]
    """By equipment id: its name in the language."""
    evidence: Callable[[Finding], str] = lambda _finding: ""
    """The short id of the record behind a finding; empty where there is none."""

    @property
    def t(self) -> Wording:
        """The fixed texts."""
        return wording("findings", self.language)

    def name(self, equipment: str) -> str:
        """How *equipment* is called."""
        return self.names.get(equipment, equipment)


def findings_parts(told: Told, most: int = MOST) -> tuple[Part, ...]:
    """Everything the section shows: where the time and the energy went as pictures, what cannot be told, the findings, their details."""
    figures: Sequence[Figure | None] = (oee_waterfall(told), stops_pareto(told), load_duration(told))
    return (
        *(each for each in figures if each is not None),
        *_refused(told),
        _table(told, most),
        *trends(told),
        *moved_levels(told),
        *anomaly_strips(told),
        *power_states(told),
    )


def _refused(told: Told) -> tuple[Part, ...]:
    """Machines whose states or anomalies nobody can tell, with the reason."""
    found = [(each.machine, each.refused) for each in told.diagnosis.told if each.refused]
    found += [(each.machine, each.refused) for each in told.diagnosis.watched if each.refused]
    if not found:
        return ()
    with speaking(told.language):
        items = tuple(Item(told.name(name), _(error.message).format(**error.details)) for name, error in found)
    return (Bullets("not-told", items, caption=told.t("not_told")),)


def _table(told: Told, most: int) -> Table:
    t = told.t
    findings = told.diagnosis.findings
    rows: list[Row] = []
    number = 0
    for severity, group in groupby(findings[:most], key=lambda each: each.severity):
        rows.append(Row((Cell(t(f"severity.{severity}")),), "group"))
        for each in group:
            number += 1
            rows.append(Row(_row(told, number, each)))
    columns = (
        Column("number", "#", share=4),
        Column("subject", t("column.subject"), share=14),
        Column("seen", t("column.seen"), share=34),
        Column("lost", t("column.lost"), share=13),
        Column("do", t("column.do"), share=24),
        Column("rests", t("column.rests"), share=20),
    )
    left = len(findings) - most
    note = " ".join(text for text in (_prices(told), t("more", count=left) if left > 0 else "", t("no_sum")) if text)
    return Table("table-findings", t("table"), columns, tuple(rows), note=note, empty=t("empty"))


def _prices(told: Told) -> str:
    tariff = told.diagnosis.tariff
    if tariff is None:
        return told.t("no_tariff")
    return told.t("tariff", name=tariff.name.in_(told.language))


def _row(told: Told, number: int, finding: Finding) -> tuple[Cell, ...]:
    t, words = told.t, told.language
    scene = t("scene", scene=finding.scene(words)) if finding.scene(words) else ""
    assumes = finding.assumes(words)
    seen = f"{finding.title(words)}{t('colon')}{finding.says(words)}"
    return (
        Cell(str(number), TONES[finding.severity], number),
        Cell(told.name(finding.subject), strong=True),
        Cell(f"{seen} {t('assumes', text=assumes)}" if assumes else seen),
        Cell(_lost(finding, t) or DASH, number=_main(finding)),
        Cell(" ".join(text for text in (finding.to_do(words), scene) if text)),
        Cell(_rests(told, finding)),
    )


def _lost(finding: Finding, t: Wording) -> str:
    parts = [
        t("lost.hours", value=f"{finding.hours:.1f}") if finding.hours is not None else "",
        f"{finding.kwh:.0f} kWh" if finding.kwh is not None else "",
        t("lost.yuan", value=f"{finding.yuan:.0f}") if finding.yuan is not None else "",
    ]
    return " · ".join(part for part in parts if part)


def _main(finding: Finding) -> Decimal | None:
    value = finding.yuan if finding.yuan is not None else finding.kwh if finding.kwh is not None else finding.hours
    return None if value is None else Decimal(f"{value:.2f}")


def _rests(told: Told, finding: Finding) -> str:
    """Points, first time, and the evidence record."""
    t, zone = told.t, told.diagnosis.material.interval.zone
    points = ", ".join(finding.points[:2]) + (" …" if len(finding.points) > 2 else "")
    when = local_iso(finding.when[0].start // SECOND * SECOND, zone)[:16].replace("T", " ") if finding.when else ""
    times = t("rests.times", count=len(finding.when), first=when) if len(finding.when) > 1 else when
    record = told.evidence(finding)
    return t("semicolon").join(text for text in (points, times, t("rests.record", id=record) if record else "") if text)
