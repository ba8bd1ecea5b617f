"""Material and language together, and the words that several sections need."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from factory_kit.assess.evidence import newest
from factory_kit.assess.proposals import Proposal
from factory_kit.i18n import Language, _, speaking
from factory_kit.model.answers import Answer, NoValueKind
from factory_kit.model.assessment import Assessment
from factory_kit.model.definition import exact
from factory_kit.model.evidence import PLANT, Evidence
from factory_kit.model.maturity import LevelText, Texts
from factory_kit.render.document import Cell
from factory_kit.render.theme import Tone
from factory_kit.reports.assessment.material import Material
from factory_kit.reports.shown import DASH, Rounding, number, percent
from factory_kit.reports.wording import Wording, wording
from factory_kit.score.answer import Decided, Value
from factory_kit.score.numbers import exact_text, rounded_down
from factory_kit.score.result import Score
from factory_kit.score.sentence import Sentence
from factory_kit.score.steps import gate

__all__ = ["Brief"]

DOZEN = 12


@dataclass(frozen=True)
class Brief:
    """The material of a report and the language it is written in."""

    material: Material
    language: Language

    @cached_property
    def t(self) -> Wording:
        """The fixed texts."""
        return wording("assessment", self.language)

    @property
    def score(self) -> Score:
        """The score that is reported."""
        return self.material.scored.score

    @property
    def assessment(self) -> Assessment:
        """What was assessed, when, by whom."""
        return self.material.scored.assessment

    @cached_property
    def evidence(self) -> tuple[Evidence, ...]:
        """Of each indicator and subject the record that counts; the plant before its equipment."""
        records = newest(self.material.scored.evidence)
        return tuple(sorted(records, key=lambda each: (each.indicator.id, each.subject != PLANT, each.subject)))

    @cached_property
    def proposals(self) -> Mapping[str, Proposal]:
        """What the evidence proposes, by criterion."""
        found = self.material.scored.standings.items()
        return {criterion: standing.proposal for criterion, standing in found if standing.proposal}

    @property
    def texts(self) -> Texts:
        """The texts of the model."""
        return self.score.model.texts[self.language]

    @cached_property
    def threshold(self) -> Fraction:
        """From this level score on, a level is satisfied."""
        return exact(gate(self.score.model.structure.scoring).at_least)

    @property
    def focus(self) -> int:
        """The level that matters next: the first unsatisfied one, the highest when all are satisfied."""
        outcome = self.score.outcome
        return outcome.stopped_at or outcome.levels[-1].level

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """Every node that counts for the plant, parents first."""
        return tuple(dict.fromkeys(node.node for node in self.score.nodes))

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """The nodes of the depth at which about a dozen stand side by side: what a radar can show."""
        by_depth: dict[int, list[str]] = {}
        for node in self.nodes:
            by_depth.setdefault(self.depth(node), []).append(node)
        closest = min(abs(len(nodes) - DOZEN) for nodes in by_depth.values())
        return next(tuple(nodes) for nodes in by_depth.values() if abs(len(nodes) - DOZEN) == closest)

    def nodes_in_tree(self, parent: str | None = None) -> Iterator[str]:
        """Every node that counts, each directly before what stands below it; alone-standing children are not repeated."""
        children = [node for node in self.nodes if self.score.model.nodes[node].parent == parent]
        for node in children:
            if len(children) > 1 or self.label(node) != self.label(parent or ""):
                yield node
            yield from self.nodes_in_tree(node)

    def depth(self, node: str) -> int:
        """How many nodes stand above *node*."""
        parent = self.score.model.nodes[node].parent
        return 0 if parent is None else 1 + self.depth(parent)

    @cached_property
    def counted(self) -> frozenset[str]:
        """The criteria that count for the plant: of its type, and not left out with a node."""
        nodes = set(self.nodes)
        return frozenset(each.id for each in self.score.model.structure.criteria if each.node in nodes)

    def level(self, level: int) -> LevelText:
        """How *level* is called."""
        return self.texts.levels[str(level)]

    def level_name(self, level: int) -> str:
        """Mark and name: 二级 规范级."""
        return self.score.model.level_name(level, self.language)

    def label(self, code: str) -> str:
        """Our label of a node or criterion."""
        return self.score.model.label(code, self.language)

    def equipment(self, subject: str) -> str:
        """The name of a piece of equipment, or of the plant."""
        if subject == PLANT:
            return self.t("word.plant")
        names = {each.id: each.name.in_(self.language) for each in self.material.site.equipment}
        return names.get(subject, subject)

    def points(self, value: Fraction | None) -> str:
        """A score as the model wants it shown: rounded down."""
        return DASH if value is None else rounded_down(value, self.score.model.structure.scoring.shown.places)

    def tone(self, value: Fraction | None) -> Tone:
        """Good from the threshold on, warning from half of full, bad below."""
        if value is None:
            return "muted"
        return "good" if value >= self.threshold else "warn" if value >= Fraction(1, 2) else "bad"

    def answer(self, criterion: str) -> Answer | None:
        """What the answers say about *criterion*."""
        return self.material.scored.answers.answers.get(criterion)

    def decided(self, criterion: str) -> Decided | None:
        """What counts for *criterion*."""
        standing = self.material.scored.standings.get(criterion)
        return standing.decided if standing else None

    def value_text(self, criterion: str, value: Fraction) -> str:
        """A value and what it is called: 大部分满足 0.8."""
        options = self.texts.options.get(self.score.model.criteria[criterion].options, {})
        said = next((words for text, words in options.items() if exact(text) == value), "")
        return f"{said} {exact_text(value)}".strip()

    def answer_cell(self, criterion: str) -> Cell:
        """The answer that counts, coloured by how far the requirement is met."""
        decided = self.decided(criterion)
        if isinstance(decided, Value):
            return Cell(self.value_text(criterion, decided.value), self.tone(decided.value), number=None)
        kind = decided.kind if decided else NoValueKind.NOT_ASSESSED
        tone: Tone = "muted" if kind is NoValueKind.NOT_APPLICABLE else "bad" if kind is NoValueKind.UNKNOWN else "warn"
        return Cell(self.t(f"no_value.{kind.name.lower()}"), tone)

    def said(self, sentences: Iterable[Sentence]) -> tuple[str, ...]:
        """Sentences of the score in the report's language, ids by their labels."""
        separator = "、" if self.language == "zh" else ", "
        with speaking(self.language):
            return tuple(each.text(_, self.label, separator) for each in sentences)

    def reason(self, text: str | None) -> str:
        """A reason of the machine evidence in the report's language."""
        with speaking(self.language):
            return _(text) if text else ""

    def figure(self, text: str | None, unit: str, rounding: Rounding = "nearest") -> str:
        """A figure of a record: shares as per cent, all else with its unit."""
        if text is None:
            return DASH
        value = Fraction(text)
        return percent(value, rounding) if unit == "1" else f"{number(value, 2, rounding)} {unit}"
