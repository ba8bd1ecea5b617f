"""Signals that belong together, watched against a time in which somebody knows that the machine ran well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from factory_kit.diagnose.anomaly import Detector, alarms, distances, train
from factory_kit.diagnose.finding import Finding, Number
from factory_kit.diagnose.grid import on_grid
from factory_kit.diagnose.material import Column, Material, PointFacts, watched
from factory_kit.diagnose.settings import Watch
from factory_kit.diagnose.states import microseconds
from factory_kit.diagnose.stretches import joined, shared
from factory_kit.errors import FactoryKitError, Inconclusive
from factory_kit.kpi.calendar import local_date
from factory_kit.kpi.indicators import StoreView
from factory_kit.kpi.interval import days_between
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.connector import MachineState
from factory_kit.model.indicator import Indicator
from factory_kit.model.sample import Float64

__all__ = ["Watched", "watch", "watch_findings"]

SECOND = 1_000_000
TIMES = 2.75
"""Alarm level as a multiple of the usual distance: the method frozen on the benchmark, see docs/diagnosis.md."""
LEAST_ROWS = 20
MOST_ROWS = 200_000
NEIGHBOURS = 5


@dataclass(frozen=True)
class Watched:
    """How far a machine's signals lay from normal, and when too far; or why nobody can tell."""

    machine: str
    points: tuple[str, ...]
    detector: Detector | None = None
    start: int = 0
    step: int = SECOND
    distance: Float64 | None = None
    """Per step, as a multiple of the usual distance; NaN where a signal was not known or the machine did not work."""
    abnormal: tuple[Stretch, ...] = ()
    signal: str = ""
    """The signal that lay farthest from its own normal level in the abnormal stretches."""
    refused: FactoryKitError | None = None


def watch(material: Material, rule: Watch, indicators: Mapping[str, Indicator], store: StoreView) -> Watched:
    """What *rule* asks for over the interval of *material*; a refusal instead of a guess."""
    points = [material.point(name) for name in rule.points]
    try:
        return _watched(material, rule, points, indicators, store)
    except Inconclusive as reason:
        return Watched(rule.machine, rule.points, refused=reason)


def watch_findings(found: Sequence[Watched]) -> list[Finding]:
    """One finding per machine that behaved abnormally."""
    return [_finding(each) for each in found if each.abnormal]


def _watched(
    material: Material, rule: Watch, points: Sequence[PointFacts], indicators: Mapping[str, Indicator], store: StoreView
) -> Watched:
    normal = Stretch(microseconds(rule.normal[0]), microseconds(rule.normal[1]))
    zone = material.interval.zone
    days = days_between(local_date(normal.start, zone), local_date(normal.end - 1, zone), zone)
    past = watched(indicators, store, days, points)
    now = {point.id: (material.column(point), material.known.get(point.id, ())) for point in points}
    step = _step([column for column, _ in past.values()])
    if max(normal.length, material.interval.window.length) // step > MOST_ROWS:
        raise Inconclusive("{machine}: too many rows to watch; ask for fewer days", machine=rule.machine)
    learned = _rows(points, past, normal, step, [normal])
    detector = train(rule.points, learned[~np.isnan(learned).any(axis=1)], normal)
    work = _working(material, rule.machine)
    rows = _rows(points, now, material.interval.window, step, work)
    found = distances(detector, rows)
    marked = alarms(detector, found, times=TIMES)
    abnormal = _stretches(marked, material.interval.start, step)
    return Watched(
        rule.machine, rule.points, detector, material.interval.start, step, found / np.exp(detector.usual), abnormal,
        _farthest(detector, rows, marked),
    )  # fmt: skip


def _step(columns: Sequence[Column]) -> int:
    """The usual spacing of the slowest signal, whole seconds."""
    usual = [float(np.median(np.diff(column.time))) for column in columns if len(column) > 1]
    return max(SECOND, round(max(usual, default=0.0) / SECOND) * SECOND)


def _working(material: Material, machine: str) -> list[Stretch]:
    segments = material.segments.get(machine)
    if segments is None:
        return [material.interval.window]
    return joined(each for each in segments if each.state is MachineState.PRODUCING)


def _rows(
    points: Sequence[PointFacts],
    columns: Mapping[int, tuple[Column, Sequence[Stretch]]],
    window: Stretch,
    step: int,
    work: Sequence[Stretch],
) -> Float64:
    series = []
    for point in points:
        column, known = columns[point.id]
        series.append(on_grid(column, window, step, shared(list(known), list(work))).value)
    return np.stack(series, axis=1)


def _stretches(marked: np.ndarray[tuple[int], np.dtype[np.bool_]], start: int, step: int) -> tuple[Stretch, ...]:
    """The marked rows as stretches that last, a few silent rows between them bridged."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], marked.astype(np.int8), [0]])))
    parts = [Stretch(start + int(a) * step, start + int(b) * step) for a, b in edges.reshape(-1, 2)]
    return tuple(part for part in joined(parts, apart=NEIGHBOURS * step) if part.length >= LEAST_ROWS * step)


def _farthest(detector: Detector, rows: Float64, marked: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> str:
    if not marked.any():
        return ""
    away = np.abs(np.nanmedian(rows[marked], axis=0) - detector.centre) / detector.scale
    return detector.signals[int(np.nanargmax(away))]


def _finding(found: Watched) -> Finding:
    assert found.detector is not None  # noqa: S101 - what is abnormal was measured
    assert found.distance is not None  # noqa: S101
    hours = sum(part.length for part in found.abnormal) / (3600 * SECOND)
    numbers: dict[str, Number] = {
        "count": len(found.abnormal), "hours": hours, "times": float(np.nanmax(found.distance)), "limit": TIMES,
        "signal": found.signal, "signals": len(found.points),
    }  # fmt: skip
    content = found.detector.as_json()
    extra = {"model": content["sha256"], "trained": content["trained"]}
    return Finding("unusual", found.machine, "middle", numbers, found.abnormal, found.points, extra=extra)
