"""From chart to picture."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import assert_never

from factory_kit.render.charts.bars import bars
from factory_kit.render.charts.curve import curve
from factory_kit.render.charts.data import Bars, Chart, Curve, Pareto, Radar, Timeline, Waterfall
from factory_kit.render.charts.pareto import pareto
from factory_kit.render.charts.radar import radar
from factory_kit.render.charts.sheet import Sheet
from factory_kit.render.charts.timeline import timeline
from factory_kit.render.charts.waterfall import waterfall

__all__ = ["png", "svg"]

TAG = re.compile(r"<[^>]+>")
IDENTITY = re.compile(r'(\bid="|url\(#|href="#)([A-Za-z_][\w.-]*)')


def svg(chart: Chart, *, width: float, name: str) -> str:
    """*chart* as SVG of *width* pixels whose words stay text; *name* keeps its ids apart from other charts of the page."""
    picture = _drawn(chart, width)
    return TAG.sub(lambda tag: IDENTITY.sub(rf"\g<1>{name}-\g<2>", tag[0]), picture)


@lru_cache(maxsize=64)
def _drawn(chart: Chart, width: float) -> str:
    """The picture as Vega draws it; a report shows the same ones in HTML, in PDF and in the bundle."""
    import vl_convert  # noqa: PLC0415 - a JavaScript engine, only for who draws

    picture: str = vl_convert.vegalite_to_svg(_sheet(chart, width).specification(), allowed_base_urls=[])
    return picture


def png(chart: Chart, *, width: float, scale: float = 2.0, fonts: Iterable[Path] = ()) -> bytes:
    """*chart* as PNG of *width* × *scale* pixels; *fonts* are folders with fonts beside those of the system."""
    import vl_convert  # noqa: PLC0415 - see _drawn

    for folder in fonts:
        vl_convert.register_font_directory(str(folder.resolve()))
    picture: bytes = vl_convert.vegalite_to_png(_sheet(chart, width).specification(), scale=scale, allowed_base_urls=[])
    return picture


def _sheet(chart: Chart, width: float) -> Sheet:
    match chart:
        case Radar():
            return radar(chart, width)
        case Bars():
            return bars(chart, width)
        case Timeline():
            return timeline(chart, width)
        case Waterfall():
            return waterfall(chart, width)
        case Pareto():
            return pareto(chart, width)
        case Curve():
            return curve(chart, width)
    assert_never(chart)
