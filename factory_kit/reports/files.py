"""From a view model to a file: the ending of the name decides the format."""

from __future__ import annotations

from pathlib import Path

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.render.document import Document
from factory_kit.reports.assessment import AssessmentReport

__all__ = ["FORMATS", "html", "word_template", "write"]

TEMPLATES = Path(__file__).resolve().parent / "templates"
OWN: dict[type[Document], str] = {AssessmentReport: "assessment"}
"""Documents with a first page of their own, and the name of their templates."""
FORMATS = (".html", ".docx", ".xlsx", ".pdf")


def html(document: Document) -> str:
    """*document* as one self-contained page."""
    from factory_kit.render.html import page  # noqa: PLC0415 - each format loads its own library

    return page(document, _own(document, ".html"))


def word_template(document: type[Document]) -> Path:
    """The shipped Word template of a kind of document, to be copied and changed by users."""
    from factory_kit.render.word import DOCUMENT_TEMPLATE  # noqa: PLC0415 - see html

    name = OWN.get(document)
    return TEMPLATES / f"{name}.docx" if name else DOCUMENT_TEMPLATE


def write(document: Document, path: Path, template: Path | None = None) -> None:
    """*document* under *path*, whole or not at all; *template* is a Word template of the user.

    ``UsageError`` for an ending that is none of ``FORMATS``, for a template with another format than Word, and for a template
    that holds more than fields; ``FactoryKitError`` for a PDF that this machine has no font for.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise UsageError(
            "{path}: a report cannot be written as {suffix!r}, expected one of {known}",
            path=path.name,
            suffix=path.suffix,
            known=", ".join(FORMATS),
        )
    if template is not None and suffix != ".docx":
        raise UsageError("{path}: a Word template makes a .docx; name the report so", path=path.name)
    write_atomically(path, _content(document, suffix, template))


def _content(document: Document, suffix: str, template: Path | None) -> bytes:
    if suffix == ".docx":
        from factory_kit.render.word import word_bytes  # noqa: PLC0415 - see html

        return word_bytes(document, template or word_template(type(document)))
    if suffix == ".xlsx":
        from factory_kit.render.excel import excel_bytes  # noqa: PLC0415 - see html

        return excel_bytes(document)
    if suffix == ".pdf":
        from factory_kit.render.pdf import pdf_bytes  # noqa: PLC0415 - see html

        return pdf_bytes(document, _own(document, ".typ"))
    return html(document).encode("utf-8")


def _own(document: Document, suffix: str) -> Path | None:
    name = OWN.get(type(document))
    return TEMPLATES / f"{name}{suffix}" if name else None
