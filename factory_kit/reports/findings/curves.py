"""Pictures over time and load: load duration, anomaly strips, powers with the states that were read from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from factory_kit.diagnose.baseload import BLOCK, MINIMUM
from factory_kit.diagnose.energy import HOUR, Register, register_of
from factory_kit.diagnose.grid import Grid
from factory_kit.diagnose.material import Material
from factory_kit.diagnose.states import Told as ToldStates
from factory_kit.diagnose.stretches import length_before, outside, shared
from factory_kit.diagnose.watch import TIMES, Watched
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.sample import Float64
from factory_kit.render.charts import Band, Curve, Mark, Trace
from factory_kit.render.charts.curve import round_step, top_of
from factory_kit.render.document import Figure
from factory_kit.reports.over_time import ticks

if TYPE_CHECKING:
    from factory_kit.reports.findings.parts import Told

__all__ = ["anomaly_strips", "load_duration", "power_states"]

SECOND = 1_000_000
WHOLE = 0.9
PLACES = 300
"""Columns of a curve; each shows the least and the largest value in it."""
HIGHEST = 3.0
"""Times the alarm level that a strip shows; beyond it the line runs along its upper edge."""
MOST = 3
"""Strips and powers in a report."""


def load_duration(told: Told) -> Figure | None:
    """The quarter hours of the largest meter, the highest load first, planned and unplanned time apart."""
    material, t = told.diagnosis.material, told.t
    metered = [(each.id, *found) for each in material.equipment.values() if (found := register_of(material, each.id))]
    metered = [each for each in metered if len(each[2].time) > 1]
    if not metered:
        return None
    name, point, register = max(metered, key=lambda each: (float(each[2].level[-1]), each[0]))
    window, known = material.interval.window, material.known.get(point.id, ())
    planned = _blocks(register, window, shared(list(material.planned), list(known)))
    rest = _blocks(register, window, shared(outside(window, material.planned), list(known)))
    both = np.concatenate([planned, rest])
    if len(both) < 8:
        return None
    top, base = float(both.max()), float(np.percentile(both, MINIMUM))
    traces = [Trace(t("load.planned"), _sorted(planned), "brand", filled=True)] if len(planned) else []
    traces += [Trace(t("load.unplanned"), _sorted(rest), "red", dashed=True)] if len(rest) else []
    across = max(len(planned), len(rest)) * BLOCK / HOUR
    marks = (Mark(base, t("load.base", kw=f"{base:.1f}")),)
    chart = Curve(tuple(traces), across, top_of(top), _even(across), "kW", t("load.x"), marks)
    alt = t("load.alt", top=f"{top:.1f}", base=f"{base:.1f}", name=told.name(name))
    return Figure("figure-load", t("load.caption", name=told.name(name)), alt, chart, note=t("load.note"), width=720)


def _blocks(register: Register, window: Stretch, parts: list[Stretch]) -> Float64:
    """The mean kW of every quarter of an hour that lies in *parts*, but for a tenth of it."""
    edges = np.arange(window.start, window.end + 1, BLOCK, dtype=np.int64)
    inside = np.diff(length_before(edges, register.inside(parts))) >= WHOLE * BLOCK
    return np.asarray(register.blocks(window, BLOCK)[inside])


def _sorted(kw: Float64) -> tuple[tuple[float, float | None], ...]:
    ordered = np.sort(kw)[::-1]
    hours = np.arange(len(ordered)) * BLOCK / HOUR
    every = max(1, len(ordered) // (2 * PLACES))
    return tuple((float(x), round(float(y), 3)) for x, y in zip(hours[::every], ordered[::every], strict=True))


def _even(across: float) -> tuple[tuple[float, str], ...]:
    step = round_step(across)
    return tuple((number * step, f"{number * step:g}") for number in range(int(across / step + 1e-9) + 1))


def anomaly_strips(told: Told) -> Iterator[Figure]:
    """Of each watched machine how far it lay from normal, with the stretches that were too far."""
    found = [each for each in told.diagnosis.watched if each.distance is not None]
    for number, each in enumerate(sorted(found, key=lambda one: not one.abnormal)[:MOST]):
        yield _strip(told, each, number)


def _strip(told: Told, watched: Watched, number: int) -> Figure:
    t, material = told.t, told.diagnosis.material
    assert watched.distance is not None  # noqa: S101 - chosen by it
    window = material.interval.window
    top = HIGHEST * TIMES
    line = Trace(
        t("strip.line"), _thinned(Grid(window.start, watched.step, np.minimum(watched.distance, top))), "brand"
    )
    bands = tuple(Band(*_seconds(material, part)) for part in watched.abnormal)
    chart = Curve(
        (line,), window.length / SECOND, top, tuple(ticks(window, material.interval.zone)), t("strip.unit"),
        marks=(Mark(TIMES, t("strip.limit")),), bands=bands, band_label=t("strip.band"), height=150.0,
    )  # fmt: skip
    caption = t("strip.caption", name=told.name(watched.machine), signals=len(watched.points))
    hours = sum(part.length for part in watched.abnormal) / HOUR
    alt = t("strip.alt", count=len(watched.abnormal), hours=f"{hours:.1f}")
    return Figure(f"figure-strip-{number}", caption, alt, chart, width=720)


def power_states(told: Told) -> Iterator[Figure]:
    """Of each machine without a state of its own its power with the thresholds that its states were read by."""
    found = [each for each in told.diagnosis.told if each.model is not None and each.series is not None]
    for number, each in enumerate(found[:MOST]):
        yield _power(told, each, number)


def _power(told: Told, states: ToldStates, number: int) -> Figure:
    t, material = told.t, told.diagnosis.material
    assert states.model is not None  # noqa: S101 - chosen by them
    assert states.series is not None  # noqa: S101
    window = material.interval.window
    level = states.series.value
    top = float(np.nanpercentile(level, 99.5)) if not np.isnan(level).all() else 1.0
    marks = tuple(
        Mark(value, t("power.border", below=t(f"state.{below.value}"), above=t(f"state.{above.value}")))
        for value, below, above in states.model.borders
    )
    line = Trace(states.point, _thinned(states.series), "brand")
    across = window.length / SECOND
    unknown = tuple(
        Band(*_seconds(material, Stretch(each.start, each.end))) for each in states.stretches if not each.confidence
    )
    chart = Curve(
        (line,), across, top_of(1.05 * max(top, *(mark.value for mark in marks))), tuple(ticks(window, material.interval.zone)),
        states.unit, marks=marks, bands=unknown, band_label=t("state.unknown"), height=150.0,
    )  # fmt: skip
    confidence = f"{100 * states.confidence:.1f}"
    caption = t("power.caption", name=told.name(states.machine), confidence=confidence)
    alt = t("power.alt", name=told.name(states.machine), confidence=confidence)
    return Figure(f"figure-power-{number}", caption, alt, chart, note=t("power.note"), width=720)


def _seconds(material: Material, part: Stretch) -> tuple[float, float]:
    start = material.interval.start
    return (part.start - start) / SECOND, (part.end - start) / SECOND


def _thinned(series: Grid) -> tuple[tuple[float, float | None], ...]:
    """*series* in at most ``PLACES`` columns, each with its least and largest value; None where a column has none."""
    every = max(1, len(series.value) // PLACES)
    step = series.step / SECOND
    places: list[tuple[float, float | None]] = []
    for first in range(0, len(series.value), every):
        part = series.value[first : first + every]
        known = part[~np.isnan(part)]
        if not len(known):
            places.append((first * step, None))
        elif every == 1:
            places.append((first * step, round(float(known[0]), 4)))
        else:
            low, high = float(known.min()), float(known.max())
            places += [(first * step, round(low, 4)), ((first + every / 2) * step, round(high, 4))]
    return tuple(places)
