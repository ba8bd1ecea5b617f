"""The view model of the assessment report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from factory_kit.i18n import Language
from factory_kit.render.document import Document
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.assessment.cover import Cover, cover
from factory_kit.reports.assessment.findings import findings
from factory_kit.reports.assessment.gaps import gaps, hangs_on, steps
from factory_kit.reports.assessment.ladders import ladders
from factory_kit.reports.assessment.machine import energy, evidence, oee
from factory_kit.reports.assessment.material import Material
from factory_kit.reports.assessment.record import appendix, provenance
from factory_kit.reports.assessment.results import domains, results
from factory_kit.reports.assessment.trust import contradictions, grades, limits, signing, trimming
from factory_kit.reports.shown import moment
from factory_kit.reports.wording import Wording

__all__ = ["AssessmentReport", "view"]

SECTIONS = (
    results,
    domains,
    steps,
    gaps,
    hangs_on,
    evidence,
    oee,
    energy,
    findings,
    grades,
    trimming,
    contradictions,
    limits,
    signing,
    provenance,
    appendix,
)
BEFORE_LADDERS = SECTIONS.index(hangs_on) + 1
"""Other gradings stand after what the level hangs on."""
WORDS = ("level", "total", "floor", "ceiling", "why", "first_steps", "confidence", "grades", "no_steps")


@dataclass(frozen=True, slots=True, kw_only=True)
class AssessmentReport(Document):
    """A document with the first page of an assessment."""

    cover: Cover


def view(material: Material, language: Language) -> AssessmentReport:
    """The assessment report of *material* in *language*: texts and numbers as they will be read."""
    brief = Brief(material, language)
    t = brief.t
    first = cover(brief)
    made = moment(material.made_at, brief.assessment.plant.timezone, language)
    return AssessmentReport(
        language=language,
        title=t("title"),
        subject=first.plant,
        sections=(
            *(section(brief) for section in SECTIONS[:BEFORE_LADDERS]),
            *ladders(brief),
            *(section(brief) for section in SECTIONS[BEFORE_LADDERS:]),
        ),
        contents_title=t("contents"),
        footer=t("footer", software=material.software, made=made, id=brief.assessment.id),
        words={word: t(f"cover.{word}") for word in WORDS},
        opening=tuple(_opening(first, t)),
        cover=first,
    )


def _opening(first: Cover, t: Wording) -> Iterator[tuple[str, str]]:
    """Page one in words: the level, why, what is weakest, the first three steps, and what to beware of."""
    yield t("cover.level"), f"{first.level} {first.name}"
    for word, text in (("total", first.total), ("floor", first.floor), ("ceiling", first.ceiling), ("why", first.why)):
        yield t(f"cover.{word}"), text
    for number, weak in enumerate(first.weak):
        yield "" if number else first.weak_title, f"{weak.label}: {weak.text}"
    for number, step in enumerate(first.first_steps, start=1):
        yield (
            "" if number > 1 else t("cover.first_steps"),
            " ".join(filter(None, (f"{number}.", step.title, step.text, step.remark))),
        )
    for notice in first.notices:
        yield "", f"{notice.title} {notice.text}"
