"""A waterfall lying on its side: what was there, what each loss took, what remained."""

from __future__ import annotations

from itertools import pairwise

from factory_kit.render.charts.data import Waterfall
from factory_kit.render.charts.rows import PITCH, THICK, rows
from factory_kit.render.charts.sheet import Label, Rect, Sheet
from factory_kit.render.theme import COLOURS

__all__ = ["waterfall"]


def waterfall(chart: Waterfall, width: float) -> Sheet:
    """*chart* painted *width* pixels wide."""
    place = rows([step.label for step in chart.steps], [step.text for step in chart.steps], width, 4.0)
    sheet = Sheet(width, place.top + PITCH * len(chart.steps) + 6)
    whole = max((step.value for step in chart.steps if step.whole), default=0.0) or 1.0
    left = 0.0
    ends: list[tuple[float, float]] = []
    rects = []
    for at, step in enumerate(chart.steps):
        start, left = (0.0, step.value) if step.whole else (left - step.value, left - step.value)
        x, x2 = (place.left + place.across * edge / whole for edge in (max(0.0, start), start + step.value))
        fill = COLOURS["brand"] if step.whole else COLOURS[step.hue]
        edge = "" if step.whole else COLOURS["ink"]
        rects.append(Rect(x, place.middle(at) - THICK / 2, max(x2, x + 1), place.middle(at) + THICK / 2, fill, edge))
        ends.append((place.left + place.across * max(0.0, left) / whole, place.middle(at)))
    sheet.rects(rects)
    for (x, y), (_, below) in pairwise(ends):
        sheet.line([(x, y + THICK / 2), (x, below - THICK / 2)], COLOURS["muted"], strokeWidth=1, strokeDash=[2, 2])
    place.label(sheet)
    sheet.words(
        Label(place.left + place.across + 8, place.middle(at), step.text, size=place.size, bold=step.whole)
        for at, step in enumerate(chart.steps)
    )
    return sheet
