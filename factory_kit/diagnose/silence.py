"""Equipment that does not answer: stretches in which a run watched and none of its points had a known value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from factory_kit.diagnose.finding import Finding
from factory_kit.diagnose.material import Material, PointFacts
from factory_kit.diagnose.stretches import outside
from factory_kit.kpi.timemodel import Stretch
from factory_kit.model.evidence import PLANT

__all__ = ["pauses", "silences"]

LEAST = 15 * 60 * 1_000_000
"""Shorter stretches are restarts and hiccups of a line."""
SPACINGS = 5
"""So many times the usual time between two values of the equipment a stretch must last: rare values are no silence."""
HOUR = 3600 * 1_000_000
LONG = 4.0


def silences(material: Material) -> Iterator[Finding]:
    """One finding per piece of equipment that the site says how to read and that gave nothing for a while, or ever."""
    window = material.interval.window
    for name, equipment in material.equipment.items():
        points = material.of(name)
        if not equipment.connected:
            continue
        known = [part for point in points for part in material.known.get(point.id, ())]
        if not known:
            yield Finding("never-answered", name, "high", {}, (window,), hours=window.length / HOUR)
            continue
        least = max(LEAST, SPACINGS * _spacing(material, points))
        missing = [part for part in outside(window, [*known, *material.unwatched]) if part.length >= least]
        if missing:
            yield _finding(name, points, missing)


def pauses(material: Material) -> Iterator[Finding]:
    """One finding about the plant when for a while nobody collected: between two runs, before the first, behind the last."""
    missing = [part for part in material.unwatched if part.length >= LEAST]
    if missing:
        yield Finding("not-collected", PLANT, "middle", _figures(missing), tuple(missing), hours=_hours(missing))


def _spacing(material: Material, points: Sequence[PointFacts]) -> int:
    """The time between two values of the equipment that 99 of 100 do not exceed, microseconds."""
    times = np.unique(np.concatenate([material.column(point).time for point in points] or [np.empty(0, np.int64)]))
    return int(np.percentile(np.diff(times), 99)) if len(times) > 1 else 0


def _finding(name: str, points: Sequence[PointFacts], missing: Sequence[Stretch]) -> Finding:
    hours = _hours(missing)
    named = tuple(f"{name}/{point.name}" for point in points)
    return Finding(
        "no-answer", name, "high" if hours >= LONG else "middle", _figures(missing), tuple(missing), named, hours=hours
    )


def _hours(missing: Sequence[Stretch]) -> float:
    return sum(part.length for part in missing) / HOUR


def _figures(missing: Sequence[Stretch]) -> dict[str, float]:
    longest = max(part.length for part in missing) / HOUR
    return {"count": len(missing), "hours": _hours(missing), "longest": longest}
