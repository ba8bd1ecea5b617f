"""What the pages of the other gradings show: every ladder, its items, where the plant stands, and the certificates it holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from factory_kit.assess.forms import NOT_ASSESSED
from factory_kit.assess.ladder_sheet import LadderSheets
from factory_kit.assess.model_rules import condition_in_words
from factory_kit.assess.scored import Scored
from factory_kit.assess.sheet import version_of
from factory_kit.assess.stands import Stand
from factory_kit.model.answers import Answer
from factory_kit.model.assessment import Assessment
from factory_kit.model.definition import Text, exact
from factory_kit.model.ladder import Item, Ladder
from factory_kit.reports.wording import Wording
from factory_kit.score import exact_text
from factory_kit.web.questionnaire.wishes import Choice

__all__ = [
    "Grading",
    "Held",
    "ScopePart",
    "Standing",
    "answered",
    "certificates",
    "grading",
    "gradings",
    "parts_to_leave_out",
    "standing",
    "with_choice",
]

NO_VALUES = ("not applicable", "unknown", "not assessed")


@dataclass(frozen=True, slots=True)
class Grading:
    """One ladder in the list."""

    key: str
    title: str
    issued: str
    items: int
    begun: bool
    level: str
    """Where the plant stands, empty for a profile or where nothing is answered."""
    unverified: bool


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate the enterprise says it holds."""

    kind: str
    grade: str
    number: str
    issuer: str
    until: str
    expired: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the plant stands on one ladder."""

    level: str
    proven: str
    best: str
    answered: int
    items: int
    missing: tuple[str, ...]
    contradicted: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """One item with its possible answers."""

    id: str
    label: str
    starred: bool
    version: str
    options: tuple[tuple[str, str, bool], ...]
    """Choice, label, whether chosen."""
    reason: str
    grade: str
    note: str
    servers: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """One ladder to be answered."""

    key: str
    title: str
    issued: str
    licence_note: str
    unverified: bool
    groups: tuple[tuple[str, tuple[Asked, ...]], ...]
    figures: tuple[tuple[str, str, str, str], ...]
    """Id, label, unit, number."""


def gradings(sheets: LadderSheets, words: Wording) -> tuple[Grading, ...]:
    """All ladders, those begun with where the plant stands."""
    return tuple(_grading(sheets, key, found, words) for key, found in sheets.known().items())


def _grading(sheets: LadderSheets, key: str, found: Ladder, words: Wording) -> Grading:
    content, begun = found.content, sheets.begun(key)
    level = standing(sheets.stand(key), words).level if begun and content.rungs else ""
    title, issued = content.title.in_(words.language), content.issued.in_(words.language)
    return Grading(key, title, issued, len(content.items), begun, level, content.status == "unverified")


def grading(sheets: LadderSheets, key: str, words: Wording) -> Sheet:
    """The ladder *key* with every item and what is answered."""
    found, stand = sheets.ladder(key), sheets.stand(key)
    answers = sheets.answers(key)
    content, language = found.content, words.language
    groups = tuple(
        (
            group.label.in_(language),
            tuple(
                asked(found, each, answers.answers, stand, words) for each in content.items if each.group == group.id
            ),
        )
        for group in content.groups
    )
    figures = tuple(
        (each.id, each.label.in_(language), each.unit, answers.figures.get(each.id, "")) for each in content.figures
    )
    return Sheet(
        key=key,
        title=content.title.in_(language),
        issued=content.issued.in_(language),
        licence_note=content.licence_note.in_(language),
        unverified=content.status == "unverified",
        groups=tuple((label, items) for label, items in groups if items),
        figures=figures,
    )


def asked(found: Ladder, item: Item, answers: Mapping[str, Answer], stand: Stand, words: Wording) -> Asked:
    """*item* as it is asked."""
    answer = answers.get(item.id, NOT_ASSESSED)
    given = None if answer.value is None else exact(answer.value)
    labels: list[tuple[str, Text]] = [(each.value, each.label) for each in found.content.options[item.options]]
    options = [(f"value:{value}", label.in_(words.language), given == exact(value)) for value, label in labels]
    for word in NO_VALUES:
        label = words(f"no_value.{word.replace(' ', '_')}")
        options.append((f"no:{word}", label, given is None and (answer.no_value or "not assessed") == word))
    first = answer.evidence[0] if answer.evidence else None
    return Asked(
        id=item.id,
        label=item.label.in_(words.language),
        starred=item.starred,
        version=version_of(answer),
        options=tuple(options),
        reason=answer.reason,
        grade=first.grade if first else "B",
        note=first.note if first else "",
        servers=_servers(stand, item.id, words),
    )


def _servers(stand: Stand, item: str, words: Wording) -> str:
    stated = stand.stated.get(item)
    if stated is None:
        return ""
    return words("ladder.servers", value=exact_text(stated.score), records=len(stated.by))


def standing(stand: Stand, words: Wording) -> Standing:
    """Where the plant stands, in words."""
    climbed, content, language = stand.climbed, stand.ladder.content, words.language
    marks = {0: words("ladder.none"), **{rung.level: rung.mark.in_(language) for rung in content.rungs}}
    return Standing(
        level=marks[climbed.level] if content.rungs else "",
        proven=marks[climbed.proven],
        best=marks[climbed.at_best],
        answered=stand.answered,
        items=len(content.items),
        missing=tuple(condition_in_words(stand.ladder, held.condition) for held in climbed.holds_back),
        contradicted=tuple(stand.ladder.items[name].label.in_(language) for name in stand.contradicted),
    )


def certificates(assessment: Assessment, words: Wording) -> Iterator[Held]:
    """What the enterprise says it holds, from ``assessment.yaml``."""
    last: date = assessment.period.end
    for each in assessment.certificates:
        until = each.valid_until
        kind = words(f"ladder.certificate.{each.kind}")
        expired = until is not None and until < last
        yield Held(kind, each.grade, each.number, each.issuer, str(until or ""), expired)


@dataclass(frozen=True, slots=True)
class ScopePart:
    """A node that may be left out, and whether it is."""

    node: str
    code: str
    """As the standard prints it; empty for a part the standard gives a name only."""
    label: str
    reason: str
    agreed_by: str


def parts_to_leave_out(scored: Scored, words: Wording) -> Iterator[ScopePart]:
    """Every node that a plant of this type may leave out, with the reason where it does."""
    left_out = {trim.node: trim for trim in scored.answers.trimming}
    for node in scored.model.structure.nodes:
        if node.trimmable and scored.answers.type in node.weight:
            trim = left_out.get(node.id)
            label = scored.model.label(node.id, words.language)
            code = "" if node.id.islower() else node.id
            yield ScopePart(node.id, code, label, trim.reason if trim else "", trim.agreed_by if trim else "")


def with_choice(before: Answer, choice: Choice, grade: str, note: str) -> Mapping[str, object]:
    """*choice* with the first piece of evidence in words; further pieces of *before* stay."""
    items = [item.model_dump(exclude_defaults=True) for item in before.evidence]
    if items and note:
        items[0] |= {"grade": grade, "note": note}
    elif items:
        items = items[1:]
    elif note:
        items = [{"grade": grade, "note": note}]
    content: dict[str, object] = {"reason": choice.reason, "remark": before.remark, "evidence": tuple(items)}
    if choice.value:
        return {**content, "value": choice.value}
    return {**content, "no_value": choice.no_value or "not assessed"}


def answered(sheets: LadderSheets, key: str, item: str) -> str:
    """The version of the answer to *item* that is on disk now."""
    return version_of(sheets.answers(key).answers.get(item, NOT_ASSESSED))
