"""States over time, one lane per machine."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from factory_kit.render.charts.data import Lane, Segment, Timeline
from factory_kit.render.charts.sheet import Label, Rect, Sheet, em_width, wrap
from factory_kit.render.theme import COLOURS

__all__ = ["coarse", "merged", "timeline"]

PITCH = 30
THICK = 20


def timeline(chart: Timeline, width: float) -> Sheet:
    """*chart* painted *width* pixels wide, its legend below."""
    size = 12 if width > 420 else 10
    labels = [wrap(lane.label, 12 if width > 420 else 7) for lane in chart.lanes]
    left = max((em_width(line) for label in labels for line in label.split("\n")), default=0) * size + 12
    across = max(60.0, width - left - 16)
    bottom = 8.0 + PITCH * len(chart.lanes)
    legend = _legend_rows(chart, width - left, size)
    sheet = Sheet(width, bottom + 30 + 22 * len(legend))
    _ticks(sheet, chart, left, across, bottom)
    middles = [8.0 + PITCH * number + PITCH / 2 for number in range(len(chart.lanes))]
    for lane, middle in zip(chart.lanes, middles, strict=True):
        sheet.rects(_stretches(chart, lane, left, across, middle))
    sheet.words(Label(left - 10, middle, label, "right", size) for label, middle in zip(labels, middles, strict=True))
    _legend(sheet, legend, left, bottom + 40, size)
    return sheet


def coarse(lane: Lane, seconds: float, cells: int) -> tuple[Segment, ...]:
    """The segments of *lane*; where there are more than *cells*, each cell of the width shows the state that filled most of it."""
    if len(lane.segments) <= cells:
        return lane.segments
    step = seconds / cells
    filled: dict[int, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for segment in lane.segments:
        first, last = int(segment.start / step), min(int(segment.end / step), cells - 1)
        for cell in range(first, last + 1):
            filled[cell][segment.state] += min(segment.end, (cell + 1) * step) - max(segment.start, cell * step)
    return tuple(
        Segment(cell * step, (cell + 1) * step, max(sorted(states), key=lambda name: states[name]))
        for cell, states in sorted(filled.items())
    )


def merged(segments: tuple[Segment, ...]) -> Iterator[Segment]:
    """*segments* with neighbours in the same state made one, so that no hairline parts them."""
    open_one: Segment | None = None
    for segment in segments:
        if open_one and open_one.state == segment.state and open_one.end == segment.start:
            open_one = Segment(open_one.start, segment.end, segment.state)
            continue
        if open_one:
            yield open_one
        open_one = segment
    if open_one:
        yield open_one


def _stretches(chart: Timeline, lane: Lane, left: float, across: float, middle: float) -> list[Rect]:
    states = {state.id: state for state in chart.states}
    rects = [Rect(left, middle - THICK / 2, left + across, middle + THICK / 2, COLOURS["wash"])]
    for segment in merged(coarse(lane, chart.seconds, max(200, int(across * 2)))):
        hue, high = states[segment.state].hue, THICK * states[segment.state].height
        x, x2 = (left + across * edge / chart.seconds for edge in (segment.start, segment.end))
        edge = COLOURS["slate"] if hue == "void" else ""
        rects.append(Rect(x, middle + THICK / 2 - high, x2, middle + THICK / 2, COLOURS[hue], edge))
    return rects


def _ticks(sheet: Sheet, chart: Timeline, left: float, across: float, bottom: float) -> None:
    shown_to = -1e9
    written = []
    for second, words in chart.ticks:
        x = left + across * second / chart.seconds
        sheet.line([(x, 4), (x, bottom)], COLOURS["line"], strokeWidth=0.8)
        half = em_width(words) * 10 / 2
        if x - half > shown_to and x + half <= sheet.width:
            written.append(Label(x, bottom + 11, words, "center", 10, COLOURS["muted"]))
            shown_to = x + half + 6
    sheet.words(written)


Entry = tuple[str, str, bool, float]


def _legend_rows(chart: Timeline, width: float, size: int) -> list[list[Entry]]:
    rows: list[list[Entry]] = [[]]
    for state in chart.states:
        entry = (state.label, COLOURS[state.hue], state.hue == "void", state.height)
        if rows[-1] and sum(em_width(e[0]) + 3.6 for e in [*rows[-1], entry]) * size > width:
            rows.append([])
        rows[-1].append(entry)
    return [row for row in rows if row]


def _legend(sheet: Sheet, rows: list[list[Entry]], left: float, top: float, size: int) -> None:
    boxes, written = [], []
    for number, row in enumerate(rows):
        x, y = left, top + 22 * number
        for label, colour, edged, height in row:
            boxes.append(Rect(x, y + 6 - 12 * height, x + 16, y + 6, colour, COLOURS["slate"] if edged else ""))
            written.append(Label(x + 22, y, label, size=size))
            x += (em_width(label) + 3.6) * size
    sheet.rects(boxes)
    sheet.words(written)
