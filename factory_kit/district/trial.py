"""Trial scores (试评): by a model that nobody compared with its standard, in a campaign that counts such scores apart.

Everything is counted by model, so a trial score has a model of its own: the same with a mark behind it.
"""

from __future__ import annotations

from functools import cache

from factory_kit.district.wording import say
from factory_kit.i18n import Language
from factory_kit.load.maturity import find_model, maturity_model
from factory_kit.model.maturity import MaturityModel
from factory_kit.shipped import search_path

__all__ = ["TRIAL", "is_trial", "model_at_hand", "model_name", "trial_of"]

TRIAL = "#trial"
"""Behind ``id@edition`` of a model or ladder whose scores are trial."""


def trial_of(model: str) -> str:
    """The model under which trial scores by *model* are counted."""
    return model if is_trial(model) else model + TRIAL


def is_trial(model: str) -> bool:
    """Whether scores of *model* are trial."""
    return model.endswith(TRIAL)


def model_name(model: str, language: Language) -> str:
    """What a table calls *model*: its title and its standard, the name alone of one that is not at hand; a trial one says so."""
    found = model_at_hand(model)
    texts = found.texts[language] if found else None
    name = f"{texts.title} {texts.standard}" if texts else model.removesuffix(TRIAL)
    return say("trial.model", language, model=name) if is_trial(model) else name


def model_at_hand(model: str) -> MaturityModel | None:
    """The edition *model* (``id@edition``, trial or not), where it is at hand."""
    return _found(model.removesuffix(TRIAL))


@cache
def _found(model: str) -> MaturityModel | None:
    name, _, edition = model.partition("@")
    source = find_model(name, edition, search_path("assessments"))
    return maturity_model(source) if source else None
