"""Horizontal bars against a threshold."""

from __future__ import annotations

from itertools import accumulate

from factory_kit.render.charts.data import Bar, Bars
from factory_kit.render.charts.sheet import Label, Rect, Sheet, em_width, wrap
from factory_kit.render.theme import COLOURS

__all__ = ["bars"]

PITCH = 34
THICK = 18
LEADING = 1.2
FILLS = {tone: COLOURS["slate" if tone == "muted" else tone] for tone in ("", "good", "warn", "bad", "muted", "accent")}


def bars(chart: Bars, width: float) -> Sheet:
    """*chart* painted *width* pixels wide."""
    size = 13 if width > 420 else 11
    labels = [wrap(bar.label, 14 if width > 420 else 7.5) for bar in chart.bars]
    left = max((em_width(line) for label in labels for line in label.split("\n")), default=0) * size + 12
    right = max((em_width(bar.text) for bar in chart.bars), default=0) * size + 14
    across = max(60.0, width - left - right)
    top = 26.0 if chart.threshold is not None else 6.0
    pitches = [max(PITCH, (label.count("\n") + 1) * size * LEADING + 8) for label in labels]
    bottom = top + sum(pitches)
    sheet = Sheet(width, bottom + 24)
    _scale(sheet, chart, left, across, (top, bottom))
    middles = [
        top + before + pitch / 2 for before, pitch in zip(accumulate(pitches, initial=0.0), pitches, strict=False)
    ]
    for bar, middle in zip(chart.bars, middles, strict=True):
        _bar(sheet, chart, bar, (left, across, middle))
    sheet.words(Label(left - 10, middle, label, "right", size) for label, middle in zip(labels, middles, strict=True))
    sheet.words(
        Label(left + across + 8, middle, bar.text, size=size, bold=True)
        for bar, middle in zip(chart.bars, middles, strict=True)
    )
    _threshold(sheet, chart, left, across, (top, bottom))
    return sheet


def _scale(sheet: Sheet, chart: Bars, left: float, across: float, ends: tuple[float, float]) -> None:
    top, bottom = ends
    places = [(step, left + across * step / 5) for step in range(6)]
    for _, x in places:
        sheet.line([(x, top), (x, bottom)], COLOURS["line"], strokeWidth=0.8)
    sheet.words(
        Label(x, bottom + 12, f"{chart.top * step / 5:g}", "center", 10, COLOURS["muted"]) for step, x in places
    )


def _bar(sheet: Sheet, chart: Bars, bar: Bar, place: tuple[float, float, float]) -> None:
    left, across, middle = place
    sheet.rects([Rect(left, middle - THICK / 2, left + across, middle + THICK / 2, COLOURS["wash"])])
    if bar.value is None:
        return
    end = left + across * min(max(bar.value, 0), chart.top) / chart.top
    sheet.rects([Rect(left, middle - THICK / 2, end, middle + THICK / 2, FILLS[bar.tone])])
    if bar.low is not None and bar.high is not None:
        low, high = (left + across * min(max(edge, 0), chart.top) / chart.top for edge in (bar.low, bar.high))
        sheet.line([(low, middle), (high, middle)], COLOURS["ink"], strokeWidth=1.4)
        for x in (low, high):
            sheet.line([(x, middle - 5), (x, middle + 5)], COLOURS["ink"], strokeWidth=1.4)


def _threshold(sheet: Sheet, chart: Bars, left: float, across: float, ends: tuple[float, float]) -> None:
    if chart.threshold is None:
        return
    x = left + across * chart.threshold / chart.top
    top, bottom = ends
    sheet.line([(x, top - 4), (x, bottom)], COLOURS["red"], strokeWidth=1.6, strokeDash=[5, 4])
    sheet.words([Label(x, top - 14, chart.threshold_label, "center", 11, COLOURS["red"])])
