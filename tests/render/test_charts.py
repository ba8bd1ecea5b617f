"""Charts: what they say, that they stay text, and that nothing breaks out of them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from factory_kit.render.charts import (
    Band,
    Bar,
    Bars,
    Chart,
    Curve,
    Lane,
    Mark,
    Pareto,
    Radar,
    Segment,
    Series,
    State,
    Step,
    Timeline,
    Trace,
    Waterfall,
    png,
    svg,
)
from factory_kit.render.charts.bars import bars
from factory_kit.render.charts.curve import curve, round_step, top_of
from factory_kit.render.charts.draw import _drawn
from factory_kit.render.charts.pareto import pareto
from factory_kit.render.charts.sheet import wrap
from factory_kit.render.charts.timeline import coarse, merged, timeline
from factory_kit.render.charts.waterfall import waterfall

ODD = "车床 <b>&\"' {{7*7}} 🏭 㵘"
RADAR = Radar(
    (ODD, "数据", "集成", "信息安全"),
    (Series("二级", (1.0, 0.5, 0.8, 0.75), "brand"), Series("三级", (0.4, None, 0.2, 0.1), "amber")),
    0.8,
    "满足线 0.8",
)
BARS = Bars(
    (Bar("一级", 1.0, "1.00", "good", 0.9, 1.0), Bar(ODD, 0.25, "0.25", "bad"), Bar("三级", None, "—")), 0.8, "0.8"
)
TIMELINE = Timeline(
    (
        Lane(ODD, (Segment(0, 30, "run"), Segment(30, 60, "unknown"))),
        Lane("磨床", (Segment(0, 45, "run"), Segment(45, 60, "run"))),
    ),
    (State("run", "生产", "green"), State("unknown", "未知", "void")),
    60,
    ((0, "08:00"), (60, "08:01")),
)
WATERFALL = Waterfall(
    (Step("计划时间", 24, "24 h", whole=True), Step(ODD, 6, "6 h"), Step("运行", 18, "18 h", whole=True))
)
PARETO = Pareto((Bar(ODD, 5, "5 h"), Bar("换型", 3, "3 h"), Bar("其余", 2, "2 h")), 10)
CURVE = Curve(
    (Trace(ODD, ((0, 5), (10, 8), (12, None), (20, 3), (24, 2)), "brand", filled=True), Trace("夜", ((0, 1), (9, 1)), "red", dashed=True)),
    24, 10, ((0, "00:00"), (24, "24:00")), "kW", "小时", (Mark(4, "基础负荷"),), (Band(12, 14),), "异常",
)  # fmt: skip
CHARTS = pytest.mark.parametrize(
    "chart",
    [RADAR, BARS, TIMELINE, WATERFALL, PARETO, CURVE],
    ids=["radar", "bars", "timeline", "waterfall", "pareto", "curve"],
)


def texts(picture: str) -> list[str]:
    """The words of a picture, in the order in which they are painted."""
    return [element.text or "" for element in ET.fromstring(picture).iter() if element.tag.endswith("}text")]  # noqa: S314 - our own picture


@CHARTS
@pytest.mark.parametrize("width", [720, 340])
def test_a_chart_is_well_formed_and_as_wide_as_asked(chart: Chart, width: int) -> None:
    """The picture parses as XML, has the width asked for, and refers to nothing outside itself."""
    picture = svg(chart, width=width, name="one")

    root = ET.fromstring(picture)  # noqa: S314 - our own picture
    assert root.attrib["width"] == str(width)
    assert not re.findall(r'(?:href|src)="(?!#)|url\((?!#)', picture)


@CHARTS
def test_words_stay_words(chart: Chart) -> None:
    """A label with markup, quotes, template signs, an emoji and a rare character stands in the picture as text."""
    written = "".join(texts(svg(chart, width=720, name="one")))

    assert ODD.replace(" ", "") in written.replace(" ", "")


def test_two_charts_on_a_page_have_different_ids() -> None:
    """The name of a chart is part of every id in it, and a label that looks like an id is left alone."""
    sly = Bars((Bar('id="clip0" url(#clip0)', 0.5, "x"),))

    picture = svg(sly, width=720, name="energy")

    ids = re.findall(r'<[^>]*\bid="([^"]+)"', picture)
    assert all(found.startswith("energy-") for found in ids)
    assert 'id="clip0" url(#clip0)' in texts(picture)


def test_every_series_and_the_threshold_are_named() -> None:
    """The legend of a radar names its lines and its ring."""
    assert {"二级", "三级", "满足线 0.8"} <= set(texts(svg(RADAR, width=520, name="r")))


def test_a_bar_without_value_has_its_words_but_no_bar() -> None:
    """No value is not drawn as zero."""
    with_zero = Bars((Bar("三级", 0.0, "0.00"),))
    without = Bars((Bar("三级", None, "—"),))

    drawn = [svg(chart, width=400, name="b").count("<path") for chart in (with_zero, without)]

    assert drawn[0] > drawn[1]
    assert "—" in texts(svg(without, width=400, name="b"))


def test_a_label_of_many_lines_has_its_own_room() -> None:
    """Below a bar whose label takes three lines the next one begins lower; labels never lie over each other."""
    long = "34 General machinery, 39 Computers, communication and electronics"
    bar = Bar("L2", 3.0, "3")

    low, high = (bars(Bars((Bar(label, 3.0, "3"), bar), top=5.0), 430).height for label in ("L1", long))

    assert high > low + 10


def test_neighbours_in_the_same_state_become_one() -> None:
    """No hairline parts two stretches of one state; a gap between them stays."""
    stretches = (Segment(0, 5, "a"), Segment(5, 9, "a"), Segment(10, 12, "a"), Segment(12, 13, "b"))

    assert list(merged(stretches)) == [Segment(0, 9, "a"), Segment(10, 12, "a"), Segment(12, 13, "b")]
    assert list(merged(())) == []


def test_too_many_stretches_show_the_state_that_fills_most_of_each_cell() -> None:
    """A lane with more segments than cells keeps its length and shows the longest state of each cell."""
    lane = Lane(
        "m", (Segment(0, 1, "a"), Segment(1, 4, "b"), Segment(4, 7, "a"), Segment(7, 9, "b"), Segment(9, 10, "a"))
    )

    assert coarse(lane, 10, 2) == (Segment(0, 5, "b"), Segment(5, 10, "a"))
    assert coarse(lane, 10, 5) == lane.segments


@pytest.mark.parametrize(
    ("text", "ems", "expected"),
    [
        ("计划与调度", 3, "计划与\n调度"),
        ("Planning and scheduling", 8, "Planning and\nscheduling"),
        ("Unbreakableword", 3, "Unbreakableword"),
        ("", 5, ""),
        ("生产作业（质量）", 4, "生产作业\n（质量）"),
    ],
)
def test_labels_break_where_a_reader_expects(text: str, ems: float, expected: str) -> None:
    """Latin text breaks at spaces, Chinese between signs but not before closing marks."""
    assert wrap(text, ems) == expected


def test_a_picture_for_word_is_png() -> None:
    """The same chart as PNG, twice as many pixels as its width."""
    picture = png(BARS, width=300)

    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(picture[16:20], "big") == 600


@CHARTS
def test_equal_charts_are_equal_pictures(chart: Chart) -> None:
    """Drawn again without what was kept from the first time, a picture has the same bytes."""
    first = svg(chart, width=500, name="one")
    _drawn.cache_clear()
    assert svg(chart, width=500, name="one") == first


def test_a_waterfall_steps_down_from_what_was_left() -> None:
    """By hand: a loss of 6 of 24 covers the last quarter of the width; what remains begins at the left."""
    whole, lost, left = (row for layer in waterfall(WATERFALL, 720).layers for row in layer.rows if "f" in row)
    assert lost["x2"] == whole["x2"]
    assert lost["x"] == pytest.approx(whole["x"] + 0.75 * (whole["x2"] - whole["x"]))
    assert (left["x"], left["x2"]) == pytest.approx((whole["x"], lost["x"]))


def test_the_line_of_pareto_ends_at_the_whole() -> None:
    """The dots stand at a half, at four fifths, and at all of it."""
    sheet = pareto(PARETO, 720)
    (dots,) = [layer.rows for layer in sheet.layers if layer.mark["type"] == "circle"]
    bars = [row for layer in sheet.layers for row in layer.rows if "f" in row]
    left, across = bars[0]["x"], 2 * (bars[0]["x2"] - bars[0]["x"])
    assert [(dot["x"] - left) / across for dot in dots] == pytest.approx([0.5, 0.8, 1.0])


def test_a_curve_breaks_where_nothing_is_known() -> None:
    """A place without value parts the line: no stroke crosses the gap."""
    lines = [
        layer.rows
        for layer in curve(CURVE, 720).layers
        if layer.mark["type"] == "line" and layer.mark.get("strokeWidth") == 1.6
    ]
    parts = {row["l"] for rows in lines for row in rows}
    assert len(parts) == 3


@pytest.mark.parametrize(("top", "step", "end"), [(10, 2, 12), (99, 20, 100), (0.7, 0.2, 0.8), (0, 1, 1)])
def test_ticks_are_round_and_reach_beyond_the_value(top: float, step: float, end: float) -> None:
    """Steps of 1, 2 or 5 times a power of ten; the axis ends at the next one above the value."""
    assert round_step(top) == pytest.approx(step)
    assert top_of(top) == pytest.approx(end)


def test_states_differ_by_height_on_grey_paper() -> None:
    """A state of half the height fills the lower half of its lane."""
    chart = Timeline(
        (Lane("m", (Segment(0, 5, "a"), Segment(5, 9, "b"))),),
        (State("a", "A", "green"), State("b", "B", "sky", 0.5)),
        10,
        (),
    )
    _wash, full, low, *_legend = (row for layer in timeline(chart, 720).layers for row in layer.rows if "f" in row)
    assert low["y2"] == full["y2"]
    assert low["y2"] - low["y"] == pytest.approx((full["y2"] - full["y"]) / 2)
