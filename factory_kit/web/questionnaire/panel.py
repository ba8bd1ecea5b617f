"""What the page shows of the one question that is open: what may be answered, what the machines say, what was decided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from factory_kit.assess.attachments import find
from factory_kit.assess.forms import NOT_ASSESSED, TO_FILL_IN
from factory_kit.assess.proposals import Voice
from factory_kit.assess.scored import Scored
from factory_kit.assess.sheet import version_of
from factory_kit.i18n import _
from factory_kit.model.answers import Answer, EvidenceItem
from factory_kit.model.assessment import Judgement
from factory_kit.model.evidence import Evidence
from factory_kit.reports.shown import DASH, days, number, percent, percent_range, short
from factory_kit.reports.wording import Wording
from factory_kit.score import exact_text, rounded_down
from factory_kit.web.questionnaire.board import Row, row_of
from factory_kit.web.questionnaire.desk import Desk, decision_version
from factory_kit.web.questionnaire.signal import height_of

__all__ = ["Item", "Machine", "Option", "Panel", "Rated", "panel"]

NO_VALUES = (("not applicable", "n"), ("unknown", "u"), ("not assessed", "c"))
KEYS = "123456789"


@dataclass(frozen=True, slots=True)
class Option:
    """One possible answer."""

    choice: str
    key: str
    label: str
    value: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Item:
    """One piece of evidence."""

    grade: str
    note: str
    dates: str
    link: str
    """Address of the file, empty where it is not here."""
    photo: bool
    hash: str


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine record that speaks for the requirement."""

    record: str
    label: str
    what: str
    value: str
    bounds: str
    coverage: str
    proposes: str
    interval: str
    points: int
    ledger: int
    reason: str
    simulated: bool
    height: int
    """Of the picture of its signal."""


@dataclass(frozen=True, slots=True)
class Rated:
    """What one rater gave."""

    rater: str
    value: str
    remark: str


@dataclass(frozen=True)
class Panel:
    """One question."""

    row: Row
    version: str
    seen: str
    """The version decisions are made on."""
    citation: str
    wording: str
    """The standard's own, where the user has it."""
    proofs: str
    confidence: str
    verified: bool
    options: tuple[Option, ...]
    no_values: tuple[Option, ...]
    machine_option: Option | None
    reason: str
    remark: str
    items: tuple[Item, ...]
    machines: tuple[Machine, ...]
    contradicted: bool
    decision: Judgement | None
    stale: bool
    decides: bool
    proposal: str
    assessor: str
    rated: tuple[Rated, ...]
    differ: bool
    """Whether the raters gave different values."""
    gain: str


def panel(desk: Desk, scored: Scored, code: str, words: Wording) -> Panel:
    """The question *code*, a criterion of the model, in the language of *words*, which must be the one in force."""
    criterion = scored.model.criteria[code]
    standing = scored.standings.get(code)
    answer = scored.answers.answers.get(code, NOT_ASSESSED)
    proposal = standing.proposal if standing else None
    proposed = exact_text(proposal.score) if proposal is not None and proposal.score is not None else ""
    texts = scored.model.texts[words.language]
    assessor = scored.answers.assessor
    return Panel(
        row=row_of(scored, criterion, words),
        version=version_of(answer),
        seen=decision_version(scored, code),
        citation=scored.model.citation(code, words.language),
        wording=desk.wording(scored, code),
        proofs=words.listed(texts.evidence[kind] for kind in criterion.evidence),
        confidence=texts.confidences[criterion.confidence],
        verified=code in scored.model.verified,
        options=tuple(_options(scored, code, answer, words)),
        no_values=tuple(_no_values(scored, answer, words)),
        machine_option=_machine_option(answer, proposed, words),
        reason=answer.reason,
        remark=answer.remark,
        items=tuple(_item(desk, item, words) for item in answer.evidence),
        machines=tuple(_machine(scored, voice, words) for voice in (proposal.voices if proposal else ())),
        contradicted=any(each.criterion == code for each in scored.contradictions),
        decision=standing.judgement if standing else None,
        stale=bool(standing and standing.stale),
        decides=not desk.blind,
        proposal=proposed,
        assessor="" if assessor == TO_FILL_IN else assessor,
        rated=tuple(_rated(desk, code, words)),
        differ=code in desk.differences(scored),
        gain=_gain(scored, code),
    )


def _options(scored: Scored, code: str, answer: Answer, words: Wording) -> Iterator[Option]:
    name = scored.model.criteria[code].options
    labels = scored.model.texts[words.language].options[name]
    given = None if answer.value is None else Fraction(answer.value)
    for key, value in zip(KEYS, scored.model.structure.options[name], strict=False):
        yield Option(f"value:{value}", key, labels[value], value, given is not None and given == Fraction(value))


def _no_values(scored: Scored, answer: Answer, words: Wording) -> Iterator[Option]:
    for word, key in NO_VALUES:
        if word == "not applicable" and scored.model.structure.not_applicable == "never":
            continue
        label = words(f"no_value.{word.replace(' ', '_')}")
        yield Option(f"no:{word}", key, label, "", answer.no_value == word)
    if answer.no_value == "inconclusive":
        yield Option("no:inconclusive", "", words("no_value.inconclusive"), "", chosen=True)


def _machine_option(answer: Answer, proposed: str, words: Wording) -> Option | None:
    chosen = answer.decision == "accept-machine"
    if not proposed and not chosen:
        return None
    return Option("machine:", "m", words("panel.take_machine"), proposed or DASH, chosen)


def _item(desk: Desk, item: EvidenceItem, words: Wording) -> Item:
    kept = find(desk.folder, item.sha256)
    parts = []
    if item.received:
        parts.append(words("panel.received", day=item.received))
    if item.period:
        parts.append(f"{item.period.start} – {item.period.end}")
    if item.expires:
        parts.append(words("panel.expires_on", day=item.expires))
    link = f"/files/{item.sha256}" if kept else ""
    return Item(item.grade, item.note, " · ".join(parts), link, bool(kept and kept.photo), short(item.sha256))


def _machine(scored: Scored, voice: Voice, words: Wording) -> Machine:
    record = voice.record
    indicator = scored.indicators[record.indicator.id].definition
    return Machine(
        record=record.id,
        label=indicator.label.in_(words.language),
        what=indicator.what.in_(words.language),
        value=_figure(record, record.value),
        bounds=_bounds(record),
        coverage=percent(_fraction(record.coverage), "down"),
        proposes=exact_text(voice.score) if voice.score is not None else "",
        interval=_interval(record, words),
        points=len(record.points),
        ledger=record.ledger,
        reason=_(record.reason) if record.reason else "",
        simulated="simulated" in record.origin,
        height=height_of(record),
    )


def _figure(record: Evidence, text: str | None) -> str:
    value = _fraction(text)
    if record.unit == "1":
        return percent(value)
    return DASH if value is None else f"{number(value)} {record.unit}"


def _bounds(record: Evidence) -> str:
    if record.unit != "1" or record.lower is None or record.lower == record.upper:
        return ""
    return percent_range(_fraction(record.lower), _fraction(record.upper))


def _fraction(text: str | None) -> Fraction | None:
    return None if text is None else Fraction(text)


def _interval(record: Evidence, words: Wording) -> str:
    first, last = (datetime.fromisoformat(text) for text in (record.start, record.end))
    return days(first.date(), (last - timedelta(microseconds=1)).date(), words.language)


def _rated(desk: Desk, code: str, words: Wording) -> Iterator[Rated]:
    for rater, sheet in desk.ratings().items():
        answer = sheet.answers.get(code, NOT_ASSESSED)
        word = answer.no_value or answer.decision
        yield Rated(rater, answer.value or words(f"no_value.{word.replace(' ', '_').replace('-', '_')}"), answer.remark)


def _gain(scored: Scored, code: str) -> str:
    """What this requirement, fully met, adds to the score of the first level not reached; empty when nothing."""
    gain = next((each for each in scored.score.gains if each.criterion == code), None)
    return f"+{rounded_down(gain.gain, 4)}" if gain is not None and gain.gain else ""
