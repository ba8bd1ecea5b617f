"""Trial scores (试评): by a model that nobody compared with its standard, in a campaign that counts such scores apart.

Everything is counted by model, so a trial score has a model of its own: the same with a mark behind it.
"""

from __future__ import annotations

from factory_kit.district.wording import say
from factory_kit.i18n import Language

__all__ = ["TRIAL", "is_trial", "model_name", "trial_of"]

TRIAL = "#trial"
"""Behind ``id@edition`` of a model or ladder whose scores are trial."""


def trial_of(model: str) -> str:
    """The model under which trial scores by *model* are counted."""
    return model if is_trial(model) else model + TRIAL


def is_trial(model: str) -> bool:
    """Whether scores of *model* are trial."""
    return model.endswith(TRIAL)


def model_name(model: str, language: Language) -> str:
    """What a table calls *model*: a trial one says so."""
    return say("trial.model", language, model=model.removesuffix(TRIAL)) if is_trial(model) else model
