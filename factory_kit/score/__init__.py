"""The scoring engine: exact, pure, explained; floor and ceiling, gains and the shortest way to the next level."""

from __future__ import annotations

from factory_kit.score.answer import Decided, DecidedAnswers, NoValue, Value
from factory_kit.score.cases import case_failures
from factory_kit.score.engine import score
from factory_kit.score.gain import Gain
from factory_kit.score.numbers import exact_text, rounded_down
from factory_kit.score.result import GradeShare, LevelCount, NodeScore, Score, score_record
from factory_kit.score.sentence import Ref, Sentence
from factory_kit.score.steps import LevelScore, Outcome

__all__ = [
    "Decided",
    "DecidedAnswers",
    "Gain",
    "GradeShare",
    "LevelCount",
    "LevelScore",
    "NoValue",
    "NodeScore",
    "Outcome",
    "Ref",
    "Score",
    "Sentence",
    "Value",
    "case_failures",
    "exact_text",
    "rounded_down",
    "score",
    "score_record",
]
