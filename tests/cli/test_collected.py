"""What is said when a collection has ended."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from factory_kit.cli.collected import days_to_name, pause_before_last, say_next
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store
from factory_kit.testing.shifts import HOUR, microseconds

ZONE = "Asia/Shanghai"
MIDNIGHT = microseconds("2026-09-02T00:00:00+08:00")


def visit(store: Store, name: str, start: int, hours: int) -> None:
    """A run that read one point every half hour, the last time at its end."""
    with store.writer(Run(name, start, Origin.SIMULATED, "demo", "collect")) as writer:
        (point,) = store.register([CataloguePoint("cnc-01", "a", "state", "", "int32", "a", "c", "1", "machines")])
        times = start + np.arange(2 * hours + 1, dtype=np.int64) * (HOUR // 2)
        count = len(times)
        writer.append(SampleBatch(np.full(count, point, np.int32), times, np.ones(count), np.zeros(count, np.int8)))


def test_the_pause_since_the_collection_before_and_the_next_commands_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From when to when nobody collected, in the plant's zone, and three commands that can be pasted, with the days where needed."""
    store, place = Store(tmp_path / "store"), tmp_path / "plant 1"
    visit(store, "evening", MIDNIGHT + 8 * HOUR, 12)
    visit(store, "morning", MIDNIGHT + 31 * HOUR, 2)
    say_next(store, ZONE, place)
    said = capsys.readouterr().err
    assert "Nobody collected from 2026-09-02 20:00 to 2026-09-03 07:00, 11.0 hours" in " ".join(said.split())
    lines = said.splitlines()[-3:]
    days = "--from 2026-09-02 --to 2026-09-03"
    assert lines == [
        f'  factory-kit store losses -w "{place}"',
        f'  factory-kit kpi {days} -w "{place}"',
        f'  factory-kit diagnose {days} -w "{place}"',
    ]


def test_a_first_collection_has_no_pause_and_an_empty_store_no_next_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing is said of a store without samples; of a single run of a whole day the commands alone, without days."""
    store = Store(tmp_path)
    say_next(store, ZONE, Path())
    assert capsys.readouterr().err == ""
    visit(store, "only", MIDNIGHT, 24)
    say_next(store, ZONE, Path())
    said = capsys.readouterr().err
    assert "Nobody" not in said
    assert said.splitlines()[-2:] == ["  factory-kit kpi", "  factory-kit diagnose"]


def test_only_a_pause_behind_all_earlier_runs_counts() -> None:
    """The latest end of those before is what matters; under a quarter of an hour is no pause."""
    long, short = Stretch(0, 10 * HOUR), Stretch(HOUR, 2 * HOUR)
    assert pause_before_last([long, short, Stretch(11 * HOUR, 12 * HOUR)]) == Stretch(10 * HOUR, 11 * HOUR)
    assert pause_before_last([long, short, Stretch(9 * HOUR, 12 * HOUR)]) is None
    assert pause_before_last([long, Stretch(10 * HOUR + HOUR // 4, 12 * HOUR)]) == Stretch(
        10 * HOUR, 10 * HOUR + HOUR // 4
    )
    assert pause_before_last([long, Stretch(10 * HOUR + HOUR // 4 - 1, 12 * HOUR)]) is None
    assert pause_before_last([long]) is None


def test_days_are_named_only_where_none_is_whole() -> None:
    """A day that is whole is found by the commands themselves."""
    assert days_to_name([Stretch(MIDNIGHT, MIDNIGHT + 24 * HOUR)], ZONE) == ()
    assert days_to_name([Stretch(MIDNIGHT + HOUR, MIDNIGHT + 9 * HOUR)], ZONE) == (
        "--from",
        "2026-09-02",
        "--to",
        "2026-09-02",
    )
