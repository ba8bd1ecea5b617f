"""What the people of a plant said for its diagnosis: the files ``diagnosis.yaml`` and ``tariff.yaml`` of their workspace."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from factory_kit.diagnose.settings import SETTINGS_FILE, Settings, settings_file
from factory_kit.diagnose.tariff import TARIFF_FILE, Tariff, tariff_file
from factory_kit.errors import DefinitionError, Problem
from factory_kit.model.site import Site

__all__ = ["NOTHING", "Known", "known_of"]


@dataclass(frozen=True)
class Known:
    """What only people know: their settings, their tariff, and the folder that models are read from."""

    settings: Settings = field(default_factory=Settings)
    tariff: Tariff | None = None
    folder: Path = Path()

    @classmethod
    def of(cls, folder: Path, site: Site) -> Known:
        """``known_of`` with the ledger of *site*."""
        return known_of(folder, {each.id for each in site.equipment})


NOTHING = Known()


def known_of(folder: Path, equipment: Collection[str] | None) -> Known:
    """The files of the workspace *folder*, as far as they are there; ``DefinitionError`` with the mistakes of both.

    *equipment* are the ids of the ledger; None where the ledger itself could not be read.
    """
    problems: list[Problem] = []
    settings, tariff = Settings(), None
    try:
        if (folder / SETTINGS_FILE).is_file():
            settings = settings_file(folder / SETTINGS_FILE, equipment)
    except DefinitionError as error:
        problems += error.problems
    try:
        if (folder / TARIFF_FILE).is_file():
            tariff = tariff_file(folder / TARIFF_FILE)
    except DefinitionError as error:
        problems += error.problems
    if problems:
        raise DefinitionError(problems)
    return Known(settings, tariff, folder)
