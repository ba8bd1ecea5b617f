"""What machine evidence proposes for the criteria of a model; the assessor decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from factory_kit.model.definition import exact
from factory_kit.model.evidence import PLANT, Evidence
from factory_kit.model.indicator import Indicator, Speaks, proposed_score
from factory_kit.model.maturity import MaturityModel

__all__ = ["Proposal", "proposals"]


@dataclass(frozen=True, slots=True)
class Voice:
    """One record that speaks for a criterion; ``score`` is None when it has no value, or its indicator proposes none."""

    record: Evidence
    score: Fraction | None


@dataclass(frozen=True, slots=True)
class Proposal:
    """All that machine records say about one criterion."""

    criterion: str
    voices: tuple[Voice, ...]

    @property
    def score(self) -> Fraction | None:
        """The lowest score proposed; None when none is: too little data is not zero."""
        return min((voice.score for voice in self.voices if voice.score is not None), default=None)

    @property
    def inconclusive(self) -> bool:
        """Whether the machines were asked, and every record says that it knows too little."""
        return all(voice.record.outcome == "inconclusive" for voice in self.voices)

    @property
    def records(self) -> tuple[str, ...]:
        """The ids of the records, sorted."""
        return tuple(sorted(voice.record.id for voice in self.voices))


def proposals(model: MaturityModel, spoken: Sequence[tuple[Evidence, Indicator]]) -> Mapping[str, Proposal]:
    """By criterion of *model* what the plant's records *spoken*, each with its indicator, propose."""
    voices: dict[str, list[Voice]] = {}
    for record, indicator in spoken:
        for speaks in indicator.definition.criteria if record.subject == PLANT else ():
            if speaks.model == model.id and speaks.criterion in model.criteria:
                voices.setdefault(speaks.criterion, []).append(Voice(record, _score(model, record, speaks)))
    return {criterion: Proposal(criterion, tuple(voices[criterion])) for criterion in sorted(voices)}


def _score(model: MaturityModel, record: Evidence, speaks: Speaks) -> Fraction | None:
    """The proposed score, brought down to a value that the model allows."""
    if record.exact_value is None or not speaks.bands:
        return None
    proposed = exact(proposed_score(speaks.bands, record.exact_value))
    allowed = model.options[model.criteria[speaks.criterion].options]
    return max(value for value in allowed if value <= proposed)
