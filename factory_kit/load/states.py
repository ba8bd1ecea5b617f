"""State profiles from their folders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from factory_kit.errors import DefinitionError, Problem
from factory_kit.i18n import N_
from factory_kit.load.checked import yaml_file
from factory_kit.model.states import StateProfile

__all__ = ["all_state_profiles"]


def all_state_profiles(folders: Sequence[Path]) -> dict[str, StateProfile]:
    """Every profile below *folders* by name and version; the first folder that has one wins.

    ``DefinitionError`` with the mistakes of all of them.
    """
    found: dict[str, StateProfile] = {}
    problems: list[Problem] = []
    for path in (path for folder in folders if folder.is_dir() for path in sorted(folder.glob("*/states.yaml"))):
        shown = f"{path.parent.parent.name}/{path.parent.name}/states.yaml"
        try:
            profile = yaml_file(path, StateProfile, shown)
        except DefinitionError as error:
            problems += error.problems
            continue
        if profile.name != path.parent.name:
            message = N_("{id!r} differs from the name of its folder")
            problems.append(Problem(shown, 1, "profile", message, {"id": profile.name}))
        found.setdefault(profile.profile, profile)
    if problems:
        raise DefinitionError(problems)
    return found
