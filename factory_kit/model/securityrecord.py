"""What an evidence record about the security of a server states: items of maturity models, a score for each, and why.

Such a record is an ``Evidence`` like any other. No SQL over samples made it: its indicator is ``opcua-security``, whose hash is
that of the rules that made it, and it carries in its details what the server said, what is weak about that, and what it
therefore states. So it speaks for itself, wherever it lies, and can be computed again from its own details.
"""

from __future__ import annotations

from dataclasses import dataclass

from factory_kit.errors import AssessmentError
from factory_kit.model.definition import exact
from factory_kit.model.evidence import Evidence, Json

__all__ = ["SECURITY", "Statement", "statements"]

SECURITY = "opcua-security"
"""The indicator of these records."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What a record states about one item (or criterion) of a model, ``id@edition``: a score from 0 to 1, and the kinds of weakness behind it."""

    model: str
    criterion: str
    score: str
    because: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        """As it stands in the details of the record."""
        return {
            "model": self.model,
            "criterion": self.criterion,
            "score": self.score,
            "because": list(self.because),
        }


def statements(record: Evidence) -> tuple[Statement, ...]:
    """What *record* states by itself, nothing where it is of another kind; ``AssessmentError`` where that cannot be read."""
    if record.indicator.id != SECURITY:
        return ()
    try:
        return tuple(_statement(each) for each in _listed(record.details.get("statements")))
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        raise AssessmentError(
            "{file}: is no record of security of form 1 ({reason}); discover the server again",
            file=record.file_name,
            reason=f"{type(error).__name__}: {error}",
        ) from error


def _listed(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise TypeError("statements are a list")
    return value


def _statement(value: Json) -> Statement:
    if not isinstance(value, dict) or value.keys() != {"model", "criterion", "score", "because"}:
        raise TypeError("a statement has model, criterion, score and because")
    model, criterion, score = (value[name] for name in ("model", "criterion", "score"))
    because = _listed(value["because"])
    if not (isinstance(model, str) and isinstance(criterion, str) and isinstance(score, str)):
        raise TypeError("model, criterion and score are texts")
    if not 0 <= exact(score) <= 1:
        raise ValueError(f"{score} is no share")
    return Statement(model, criterion, score, tuple(str(each) for each in because))
