"""Time in which nobody collected is told once, and is no fault of the equipment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from factory_kit.diagnose.run import Diagnosis, diagnose
from factory_kit.diagnose.silence import pauses, silences
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.evidence import PLANT
from factory_kit.store import Store
from factory_kit.testing.plantmodel import PlantModel
from factory_kit.testing.recorded import demo_site, record_plant

from .conftest import DAY, HOUR, MINUTE, indicators

TWO_DAYS = days_between(date(2026, 9, 1), date(2026, 9, 2), "Asia/Shanghai")
EVENING, MORNING = TWO_DAYS.start + 20 * HOUR, TWO_DAYS.start + 31 * HOUR


@pytest.fixture(scope="module")
def two_visits(tmp_path_factory: pytest.TempPathFactory) -> Diagnosis:
    """A clean plant that is read until eight in the evening, and again from seven in the morning."""
    store = Store(tmp_path_factory.mktemp("visits") / "store")
    for run, start, end in (("first", TWO_DAYS.start, EVENING), ("second", MORNING, TWO_DAYS.end)):
        record_plant(PlantModel(6, start, faults=False, step=5 * MINUTE), store, end, run=run)
    site, _connectors = demo_site()
    return diagnose(indicators(), store, TWO_DAYS, site, lambda: TWO_DAYS.end)


def test_the_night_between_two_collections_is_told_once_of_the_plant(two_visits: Diagnosis) -> None:
    """The time between the runs is one finding about the whole plant, from the end of one to the beginning of the other."""
    (told,) = [each for each in two_visits.findings if each.kind == "not-collected"]
    assert told.subject == PLANT
    (night, *rest) = told.when
    assert abs(night.start - EVENING) <= 5 * MINUTE
    assert abs(night.end - MORNING) <= 5 * MINUTE
    assert sum(part.length for part in rest) <= HOUR


def test_no_machine_is_said_to_be_silent_while_nobody_collected(two_visits: Diagnosis) -> None:
    """What was not asked did not fail to answer."""
    assert {each.kind for each in two_visits.findings}.isdisjoint({"no-answer", "never-answered"})


def test_a_short_pause_is_not_told(bench: Any) -> None:
    """Under a quarter of an hour a collection was begun once more."""
    material = bench.material()
    begun = Stretch(DAY.start, DAY.start + 14 * MINUTE)
    object.__setattr__(material, "unwatched", (begun,))
    assert list(pauses(material)) == []
    object.__setattr__(material, "unwatched", (begun, Stretch(DAY.end - 16 * MINUTE, DAY.end)))
    (told,) = pauses(material)
    assert told.when == (Stretch(DAY.end - 16 * MINUTE, DAY.end),)
    assert told.numbers == {"count": 1, "hours": pytest.approx(16 / 60), "longest": pytest.approx(16 / 60)}


def test_what_is_silent_before_the_pause_stays_a_fault(diagnosed: Callable[..., Any]) -> None:
    """Equipment that answered no more while the run went on is told by that part alone."""
    found = diagnosed(3, faults=True)
    material = found.diagnosis.material
    (whole,) = [each for each in silences(material) if each.subject == "compressor-01"]
    (silent,) = whole.when
    middle = (silent.start + silent.end) // 2
    object.__setattr__(material, "unwatched", (Stretch(middle, silent.end),))
    (part,) = [each for each in silences(material) if each.subject == "compressor-01"]
    assert part.when == (Stretch(silent.start, middle),)
