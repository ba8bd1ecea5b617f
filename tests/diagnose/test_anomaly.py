"""Anomalies of signals that belong together."""

from __future__ import annotations

import json

import numpy as np
import pytest

from factory_kit.diagnose.anomaly import Detector, after_the_fact, alarms, distances, train
from factory_kit.errors import Inconclusive, UsageError
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.sample import Float64

SIGNALS = ("pressure", "flow", "current")
HOUR = Stretch(0, 3600)


def running(count: int = 1200, seed: int = 1) -> Float64:
    """Three signals that move together, with noise of their own."""
    chance = np.random.default_rng(seed)
    common = np.sin(np.arange(count) / 15)[:, None]
    return np.array([5.0, 30.0, 1.2]) + common * [0.2, 1.0, 0.05] + chance.normal(0, [0.02, 0.2, 0.01], (count, 3))


def disturbed(seed: int = 1) -> tuple[Float64, np.ndarray[tuple[int], np.dtype[np.bool_]]]:
    """The flow falls by two from row 700 to 900 while the pressure goes on: only together they look wrong."""
    rows = running(seed=seed)
    rows[700:900, 1] -= 2.0
    abnormal = np.zeros(len(rows), np.bool_)
    abnormal[700:900] = True
    return rows, abnormal


@pytest.fixture(scope="module")
def detector() -> Detector:
    """Trained on four hundred rows of normal running."""
    return train(SIGNALS, running()[:400], HOUR)


@pytest.mark.parametrize("seed", range(4))
def test_a_disturbance_is_marked_after_the_fact(seed: int) -> None:
    """Of the rows marked and of the rows disturbed at least nine of ten are the same."""
    rows, abnormal = disturbed(seed)
    detector = train(SIGNALS, rows[:400], HOUR)
    told = after_the_fact(detector, distances(detector, rows)[400:])
    real = abnormal[400:]
    assert (told & real).sum() >= 0.9 * max(told.sum(), real.sum())


def test_alarms_come_with_the_disturbance_and_go_with_it(detector: Detector) -> None:
    """As they come: within half a minute of rows, and silent on normal running."""
    rows, _ = disturbed()
    told = alarms(detector, distances(detector, rows))
    assert not told[400:700].any()
    assert told[730:900].all()
    assert not told[960:].any()


def test_normal_running_raises_no_alarm(detector: Detector) -> None:
    """Other days of the same running stay below the threshold."""
    for seed in range(5, 10):
        assert alarms(detector, distances(detector, running(seed=seed))).mean() < 0.01


def test_slow_drift_is_followed_and_sudden_change_is_not(detector: Detector) -> None:
    """A level that creeps by seven deviations of its noise in 2,400 rows is no alarm; the same step at once is."""
    rows = running(2400)
    creeping = rows + np.linspace(0, 0.15, len(rows))[:, None] * [1, 0, 0]
    assert alarms(detector, distances(detector, creeping)).mean() < 0.05
    jumped = rows.copy()
    jumped[1200:, 0] += 0.15
    assert alarms(detector, distances(detector, jumped))[1240:1400].all()


def test_missing_rows_are_neither_normal_nor_wrong(detector: Detector) -> None:
    """They have no distance and raise no alarm, and the rows after them are judged."""
    rows, _ = disturbed()
    rows[500:520] = np.nan
    found = distances(detector, rows)
    assert np.isnan(found[500:520]).all()
    assert not np.isnan(found[520:]).any()
    told = alarms(detector, found)
    assert not told[500:520].any()
    assert told[740:900].all()
    assert after_the_fact(detector, np.full(10, np.nan)).tolist() == [False] * 10


def test_too_little_normal_running_is_refused() -> None:
    """A hundred rows, or a missing value among them, make no model."""
    with pytest.raises(Inconclusive, match="50 whole rows of normal running are too few"):
        train(SIGNALS, running()[:50], HOUR)
    holed = running()[:400]
    holed[7, 1] = np.nan
    with pytest.raises(Inconclusive, match="399 whole rows"):
        train(SIGNALS, holed, HOUR)


def test_a_detector_goes_through_json_and_shows_alteration(detector: Detector) -> None:
    """The same distances again; one changed digit is noticed."""
    content = json.loads(json.dumps(detector.as_json()))
    rows, _ = disturbed()
    assert distances(Detector.from_json(content), rows).tolist() == distances(detector, rows).tolist()
    content["usual"] = "0.1"
    with pytest.raises(UsageError, match="its sha256 differs"):
        Detector.from_json(content)


def odd(kind: str) -> np.ndarray:
    """Recordings as plants have them, and benchmarks do not."""
    rows = np.random.default_rng(2).normal(0, 1, (400, 3))
    if kind == "a constant column":
        rows[:, 1] = 5.0
    elif kind == "only constants":
        rows[:] = 7.0
    elif kind == "the same column twice":
        rows[:, 2] = rows[:, 0]
    elif kind == "scales far apart":
        rows *= np.array([1e-9, 1.0, 1e12])
    elif kind == "switches":
        rows = (rows > 0).astype(float)
    elif kind == "one column":
        rows = rows[:, :1]
    elif kind == "values missing later":
        rows[250:300, 1] = np.nan
    elif kind == "no number":
        rows[250:300, 1] = np.inf
    return rows


@pytest.mark.parametrize(
    "kind",
    [
        "a constant column", "only constants", "the same column twice", "scales far apart", "switches", "one column",
        "values missing later", "no number",
    ],
)  # fmt: skip
def test_odd_recordings_are_judged_or_left_unknown(kind: str) -> None:
    """Every row that was measured gets a finite distance, every other none and no alarm; quiet ones do not alarm throughout."""
    rows = odd(kind)
    detector = train(tuple(f"m/{number}" for number in range(rows.shape[1])), rows[:200], Stretch(0, 1))
    found = distances(detector, rows)
    whole = np.isfinite(rows).all(axis=1)
    assert np.isfinite(found[whole]).all()
    assert np.isnan(found[~whole]).all()
    told = alarms(detector, found)
    assert not told[~whole].any()
    assert told.mean() < 0.1


@pytest.mark.parametrize("count", [0, 1, 5, 20])
def test_very_short_recordings_are_refused_for_learning_and_judged_all_the_same(count: int) -> None:
    """Too few rows teach nothing, which is said; by a detector of old even a single row has its distance."""
    rows = odd("")
    with pytest.raises(Inconclusive, match="are too few"):
        train(("m/a", "m/b", "m/c"), rows[:count], Stretch(0, 1))
    detector = train(("m/a", "m/b", "m/c"), rows, Stretch(0, 1))
    assert len(distances(detector, rows[:count])) == count
