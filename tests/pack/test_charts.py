"""Pictures of the rows in a package."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import duckdb

from factory_kit.pack.build import Built
from factory_kit.pack.charts import chart_files, course, lanes, spread
from factory_kit.render.charts import Timeline


def test_the_same_rows_give_the_same_pictures(built: Built) -> None:
    """SVG with a white ground, byte for byte the same, one for the course and one for each number field."""
    files = chart_files(built)

    assert sorted(files) == [
        f"papers/charts/{name}.svg" for name in ("course", "spread-coverage", "spread-energy_kwh", "spread-power_kw_max", "spread-power_kw_mean") if f"papers/charts/{name}.svg" in files
    ]  # fmt: skip
    assert {"papers/charts/course.svg", "papers/charts/spread-energy_kwh.svg"} <= set(files)
    assert files == chart_files(built)
    assert all(text.startswith('<svg style="background:#ffffff" ') for text in files.values())
    assert {name: (built.folder / name).read_text("utf-8") for name in files} == dict(files)


def test_the_course_is_the_mean_of_each_part_of_the_day(built: Built) -> None:
    """Two meters of 6 and 60 kWh an hour: one line each, a value in every fourth of the 96 parts."""
    curve = course(built)
    assert curve is not None

    levels = [[value for _x, value in trace.places if value is not None] for trace in curve.traces]
    assert sorted((len(values), min(values), max(values)) for values in levels) == [(24, 6.0, 6.0), (24, 59.0, 60.0)]


def test_no_row_is_left_out_of_a_spread(built: Built) -> None:
    """The shares of all bars are a hundred per cent, the outermost rows beyond the percentiles with them; what is constant has none."""
    bars = spread(built)

    assert [round(sum(bar.value or 0 for bar in each.bars), 6) for each in bars.values()] == [100.0] * len(bars)
    assert sum(int(bar.text) for bar in bars["energy_kwh"].bars) == built.rows
    assert "coverage" not in bars


def test_stretches_are_drawn_as_lanes(built: Built, tmp_path: Path) -> None:
    """Rows with an end are a timeline of their first text field."""
    part = tmp_path / "part.parquet"
    hour = "TIMESTAMPTZ '2026-01-01 00:00:00+00'"
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.execute(
            f"COPY (SELECT {hour} AS hour, {hour} + INTERVAL 6 HOUR AS until, 'm' AS meter, 'down' AS state "
            f"UNION ALL SELECT {hour} + INTERVAL 6 HOUR, {hour} + INTERVAL 24 HOUR, 'm', 'producing') TO '{part}' (FORMAT parquet)"
        )
    product = built.template.product
    text = next(field for field in product.fields if field.type == "string")
    fields = (*product.fields, text.model_copy(update={"name": "state", "key": False}))
    expected = built.template.checks.expected.model_copy(update={"every": "event", "until": "until"})
    template = replace(
        built.template,
        product=product.model_copy(update={"fields": fields}),
        checks=built.template.checks.model_copy(update={"expected": expected}),
    )

    found = lanes(cast("Built", SimpleNamespace(template=template, parts=(part,), span=built.span)))

    assert isinstance(found, Timeline)
    assert [(lane.label, [(s.start, s.end, s.state) for s in lane.segments]) for lane in found.lanes] == [
        ("m", [(0.0, 21600.0, "down"), (21600.0, 86400.0, "producing")])
    ]
    assert [state.label for state in found.states] == ["停机 down", "生产 producing"]


def test_rows_with_units_of_their_own_are_not_drawn_on_one_axis(built: Built) -> None:
    """Millimetres beside degrees in one field have no common spread and no common course: no picture rather than one that says nothing."""
    product = built.template.product
    text = next(field for field in product.fields if field.type == "string")
    fields = (*product.fields, text.model_copy(update={"name": "unit", "key": False}))
    template = replace(built.template, product=product.model_copy(update={"fields": fields}))
    other = cast(
        "Built",
        SimpleNamespace(
            template=template, parts=built.parts, span=built.span, rows=built.rows, once=lambda _name, make: make()
        ),
    )

    assert (course(other), spread(other)) == (None, {})
