"""Simulated days in a store, diagnosed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.material import Column, Material, PointFacts
from factory_kit.diagnose.run import NOTHING, Diagnosis, Known, diagnose
from factory_kit.kpi.interval import Interval, days_between
from factory_kit.load.indicator import all_indicators
from factory_kit.model.site import Equipment
from factory_kit.shipped import data_dir
from factory_kit.store import Store
from factory_kit.testing.plantmodel import PlantModel
from factory_kit.testing.recorded import Changed, demo_site, record_plant

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = days_between(date(2026, 9, 1), date(2026, 9, 1), "Asia/Shanghai")
"""A Tuesday."""


@dataclass(frozen=True)
class Diagnosed:
    """A plant, its store, and what was found in it."""

    model: PlantModel
    store: Store
    interval: Interval
    diagnosis: Diagnosis

    def found(self, kind: str) -> dict[str, Finding]:
        """The findings of *kind* by subject."""
        return {each.subject: each for each in self.diagnosis.findings if each.kind == kind}

    @property
    def faults(self) -> list[tuple[str, str]]:
        """Kind and subject of every finding that calls something broken."""
        return sorted((each.kind, each.subject) for each in self.diagnosis.findings if each.definition.group == "fault")


@cache
def indicators() -> dict[str, Any]:
    """The shipped indicators."""
    return all_indicators([data_dir("assessments") / "indicators"])


@pytest.fixture(scope="session")
def diagnosed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Diagnosed]:
    """Records a simulated plant over whole days and diagnoses them."""

    def run(
        seed: int, *, faults: bool, days: Interval = DAY, step: int = MINUTE, changed: Changed | None = None,
        line: tuple[str, ...] = (), known: Known = NOTHING,
    ) -> Diagnosed:  # fmt: skip
        model = PlantModel(seed, days.start - 2 * HOUR, faults=faults, step=step)
        store = Store(tmp_path_factory.mktemp("plant") / "store")
        record_plant(model, store, days.end + HOUR, changed=changed)
        site, _connectors = demo_site()
        found = diagnose(indicators(), store, days, site, lambda: days.end, line=line, known=known)
        return Diagnosed(model, store, days, found)

    return run


@dataclass
class Bench:
    """Material filled by hand."""

    interval: Interval = DAY
    equipment: dict[str, Equipment] = field(default_factory=dict)
    points: list[PointFacts] = field(default_factory=list)
    known: dict[int, Any] = field(default_factory=dict)
    segments: dict[str, Any] = field(default_factory=dict)
    columns: dict[int, Column] = field(default_factory=dict)

    def material(self) -> Material:
        """The material."""
        return Material(self.interval, self.equipment, self.points, self.known, self.segments, self.columns)


@pytest.fixture
def bench() -> Bench:
    """Nothing yet."""
    return Bench()


@pytest.fixture(scope="session")
def demo_folder() -> Path:
    """The demonstration's definitions."""
    return data_dir("examples") / "demo-plant"
