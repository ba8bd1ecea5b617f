"""Charts from plain data, drawn by Altair and vl-convert without network: SVG that keeps its text, or PNG."""

from __future__ import annotations

from factory_kit.render.charts.data import Bar, Bars, Chart, Lane, Radar, Segment, Series, State, Timeline
from factory_kit.render.charts.draw import png, svg

__all__ = ["Bar", "Bars", "Chart", "Lane", "Radar", "Segment", "Series", "State", "Timeline", "png", "svg"]
