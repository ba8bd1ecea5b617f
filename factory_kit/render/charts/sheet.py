"""A sheet to draw on: shapes and words at pixel places, turned into one Altair chart.

Every place is computed here and not by the axes of Vega, because Vega measures words with the fonts of the machine that
draws; a machine without Chinese fonts would otherwise cut labels off.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from factory_kit.render.plain import printable
from factory_kit.render.theme import COLOURS, FONT_STACK

__all__ = ["Label", "Rect", "Sheet", "em_width", "wrap"]

Anchor = Literal["left", "center", "right"]
Place = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rect:
    """A filled rectangle with an optional thin edge; pixels from the top left."""

    x: float
    y: float
    x2: float
    y2: float
    fill: str
    edge: str = ""


@dataclass(frozen=True, slots=True)
class Label:
    """Words at a place; a line break inside starts a new line."""

    x: float
    y: float
    text: str
    anchor: Anchor = "left"
    size: int = 12
    colour: str = COLOURS["ink"]
    bold: bool = False


@dataclass(frozen=True, slots=True)
class Layer:
    """One mark of Vega-Lite over its rows."""

    mark: Mapping[str, object]
    rows: list[dict[str, Any]]
    encoding: Mapping[str, str]


@dataclass(slots=True)
class Sheet:
    """Shapes in the order in which they are painted."""

    width: float
    height: float
    layers: list[Layer] = field(default_factory=list)

    def rects(self, rects: Iterable[Rect]) -> None:
        """Paint *rects*."""
        rows = [
            {"x": r.x, "x2": r.x2, "y": r.y, "y2": r.y2, "f": r.fill, "e": r.edge or r.fill, "w": float(bool(r.edge))}
            for r in rects
        ]
        self._add("rect", {}, rows, x2="x2:Q", y2="y2:Q", fill="f:N", stroke="e:N", strokeWidth="w:Q")

    def line(self, places: Sequence[Place], colour: str, **mark: object) -> None:
        """Paint one line through *places*; *mark* holds Vega-Lite's properties of a line."""
        line = sum(len(layer.rows) for layer in self.layers)
        rows = [{"x": x, "y": y, "n": n, "l": line} for n, (x, y) in enumerate(places)]
        self._add("line", {"color": colour, "strokeWidth": 1, **mark}, rows, order="n:Q", detail="l:N")

    def dots(self, places: Iterable[Place], colour: str, size: int = 30) -> None:
        """Paint one dot at each of *places*."""
        self._add("circle", {"color": colour, "size": size, "opacity": 1}, [{"x": x, "y": y} for x, y in places])

    def words(self, labels: Iterable[Label]) -> None:
        """Write *labels*; several lines are centred on their place from top to bottom."""
        kinds: dict[tuple[Anchor, int, bool], list[dict[str, Any]]] = {}
        for label in labels:
            lines = printable(label.text).split("\n")
            top = label.y - (len(lines) - 1) * label.size * 0.6
            kinds.setdefault((label.anchor, label.size, label.bold), []).extend(
                {"x": label.x, "y": top + n * label.size * 1.2, "t": line, "c": label.colour}
                for n, line in enumerate(lines)
            )
        for (anchor, size, bold), rows in kinds.items():
            mark = {
                "align": anchor,
                "baseline": "middle",
                "fontSize": size,
                "fontWeight": 600 if bold else 400,
                "limit": 0,
            }
            self._add("text", mark, rows, text="t:N", color="c:N")

    def specification(self) -> dict[str, Any]:
        """The Vega-Lite specification of everything painted."""
        import altair as alt  # noqa: PLC0415 - a quarter of a second, only for who draws

        with alt.utils.schemapi.debug_mode(arg=False):  # else every piece is held against the schema: most of the time
            chart = alt.layer(*(_altair(layer) for layer in self.layers)).properties(
                width=self.width,
                height=self.height,
                padding=0,
                autosize=alt.AutoSizeParams(type="none"),
                background="transparent",
            )
            chart = chart.configure(font=FONT_STACK, aria=False).configure_view(stroke=None, fill=None)
            specification: dict[str, Any] = chart.to_dict(validate=False)
        return specification

    def _add(self, mark: str, options: Mapping[str, object], rows: list[dict[str, Any]], **encoding: str) -> None:
        """One more layer; rows of the same kind as those just painted join them, since every layer costs time."""
        layer = Layer({"type": mark, **options}, rows, {"x": "x:Q", "y": "y:Q", **encoding})
        last = self.layers[-1] if self.layers else None
        if last and (last.mark, last.encoding) == (layer.mark, layer.encoding):
            last.rows.extend(rows)
        elif rows:
            self.layers.append(layer)


def _altair(layer: Layer) -> Any:
    import altair as alt  # noqa: PLC0415 - see specification

    channels: dict[str, Any] = {
        "x": lambda short: alt.X(short, scale=None, axis=None),
        "y": lambda short: alt.Y(short, scale=None, axis=None),
        "fill": lambda short: alt.Fill(short, scale=None, legend=None),
        "stroke": lambda short: alt.Stroke(short, scale=None, legend=None),
        "strokeWidth": lambda short: alt.StrokeWidth(short, scale=None, legend=None),
        "color": lambda short: alt.Color(short, scale=None, legend=None),
    }
    mark: Any = dict(layer.mark)
    chart = alt.Chart({"values": layer.rows}, mark=mark)
    return chart.encode(
        **{
            channel: channels[channel](short) if channel in channels else short
            for channel, short in layer.encoding.items()
        }
    )


def em_width(text: str) -> float:
    """About how wide *text* is, in multiples of the letter size."""
    return sum(1.0 if unicodedata.east_asian_width(sign) in "WF" else 0.56 for sign in text)


def wrap(text: str, ems: float) -> str:
    """*text* broken into lines of at most *ems*, at spaces, and between Chinese signs."""
    lines = [""]
    for word in _words(text):
        if lines[-1] and em_width((lines[-1] + word).rstrip()) > ems:
            lines.append("")
        lines[-1] += word
    return "\n".join(line.rstrip() for line in lines if line.strip())


def _words(text: str) -> list[str]:
    """The pieces between which a line may break."""
    words: list[str] = []
    for sign in text:
        breaks = not words or _wide(sign) or _wide(words[-1][-1]) or words[-1].endswith((" ", "-"))
        if breaks and not (words and sign in " ，。、；：）》"):
            words.append(sign)
        else:
            words[-1] += sign
    return words


def _wide(sign: str) -> bool:
    return unicodedata.east_asian_width(sign) in "WF"
