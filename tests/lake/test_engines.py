"""Figures of many plants: one machine, Spark on it, and a small Spark cluster say the same to the last digit."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from factory_kit.kpi.indicators import evidence_of
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.plant import plant_kpis
from factory_kit.lake import Figure, Pace, Question, computed, opened, plants_at, pull, push
from factory_kit.lake.figures import Asked
from factory_kit.lake.listing import listing_of
from factory_kit.load.indicator import all_indicators
from factory_kit.load.workspace import Workspace
from factory_kit.model.indicator import Indicator
from factory_kit.shipped import search_path
from factory_kit.store import Store
from factory_kit.testing.busyplant import ZONE, busy_plant

LONG = bool(os.environ.get("FACTORY_KIT_LONG"))
"""With it the plants have three million rows."""
PLANTS, MACHINES, DAYS, STEP = (3, 12, 8, 10) if LONG else (2, 1, 3, 60)
RECEIVED = 1_790_000_000_000_000
FIRST, LAST = date(2026, 9, 1), date(2026, 9, DAYS - 1)


@pytest.fixture(scope="module", name="plants")
def _plants(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The workspaces ``p0``, ``p1``… with gaps, bad samples, resets and shifts over midnight, pushed to ``place``."""
    folder = tmp_path_factory.mktemp("plants")
    place = opened(str(folder / "place"))
    for number in range(PLANTS):
        workspace = folder / f"p{number}"
        busy_plant(workspace, f"p{number}", machines=MACHINES, days=DAYS, seed=number, step_s=STEP)
        push(workspace, f"p{number}", place, raw=True, pace=Pace(), now=lambda: RECEIVED)
    return folder


def question(plants: Path) -> Question:
    """All figures of all whole days."""
    return Question(str(plants / "place"), "all", FIRST, LAST, RECEIVED, {})


@pytest.fixture(scope="module", name="here")
def _here(plants: Path) -> list[list[Figure]]:
    """What the processes of this machine say."""
    return list(computed(question(plants), plants_at(str(plants / "place")), "duckdb", workers=2))


def shelf() -> dict[str, Indicator]:
    """The shipped indicators."""
    return all_indicators([folder / "indicators" for folder in search_path("assessments")])


def test_figures_of_a_pushed_plant_are_those_of_its_own_workspace(plants: Path, here: list[list[Figure]]) -> None:
    """Every record byte for byte, every KPI exactly."""
    place = Workspace.at(plants / "p1")
    store, calendar = Store(place.store_folder), place.site()[0].calendar
    interval = days_between(FIRST, LAST, ZONE)
    records = {
        (each.indicator.id, each.subject): each.canonical().decode()
        for each in evidence_of(shelf().values(), store, interval, calendar, lambda: RECEIVED)
    }
    kpis = {(each.id, each.subject): each.kpi.value for each in plant_kpis(shelf(), store, interval, calendar, {})}
    assert {(each.id, each.subject): each.record for each in here[1] if each.record} == records
    assert {(each.id, each.subject): each.value for each in here[1] if not each.record} == {
        key: None if value is None else str(value) for key, value in kpis.items()
    }
    assert sum(each.value is not None for each in here[1]) > 30


@pytest.mark.system
@pytest.mark.parametrize(
    ("master", "what"), [("local[2]", "all" if LONG else "kpi"), ("local-cluster[2,1,1024]", "all")]
)
def test_spark_says_the_same_to_the_last_digit(
    plants: Path, here: list[list[Figure]], master: str, what: Asked, system_tool: Callable[[str], str]
) -> None:
    """Executors on the same machine, in threads and as processes of a cluster."""
    system_tool("java")
    if importlib.util.find_spec("pyspark") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(
            "PySpark is not installed; pip install 'factory-kit[spark]'"
        )
    asked = replace(question(plants), what=what)
    found = list(computed(asked, plants_at(str(plants / "place")), "spark", master=master))
    assert found == [[each for each in of_plant if what == "all" or each.record is None] for of_plant in here]


WRONG = {
    "moments in whole seconds": (
        "SELECT s.point, epoch_us(s.time) AS moment",
        "SELECT s.point, CAST(epoch(s.time) AS BIGINT) * 1000000 AS moment",
    ),
    "boundaries in place of time passed": (
        "least(s.until, $stop) - greatest(s.moment, $start) AS length",
        "(least(s.until, $stop) // 1000000 - greatest(s.moment, $start) // 1000000) * 1000000 AS length",
    ),
    "nulls not ignored": ("last_value(max(state) IGNORE NULLS)", "last_value(max(state))"),
}
"""How Spark and Ibis spell the same question with another answer, put into our SQL."""


@pytest.mark.parametrize("how", sorted(WRONG))
def test_a_wrong_spelling_is_caught(plants: Path, here: list[list[Figure]], how: str) -> None:
    """The comparison that finds engines equal finds the SQL different once it is spelled as another engine would."""
    spelled, otherwise = WRONG[how]
    right = shelf()["availability"]
    assert spelled in right.sql
    wrong = replace(right, sql=right.sql.replace(spelled, otherwise))
    place = Workspace.at(plants / "p0")
    store, calendar = Store(place.store_folder), place.site()[0].calendar
    records = evidence_of([wrong], store, days_between(FIRST, LAST, ZONE), calendar, lambda: RECEIVED)
    found = {each.subject: (each.lower, each.value, each.upper) for each in records}
    expected = {
        each.subject: (each.lower, each.value, each.upper)
        for each in here[0]
        if each.id == "availability" and each.record
    }
    assert found != expected


def test_only_the_runs_that_matter_are_fetched(tmp_path: Path) -> None:
    """Of a plant with two runs a window in the first needs no file that holds the second alone."""
    busy_plant(tmp_path / "w", "p", machines=1, days=4, seed=1, step_s=60)
    place = opened(str(tmp_path / "place"))
    push(tmp_path / "w", "p", place, raw=True, pace=Pace(), now=lambda: RECEIVED)
    interval = days_between(FIRST, FIRST, ZONE)
    pull(
        place,
        "p",
        tmp_path / "copy",
        raw=True,
        pace=Pace(),
        now=lambda: RECEIVED,
        window=(interval.start, interval.end),
    )
    found = listing_of(place, "p")
    assert found is not None
    fetched = {
        path.relative_to(tmp_path / "copy" / "store").as_posix()
        for path in (tmp_path / "copy" / "store").rglob("*.parquet")
    }
    samples = [each for each in found[0].files if each.kind == "samples"]
    assert {each.path for each in samples if "p-0" in each.runs} <= fetched
    assert not {each.path for each in samples if each.runs == ("p-1",)} & fetched
    assert [each for each in samples if each.runs == ("p-1",)]


def test_a_plant_that_fails_does_not_stop_the_others(plants: Path) -> None:
    """Its figure says what is wrong with it."""
    place = plants / "place"
    (place / "plant=broken").mkdir()
    (place / "plant=broken" / "lake.json").write_text(json.dumps({"form": 1}), encoding="utf-8")
    try:
        asked = Question(str(place), "kpi", FIRST, LAST, RECEIVED, {})
        broken, whole = computed(asked, ["broken", "p0"], "duckdb", workers=1)
    finally:
        (place / "plant=broken" / "lake.json").unlink()
        (place / "plant=broken").rmdir()
    assert [each.id for each in broken] == [""]
    assert "makes no sense" in str(broken[0].reason)
    assert len(whole) > 10
