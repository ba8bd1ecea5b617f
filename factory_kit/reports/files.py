"""From a view model to a file: the ending of the name decides the format."""

from __future__ import annotations

from pathlib import Path

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.render.document import Document
from factory_kit.render.html import page
from factory_kit.reports.assessment import AssessmentReport

__all__ = ["FORMATS", "html", "write"]

TEMPLATES = Path(__file__).resolve().parent / "templates"
HTML_TEMPLATES: dict[type[Document], str] = {AssessmentReport: "assessment.html"}
FORMATS = (".html",)


def html(document: Document) -> str:
    """*document* as one self-contained page."""
    name = HTML_TEMPLATES.get(type(document))
    return page(document, TEMPLATES / name if name else None)


def write(document: Document, path: Path) -> None:
    """*document* under *path*, whole or not at all; ``UsageError`` for an ending that is none of ``FORMATS``."""
    if path.suffix == ".html":
        write_atomically(path, html(document))
        return
    raise UsageError(
        "{path}: a report cannot be written as {suffix!r}, expected one of {known}",
        path=path.name,
        suffix=path.suffix,
        known=", ".join(FORMATS),
    )
