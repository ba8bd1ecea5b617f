"""Pareto's list lying on its side: bars, and the line of how much of the whole they make together."""

from __future__ import annotations

from itertools import accumulate

from factory_kit.render.charts.data import Pareto
from factory_kit.render.charts.rows import PITCH, THICK, rows
from factory_kit.render.charts.sheet import Label, Rect, Sheet
from factory_kit.render.theme import COLOURS

__all__ = ["pareto"]


def pareto(chart: Pareto, width: float) -> Sheet:
    """*chart* painted *width* pixels wide; bars and line have one scale, from nothing to the whole."""
    values = [bar.value or 0.0 for bar in chart.bars]
    place = rows([bar.label for bar in chart.bars], [bar.text for bar in chart.bars], width, 22.0)
    bottom = place.top + PITCH * len(chart.bars)
    sheet = Sheet(width, bottom + 24)
    whole = chart.whole or 1.0
    for step in range(6):
        x = place.left + place.across * step / 5
        sheet.line([(x, place.top), (x, bottom)], COLOURS["line"], strokeWidth=0.8)
    sheet.words(
        Label(place.left + place.across * step / 5, bottom + 12, f"{20 * step}%", "center", 10, COLOURS["muted"])
        for step in range(6)
    )
    sheet.rects(
        Rect(place.left, place.middle(at) - THICK / 2, place.left + place.across * value / whole, place.middle(at) + THICK / 2, COLOURS["sky"], COLOURS["ink"])
        for at, value in enumerate(values)
    )  # fmt: skip
    line = [
        (place.left + place.across * min(1.0, total / whole), place.middle(at))
        for at, total in enumerate(accumulate(values))
    ]
    sheet.line(line, COLOURS["red"], strokeWidth=2)
    sheet.dots(line, COLOURS["red"], 36)
    x = place.left + place.across * chart.threshold
    sheet.line([(x, place.top - 4), (x, bottom)], COLOURS["red"], strokeWidth=1.2, strokeDash=[5, 4])
    sheet.words([Label(x, place.top - 12, f"{100 * chart.threshold:g}%", "center", 11, COLOURS["red"])])
    place.label(sheet)
    sheet.words(
        Label(place.left + place.across + 8, place.middle(at), bar.text, size=place.size)
        for at, bar in enumerate(chart.bars)
    )
    return sheet
