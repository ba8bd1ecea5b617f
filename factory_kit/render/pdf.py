"""PDF files from documents, by Typst; refused where no font of the machine can write the document."""

from __future__ import annotations

import json
import tempfile
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, get_args

from factory_kit.errors import FactoryKitError
from factory_kit.files import write_atomically
from factory_kit.render.charts import Chart, svg
from factory_kit.render.document import Document, Figure
from factory_kit.render.fonts import chinese_font, font_folders, needs_chinese
from factory_kit.render.plain import printable

__all__ = ["pdf_bytes", "write_pdf"]

TEMPLATE = Path(__file__).resolve().parent / "templates" / "document.typ"
LATIN = "Libertinus Serif"
"""Comes with Typst."""


def write_pdf(document: Document, path: Path, template: Path | None = None) -> None:
    """*document* as a PDF under *path*, whole or not at all; see ``pdf_bytes``."""
    write_atomically(path, pdf_bytes(document, template))


def pdf_bytes(document: Document, template: Path | None = None) -> bytes:
    """The content of the PDF: tagged, fonts embedded, equal for equal documents.

    *template* is a Typst file of ours beside ``document.typ`` in meaning: it reads ``document.json`` and lays it out.
    ``FactoryKitError`` when the document has Chinese signs and this machine has no font for them.
    """
    import typst  # noqa: PLC0415 - a compiler, only for who writes PDF

    content = _plain(document)
    text = json.dumps(content, ensure_ascii=False)
    family = chinese_font()
    if family is None and needs_chinese(text):
        raise FactoryKitError(
            "pdf: this machine has no font with Chinese signs, so the page would be empty boxes; install one such as Noto Sans CJK SC, name its folder in FACTORY_KIT_FONTS, or write .html or .docx"
        )
    with tempfile.TemporaryDirectory(prefix="factory-kit-") as name:
        folder = Path(name)
        (folder / "main.typ").write_bytes((template or TEMPLATE).read_bytes())
        (folder / "parts.typ").write_bytes((TEMPLATE.parent / "parts.typ").read_bytes())
        (folder / "document.json").write_text(text, encoding="utf-8")
        for figure in (part for section in document.sections for part in section.parts if isinstance(part, Figure)):
            (folder / f"{figure.id}.svg").write_text(
                svg(figure.chart, width=figure.width, name=figure.id), encoding="utf-8"
            )
        try:
            made: Any = typst.compile(
                folder / "main.typ",
                root=folder,
                font_paths=list(font_folders()),
                sys_inputs={"font": family or LATIN},
                timestamp=datetime(2000, 1, 1, tzinfo=UTC),
                package_path=folder,
                package_cache_path=folder,
            )
        except typst.TypstError as error:
            raise FactoryKitError(
                "pdf: Typst cannot lay the document out ({reason})", reason=" ".join(str(error).split())
            ) from error
    result: bytes = made
    return result


def _plain(value: Any) -> Any:
    """*value* as JSON can hold it; every object says what it is in ``kind_of``, charts are left to their pictures."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, get_args(Chart)):
        return None
    if is_dataclass(value):
        return {
            "kind_of": type(value).__name__,
            **{each.name: _plain(getattr(value, each.name)) for each in fields(value)},
        }
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Decimal) else value
