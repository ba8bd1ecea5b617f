"""What commands over whole days of a store begin with: the workspace, its sealed store, the days, the indicators in force."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from factory_kit.cli.timerange import asked_interval
from factory_kit.i18n import _

if TYPE_CHECKING:
    from pathlib import Path

    from factory_kit.kpi.interval import Interval
    from factory_kit.load.workspace import Workspace
    from factory_kit.model.indicator import Indicator
    from factory_kit.model.site import Site
    from factory_kit.store import Store

__all__ = ["Asked", "asked", "indicators_of"]


@dataclass(frozen=True)
class Asked:
    """Everything that figures of whole days are computed from."""

    place: Workspace
    site: Site
    store: Store
    interval: Interval
    indicators: dict[str, Indicator]

    def say_days(self) -> None:
        """One line beside the results: which days they speak of."""
        from factory_kit.cli.console import note

        first, last, days = self.interval.from_text, self.interval.to_text, self.interval.blocks
        note(_("{first} to {last}, {days} whole days").format(first=first, last=last, days=days))


def asked(folder: Path, since: str, until: str) -> Asked:
    """The workspace in *folder* over the days from *since* to *until*; everything it holds is sealed first, so that files can be named."""
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store

    place = Workspace.at(folder)
    site, _connectors = place.site()
    store = Store(place.store_folder)
    store.seal()
    return Asked(place, site, store, asked_interval(store, site.plant.timezone, since, until), indicators_of(place))


def indicators_of(place: Workspace) -> dict[str, Indicator]:
    """The shipped indicators and those of the workspace, by id."""
    from factory_kit.load.indicator import all_indicators
    from factory_kit.shipped import search_path

    return all_indicators([folder / "indicators" for folder in search_path("assessments", place.root)])
