"""Page one: which level, why, what is weakest, what to do first, and how far it can be trusted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from factory_kit.model.site import Site
from factory_kit.render.document import Callout, Cell, Facts, Item
from factory_kit.render.theme import Hue, Tone
from factory_kit.reports.assessment.brief import Brief
from factory_kit.reports.shown import days, moment, number, short
from factory_kit.score.gain import Gain
from factory_kit.score.numbers import exact_text
from factory_kit.score.steps import Outcome

__all__ = ["Cover", "Rung", "Share", "Weak", "cover", "gain_item"]


@dataclass(frozen=True, slots=True)
class Rung:
    """One level on the ladder of page one, with what is marked at it."""

    mark: str
    name: str
    reached: bool
    here: bool
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weak:
    """A weak domain: its score from 0 to 1 and as words."""

    label: str
    share: float
    text: str
    tone: Tone


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole, for a bar of shares."""

    label: str
    count: int
    share: float
    hue: Hue


@dataclass(frozen=True, slots=True)
class Cover:
    """Everything on page one."""

    plant: str
    standard: str
    tags: tuple[str, ...]
    notices: tuple[Callout, ...]
    level: str
    name: str
    meaning: str
    total: str
    floor: str
    ceiling: str
    why: str
    ladder: tuple[Rung, ...]
    facts: Facts
    weak_title: str
    weak: tuple[Weak, ...]
    first_steps: tuple[Item, ...]
    confidence: tuple[Share, ...]
    grades: tuple[Share, ...]


def cover(brief: Brief) -> Cover:
    """Page one of the report."""
    score = brief.score
    level = brief.level(score.level)
    return Cover(
        plant=brief.assessment.plant.name.in_(brief.language),
        standard=brief.t("cover.standard", standard=brief.texts.standard, type=brief.texts.types[score.plant_type]),
        tags=_tags(brief),
        notices=_notices(brief),
        level=level.mark,
        name=level.name,
        meaning=level.meaning,
        total=brief.points(score.total),
        floor=_outcome(brief, score.floor),
        ceiling=_outcome(brief, score.ceiling),
        why=_why(brief),
        ladder=_ladder(brief),
        facts=_facts(brief),
        weak_title=brief.t("cover.weak_title", level=brief.level_name(brief.focus)),
        weak=_weak(brief),
        first_steps=tuple(gain_item(brief, gain) for gain in score.gains[:3]),
        confidence=_confidence(brief),
        grades=_grades(brief),
    )


def gain_item(brief: Brief, gain: Gain) -> Item:
    """A requirement as a step: what it asks, where the plant stands, what it brings."""
    criterion = brief.score.model.criteria[gain.criterion]
    details = {
        "node": brief.label(criterion.node),
        "now": brief.answer_cell(gain.criterion).text,
        "level": brief.level(criterion.level).mark,
        "gain": number(gain.gain, 3, "down"),
    }
    return Item(brief.label(gain.criterion), brief.t("gain.text", **details), gain.criterion)


def _outcome(brief: Brief, outcome: Outcome) -> str:
    return f"{brief.level(outcome.level).mark} · {brief.points(outcome.total)}"


def _tags(brief: Brief) -> tuple[str, ...]:
    score = brief.score
    origins = {origin for record in brief.evidence for origin in record.origin}
    tags = [brief.t(f"type.{brief.assessment.type}")]
    if brief.assessment.kind == "demo":
        tags.append(brief.t("tag.demo"))
    tags += [brief.t(f"tag.{origin}") for origin in ("simulated", "replayed", "imported") if origin in origins]
    if score.provisional:
        tags.append(brief.t("tag.provisional"))
    if score.model.status == "unverified":
        tags.append(brief.t("tag.unverified"))
    return tuple(tags)


def _notices(brief: Brief) -> tuple[Callout, ...]:
    score, t = brief.score, brief.t
    found = []
    if brief.assessment.kind == "demo":
        found.append(Callout("notice-demo", t("notice.demo.title"), t("notice.demo.text"), "bad"))
    if score.model.status == "unverified":
        count = len(score.model.criteria)
        unverified = count - score.model.confidence_counts()["verified"]
        text = t("notice.unverified.text", unverified=unverified, count=count, standard=brief.texts.standard)
        found.append(Callout("notice-unverified", t("notice.unverified.title"), text))
    if score.provisional:
        name = "notice.provisional.text" if score.ceiling.level > score.level else "notice.provisional.same"
        text = t(name, count=score.raised_in_ceiling, ceiling=brief.level_name(score.ceiling.level))
        found.append(Callout("notice-provisional", t("notice.provisional.title"), text))
    if score.floor.level < score.level:
        text = t("notice.declared.text", level=brief.level(score.level).mark, floor=brief.level(score.floor.level).mark)
        found.append(Callout("notice-declared", t("notice.declared.title"), text))
    return tuple(found)


def _why(brief: Brief) -> str:
    """One sentence: which levels are satisfied, and what keeps the next one from being so."""
    outcome, t = brief.score.outcome, brief.t
    stopped = outcome.stopped_at
    reached = [score for score in outcome.levels if stopped is None or score.level < stopped]
    line = exact_text(brief.threshold)
    sentences = []
    if reached:
        names = t.listed([brief.level(score.level).mark for score in reached])
        last = reached[-1]
        details = {"mark": brief.level(last.level).mark, "value": brief.points(last.value), "line": line}
        sentences.append(t("why.one" if len(reached) == 1 else "why.several", names=names, **details))
    if stopped is not None:
        missed = next(score for score in outcome.levels if score.level == stopped)
        count = next(count for count in brief.score.counts if count.level == stopped)
        details = {"held_back": str(count.held_back), "requirements": str(count.requirements)}
        mark = brief.level(stopped).mark
        sentences.append(t("why.missed", mark=mark, value=brief.points(missed.value), line=line, **details))
    return t("why.end", text=t("why.join").join(sentences))


def _ladder(brief: Brief) -> tuple[Rung, ...]:
    score = brief.score
    rungs = []
    for level in score.model.structure.levels:
        marks = []
        if score.floor.level == level and score.floor.level < score.level:
            marks.append(brief.t("cover.floor_mark"))
        if score.ceiling.level == level and score.ceiling.level > score.level:
            marks.append(brief.t("cover.ceiling_mark"))
        text = brief.level(level)
        rungs.append(Rung(text.mark, text.name, level <= score.level, level == score.level, tuple(marks)))
    return tuple(rungs)


def _facts(brief: Brief) -> Facts:
    material, assessment, t = brief.material, brief.assessment, brief.t
    plant, period = assessment.plant, assessment.period
    visits = [days(visit, visit, brief.language) for visit in assessment.on_site]
    provider = assessment.provider
    people = [
        t("cover.person", name=person.name, role=t(f"role.{person.role.replace(' ', '_')}"))
        for person in assessment.people
    ]
    items = [
        (t("fact.credit_code"), Cell(plant.credit_code, code=True)),
        (t("fact.industry"), Cell(f"{plant.industry.code} ({plant.industry.edition})")),
        (t("fact.scope"), Cell(_scope(brief, material.site))),
        (t("fact.period"), Cell(days(period.start, period.end, brief.language))),
        (t("fact.on_site"), Cell(t.listed(visits) or t("word.none"))),
        (t("fact.provider"), Cell(provider.name if provider else t("word.none"))),
        (t("fact.people"), Cell(t.listed(people))),
        (t("fact.model"), Cell(f"{brief.score.model.id} · {short(brief.score.model.sha256)}")),
        (t("fact.made"), Cell(moment(material.made_at, plant.timezone, brief.language))),
        (t("fact.id"), Cell(assessment.id, code=True)),
    ]
    return Facts("facts", tuple(items), columns=2)


def _scope(brief: Brief, site: Site) -> str:
    trimmed = [brief.label(trim.node) for trim in brief.score.trimming]
    connected = sum(each.connected for each in site.equipment)
    text = brief.t(
        "cover.scope", site_no=brief.assessment.plant.site_no, total=len(site.equipment), connected=connected
    )
    return text + (brief.t("cover.scope_trimmed", nodes=brief.t.listed(trimmed)) if trimmed else "")


def _weak(brief: Brief) -> tuple[Weak, ...]:
    """The three domains with the lowest scores at the level that matters next; of equal ones the weightier first."""
    score = brief.score
    at_focus = [
        (node.value, -node.weight, node.node)
        for node in score.nodes
        if node.level == brief.focus and node.node in brief.domains and node.value is not None and node.value < 1
    ]
    worst = sorted(at_focus)[:3]
    return tuple(
        Weak(brief.label(node), float(value), brief.points(value), brief.tone(value)) for value, _, node in worst
    )


def _confidence(brief: Brief) -> tuple[Share, ...]:
    hues: dict[str, Hue] = {"verified": "green", "A": "brand", "B": "sky", "C": "amber"}
    counts = brief.score.model.confidence_counts()
    whole = sum(counts.values())
    return tuple(
        Share(brief.t(f"confidence.{name.lower()}"), counts[name], counts[name] / whole, hue)
        for name, hue in hues.items()
    )


def _grades(brief: Brief) -> tuple[Share, ...]:
    hues: dict[str, Hue] = {"A": "green", "B": "brand", "C": "sky", "D": "amber"}
    grades = brief.score.grades
    shares = [Share(brief.t(f"grade.{g.grade.lower()}"), g.count, float(g.share), hues[g.grade]) for g in grades]
    rest = 1 - sum((g.share for g in grades), Fraction(0))
    whole = sum(g.count for g in grades)
    without = sum(len(ids) for kind, ids in brief.score.no_values.items() if kind.value != "not applicable")
    if without or not whole:
        shares.append(Share(brief.t("grade.none"), without, float(rest), "slate"))
    return tuple(shares)
