"""Word files from documents: a template with fields, which users may replace, and the sections put where it asks for them."""

from __future__ import annotations

import io
import re
import secrets
import zipfile
from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from xml.sax.saxutils import escape

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from factory_kit.errors import UsageError
from factory_kit.files import write_atomically
from factory_kit.render.document import Document, Facts, Part, Section, Table
from factory_kit.render.plain import printable
from factory_kit.render.word_check import check_template
from factory_kit.render.word_parts import WordParts

__all__ = ["DOCUMENT_TEMPLATE", "require_template", "word_bytes", "write_word"]

DOCUMENT_TEMPLATE = Path(__file__).resolve().parent / "templates" / "document.docx"
"""The template of documents without one of their own; made by ``factory_kit.render.word_template``."""
REWRITTEN = re.compile(r"\{_[{%]|[}%]_\}|[\a\f]")
"""What docxtpl would turn into something else after filling in; such texts are kept aside until it is done."""
EARLIEST = (1980, 1, 1, 0, 0, 0)
FIELDS = {each.name for each in fields(Document)} | {"contents", "body", "section", "part", "table", "fact"}
"""What every document offers a template by its first name."""


def write_word(document: Document, path: Path, template: Path | None = None) -> None:
    """*document* as a Word file under *path*, whole or not at all.

    *template* is a .docx with fields in Jinja's signs. It may use everything the document has (``{{ title }}``,
    ``{{ subject }}``, ``{{ footer }}``, ``{{ fact.<id>.<key> }}``, …), loop over ``table.<id>.rows`` by column key, and ask in a paragraph of its own for
    ``{{ contents }}``, ``{{ body }}``, ``{{ section.<id> }}``, ``{{ part.<id> }}`` (``-`` in ids is ``_``) or any other part.
    ``UsageError`` in one line when it holds code, or a field that does not exist.
    """
    write_atomically(path, word_bytes(document, template))


def word_bytes(document: Document, template: Path | None = None) -> bytes:
    """The content of the Word file; see ``write_word``."""
    source = template or DOCUMENT_TEMPLATE
    marks = _Marks()
    environment = _sandbox(marks)
    check_template(source, environment)
    word = DocxTemplate(str(source))
    try:
        word.render(_fields(document), environment, autoescape=True)
    except (TemplateError, TypeError, ValueError, KeyError) as error:
        reason = " ".join(str(error).split())
        raise UsageError(
            "{file}: the template cannot be filled in ({reason})", file=source.name, reason=reason
        ) from error
    _fill(word.docx, document, marks)
    _properties(word.docx, document)
    return _packed(word, marks)


def require_template(template: Path) -> None:
    """``UsageError`` where *template* cannot make a ``Document``: no Word file, code in it, or a field of a name that no document has.

    Which sections, parts and facts there are only the document knows: ``word_bytes`` refuses the others.
    """
    environment = _sandbox(_Marks())
    for tree in check_template(template, environment):
        for name in sorted(meta.find_undeclared_variables(tree) - FIELDS):
            raise UsageError("{file}: there is no field {name}", file=template.name, name=name)


def _sandbox(marks: _Marks) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(autoescape=True, undefined=_NoField, finalize=marks)


class _NoField(StrictUndefined):
    """A field that does not exist, called by its name."""

    @property
    def _undefined_message(self) -> str:
        return self._undefined_hint or f"there is no field {self._undefined_name}"


class _Whole(StrEnum):
    """What a template can ask for beside parts and sections."""

    CONTENTS = "contents"
    BODY = "body"


class _Marks:
    """Texts that stand for parts while the template is filled in; nobody can guess them, so no data can pose as one."""

    def __init__(self) -> None:
        self.token = secrets.token_hex(8)
        self.things: list[object] = []

    def __call__(self, value: Any) -> Any:
        """What a field of the template writes: texts as they can be printed, parts and sections as a mark."""
        if isinstance(value, (*get_args(Part), Section, _Whole)):
            return self._mark(value)
        if not isinstance(value, str) or isinstance(value, Markup):
            return value
        text = printable(value)
        return self._mark(text) if REWRITTEN.search(text) else text

    def texts(self, xml: bytes) -> bytes:
        """*xml* with the texts that were kept aside put back."""
        for number, thing in enumerate(self.things):
            if isinstance(thing, str) and not isinstance(thing, _Whole):
                xml = xml.replace(f"[[{self.token}:{number}]]".encode(), escape(thing).encode("utf-8"))
        return xml

    def thing(self, text: str) -> object | None:
        """What *text* stands for, when it is a mark and nothing else."""
        found = re.fullmatch(rf"\s*\[\[{self.token}:(\d+)\]\]\s*", text)
        thing = self.things[int(found[1])] if found else None
        return None if isinstance(thing, str) and not isinstance(thing, _Whole) else thing

    def _mark(self, thing: object) -> str:
        self.things.append(thing)
        return f"[[{self.token}:{len(self.things) - 1}]]"


def _fields(document: Document) -> dict[str, Any]:
    own: dict[str, Any] = {each.name: getattr(document, each.name) for each in fields(document)}
    parts = [part for section in document.sections for part in section.parts]
    return {
        **own,
        "contents": _Whole.CONTENTS,
        "body": _Whole.BODY,
        "section": {_name(section.id): section for section in document.sections},
        "part": {_name(part.id): part for part in parts},
        "table": {_name(part.id): _table(part) for part in parts if isinstance(part, Table)},
        "fact": {_name(part.id): _values(part) for part in parts if isinstance(part, Facts) and part.keys},
    }


def _table(table: Table) -> Mapping[str, Any]:
    keys = [column.key for column in table.columns]
    rows = [
        dict(zip(keys, (cell.text for cell in row.cells), strict=True)) for row in table.rows if row.kind != "group"
    ]
    return {"caption": table.caption, "note": table.note, "rows": rows}


def _values(facts: Facts) -> SimpleNamespace:
    """Each value under its key; no mapping, since Jinja would take a key like ``update`` for a method."""
    return SimpleNamespace(**{key: cell.text for key, (_, cell) in zip(facts.keys, facts.items, strict=True)})


def _name(identity: str) -> str:
    return identity.replace("-", "_")


def _fill(word: Any, document: Document, marks: _Marks) -> None:
    """Put the parts where their marks stand."""
    parts = WordParts(word, document)
    for paragraph in list(word.element.body.iter("{*}p")):
        thing = marks.thing("".join(text.text or "" for text in paragraph.iter("{*}t")))
        if thing is None:
            continue
        for element in _elements(parts, thing):
            paragraph.addprevious(element)
        paragraph.getparent().remove(paragraph)


def _elements(parts: WordParts, thing: Any) -> list[Any]:
    if thing is _Whole.CONTENTS:
        return parts.contents()
    if thing is _Whole.BODY:
        return parts.body()
    return parts.section(thing) if isinstance(thing, Section) else parts.part(thing)


def _properties(word: Any, document: Document) -> None:
    properties = word.core_properties
    properties.title = printable(f"{document.title} · {document.subject}")[:255]
    properties.language = "zh-CN" if document.language == "zh" else "en-GB"
    properties.author = properties.last_modified_by = "Factory Kit"


def _packed(word: DocxTemplate, marks: _Marks) -> bytes:
    """The file with fixed times inside, so that equal documents are equal bytes."""
    written, packed = io.BytesIO(), io.BytesIO()
    word.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            item = zipfile.ZipInfo(name, EARLIEST)
            item.compress_type = zipfile.ZIP_DEFLATED
            target.writestr(item, marks.texts(source.read(name)) if name.endswith(".xml") else source.read(name))
    return packed.getvalue()
