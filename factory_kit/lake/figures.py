"""KPIs and indicators of one plant that was pushed: what a worker far away is asked, and what it answers."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from factory_kit.errors import FactoryKitError, UsageError
from factory_kit.kpi.indicators import evidence_of
from factory_kit.kpi.interval import Interval, days_between
from factory_kit.kpi.plant import KpiFigure, plant_kpis
from factory_kit.lake.listing import folder_of
from factory_kit.lake.pace import Pace
from factory_kit.lake.places import opened
from factory_kit.lake.pull import pull
from factory_kit.load.indicator import all_indicators
from factory_kit.load.workspace import Workspace
from factory_kit.model.evidence import Evidence
from factory_kit.model.indicator import Indicator
from factory_kit.shipped import search_path
from factory_kit.store import SealedFile, Store

__all__ = ["Asked", "Figure", "Question", "figures_of", "plants_at"]

Asked = Literal["kpi", "indicators", "all"]
AFTERWARDS = 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class Figure:
    """A KPI or an indicator of a piece of equipment of a plant, or why there is none; numbers are exact fractions as text."""

    plant: str
    id: str
    subject: str
    value: str | None
    lower: str | None
    upper: str | None
    coverage: str | None
    reason: str | None
    record: str | None
    """Of an indicator: the evidence record, canonical JSON."""


@dataclass(frozen=True)
class Question:
    """What is asked of every plant: which figures, over which days (each plant's own, both included), of what lies at *place*."""

    place: str
    what: Asked
    first: date
    last: date
    received: int
    """What the records will say of when they were made (µs, UTC)."""
    credentials: Mapping[str, str]
    """The variables of the environment that a worker on another machine needs to read *place*."""
    scratch: str | None = None
    """Where workers keep what they read, while they compute; by default the system's folder for that."""
    threads: int = 1
    """Threads of each worker; the figures are the same with any number."""


def plants_at(place: str) -> list[str]:
    """The plants that were pushed to *place*; ``UsageError`` when there is none."""
    mark = folder_of("")
    found = [each.removeprefix(mark) for each in opened(place).folders() if each.startswith(mark)]
    if not found:
        raise UsageError("{place}: no plant was pushed there; see factory-kit store push", place=place)
    return found


def figures_of(question: Question, plant: str) -> list[Figure]:
    """The figures of *plant*, computed by the same code and SQL as in its workspace; what went wrong becomes one figure that says it.

    One plant that fails never stops the others.
    """
    os.environ.update(question.credentials)
    try:
        with tempfile.TemporaryDirectory(prefix="factory-kit-", dir=question.scratch) as folder:
            return list(_figures(question, plant, Path(folder) / plant))
    except FactoryKitError as error:
        return [Figure(plant, "", "plant", None, None, None, None, str(error), None)]


@dataclass(frozen=True)
class _View:
    """A store that takes no more threads than its worker was given."""

    store: Store
    threads: int

    def connect(self) -> Any:
        return self.store.connect(self.threads)

    def files(self, start: int, end: int) -> Sequence[SealedFile]:
        return self.store.files(start, end)


def _figures(question: Question, plant: str, folder: Path) -> Iterator[Figure]:
    remote, now = opened(question.place), lambda: question.received
    pull(remote, plant, folder, raw=False, pace=Pace(), now=now, window=(0, 0))
    site, _connectors = Workspace.at(folder).site()
    interval = days_between(question.first, question.last, site.plant.timezone)
    indicators = all_indicators([each / "indicators" for each in search_path("assessments")])
    pull(remote, plant, folder, raw=True, pace=Pace(), now=now, window=_reach(interval, indicators))
    store = _View(Store(folder / "store"), question.threads)
    if question.what != "kpi":
        yield from _indicators(plant, evidence_of(indicators.values(), store, interval, site.calendar, now))
    if question.what != "indicators":
        feeds = {each.id: each.feeds for each in site.equipment}
        yield from _kpis(plant, plant_kpis(indicators, store, interval, site.calendar, feeds))


def _indicators(plant: str, records: Iterable[Evidence]) -> Iterator[Figure]:
    for each in records:
        yield Figure(
            plant, each.indicator.id, each.subject, each.value, each.lower, each.upper, each.coverage, each.reason,
            each.canonical().decode(),
        )  # fmt: skip


def _kpis(plant: str, figures: Iterable[KpiFigure]) -> Iterator[Figure]:
    for each in figures:
        kpi = each.kpi
        yield Figure(
            plant, each.id, each.subject, _text(kpi.value), _text(kpi.lower), _text(kpi.upper), _text(kpi.coverage),
            each.reason or None, None,
        )  # fmt: skip


def _reach(interval: Interval, indicators: Mapping[str, Indicator]) -> tuple[int, int]:
    """From when to when the SQL reads, µs."""
    lookback = max(each.parameters.get("lookback", 0) for each in indicators.values())
    return interval.start - lookback, interval.end + AFTERWARDS


def _text(number: Fraction | None) -> str | None:
    return None if number is None else str(number)
