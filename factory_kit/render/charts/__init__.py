"""Charts from plain data, drawn by Altair and vl-convert without network: SVG that keeps its text, or PNG."""

from __future__ import annotations

from factory_kit.render.charts.data import (
    Band,
    Bar,
    Bars,
    Chart,
    Curve,
    Lane,
    Mark,
    Pareto,
    Radar,
    Segment,
    Series,
    State,
    Step,
    Timeline,
    Trace,
    Waterfall,
)  # fmt: skip
from factory_kit.render.charts.draw import png, svg

__all__ = [
    "Band", "Bar", "Bars", "Chart", "Curve", "Lane", "Mark", "Pareto", "Radar", "Segment", "Series", "State", "Step",
    "Timeline", "Trace", "Waterfall", "png", "svg",
]  # fmt: skip
