"""Pictures of what moved: the trend of a sensor towards its limit, and levels that changed for good."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.levels import Moved
from factory_kit.render.charts import Curve, Mark, Trace
from factory_kit.render.charts.curve import round_step
from factory_kit.render.document import Figure
from factory_kit.reports.over_time import ticks

if TYPE_CHECKING:
    from factory_kit.reports.findings.parts import Told

__all__ = ["moved_levels", "trends"]

SECOND = 1_000_000
MOST = 3
"""Trends, and machines whose level moved, in a report."""
Places = tuple[tuple[float, float | None], ...]


def trends(told: Told) -> Iterator[Figure]:
    """Of each drifting sensor its daily medians and the line through them; towards a limit carried on, with its bounds."""
    nearing = [each for each in told.diagnosis.findings if each.kind == "nearing-limit"]
    shown = {each.points for each in nearing}
    drifting = [each for each in told.diagnosis.findings if each.kind == "drift" and each.points not in shown]
    for number, each in enumerate([*nearing, *drifting][:MOST]):
        yield _trend(told, each, number)


def _trend(told: Told, finding: Finding, number: int) -> Figure:
    t, extra = told.t, dict[str, Any](finding.extra)
    figures = {name: float(finding.numbers[name]) for name in ("slope", "low", "high", "level")}
    days, medians = extra["days"], extra["medians"]
    first, last = float(days[0]), float(days[-1])
    limit = float(finding.numbers["limit"]) if "limit" in finding.numbers else None
    across = last if limit is None else last + min(2.0 * (last - first), 1.1 * float(finding.numbers["latest"]) + 1.0)
    seen = Trace(t("trend.seen"), tuple((float(day), value) for day, value in zip(days, medians, strict=True)), "brand")
    end = figures["level"]
    lines = [
        Trace(
            t("trend.line" if limit is not None else "trend.through"),
            ((first, end - figures["slope"] * (last - first)), *_carried(last, across, end, figures["slope"])),
            "red",
        )
    ]
    if limit is not None:
        lines += [
            Trace(t("trend.bounds") if name == "low" else "", _carried(last, across, end, figures[name]), "red", dashed=True)
            for name in ("low", "high")
        ]  # fmt: skip
    floor, top = _axis(
        [
            *medians,
            *(y for line in lines for _x, y in line.places if y is not None),
            *([limit] if limit is not None else []),
        ]
    )
    marks = () if limit is None else (Mark(limit, t("trend.limit", value=f"{limit:g}"), left=True),)
    chart = Curve(
        (seen, *lines), across, top, _days(across), str(finding.numbers["unit"]), t("trend.x"), marks, floor=floor
    )
    point, unit = str(finding.numbers["point"]), str(finding.numbers["unit"])
    name = told.name(finding.subject)
    alt = t(
        "trend.alt",
        name=name,
        point=point,
        unit=unit,
        first=f"{medians[0]:g}",
        last=f"{medians[-1]:g}",
        days=int(last - first),
    )
    note = t("trend.note" if limit is not None else "trend.note_alone")
    return Figure(
        f"figure-trend-{number}", t("trend.caption", name=name, point=point), alt, chart, note=note, width=720
    )


def _carried(start: float, end: float, level: float, slope: float) -> Places:
    """A line of *slope* from *level* at day *start* to day *end*."""
    return ((start, level), (end, level + slope * (end - start)))


def _days(across: float) -> tuple[tuple[float, str], ...]:
    step = max(1.0, round_step(across))
    return tuple((number * step, f"{number * step:g}") for number in range(int(across / step + 1e-9) + 1))


def moved_levels(told: Told) -> Iterator[Figure]:
    """Of each machine whose level moved the clearest signal, block by block, with the levels before and after."""
    for number, each in enumerate(told.diagnosis.moved[:MOST]):
        yield _level(told, each, number)


def _level(told: Told, moved: Moved, number: int) -> Figure:
    t, interval = told.t, told.diagnosis.material.interval
    change, signal = moved.clearest
    parts = moved.levels(signal)
    seconds = (moved.time - interval.start) / SECOND
    minutes = moved.block // (60 * SECOND)
    seen = Trace(
        t("level.seen", minutes=minutes), _broken(seconds, moved.level[:, signal], moved.block / SECOND), "brand"
    )
    levels: list[tuple[float, float | None]] = []
    for part, value in parts:
        start, end = ((moment - interval.start) / SECOND for moment in (part.start, part.end))
        levels += [(start, value), (end, value)]
    floor, top = _axis(moved.level[:, signal].tolist())
    window = interval.window
    chart = Curve(
        (seen, Trace(t("level.level"), tuple(levels), "red")), window.length / SECOND, top, tuple(ticks(window, interval.zone)),
        moved.units[signal], height=150.0, floor=floor,
    )  # fmt: skip
    at = moved.changes.index(change)
    name, point = told.name(moved.machine), moved.points[signal].partition("/")[2]
    before, after = (f"{value:.4g}" for _part, value in parts[at : at + 2])
    alt = t(
        "level.alt",
        name=name,
        point=point,
        count=len(moved.changes),
        before=before,
        after=after,
        unit=moved.units[signal],
    )
    caption = t("level.caption", name=name, point=point)
    return Figure(f"figure-level-{number}", caption, alt, chart, note=t("level.note"), width=720)


def _broken(x: Any, y: Any, step: float) -> Places:
    """The places of a line that breaks where more than three steps are missing."""
    found: list[tuple[float, float | None]] = []
    for at, value in zip(x.tolist(), y.tolist(), strict=True):
        if found and at - found[-1][0] > 3 * step:
            found.append((found[-1][0], None))
        found.append((at, round(value, 4)))
    return tuple(found)


def _axis(values: Sequence[float]) -> tuple[float, float]:
    """Round ends of an axis that holds *values*; from zero where they begin near it."""
    low, high = min(values), max(values)
    span = (high - low) or abs(high) or 1.0
    if 0 <= low < span:
        low = 0.0
    step = round_step(span)
    return float(np.floor(low / step) * step), float(np.ceil((high + 0.05 * span) / step) * step)
