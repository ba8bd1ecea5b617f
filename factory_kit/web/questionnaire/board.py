"""What the page shows of the whole questionnaire: places with their requirements, the score, and what is still open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from factory_kit.assess.explain import warning_texts, why
from factory_kit.assess.ratings import Difference
from factory_kit.assess.scored import Scored
from factory_kit.i18n import Language
from factory_kit.model.answers import Answer, NoValueKind
from factory_kit.model.definition import exact
from factory_kit.model.maturity import Criterion
from factory_kit.reports.wording import Wording
from factory_kit.score import Decided, Value, exact_text, rounded_down
from factory_kit.score.steps import gate

__all__ = ["Board", "Group", "LevelBar", "Place", "Row", "Summary", "ToDo", "board", "decided_words", "row_of"]

OPEN = (NoValueKind.NOT_ASSESSED, NoValueKind.INCONCLUSIVE)
ELSEWHERE = "elsewhere"
Differing = Mapping[str, Difference]
NOWHERE: Differing = MappingProxyType({})
WHOLE = 1000
"""The width of a bar."""


@dataclass(frozen=True, slots=True)
class Row:
    """One requirement in the list."""

    code: str
    mark: str
    label: str
    value: str
    tone: str
    """``open``, ``none`` (no value on purpose), ``full``, ``part`` or ``zero``; the words say the same."""
    grade: str
    flags: tuple[tuple[str, str], ...]
    """Signs with their meaning."""
    said: tuple[str, ...]
    """Reason, remark and evidence, for the printed page."""


@dataclass(frozen=True, slots=True)
class Group:
    """A lowest node and its requirements."""

    node: str
    label: str
    rows: tuple[Row, ...]
    trimmed: str
    """Why it does not count; empty where it does."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the plant."""

    id: str
    label: str
    groups: tuple[Group, ...]
    answered: int
    total: int


@dataclass(frozen=True, slots=True)
class LevelBar:
    """The score of one level between what is proven and what is possible, as per mille of the full width."""

    mark: str
    value: str
    low: int
    now: int
    high: int
    gate: int
    satisfied: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """The live score."""

    level: str
    name: str
    total: str
    floor: str
    ceiling: str
    floor_level: str
    ceiling_level: str
    levels: tuple[LevelBar, ...]
    answered: int
    all: int
    provisional: bool


@dataclass(frozen=True, slots=True)
class ToDo:
    """One kind of thing that is open, and where."""

    key: str
    codes: tuple[tuple[str, str], ...]
    """Code and label."""


@dataclass(frozen=True, slots=True)
class Board:
    """Everything but the one question that is open."""

    places: tuple[Place, ...]
    summary: Summary
    to_do: tuple[ToDo, ...]
    why: tuple[str, ...]
    warnings: tuple[str, ...]


def board(scored: Scored, words: Wording, differ: Differing = NOWHERE) -> Board:
    """The board of *scored* and of where raters *differ*, in the language of *words*, which must be the one in force."""
    places = tuple(_places(scored, words, differ))
    to_do = tuple(_to_do(scored, words, differ))
    return Board(places, _summary(scored, words.language), to_do, why(scored), warning_texts(scored))


def row_of(scored: Scored, criterion: Criterion, words: Wording, differ: Differing = NOWHERE) -> Row:
    """The row of one requirement."""
    standing = scored.standings.get(criterion.id)
    answer = scored.answers.answers.get(criterion.id)
    decided = standing.decided if standing else None
    return Row(
        criterion.id,
        scored.model.texts[words.language].levels[str(criterion.level)].mark,
        scored.model.label(criterion.id, words.language),
        decided_words(decided, words),
        _tone(decided, scored.model.options[criterion.options][-1]),
        decided.grade if isinstance(decided, Value) else "",
        tuple(_flags(scored, criterion.id, words, differ)),
        tuple(_said(answer, words)),
    )


def decided_words(decided: Decided | None, words: Wording) -> str:
    """What counts, in few words."""
    if isinstance(decided, Value):
        return exact_text(decided.value)
    kind = decided.kind if decided else NoValueKind.NOT_ASSESSED
    return words(f"short.{kind.value.replace(' ', '_')}")


def _tone(decided: Decided | None, full: Fraction) -> str:
    if isinstance(decided, Value):
        return "full" if decided.value == full else "part" if decided.value else "zero"
    return "open" if decided is None or decided.kind in OPEN else "none"


def _flags(scored: Scored, code: str, words: Wording, differ: Differing) -> Iterator[tuple[str, str]]:
    if code in differ:
        yield "⇄", words("flag.differ")
    standing = scored.standings.get(code)
    if standing is None:
        return
    if any(each.criterion == code for each in scored.contradictions):
        yield "≠", words("flag.contradicted")
    if standing.stale:
        yield "↻", words("flag.stale")
    if standing.proposal is not None:
        yield "▤", words("flag.machine")
    if standing.judgement is not None:
        yield "✓", words("flag.decided")


def _said(answer: Answer | None, words: Wording) -> Iterator[str]:
    if answer is None:
        return
    if answer.reason:
        yield f"{words('panel.reason')}{words('colon')}{answer.reason}"
    if answer.remark:
        yield f"{words('panel.remark')}{words('colon')}{answer.remark}"
    for item in answer.evidence:
        yield f"{item.grade}{words('colon')}{item.note}"


def _places(scored: Scored, words: Wording, differ: Differing) -> Iterator[Place]:
    structure, texts = scored.model.structure, scored.model.texts[words.language]
    counted = {node.id for node in structure.nodes if scored.assessment.plant.type in node.weight}
    asked = {criterion.node: criterion.node for criterion in structure.criteria if criterion.node in counted}
    named = {node for nodes in structure.places.values() for node in nodes}
    rest = tuple(node for node in asked if node not in named)
    for name, nodes in {**structure.places, ELSEWHERE: rest}.items():
        groups = tuple(_group(scored, node, words, differ) for node in asked if node in nodes)
        rows = [row for group in groups if not group.trimmed for row in group.rows]
        if groups:
            answered = sum(row.tone != "open" for row in rows)
            yield Place(name, texts.places.get(name) or words("place.elsewhere"), groups, answered, len(rows))


def _group(scored: Scored, node: str, words: Wording, differ: Differing) -> Group:
    rows = tuple(row_of(scored, each, words, differ) for each in scored.model.structure.criteria if each.node == node)
    above = _above(scored, node)
    trimmed = next((trim.reason for trim in scored.answers.trimming if trim.node in above), "")
    return Group(node, scored.model.label(node, words.language), rows, trimmed)


def _above(scored: Scored, node: str) -> set[str]:
    found = {node}
    parent = scored.model.nodes[node].parent
    while parent is not None:
        found.add(parent)
        parent = scored.model.nodes[parent].parent
    return found


def _summary(scored: Scored, language: Language) -> Summary:
    score, texts = scored.score, scored.model.texts[language].levels
    places = scored.model.structure.scoring.shown.places
    level = texts[str(score.level)]
    requirements = sum(count.requirements for count in score.counts) + sum(count.left_out for count in score.counts)
    return Summary(
        level=level.mark,
        name=level.name if score.level else level.mark,
        total=rounded_down(score.total, places),
        floor=rounded_down(score.floor.total, places),
        ceiling=rounded_down(score.ceiling.total, places),
        floor_level=texts[str(score.floor.level)].mark,
        ceiling_level=texts[str(score.ceiling.level)].mark,
        levels=tuple(_bars(scored, language)),
        answered=requirements - len(score.unanswered),
        all=requirements,
        provisional=score.provisional,
    )


def _bars(scored: Scored, language: Language) -> Iterator[LevelBar]:
    score, structure = scored.score, scored.model.structure
    least = exact(gate(structure.scoring).at_least)
    for now, low, high in zip(score.outcome.levels, score.floor.levels, score.ceiling.levels, strict=True):
        mark = scored.model.texts[language].levels[str(now.level)].mark
        shown = rounded_down(now.value, structure.scoring.shown.places)
        yield LevelBar(
            mark=mark,
            value=shown,
            low=int(low.value * WHOLE),
            now=int(now.value * WHOLE),
            high=int(high.value * WHOLE),
            gate=int(least * WHOLE),
            satisfied=now.satisfied,
        )


def _to_do(scored: Scored, words: Wording, differ: Differing) -> Iterator[ToDo]:
    found = scored.standings
    counting = {criterion.id for criterion in scored.score.scope.criteria}
    declared = [
        code for code, each in found.items()
        if isinstance(each.decided, Value) and each.decided.value and each.decided.grade == "D" and code in counting
    ]  # fmt: skip
    kinds: Mapping[str, Sequence[str]] = {
        "differ": [code for code, each in differ.items() if not each.explained],
        "contradicted": [each.criterion for each in scored.contradictions],
        "stale": [code for code, each in found.items() if each.stale],
        "proposed": [each.criterion for each in scored.open_proposals],
        "inconclusive": scored.score.no_values[NoValueKind.INCONCLUSIVE],
        "declared": declared,
        "not_assessed": scored.score.no_values[NoValueKind.NOT_ASSESSED],
    }
    for key, codes in kinds.items():
        labels = tuple((code, scored.model.label(code, words.language)) for code in codes)
        yield ToDo(key, labels)
