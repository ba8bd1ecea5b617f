"""A radar: rings, spokes, one closed line per series."""

from __future__ import annotations

from math import cos, pi, sin

from factory_kit.render.charts.data import Radar, Series
from factory_kit.render.charts.sheet import Anchor, Label, Sheet, em_width, wrap
from factory_kit.render.theme import COLOURS

__all__ = ["radar"]

RINGS = 5
Place = tuple[float, float]


def radar(chart: Radar, width: float) -> Sheet:
    """*chart* painted *width* pixels wide; as high as it needs."""
    size = 12 if width > 420 else 11
    ems = 8.0 if width > 420 else 5.2
    labels = [wrap(axis, ems) for axis in chart.axes]
    side = max((em_width(line) for label in labels for line in label.split("\n")), default=0) * size + 14
    radius = max(60.0, width / 2 - side)
    middle = (width / 2, radius + 34)
    legend = _legend_rows(chart, width, size)
    sheet = Sheet(width, middle[1] + radius + 40 + 20 * len(legend))
    _web(sheet, chart, middle, radius)
    for series in chart.series:
        _closed_line(sheet, chart, series, middle, radius)
    _write_axes(sheet, labels, middle, radius, size)
    _write_rings(sheet, chart, middle, radius)
    _write_legend(sheet, legend, middle[1] + radius + 44, size)
    return sheet


def _place(middle: Place, radius: float, axis: int, axes: int) -> Place:
    angle = 2 * pi * axis / axes - pi / 2
    return middle[0] + radius * cos(angle), middle[1] + radius * sin(angle)


def _ring(middle: Place, radius: float, axes: int) -> list[Place]:
    return [_place(middle, radius, axis % axes, axes) for axis in range(axes + 1)]


def _web(sheet: Sheet, chart: Radar, middle: Place, radius: float) -> None:
    axes = len(chart.axes)
    sheet.line(_ring(middle, radius, axes), COLOURS["line"], filled=True, fill=COLOURS["wash"], strokeWidth=1)
    for step in range(1, RINGS):
        sheet.line(_ring(middle, radius * step / RINGS, axes), COLOURS["line"], strokeWidth=0.8)
    for axis in range(axes):
        sheet.line([middle, _place(middle, radius, axis, axes)], COLOURS["line"], strokeWidth=0.8)
    if chart.threshold is not None:
        ring = _ring(middle, radius * chart.threshold / chart.top, axes)
        sheet.line(ring, COLOURS["red"], strokeWidth=1.4, strokeDash=[5, 4])


def _closed_line(sheet: Sheet, chart: Radar, series: Series, middle: Place, radius: float) -> None:
    axes = len(chart.axes)
    places = [
        _place(middle, radius * min(value, chart.top) / chart.top, axis, axes)
        for axis, value in enumerate(series.values)
        if value is not None
    ]
    if not places:
        return
    colour = COLOURS[series.hue]
    closed = [*places, places[0]]
    sheet.line(closed, colour, filled=True, fill=colour, fillOpacity=0.14, strokeWidth=0)
    sheet.line(closed, colour, strokeWidth=2.2, strokeJoin="round")
    sheet.dots(places, colour)


def _write_axes(sheet: Sheet, labels: list[str], middle: Place, radius: float, size: int) -> None:
    written = []
    for axis, label in enumerate(labels):
        x, y = _place(middle, radius + 14, axis, len(labels))
        off = x - middle[0]
        anchor: Anchor = "center" if abs(off) < radius * 0.12 else "left" if off > 0 else "right"
        lift = 0.6 * size * label.count("\n") * (1 if y > middle[1] else -1) if anchor == "center" else 0
        written.append(Label(x, y + lift, label, anchor, size))
    sheet.words(written)


def _write_rings(sheet: Sheet, chart: Radar, middle: Place, radius: float) -> None:
    sheet.words(
        Label(
            middle[0] + 4,
            middle[1] - radius * ring / RINGS + (9 if ring == RINGS else -1),
            f"{chart.top * ring / RINGS:g}",
            size=9,
            colour=COLOURS["muted"],
        )
        for ring in range(1, RINGS + 1)
    )


Entry = tuple[str, str, bool]


def _legend_rows(chart: Radar, width: float, size: int) -> list[list[Entry]]:
    entries: list[Entry] = [(series.label, COLOURS[series.hue], False) for series in chart.series]
    if chart.threshold is not None and chart.threshold_label:
        entries.append((chart.threshold_label, COLOURS["red"], True))
    rows: list[list[Entry]] = [[]]
    for entry in entries:
        if rows[-1] and sum(map(_entry_ems, [*rows[-1], entry])) * size > width:
            rows.append([])
        rows[-1].append(entry)
    return [row for row in rows if row]


def _entry_ems(entry: Entry) -> float:
    return em_width(entry[0]) + 4.5


def _write_legend(sheet: Sheet, rows: list[list[Entry]], top: float, size: int) -> None:
    written = []
    for number, row in enumerate(rows):
        x = (sheet.width - sum(map(_entry_ems, row)) * size) / 2
        y = top + 20 * number
        for entry in row:
            label, colour, dashed = entry
            sheet.line([(x, y), (x + 24, y)], colour, strokeWidth=2.4, strokeDash=[5, 4] if dashed else [1, 0])
            written.append(Label(x + 30, y, label, size=size))
            x += _entry_ems(entry) * size
    sheet.words(written)
