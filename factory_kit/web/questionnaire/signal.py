"""The signal under a machine record, small: each point over the days the record speaks for, as a picture that names its limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from markupsafe import escape

from factory_kit.model.connector import MachineState
from factory_kit.model.evidence import Evidence, PointUsed
from factory_kit.render.plain import printable
from factory_kit.render.theme import COLOURS, FONT_STACK
from factory_kit.reports.wording import Wording
from factory_kit.store import Store

__all__ = ["Lane", "Slot", "height_of", "lanes", "picture"]

WIDTH, LEFT, RIGHT, LANE, HEIGHT = 560, 6, 100, 46, 24
SLOTS = 120
MOST_LANES = 6
SECOND = 1_000_000
HUES = dict(zip(MachineState, ("green", "amber", "sky", "red", "violet", "slate", "void"), strict=True))
"""As in the reports."""
QUERY = """
    SELECT p.equipment, p.name, any_value(p.unit) AS unit,
           CAST((epoch_us(r.minute) - $start) * $slots // ($stop - $start) AS INTEGER) AS slot,
           sum(r.n_good) / sum(r.n) AS good, avg(r.mean) AS mean, min(r.min) AS low, max(r.max) AS high
    FROM rollup_1min AS r JOIN points AS p USING (point)
    WHERE r.minute >= make_timestamp($start) AND r.minute < make_timestamp($stop)
      AND list_contains($points, p.equipment || chr(31) || p.name)
    GROUP BY ALL ORDER BY p.equipment, p.name, slot
"""


STATE_QUERY = """
    SELECT p.equipment, p.name, CAST((epoch_us(s.time) - $start) * $slots // ($stop - $start) AS INTEGER) AS slot,
           arg_max(CASE WHEN s.quality = 0 THEN coalesce(m.state, 'unknown') ELSE 'unknown' END, s.time) AS state
    FROM samples AS s JOIN points AS p USING (point)
    LEFT JOIN states AS m ON m.connector = p.connector AND m.connector_version = p.connector_version
          AND m.raw = coalesce(s.text, CAST(TRY_CAST(s.value AS BIGINT) AS VARCHAR))
    WHERE s.time >= make_timestamp($start) AND s.time < make_timestamp($stop) AND p.role = 'state'
      AND list_contains($points, p.equipment || chr(31) || p.name)
    GROUP BY ALL ORDER BY p.equipment, p.name, slot
"""
"""The last state in each part of the time; it holds until the next one."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One part of the time: which share of its samples is good, and their mean where they are numbers."""

    position: int
    good: float
    mean: float | None
    state: str = ""
    """Of a machine, where the point tells it."""


@dataclass(frozen=True)
class Lane:
    """One point over the time."""

    name: str
    unit: str
    slots: tuple[Slot, ...]
    low: float | None
    high: float | None


def lanes(folder: Path, record: Evidence) -> tuple[Lane, ...]:
    """The first points of *record* as the store in *folder* has them; none where it has none of their samples."""
    if not folder.is_dir():
        return ()
    shown = _shown_points(record)
    start, stop = (int(datetime.fromisoformat(text).timestamp()) * SECOND for text in (record.start, record.end))
    asked = {"start": start, "stop": stop, "slots": SLOTS, "points": [f"{p.equipment}\x1f{p.point}" for p in shown]}
    with Store(folder).connect(threads=1) as con:
        rows = con.execute(QUERY, asked).fetchall()
        states = con.execute(STATE_QUERY, asked).fetchall()
    told: dict[tuple[str, str], dict[int, str]] = {}
    for equipment, name, slot, state in states:
        told.setdefault((equipment, name), {})[slot] = state
    found: dict[tuple[str, str], list[tuple[object, ...]]] = {}
    for row in rows:
        found.setdefault((row[0], row[1]), []).append(row)
    return tuple(_held(key, told[key]) if key in told else _lane(key, each) for key, each in found.items())


def picture(record: Evidence, found: Sequence[Lane], words: Wording) -> str:
    """*found* drawn as SVG; the same every time for the same samples."""
    height = height_of(record)
    body = "".join(part for number, lane in enumerate(found) for part in _drawn(lane, number * LANE + 4))
    if not found:
        body = _text(LEFT, 24, words("signal.none"), COLOURS["muted"])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="{escape(FONT_STACK)}" font-size="12">'
        f'<rect width="{WIDTH}" height="{height}" fill="{COLOURS["paper"]}"/>{body}{"".join([*_axis(record, found, height, words), *_legend(found, height, words)])}</svg>'
    )


def height_of(record: Evidence) -> int:
    """Pixels that the picture of *record* is high, whether there are samples or not."""
    return max(1, len(_shown_points(record))) * LANE + 50


def _shown_points(record: Evidence) -> tuple[PointUsed, ...]:
    """Of each machine one point before any has two, so that a few lanes speak for many machines."""
    turns: dict[str, int] = {}
    ranked = []
    for point in sorted(record.points):
        turn = turns.get(point.equipment, 0)
        turns[point.equipment] = turn + 1
        ranked.append((turn, point))
    return tuple(point for _, point in sorted(ranked)[:MOST_LANES])


def _lane(key: tuple[str, str], rows: Sequence[tuple[object, ...]]) -> Lane:
    slots = tuple(Slot(int(row[3]), float(row[4]), _number(row[5])) for row in rows)  # type: ignore[call-overload, arg-type] # DuckDB says
    lows, highs = ([each for row in rows if (each := _number(row[column])) is not None] for column in (6, 7))
    unit = str(rows[0][2] or "")
    return Lane(f"{key[0]} · {key[1]}", unit, slots, min(lows, default=None), max(highs, default=None))


def _held(key: tuple[str, str], told: Mapping[int, str]) -> Lane:
    """A lane of states, each of which holds until the next."""
    slots = []
    state = ""
    for position in range(SLOTS):
        state = told.get(position, state)
        if state:
            slots.append(Slot(position, 1.0, None, state))
    return Lane(f"{key[0]} · {key[1]}", "", tuple(slots), None, None)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, float) and value == value else None  # noqa: PLR0124 - NaN is no number


def _drawn(lane: Lane, top: int) -> Iterator[str]:
    """A name, a band where there were samples, a line where they were numbers, and the limits of the line."""
    yield _text(LEFT, top + 11, lane.name, COLOURS["ink"])
    base = top + 16
    width = (WIDTH - LEFT - RIGHT) / SLOTS
    yield f'<rect x="{LEFT}" y="{base}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT}" fill="{COLOURS["wash"]}"/>'
    numbers = lane.low is not None and lane.high is not None
    for slot in lane.slots:
        colour = COLOURS[HUES[MachineState(slot.state)] if slot.state else "sky" if slot.good > 0.5 else "amber"]
        x = LEFT + slot.position * width
        y, high = (base + HEIGHT - 3, 3) if numbers else (base, HEIGHT)
        yield f'<rect x="{x:.1f}" y="{y}" width="{width + 0.6:.1f}" height="{high}" fill="{colour}"/>'
    if lane.low is None or lane.high is None:
        return
    yield from _line(lane, base, width, lane.low, lane.high)
    for y, value in ((base + 8, lane.high), (base + HEIGHT, lane.low)):
        yield _text(WIDTH - RIGHT + 8, y, _figure(value, lane.unit), COLOURS["muted"])


def _line(lane: Lane, base: int, width: float, low: float, high: float) -> Iterator[str]:
    """The means, broken where there was nothing."""
    span = (high - low) or 1.0
    run: list[str] = []
    before = -2
    for slot in lane.slots:
        if slot.mean is None:
            continue
        x = LEFT + (slot.position + 0.5) * width
        y = base + 1 + (HEIGHT - 6) * (1 - (slot.mean - low) / span)
        if slot.position != before + 1 and run:
            yield _path(run)
            run = []
        run.append(f"{x:.1f},{y:.1f}")
        before = slot.position
    if run:
        yield _path(run)


def _path(points: Sequence[str]) -> str:
    shape = points if len(points) > 1 else [points[0], points[0]]
    return f'<polyline points="{" ".join(shape)}" fill="none" stroke="{COLOURS["brand"]}" stroke-width="1.6" stroke-linecap="round" stroke-linejoin="round"/>'


def _axis(record: Evidence, found: Sequence[Lane], height: int, words: Wording) -> Iterator[str]:
    first, last = (datetime.fromisoformat(text) for text in (record.start, record.end))
    end = (last - timedelta(microseconds=1)).date()
    one_day = first.date() == end
    yield _text(LEFT, height - 36, f"{first.date()} 00:00" if one_day else f"{first.date()}", COLOURS["muted"])
    yield _text(WIDTH - RIGHT, height - 36, "24:00" if one_day else f"{end}", COLOURS["muted"], "end")
    count = min(MOST_LANES, len(record.points))
    kind = "states_caption" if any(slot.state for lane in found for slot in lane.slots) else "caption"
    yield _text(LEFT, height - 4, words(f"signal.{kind}", shown=count, points=len(record.points)), COLOURS["muted"])


def _legend(found: Sequence[Lane], height: int, words: Wording) -> Iterator[str]:
    """The states there are, in a row of their own."""
    present = {slot.state for lane in found for slot in lane.slots}
    x = LEFT
    for state in MachineState:
        if state in present:
            yield f'<rect x="{x}" y="{height - 30}" width="10" height="10" fill="{COLOURS[HUES[state]]}" stroke="{COLOURS["slate"]}"/>'
            yield _text(x + 14, height - 21, words(f"state.{state}"), COLOURS["muted"])
            x += 84


def _figure(value: float, unit: str) -> str:
    shown = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return shown if unit == "1" else f"{shown} {unit}"


def _text(x: float, y: float, text: str, colour: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" fill="{colour}" text-anchor="{anchor}">{escape(printable(text))}</text>'
