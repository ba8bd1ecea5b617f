"""Charts: what they say, that they stay text, and that nothing breaks out of them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest

from factory_kit.render.charts import Bar, Bars, Chart, Lane, Radar, Segment, Series, State, Timeline, png, svg
from factory_kit.render.charts.sheet import wrap
from factory_kit.render.charts.timeline import coarse, merged

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
CHARTS = pytest.mark.parametrize("chart", [RADAR, BARS, TIMELINE], ids=["radar", "bars", "timeline"])


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
