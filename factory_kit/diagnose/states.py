"""States of machines that tell none, read from power or current as ``diagnosis.yaml`` says; refused where it cannot be told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from factory_kit.diagnose.grid import Grid, on_grid
from factory_kit.diagnose.inference import Inferred, Label, PowerModel, by_thresholds, infer, learn
from factory_kit.diagnose.material import Column, Material, PointFacts, watched
from factory_kit.diagnose.models import read_model
from factory_kit.diagnose.settings import Settings, StateRule
from factory_kit.diagnose.stretches import outside, shared
from factory_kit.errors import FactoryKitError, Inconclusive
from factory_kit.kpi.calendar import local_date
from factory_kit.kpi.indicators import StoreView
from factory_kit.kpi.interval import Interval, days_between
from factory_kit.kpi.timemodel import Segment, Stretch
from factory_kit.model.connector import MachineState
from factory_kit.model.definition import exact
from factory_kit.model.indicator import Indicator

__all__ = ["Told", "microseconds", "told_states", "with_states"]

SECOND = 1_000_000
STEP = 10 * SECOND
"""Least step of the series that states are read from; slower readings make longer ones."""
MOST_STEPS = 400_000
ROLES = ("active_power", "current")
MACHINES = frozenset({"meter", "sensor"})
"""Kinds of equipment that have no states."""


@dataclass(frozen=True)
class Told:
    """What could be told of one machine: its states with their confidence, or why not."""

    machine: str
    point: str
    model: PowerModel | None = None
    stretches: tuple[Inferred, ...] = ()
    series: Grid | None = None
    unit: str = ""
    refused: FactoryKitError | None = None

    def hours(self, state: MachineState) -> float:
        """Hours in *state*."""
        return sum(each.end - each.start for each in self.stretches if each.state is state) / (3600 * SECOND)

    @property
    def confidence(self) -> float:
        """The mean probability of what was told, 0 where nothing was."""
        known = [each for each in self.stretches if each.state is not MachineState.UNKNOWN]
        time = sum(each.end - each.start for each in known)
        return sum((each.end - each.start) * each.confidence for each in known) / time if time else 0.0


def told_states(
    material: Material, settings: Settings, indicators: Mapping[str, Indicator], store: StoreView, folder: Path
) -> list[Told]:
    """Every machine without states of its own that has a power or a current; models are read from *folder*."""
    rules = {rule.machine: rule for rule in settings.states}
    found = []
    for name, point in _silent(material):
        rule = rules.get(name)
        if rule is None:
            reason = Inconclusive(
                "{machine} tells no state; from {point} alone it cannot be told: label two or three minutes of each state in diagnosis.yaml",
                machine=name, point=point,
            )  # fmt: skip
            found.append(Told(name, point, refused=reason))
            continue
        try:
            found.append(_told(material, rule, indicators, store, folder))
        except Inconclusive as reason:
            found.append(Told(name, rule.point, refused=reason))
    return found


def with_states(material: Material, told: Sequence[Told]) -> Material:
    """*material* with the states that were told, as planned and unplanned stretches from end to end."""
    segments = dict(material.segments)
    for each in told:
        if each.model is not None:
            segments[each.machine] = list(_segments(material, each))
    return replace(material, segments=segments)


def microseconds(moment: datetime) -> int:
    """µs since 1970-01-01 UTC."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def _silent(material: Material) -> Iterator[tuple[str, str]]:
    """Machines without a known state, and the power or current to read it from: their own, or of a meter of theirs alone."""
    for name, machine in material.equipment.items():
        known = any(each.state is not MachineState.UNKNOWN for each in material.segments.get(name, ()))
        if known or machine.kind in MACHINES or material.of(name, "state"):
            continue
        sources = [name, *(each.id for each in material.equipment.values() if each.feeds == (name,))]
        points = [point for role in ROLES for source in sources for point in material.of(source, role)]
        if points:
            yield name, f"{points[0].equipment}/{points[0].name}"


def _told(
    material: Material, rule: StateRule, indicators: Mapping[str, Indicator], store: StoreView, folder: Path
) -> Told:
    point = material.point(rule.point)
    column, known = material.column(point), material.known.get(point.id, ())
    if rule.model:
        model = read_model(folder / rule.model, PowerModel)
        step = model.step
    else:
        step = _step(column)
        model = _model(rule, step, lambda span: _grid(indicators, store, point, span, step), material.interval.zone)
    if material.interval.window.length // step > MOST_STEPS:
        raise Inconclusive(
            "{point}: {steps} steps of {seconds} s are too many to read states from; ask for fewer days",
            point=rule.point, steps=material.interval.window.length // step, seconds=step // SECOND,
        )  # fmt: skip
    series = on_grid(column, material.interval.window, step, known)
    return Told(rule.machine, rule.point, model, tuple(infer(model, series)), series, point.unit)


def _step(column: Column) -> int:
    """The usual time between two readings in whole seconds, ten at least: a finer step would repeat what was read once."""
    usual = float(np.median(np.diff(column.time))) if len(column) > 1 else 0.0
    return max(STEP, round(usual / SECOND) * SECOND)


def _model(rule: StateRule, step: int, series: Callable[[Interval], Grid], zone: str) -> PowerModel:
    dwell = int(rule.dwell_s * SECOND)
    if rule.thresholds:
        pairs = [(float(exact(each.start)), each.state) for each in rule.thresholds]
        return by_thresholds(pairs, step=step, cycle=int(rule.cycle_s * SECOND), dwell=dwell)
    labels = [Label(Stretch(microseconds(each.start), microseconds(each.until)), each.state) for each in rule.labels]
    first, last = min(each.stretch.start for each in labels), max(each.stretch.end for each in labels)
    days = days_between(local_date(first, zone), local_date(last - 1, zone), zone)
    return learn(series(days), labels, dwell=dwell)


def _grid(indicators: Mapping[str, Indicator], store: StoreView, point: PointFacts, days: Interval, step: int) -> Grid:
    column, known = watched(indicators, store, days, [point])[point.id]
    return on_grid(column, days.window, step, known)


def _segments(material: Material, told: Told) -> Iterator[Segment]:
    window = material.interval.window
    parts = [(part, True) for part in material.planned]
    parts += [(part, False) for part in outside(window, material.planned)]
    for each in sorted(told.stretches, key=lambda found: found.start):
        pieces = [(piece, planned) for part, planned in parts for piece in shared([each], [part])]
        for piece, planned in sorted(pieces, key=lambda found: found[0].start):
            yield Segment(piece.start, min(piece.end, window.end), each.state, planned)
