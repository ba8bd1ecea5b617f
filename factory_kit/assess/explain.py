"""Why this level, in at most five lines for people who do not program; and what stands behind one requirement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from factory_kit.assess.proposals import Voice
from factory_kit.assess.scored import Scored
from factory_kit.assess.standing import Standing, answer_text
from factory_kit.i18n import N_, _, language
from factory_kit.model.answers import NoValueKind
from factory_kit.model.maturity import MaturityModel
from factory_kit.score import Decided, Gain, LevelScore, Value, exact_text, rounded_down
from factory_kit.score.steps import gate

__all__ = ["Improvement", "Line", "about_criterion", "improvements", "warning_texts", "way_up", "why"]

WORDS = (N_("not applicable"), N_("unknown"), N_("not assessed"), N_("inconclusive"), N_("accept-machine"))
"""Kinds of no value and decisions as answers name them, for the catalogue."""
GAIN_PLACES = 4


@dataclass(frozen=True, slots=True)
class Improvement:
    """A requirement that would lift the first unsatisfied level, and by how much when fully met."""

    criterion: str
    label: str
    citation: str
    now: str
    gain: str
    """Added to the score of its level, four decimals, rounded down."""


@dataclass(frozen=True, slots=True)
class Line:
    """A name and what is to be said under it."""

    name: str
    text: str


def why(scored: Scored) -> tuple[str, ...]:
    """Why the plant has its level, in at most five sentences in the language in force."""
    score = scored.score
    names = _Names(scored.model)
    lines = [
        _("Result: {level}. Total S = {total} of {highest}.").format(
            level=names.level(score.level), total=names.shown(score.total), highest=len(score.outcome.levels)
        )
    ]
    reached = [level for level in score.outcome.levels if level.satisfied and _below(level, score.outcome.stopped_at)]
    if reached:
        listed = names.joined(f"{names.mark(level.level)} ({names.shown(level.value)})" for level in reached)
        lines.append(
            _("Reached: {levels}; each needs at least {threshold}.").format(levels=listed, threshold=names.threshold)
        )
    if score.outcome.stopped_at is not None:
        lines += _not_reached(scored, names, score.outcome.stopped_at)
    lines.append(_proof(scored, names))
    return tuple(lines)


def improvements(scored: Scored) -> tuple[Improvement, ...]:
    """The five requirements that would lift the first unsatisfied level most, largest first; none when all levels hold."""
    return tuple(_improvement(scored.model, gain) for gain in scored.score.best_gains)


def way_up(scored: Scored) -> str:
    """How few requirements, fully met, would reach the next level; empty when every level holds."""
    stopped, way = scored.score.outcome.stopped_at, scored.score.shortest_way
    if stopped is None:
        return ""
    names = _Names(scored.model)
    return _("Shortest way to {level}: fully meet {count} requirements.").format(
        count=len(way), level=names.level(stopped)
    )


def warning_texts(scored: Scored) -> tuple[str, ...]:
    """What a reader must know before believing the score, in the language in force."""
    names = _Names(scored.model)
    return tuple(each.text(_, names.label, names.separator) for each in scored.warnings)


def about_criterion(scored: Scored, criterion: str) -> tuple[Line, ...]:
    """Everything behind one requirement: the question, what counts and why, the machine evidence, the decision."""
    names = _Names(scored.model)
    standing = scored.standings.get(criterion)
    lines = [
        Line(_("Requirement"), names.label(criterion)),
        Line(_("Source"), scored.model.citation(criterion, language())),
        Line(_("Confidence"), _confidence(scored.model, criterion)),
        Line(_("Counts"), _counts(standing.decided if standing else None)),
    ]
    if standing is not None:
        lines += _answered(standing)
        lines += [
            Line(_("Machine evidence"), _voice(voice))
            for voice in (standing.proposal.voices if standing.proposal else ())
        ]
        lines += _decision(standing)
    gain = next((each for each in scored.score.gains if each.criterion == criterion), None)
    if gain is not None:
        text = _("+{gain} for {level} when fully met").format(
            gain=rounded_down(gain.gain, GAIN_PLACES), level=names.level(scored.model.criteria[criterion].level)
        )
        lines.append(Line(_("Gain"), text))
    return tuple(lines)


@dataclass(frozen=True)
class _Names:
    """How the model's levels, nodes and numbers are shown."""

    model: MaturityModel

    @property
    def separator(self) -> str:
        return "、" if language() == "zh" else ", "

    @property
    def threshold(self) -> str:
        return gate(self.model.structure.scoring).at_least

    def mark(self, level: int) -> str:
        return self.model.texts[language()].levels[str(level)].mark

    def level(self, level: int) -> str:
        return self.model.level_name(level, language())

    def label(self, code: str) -> str:
        label = self.model.label(code, language())
        return f"{code} {label}" if code in self.model.criteria and label != code else label

    def shown(self, value: Fraction) -> str:
        return rounded_down(value, self.model.structure.scoring.shown.places)

    def joined(self, texts: Iterator[str] | Sequence[str]) -> str:
        return self.separator.join(texts)


def _below(level: LevelScore, stopped: int | None) -> bool:
    return stopped is None or level.level < stopped


def _not_reached(scored: Scored, names: _Names, stopped: int) -> Iterator[str]:
    found = next(level for level in scored.score.outcome.levels if level.level == stopped)
    count = next(count for count in scored.score.counts if count.level == stopped)
    yield _(
        "Not reached: {level} has {value} and needs {threshold}; {held_back} of its {requirements} requirements are not fully met."
    ).format(
        level=names.level(stopped),
        value=names.shown(found.value),
        threshold=names.threshold,
        held_back=count.held_back,
        requirements=count.requirements,
    )
    missing = next((each.details["nodes"] for each in scored.score.explanation if "nodes" in each.details), ())
    if isinstance(missing, tuple) and missing:
        yield _("Most is missing in: {nodes}.").format(nodes=names.joined([names.label(node) for node in missing]))


def _proof(scored: Scored, names: _Names) -> str:
    score = scored.score
    details = {
        "floor": names.level(score.floor.level),
        "open": score.raised_in_ceiling,
        "ceiling": names.level(score.ceiling.level),
    }
    if score.unanswered:
        return _(
            "Proven by machine data, documents or observation: {floor}. If all {open} open answers were fully met: {ceiling}."
        ).format(**details)
    return _("Proven by machine data, documents or observation: {floor}.").format(**details)


def _improvement(model: MaturityModel, gain: Gain) -> Improvement:
    return Improvement(
        gain.criterion,
        model.label(gain.criterion, language()),
        model.citation(gain.criterion, language()),
        exact_text(gain.now),
        rounded_down(gain.gain, GAIN_PLACES),
    )


def _confidence(model: MaturityModel, criterion: str) -> str:
    if criterion in model.verified:
        return _("compared with the standard")
    confidence = model.criteria[criterion].confidence
    return f"{confidence}: {model.texts[language()].confidences[confidence]}"


def _counts(decided: Decided | None) -> str:
    if isinstance(decided, Value):
        text = _("{value}, evidence of grade {grade}").format(value=exact_text(decided.value), grade=decided.grade)
        if decided.proven is not None:
            text += _("; of that {proven} is proven").format(proven=exact_text(decided.proven))
        return text
    return _(decided.kind.value if decided else NoValueKind.NOT_ASSESSED.value)


def _answered(standing: Standing) -> Iterator[Line]:
    answer = standing.answer
    if answer is None:
        return
    reason = f" ({answer.reason})" if answer.reason else ""
    yield Line(_("Answer"), f"{_(answer_text(answer))}{reason}")
    for item in answer.evidence:
        yield Line(_("Evidence"), f"{item.grade}: {item.note}")


def _voice(voice: Voice) -> str:
    record = voice.record
    said = {
        "indicator": record.indicator.id,
        "value": record.value or "-",
        "start": record.start[:10],
        "end": record.end[:10],
        "coverage": record.coverage or "-",
        "points": len(record.points),
        "ledger": record.ledger,
        "id": record.id[:12],
    }
    place = _(
        "{start} to before {end}, coverage {coverage}, {points} points, {ledger} machines in the ledger, record {id}"
    )
    if voice.score is not None:
        return (
            _("{indicator} = {value} proposes {score}").format(score=exact_text(voice.score), **said)
            + "; "
            + place.format(**said)
        )
    if record.value is None:
        return _("{indicator}: {outcome}").format(outcome=_(record.outcome), **said) + "; " + place.format(**said)
    return _("{indicator} = {value} supports it without a score").format(**said) + "; " + place.format(**said)


def _decision(standing: Standing) -> Iterator[Line]:
    judgement = standing.judgement
    if judgement is None:
        return
    machine = judgement.machine or "-"
    text = _("{new} instead of {old}, machine said {machine}; {by}, {at}: {why}").format(
        new=judgement.new,
        old=_(judgement.old) if judgement.old else "-",
        machine=machine,
        by=judgement.by,
        at=judgement.at,
        why=judgement.why,
    )
    yield Line(_("Decision"), text)
