"""The page for the screen in the meeting room: what may be published on one sheet of 1920 by 1080, without network and without scripts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from html import escape

from factory_kit.district.given import Given
from factory_kit.district.tables import in_order, level_name, plants_chart
from factory_kit.district.wording import say
from factory_kit.i18n import Language
from factory_kit.render.charts import Bar, svg
from factory_kit.render.charts.bars import PITCH
from factory_kit.render.theme import COLOURS, css_fonts

__all__ = ["Head", "screen"]

TOP = 10
"""Bars of a chart at most: more cannot be read from the other end of a room. The others are said to be left out."""
DIMENSIONS = ("street", "division", "size")
WIDE = 2.7
"""A quarter of the screen is so many times as wide as high."""
STYLE = """
*{box-sizing:border-box;margin:0}html{font-size:min(1.04vw,1.85vh)}
body{font-family:%(fonts)s;background:%(wash)s;color:%(ink)s;height:100vh;display:flex;flex-direction:column;padding:1.2rem 1.6rem;gap:1rem}
header{display:flex;justify-content:space-between;align-items:end;gap:.4rem 2rem;flex-wrap:wrap;border-bottom:.25rem solid %(brand)s;padding-bottom:.6rem}
h1{font-size:1.8rem;color:%(brand)s}h2{font-size:1.15rem;color:%(brand)s;margin-bottom:.4rem}
header p{white-space:nowrap}header p,footer{color:%(muted)s;font-size:.95rem}.trial{color:%(paper)s;background:%(red)s;padding:.1rem .6rem}
.heads{display:flex;gap:1rem}.heads div{flex:1;background:%(paper)s;padding:.7rem 1rem;border-left:.3rem solid %(brand)s}
.heads b{display:block;font-size:2.3rem;line-height:1.15}.heads span{color:%(muted)s}
main{flex:1;min-height:0;display:grid;grid-template:1fr 1fr/1fr 1fr;gap:1rem}
section{background:%(paper)s;padding:.8rem 1rem;min-height:0;display:flex;flex-direction:column}
svg{width:100%%;flex:1;min-height:0;display:block;overflow:visible}section p{color:%(muted)s;font-size:.85rem}
@media (max-width:900px){html{font-size:16px}body{height:auto}header p{white-space:normal}main,.heads{display:block}section,.heads div{margin-bottom:1rem}}
@media print{body{background:%(paper)s}}
"""


class Head(tuple[str, str]):
    """A number in large letters and what it is."""

    __slots__ = ()


def screen(
    title: str, stamp: str, notes: Sequence[str], parts: Mapping[str, Given], names: Mapping[str, Sequence[str]],
    language: Language, *, trial: bool,
) -> bytes:  # fmt: skip
    """The page over the proven *parts*; *names* are those of their rows, *notes* stand small at the bottom."""
    heads = "".join(
        f"<div><b>{escape(number)}</b><span>{escape(what)}</span></div>" for number, what in _heads(parts, language)
    )
    charts = "".join(_charts(parts, names, language))
    mark = f' <span class="trial">{escape(say("trial", language))}</span>' if trial else ""
    colours = {**COLOURS, "fonts": css_fonts()}
    page = (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE % colours}</style></head><body>"
        f"<header><h1>{escape(title)}{mark}</h1><p>{escape(stamp)}</p></header>"
        f'<div class="heads">{heads}</div><main>{charts}</main>'
        f"<footer>{' · '.join(escape(note) for note in notes)}</footer></body></html>\n"
    )
    return page.encode()


def _heads(parts: Mapping[str, Given], language: Language) -> Iterator[Head]:
    """Plants, the share from level 2 up, output and energy per mu; what is not shown is not here."""
    part = parts["street"]
    total = sum(part.table.row_totals)
    yield Head((f"{total:,}", say("assessed", language)))
    for level in (2, 3):
        upper = [
            count
            for column, count in zip(part.table.columns, part.table.column_totals, strict=True)
            if min(column) >= level
        ]
        whole = all(min(column) >= level or max(column) < level for column in part.table.columns)
        if upper and whole:
            yield Head((f"{float(Fraction(sum(upper), total)):.0%}", say("screen.from", language, level=level)))
    for measure in ("output_10k", "energy_tce"):
        quotient = part.per_mu(measure, None)
        if quotient is not None:
            yield Head((f"{float(quotient):,.1f}", say(f"{measure}_per_mu", language)))


def _charts(parts: Mapping[str, Given], names: Mapping[str, Sequence[str]], language: Language) -> Iterator[str]:
    table = parts["street"].table
    levels = [
        Bar(level_name(column, language), float(count), str(count))
        for column, count in zip(table.columns, table.column_totals, strict=True)
    ]
    yield _chart("levels", say("chart", language), levels, language)
    for by in DIMENSIONS:
        table = parts[by].table
        rows = sorted(zip(names[by], table.row_totals, table.rows, strict=True), key=lambda row: (-row[1], row[0]))
        ordered = in_order(by, rows, lambda row: row[2][0])
        bars = [Bar(name, float(count), str(count)) for name, count, _ in ordered]
        yield _chart(by, say("plants_by", language, by=say(by, language).lower()), bars, language)


def _width(bars: int) -> int:
    """Pixels a chart of so many *bars* is drawn wide, to be enlarged into its quarter of the screen: few bars become large."""
    return max(430, min(840, round((bars * PITCH + 30) * WIDE)))


def _chart(name: str, title: str, bars: Sequence[Bar], language: Language) -> str:
    shown = tuple(bars[:TOP])
    alt = "; ".join(f"{bar.label} {bar.text}" for bar in shown)
    picture = svg(plants_chart(shown), width=_width(len(shown)), name=name)
    rest = f"<p>{escape(say('screen.rest', language, count=len(bars) - TOP))}</p>" if len(bars) > TOP else ""
    return f'<section aria-label="{escape(alt)}"><h2>{escape(title)}</h2>{picture}{rest}</section>'
