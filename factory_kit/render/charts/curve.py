"""Lines over one axis: load durations, a power against its thresholds, a distance from normal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil, floor, log10

from factory_kit.render.charts.data import Curve, Trace
from factory_kit.render.charts.sheet import Anchor, Label, Place, Rect, Sheet, em_width
from factory_kit.render.theme import COLOURS

__all__ = ["curve", "round_step", "top_of"]

TOP = 24.0
STEPS = 5


def curve(chart: Curve, width: float) -> Sheet:
    """*chart* painted *width* pixels wide, its legend below."""
    size = 12 if width > 420 else 10
    step = round_step(chart.top - chart.floor)
    levels = [step * number for number in range(ceil(chart.floor / step - 1e-9), floor(chart.top / step + 1e-9) + 1)]
    left = max(em_width(f"{level:g}") for level in levels) * 10 + 14
    across, bottom = max(60.0, width - left - 14), TOP + chart.height
    legend = _legend_rows(chart, width - left, size)
    sheet = Sheet(width, bottom + 30 + (14 if chart.x_label else 0) + 20 * len(legend))
    scale = _Scale(left, across, bottom, chart)
    sheet.rects(
        Rect(scale.x(band.start), TOP, max(scale.x(band.end), scale.x(band.start) + 1.5), bottom, COLOURS["slate"])
        for band in chart.bands
    )
    _axes(sheet, chart, scale, levels)
    for trace in chart.traces:
        _trace(sheet, trace, scale)
    _marks(sheet, chart, scale, size)
    _legend(sheet, legend, left, bottom + (48 if chart.x_label else 34), size)
    return sheet


class _Scale:
    """From values to pixels."""

    def __init__(self, left: float, across: float, bottom: float, chart: Curve) -> None:
        self.left, self.across, self.bottom, self.chart = left, across, bottom, chart

    def x(self, value: float) -> float:
        return self.left + self.across * value / (self.chart.across or 1.0)

    def y(self, value: float) -> float:
        least, most = self.chart.floor, self.chart.top
        return self.bottom - self.chart.height * (min(max(value, least), most) - least) / ((most - least) or 1.0)


def round_step(top: float) -> float:
    """The distance of about five ticks between 0 and *top*, 1, 2 or 5 times a power of ten."""
    if top <= 0:
        return 1.0
    size: float = 10.0 ** floor(log10(top / STEPS))
    return float(next((size * times for times in (1, 2, 5) if size * times * STEPS >= top), 10 * size))


def _axes(sheet: Sheet, chart: Curve, scale: _Scale, levels: Sequence[float]) -> None:
    right = scale.left + scale.across
    for level in levels:
        sheet.line([(scale.left, scale.y(level)), (right, scale.y(level))], COLOURS["line"], strokeWidth=0.8)
    sheet.words(Label(scale.left - 6, scale.y(level), f"{level:g}", "right", 10, COLOURS["muted"]) for level in levels)
    sheet.words([Label(2, 9, chart.unit, "left", 11, COLOURS["muted"])])
    shown_to, written = -1e9, []
    for value, words in chart.ticks:
        x, half = scale.x(value), em_width(words) * 5
        sheet.line([(x, scale.bottom), (x, scale.bottom + 4)], COLOURS["muted"], strokeWidth=1)
        if x - half > shown_to and x + half <= sheet.width + half:
            written.append(
                Label(min(x, sheet.width - half - 1), scale.bottom + 13, words, "center", 10, COLOURS["muted"])
            )
            shown_to = x + half + 6
    sheet.words(written)
    sheet.line([(scale.left, scale.bottom), (right, scale.bottom)], COLOURS["ink"], strokeWidth=1)
    if chart.x_label:
        sheet.words([Label(right, scale.bottom + 28, chart.x_label, "right", 10, COLOURS["muted"])])


def _pieces(trace: Trace, scale: _Scale) -> Iterator[list[Place]]:
    """The unbroken parts of *trace* in pixels."""
    piece: list[Place] = []
    for x, y in trace.places:
        if y is None:
            yield piece
            piece = []
        else:
            piece.append((scale.x(x), scale.y(y)))
    yield piece


def _trace(sheet: Sheet, trace: Trace, scale: _Scale) -> None:
    colour = COLOURS[trace.hue]
    for piece in _pieces(trace, scale):
        if len(piece) < 2:
            continue
        if trace.filled:
            closed = [(piece[0][0], scale.bottom), *piece, (piece[-1][0], scale.bottom)]
            sheet.line(closed, colour, filled=True, fill=colour, fillOpacity=0.18, strokeWidth=0)
        sheet.line(piece, colour, strokeWidth=1.6, strokeDash=[6, 3] if trace.dashed else [1, 0])


def _marks(sheet: Sheet, chart: Curve, scale: _Scale, size: int) -> None:
    right = scale.left + scale.across
    for mark in chart.marks:
        y = scale.y(mark.value)
        sheet.line([(scale.left, y), (right, y)], COLOURS["red"], strokeWidth=1.3, strokeDash=[5, 4])
    for mark in chart.marks:
        x = scale.left + 4 if mark.left else right - 4
        anchor: Anchor = "left" if mark.left else "right"
        sheet.words([Label(x, scale.y(mark.value) - 8, mark.label, anchor, size - 1, COLOURS["red"])])


Entry = tuple[str, str, str]


def _legend_rows(chart: Curve, width: float, size: int) -> list[list[Entry]]:
    """Label, colour, and how it is drawn: line, dashed or box."""
    entries: list[Entry] = [
        (trace.label, COLOURS[trace.hue], "dashed" if trace.dashed else "line") for trace in chart.traces if trace.label
    ]
    if chart.bands and chart.band_label:
        entries.append((chart.band_label, COLOURS["slate"], "box"))
    found: list[list[Entry]] = [[]]
    for entry in entries:
        if found[-1] and sum(em_width(each[0]) + 4.5 for each in [*found[-1], entry]) * size > width:
            found.append([])
        found[-1].append(entry)
    return [row for row in found if row]


def _legend(sheet: Sheet, found: list[list[Entry]], left: float, top: float, size: int) -> None:
    written = []
    for number, row in enumerate(found):
        x, y = left, top + 20 * number
        for label, colour, kind in row:
            if kind == "box":
                sheet.rects([Rect(x, y - 6, x + 24, y + 6, colour)])
            else:
                sheet.line(
                    [(x, y), (x + 24, y)], colour, strokeWidth=2.4, strokeDash=[6, 3] if kind == "dashed" else [1, 0]
                )
            written.append(Label(x + 30, y, label, size=size))
            x += (em_width(label) + 4.5) * size
    sheet.words(written)


def top_of(value: float) -> float:
    """The end of an axis that holds *value*: the next round step above it."""
    step = round_step(value)
    return step * ceil(value / step + 1e-9) if value > 0 else 1.0
