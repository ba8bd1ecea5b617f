"""What the machines say, as a section of the assessment report: findings over the days that the machine evidence speaks for."""

from __future__ import annotations

from datetime import datetime, timedelta

from factory_kit.assess.scored import Scored
from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.run import Diagnosis, Known, diagnose
from factory_kit.kpi.indicators import StoreView
from factory_kit.kpi.interval import days_between
from factory_kit.model.evidence import Evidence
from factory_kit.model.site import Site
from factory_kit.render.document import Callout, Section
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.findings import Told, findings_section
from factory_kit.reports.shown import short
from factory_kit.reports.wording import wording

__all__ = ["findings", "found_in"]

NEEDED = ("availability", "oee", "data-completeness")
"""Indicators whose SQL a diagnosis reads with."""
ENERGY = frozenset({"idle-load", "base-load"})
OEE, IDLE = "oee", "idle-energy"


def found_in(scored: Scored, site: Site, store: StoreView, known: Known, made_at: int) -> Diagnosis | None:
    """The diagnosis over the days of the newest evidence on OEE; None where there is no such evidence or no indicator for it."""
    records = [record for record in scored.evidence if record.indicator.id == OEE]
    if not records or not all(name in scored.indicators for name in NEEDED):
        return None
    newest = max(records, key=lambda record: (record.end, record.start))
    first = datetime.fromisoformat(newest.start).date()
    last = (datetime.fromisoformat(newest.end) - timedelta(microseconds=1)).date()
    interval = days_between(first, last, scored.assessment.plant.timezone)
    same = [record for record in records if (record.start, record.end) == (newest.start, newest.end)]
    return diagnose(scored.indicators, store, interval, site, lambda: made_at, known=known, records=same)


def findings(brief: Brief) -> Section:
    """The section; where no machine data are at hand it says so."""
    t = wording("findings", brief.language)
    found = brief.material.diagnosis
    if found is None:
        notice = Callout("notice-findings", t("title"), t("nothing_at_hand"), "muted")
        return Section("findings", t("title"), (notice,))
    names = {each.id: each.name.in_(brief.language) for each in brief.material.site.equipment}
    records = {(record.indicator.id, record.subject): record for record in brief.evidence}
    return findings_section(Told(found, brief.language, names, lambda finding: _record(records, finding)))


def _record(records: dict[tuple[str, str], Evidence], finding: Finding) -> str:
    """The short id of the record of the assessment that speaks of the same machine or meter."""
    record = records.get((IDLE if finding.kind in ENERGY else OEE, finding.subject))
    return short(record.id) if record else ""
