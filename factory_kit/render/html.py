"""One self-contained HTML page from a document: no script, nothing loaded from elsewhere."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, FileSystemLoader, PackageLoader, StrictUndefined
from markupsafe import Markup

from factory_kit.render.charts import svg
from factory_kit.render.document import Document, Figure
from factory_kit.render.plain import printable
from factory_kit.render.theme import COLOURS, css_fonts

__all__ = ["PHONE", "page"]

PHONE = 340
"""Width in pixels of the pictures that phones show."""


def page(document: Document, template: Path | None = None) -> str:
    """*document* as HTML; *template* is a file of ours that extends ``document.html`` with a first page of its own."""
    environment = _environment(template.parent if template else None)
    name = template.name if template else "document.html"
    return environment.get_template(name).render(document=document)


def _environment(folder: Path | None) -> Environment:
    own = PackageLoader("factory_kit.render", "templates")
    environment = Environment(
        loader=ChoiceLoader([FileSystemLoader(folder), own]) if folder else own,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalised,
    )
    environment.globals.update(kind=_kind, picture=_picture, fonts=Markup(css_fonts()), colours=COLOURS)  # noqa: S704 - our own constant
    environment.filters["percent"] = _percent
    return environment


def _finalised(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _kind(part: object) -> str:
    return type(part).__name__.lower()


def _picture(figure: Figure, *, phone: bool) -> Markup:
    width = min(PHONE, figure.width) if phone else figure.width
    drawn = svg(figure.chart, width=width, name=f"{figure.id}-{'phone' if phone else 'page'}")
    return Markup(drawn)  # noqa: S704 - drawn by Vega, which escapes every label


def _percent(share: float | Decimal) -> str:
    return f"{max(0.0, min(100.0, float(share) * 100)):.2f}%"
