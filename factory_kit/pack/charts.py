"""Pictures of the rows for people who have not bought them yet: the course of the first measured field, and how each number field is spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil, floor, log10

import duckdb

from factory_kit.model.definition import Language
from factory_kit.model.product import ProductField
from factory_kit.pack.build import Built
from factory_kit.pack.quality import rows_of
from factory_kit.render.charts import Bar, Bars, Chart, Curve, Lane, Segment, State, Timeline, Trace, svg
from factory_kit.render.charts.curve import top_of
from factory_kit.render.theme import Hue

__all__ = ["CHARTS", "chart_files", "course", "lanes", "main_chart", "spread"]

CHARTS = "papers/charts"
ENOUGH = 1_000_000
"""So many rows are enough to find where the first and the last per cent lie."""
PARTS = 96
"""The course shows means over this many equal parts of the interval."""
BINS = 12
GROUPS = 4
MOST = 4
HUES: tuple[Hue, ...] = ("brand", "amber", "green", "violet")
STATE_HUES: tuple[Hue, ...] = ("brand", "amber", "sky", "violet", "green", "red", "slate")
KNOWN_HUES: dict[str, Hue] = {
    "producing": "green", "setup": "amber", "idle": "sky", "down": "red", "maintenance": "violet", "off": "slate", "unknown": "void",
}  # fmt: skip
STATE_WORDS = {
    "producing": "生产", "setup": "换型", "idle": "待机", "down": "停机", "maintenance": "维护", "off": "关机", "unknown": "未知",
}  # fmt: skip
"""Chinese of the states, which stands in the legend before the word that the rows hold."""
OWN_UNIT = "unit"
"""A field in which each row tells its own unit: numbers of such rows have no common axis."""
WIDTH = 640
MOST_SEGMENTS = 4000
PAPER = '<svg style="background:#ffffff" '
"""Without it a dark viewer shows dark words on black."""


def chart_files(built: Built) -> Mapping[str, str]:
    """SVG texts by their path in the package; the same rows give the same bytes."""
    made = {f"spread-{name}": chart for name, chart in spread(built).items()}
    main = main_chart(built)
    drawn = {
        name: svg(chart, width=WIDTH, name=name) for name, chart in (made | ({"course": main} if main else {})).items()
    }
    return {f"{CHARTS}/{name}.svg": text.replace("<svg ", PAPER, 1) for name, text in drawn.items()}


def main_chart(built: Built, language: Language = "zh") -> Chart | None:
    """The picture of the rows over time: stretches where they have an end, else the course of the first number field."""
    return lanes(built, language) if built.template.checks.expected.until else course(built)


def lanes(built: Built, language: Language = "zh") -> Timeline | None:
    """The first text field of the stretches of the first four groups over the interval; None where there is no such field."""
    expected = built.template.checks.expected
    name = next((field.name for field in built.template.product.fields if field.type == "string" and not field.key), "")
    if not name:
        return None
    begins = f"epoch_us(TIMESTAMP '{built.span.begins}')"
    sql = (
        f'SELECT {_group(built)}, (epoch_us("{expected.time}") - {begins}) / 1e6, (epoch_us("{expected.until}") - {begins}) / 1e6, "{name}" '  # noqa: S608 - names of declared fields
        f'FROM rows WHERE "{name}" IS NOT NULL ORDER BY ALL LIMIT {MOST_SEGMENTS}'
    )
    with rows_of(built.parts) as con:
        found = con.execute(sql).fetchall()
    kinds = sorted({str(row[3]) for row in found})
    seconds = (built.span.ends - built.span.begins).total_seconds()
    if len(kinds) > len(STATE_HUES):
        return None
    hues = KNOWN_HUES if set(kinds) <= set(KNOWN_HUES) else dict(zip(kinds, STATE_HUES, strict=False))
    states = tuple(State(kind, _words(kind, language), hues[kind], 1 - place * 0.1) for place, kind in enumerate(kinds))
    groups = list(dict.fromkeys(str(row[0]) for row in found))[:GROUPS]
    rows = tuple(
        Lane(group, tuple(Segment(float(a), float(b), str(kind)) for g, a, b, kind in found if str(g) == group))
        for group in groups
    )
    return Timeline(rows, states, seconds, _hours(seconds, seconds))


def _words(kind: str, language: Language) -> str:
    return f"{STATE_WORDS[kind]} {kind}" if language == "zh" and kind in STATE_WORDS else kind


def _hours(seconds: float, across: float) -> tuple[tuple[float, str], ...]:
    """Some eight ticks with their hours, as places on an axis *across* long."""
    hours = seconds / 3600
    return tuple((hour * across / hours, f"{hour:g} h") for hour in range(0, floor(hours) + 1, max(1, ceil(hours / 8))))


def _group(built: Built) -> str:
    per = built.template.checks.expected.per
    return "concat_ws(' / ', " + ", ".join(f'"{name}"' for name in per) + ")" if per else "''"


def numbers(built: Built) -> list[ProductField]:
    """The number fields that are worth a picture, at most four; none where each row has its own unit."""
    declared = built.template.product.fields
    if any(field.name == OWN_UNIT for field in declared):
        return []
    return [field for field in declared if field.type in ("decimal", "number") and not field.key][:MOST]


def course(built: Built) -> Curve | None:
    """Means of the first number field over equal parts of the interval, of the first four groups; None where there is no such field."""
    return built.once("course", lambda: _course(built))


def _course(built: Built) -> Curve | None:
    fields, expected = numbers(built), built.template.checks.expected
    if not fields:
        return None
    field = fields[0]
    group = _group(built)
    begins = f"epoch_us(TIMESTAMP '{built.span.begins}')"
    length = f"(epoch_us(TIMESTAMP '{built.span.ends}') - {begins})"
    part = f'CAST(floor((epoch_us("{expected.time}") - {begins}) * {PARTS} / {length}) AS INTEGER)'
    sql = (
        f'SELECT {group} AS g, {part} AS part, avg("{field.name}") FROM rows WHERE "{field.name}" IS NOT NULL AND isfinite("{field.name}") '  # noqa: S608 - names of declared fields
        f"AND {group} IN (SELECT {group} AS g FROM rows GROUP BY 1 ORDER BY 1 LIMIT {GROUPS}) GROUP BY 1, 2 ORDER BY 1, 2"
    )
    with rows_of(built.parts) as con:
        found = con.execute(sql).fetchall()
    seconds = (built.span.ends - built.span.begins).total_seconds()
    highest = max((float(value) for _g, _part, value in found), default=0.0)
    names = list(dict.fromkeys(str(g) for g, _part, _value in found))
    traces = tuple(_trace(name, place, found) for place, name in enumerate(names))
    return Curve(traces, float(PARTS), top_of(highest), _hours(seconds, float(PARTS)), field.unit or field.label.zh)


def _trace(name: str, place: int, found: Sequence[tuple[str, int, float]]) -> Trace:
    means = {int(part): float(value) for g, part, value in found if str(g) == name and 0 <= int(part) < PARTS}
    return Trace(name, tuple((part + 0.5, means.get(part)) for part in range(PARTS)), HUES[place % len(HUES)])


def spread(built: Built) -> dict[str, Bars]:
    """How many rows lie in each of some twelve equal steps from the 1st to the 99th percentile of a number field, below and above, by its name."""
    return built.once("spread", lambda: _spread(built))


def _spread(built: Built) -> dict[str, Bars]:
    with rows_of(built.parts) as con:
        made = {field.name: _bars(con, field.name, max(1, built.rows // ENOUGH)) for field in numbers(built)}
    return {name: bars for name, bars in made.items() if bars is not None}


def _bars(con: duckdb.DuckDBPyConnection, name: str, every: int) -> Bars | None:
    """The percentiles are those of every so-many-th row: an exact one keeps all values in memory."""
    finite = f'FROM rows WHERE "{name}" IS NOT NULL AND isfinite("{name}")'
    low, high = con.execute(
        f'SELECT quantile_disc("{name}", 0.01), quantile_disc("{name}", 0.99) {finite} AND file_row_number % {every} = 0'
    ).fetchone() or (None, None)
    if low is None or high is None or low == high:
        return None
    step = _step(float(high) - float(low))
    places = max(0, -floor(log10(step)))
    counted = dict(
        con.execute(
            f'SELECT CAST(floor("{name}" / {step!r} + 1e-9) AS BIGINT) AS bin, count(*) {finite} GROUP BY bin'
        ).fetchall()
    )
    rows = sum(counted.values())
    first, last = floor(float(low) / step + 1e-9), floor(float(high) / step + 1e-9)
    held = {each: counted.get(each, 0) for each in range(first, last + 1)}
    bars = [
        Bar(f"{each * step:.{places}f} – {(each + 1) * step:.{places}f}", 100 * count / rows, str(count))
        for each, count in held.items()
    ]
    below = sum(count for each, count in counted.items() if each < first)
    above = sum(count for each, count in counted.items() if each > last)
    if below:
        bars.insert(0, Bar(f"< {first * step:.{places}f}", 100 * below / rows, str(below)))
    if above:
        bars.append(Bar(f"≥ {(last + 1) * step:.{places}f}", 100 * above / rows, str(above)))
    shares = [bar.value or 0 for bar in bars]
    return Bars(tuple(bars), top=top_of(max(shares)))


def _step(width: float) -> float:
    """1, 2 or 5 times a power of ten, so that *width* has about twelve of them."""
    rough = width / BINS
    power = 10.0 ** floor(log10(rough))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
