"""Where each criterion stands: the answer, the decision on it, the machine evidence beside it, and what counts in the end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Literal

from factory_kit.assess.proposals import Proposal
from factory_kit.model.answers import Answer, Answers, EvidenceGrade, EvidenceItem, NoValueKind
from factory_kit.model.assessment import Judgement
from factory_kit.model.definition import exact
from factory_kit.model.maturity import MaturityModel
from factory_kit.score import Decided, NoValue, Value, exact_text

__all__ = ["Contradiction", "Proofs", "Standing", "answer_text", "contradictions", "decided_text", "standings"]

PROVEN = ("A", "B", "C")
WEAKEST: EvidenceGrade = "D"
By = Literal["answer", "accept-machine", "override-machine", "change"]


@dataclass(frozen=True, slots=True)
class Proofs:
    """Which evidence can count: machine records that are there, and what had not expired on the day *on*."""

    records: frozenset[str]
    on: date

    def grade(self, answer: Answer | None) -> EvidenceGrade:
        """The best grade among the evidence of *answer* that can count; D, declared, without any."""
        items = answer.evidence if answer else ()
        return min((item.grade for item in items if self._counts(item)), default=WEAKEST)

    def _counts(self, item: EvidenceItem) -> bool:
        expired = item.expires is not None and item.expires < self.on
        return not expired and (item.grade != "A" or item.sha256 in self.records)


@dataclass(frozen=True, slots=True)
class Standing:
    """One criterion: what counts, by what, and what the machine evidence says."""

    criterion: str
    decided: Decided
    by: By
    answer: Answer | None
    judgement: Judgement | None
    proposal: Proposal | None
    stale: bool = False
    """The answer was changed after the decision that replaced it."""


@dataclass(frozen=True, slots=True)
class Contradiction:
    """An answer above what machine evidence shows, and nobody has decided which counts."""

    criterion: str
    answer: Fraction
    machine: Fraction
    records: tuple[str, ...]


def standings(
    model: MaturityModel,
    answers: Answers,
    judgements: Mapping[str, Judgement],
    proposed: Mapping[str, Proposal],
    proofs: Proofs,
) -> Mapping[str, Standing]:
    """By criterion, in the order of *model*, where each that has an answer, a judgement or a proposal stands."""
    known = answers.answers.keys() | judgements.keys() | proposed.keys()
    return {
        criterion: _standing(
            criterion, answers.answers.get(criterion), judgements.get(criterion), proposed.get(criterion), proofs
        )
        for criterion in model.criteria
        if criterion in known
    }


def contradictions(found: Mapping[str, Standing]) -> Iterator[Contradiction]:
    """Every answer above its machine evidence that nobody decided on."""
    for standing in found.values():
        decided, proposal = standing.decided, standing.proposal
        if not isinstance(decided, Value) or proposal is None or proposal.score is None:
            continue
        if standing.by != "override-machine" and decided.value > proposal.score:
            yield Contradiction(standing.criterion, decided.value, proposal.score, proposal.records)


def answer_text(answer: Answer | None) -> str:
    """*answer* as one text: its value, the kind of no value, or accept-machine; empty for none."""
    if answer is None:
        return ""
    return answer.value or answer.no_value or answer.decision


def _standing(
    criterion: str, answer: Answer | None, judgement: Judgement | None, proposal: Proposal | None, proofs: Proofs
) -> Standing:
    grade = proofs.grade(answer)
    if judgement is not None:
        value = exact(judgement.new)
        decided: Decided = _value(value, grade, proposal, settled=judgement.verdict == "override-machine")
        if judgement.verdict == "accept-machine" and proofs.records.issuperset(judgement.records):
            decided = Value(value, "A")
        stale = judgement.old != answer_text(answer)
        return Standing(criterion, decided, judgement.verdict, answer, judgement, proposal, stale)
    if answer is None:
        return Standing(criterion, NoValue(NoValueKind.NOT_ASSESSED), "answer", None, None, proposal)
    if answer.decision == "accept-machine":
        return Standing(criterion, _machine(proposal), "accept-machine", answer, None, proposal)
    by: By = "override-machine" if answer.decision == "override-machine" else "answer"
    if answer.value is None:
        kind = NoValueKind(answer.no_value or "not assessed")
        return Standing(criterion, NoValue(kind, answer.reason, grade), by, answer, None, proposal)
    decided = _value(exact(answer.value), grade, proposal, settled=by == "override-machine")
    return Standing(criterion, decided, by, answer, None, proposal)


def _machine(proposal: Proposal | None) -> Decided:
    """The proposed score; without one the criterion stays open, too little data is never zero."""
    if proposal is not None and proposal.score is not None:
        return Value(proposal.score, "A")
    if proposal is not None and proposal.inconclusive:
        return NoValue(NoValueKind.INCONCLUSIVE, grade="A")
    return NoValue(NoValueKind.NOT_ASSESSED)


def _value(value: Fraction, grade: EvidenceGrade, proposal: Proposal | None, *, settled: bool) -> Value:
    """A person's *value* beside what the machine says; *settled* when the machine's value was set aside with a reason.

    Machine evidence that shows as much makes it grade A. Where it shows less, that much is all that is proven.
    """
    machine = proposal.score if proposal else None
    if machine is None:
        return Value(value, grade)
    if machine >= value:
        return Value(value, "A")
    if settled and grade in PROVEN:
        return Value(value, grade)
    return Value(value, grade, machine)


def decided_text(decided: Decided) -> str:
    """What counts, as one text."""
    return exact_text(decided.value) if isinstance(decided, Value) else decided.kind.value
