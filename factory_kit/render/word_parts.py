"""Parts of a document as pieces of WordprocessingML (ECMA-376, part 1, chapter 17)."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, assert_never
from xml.sax.saxutils import escape, quoteattr

from docx.document import Document as WordFile
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.shared import Emu

from factory_kit.render.charts import png
from factory_kit.render.document import (
    Bullets,
    Callout,
    Cell,
    Column,
    Document,
    Facts,
    Figure,
    Part,
    Prose,
    Row,
    Section,
    Signatures,
    Table,
)
from factory_kit.render.fonts import chinese_font, font_folders, needs_chinese
from factory_kit.render.plain import printable
from factory_kit.render.theme import COLOURS, Tone

__all__ = ["WordParts"]

FILLS: dict[Tone, str] = {"good": "DCF1E7", "warn": "FDF0D2", "bad": "FBE1DB", "accent": "E3EEF3"}
INKS: dict[Tone, str] = {"good": "12694C", "warn": "7A4B00", "bad": "8F2413", "muted": "55616E", "accent": "0B4F6C"}
JUSTIFY = {"start": "left", "center": "center", "end": "right"}
FIRST_BOOKMARK = 5000
"""Above the numbers that bookmarks of a template have."""
SHORT = 12
"""A table of fewer rows stays on one page."""
EMU_PER_INCH, TWIPS_PER_EMU = 914_400, 1 / 635


@dataclass(frozen=True)
class WordParts:
    """Makes elements for *word*, in its styles where it has them and within its margins."""

    word: WordFile
    document: Document

    def contents(self) -> list[Any]:
        """The titles of the sections, each a link to its heading; nothing for a document without a list of them."""
        if not self.document.contents_title:
            return []
        heading = self._heading(self.document.contents_title, 2)
        return [
            heading,
            *(self._entry(number, section) for number, section in enumerate(self.document.sections, start=1)),
        ]

    def body(self) -> list[Any]:
        """All sections."""
        return [element for section in self.document.sections for element in self.section(section)]

    def section(self, section: Section) -> list[Any]:
        """One section with its number."""
        number = self.document.sections.index(section) + 1
        found = [self._heading(f"{number}  {section.title}", 1, anchor=section.id, new_page=section.new_page)]
        if section.lead:
            found.append(self._paragraph(section.lead))
        for part in section.parts:
            found += self.part(part)
        return found

    def part(self, part: Part) -> list[Any]:
        """One part."""
        match part:
            case Table():
                return list(self._table(part))
            case Figure():
                return list(self._figure(part))
            case Facts():
                return list(self._facts(part))
            case Bullets():
                return list(self._bullets(part))
            case Prose():
                return [self._paragraph(text, keep=True) for text in part.paragraphs]
            case Callout():
                return [self._callout(part), self._gap()]
            case Signatures():
                return list(self._signatures(part))
        assert_never(part)

    @property
    def width(self) -> int:
        """Between the margins, in EMU."""
        page = self.word.sections[-1]
        sides = (page.page_width, page.left_margin, page.right_margin)
        whole, left, right = (int(side) if side is not None else 0 for side in sides)
        return whole - left - right

    def _style(self, name: str) -> str:
        """The reference to a paragraph style; empty where the template has no such style."""
        styles = {style.name.lower(): style.style_id for style in self.word.styles if style.name}
        found = styles.get(name.lower())
        return f'<w:pStyle w:val="{found}"/>' if found else ""

    def _heading(self, text: str, level: int, *, anchor: str = "", new_page: bool = False) -> Any:
        marks = ("", "")
        if anchor:
            number = FIRST_BOOKMARK + [section.id for section in self.document.sections].index(anchor)
            start = f'<w:bookmarkStart w:id="{number}" w:name={quoteattr(_bookmark(anchor))}/>'
            marks = (start, f'<w:bookmarkEnd w:id="{number}"/>')
        page = "<w:pageBreakBefore/>" if new_page else ""
        return _element(
            f"<w:p><w:pPr>{self._style(f'heading {level}')}<w:keepNext/>{page}</w:pPr>{marks[0]}{_run(text)}{marks[1]}</w:p>"
        )

    def _entry(self, number: int, section: Section) -> Any:
        link = f"<w:hyperlink w:anchor={quoteattr(_bookmark(section.id))}>{_run(f'{number}  {section.title}', ink=INKS['accent'])}</w:hyperlink>"
        return _element(f'<w:p><w:pPr><w:spacing w:before="20" w:after="20"/></w:pPr>{link}</w:p>')

    def _paragraph(self, text: str, *, keep: bool = False) -> Any:
        """A paragraph; *keep* holds it on the page of what follows."""
        properties = "<w:pPr><w:keepNext/></w:pPr>" if keep else ""
        return _element(f"<w:p>{properties}{_run(text)}</w:p>")

    def _caption(self, text: str) -> Any:
        return _element(f"<w:p><w:pPr>{self._style('caption')}<w:keepNext/></w:pPr>{_run(text)}</w:p>")

    def _note(self, text: str) -> Any:
        return _element(
            f'<w:p><w:pPr><w:spacing w:before="40" w:after="120"/></w:pPr>{_run(text, ink=INKS["muted"], size=16)}</w:p>'
        )

    def _gap(self) -> Any:
        return _element(
            '<w:p><w:pPr><w:spacing w:before="0" w:after="0" w:line="160" w:lineRule="exact"/></w:pPr></w:p>'
        )

    def _table(self, table: Table) -> Iterator[Any]:
        if not table.rows:
            yield self._note(table.empty)
            return
        if table.caption:
            yield self._caption(table.caption)
        twips = _widths(table.columns, self.width)
        head = "".join(
            _cell(Cell(column.title), column, width, head=True)
            for column, width in zip(table.columns, twips, strict=True)
        )
        last = len(table.rows) - 1
        short = last < SHORT
        rows = "".join(_row(row, table.columns, twips, keep=short and at < last) for at, row in enumerate(table.rows))
        yield _element(
            f'<w:tbl>{_table_properties(self.width)}<w:tblGrid>{"".join(f"""<w:gridCol w:w="{width}"/>""" for width in twips)}</w:tblGrid>'
            f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{head}</w:tr>{rows}</w:tbl>"
        )
        yield self._note(table.note) if table.note else self._gap()

    def _figure(self, figure: Figure) -> Iterator[Any]:
        """The picture; its words instead where this machine could draw only empty boxes for them."""
        if needs_chinese(str(figure.chart)) and chinese_font() is None:
            yield self._paragraph(figure.alt)
        else:
            yield self._picture(figure)
        yield _element(
            f'<w:p><w:pPr>{self._style("caption")}<w:jc w:val="center"/></w:pPr>{_run(figure.caption)}</w:p>'
        )
        if figure.note:
            yield self._note(figure.note)

    def _picture(self, figure: Figure) -> Any:
        drawn = png(figure.chart, width=figure.width, scale=2.5, fonts=font_folders())
        wide = min(self.width, round(figure.width / 96 * EMU_PER_INCH))
        inline = self.word.part.new_pic_inline(io.BytesIO(drawn), width=Emu(wide))
        inline.docPr.set("descr", printable(figure.alt))
        paragraph = _element('<w:p><w:pPr><w:keepNext/><w:jc w:val="center"/></w:pPr><w:r><w:drawing/></w:r></w:p>')
        paragraph.find(".//{*}drawing").append(inline)
        return paragraph

    def _facts(self, facts: Facts) -> Iterator[Any]:
        if facts.caption:
            yield self._caption(facts.caption)
        side = facts.columns
        columns = (Column("name", "", share=30 if side == 1 else 36), Column("value", "", share=70)) * side
        twips = _widths(columns, self.width)
        cells = [(Cell(name, "muted"), cell) for name, cell in facts.items]
        cells += [(Cell(""), Cell(""))] * (-len(cells) % side)
        lines = [tuple(cell for pair in cells[at : at + side] for cell in pair) for at in range(0, len(cells), side)]
        rows = "".join(_row(Row(line), columns, twips) for line in lines)
        grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in twips)
        yield _element(f"<w:tbl>{_table_properties(self.width)}<w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>")
        yield self._gap()

    def _bullets(self, bullets: Bullets) -> Iterator[Any]:
        if bullets.caption:
            yield self._heading(bullets.caption, 2)
        if not bullets.items:
            yield self._note(bullets.empty)
        for number, item in enumerate(bullets.items, start=1):
            mark = f"{number}." if bullets.numbered else "•"
            plain = not item.text and not item.remark
            runs = [_run(mark, ink=INKS["accent"], bold=True), "<w:r><w:tab/></w:r>", _run(item.title, bold=not plain)]
            runs += ["<w:r><w:br/></w:r>" + _run(item.text)] if item.text else []
            runs += ["<w:r><w:br/></w:r>" + _run(item.remark, ink=INKS["muted"], size=17)] if item.remark else []
            tabs = '<w:tabs><w:tab w:val="left" w:pos="425"/></w:tabs>'
            spacing = '<w:spacing w:before="40" w:after="60"/><w:ind w:left="425" w:hanging="425"/>'
            yield _element(f"<w:p><w:pPr><w:keepLines/>{tabs}{spacing}</w:pPr>{''.join(runs)}</w:p>")

    def _callout(self, callout: Callout) -> Any:
        fill, ink = FILLS.get(callout.tone, "F3F6F9"), INKS.get(callout.tone, COLOURS["ink"][1:])
        text = _run(f"{callout.title}  ", bold=True, ink=ink, size=18) + _run(callout.text, ink=ink, size=18)
        edge = f'<w:tcBorders><w:left w:val="single" w:sz="24" w:space="0" w:color="{ink}"/></w:tcBorders>'
        width = round(self.width * TWIPS_PER_EMU)
        cell = f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{edge}<w:shd w:val="clear" w:color="auto" w:fill="{fill}"/></w:tcPr><w:p><w:pPr><w:spacing w:before="40" w:after="40" w:line="240" w:lineRule="auto"/></w:pPr>{text}</w:p></w:tc>'
        return _element(
            f'<w:tbl>{_table_properties(self.width, lines=False)}<w:tblGrid><w:gridCol w:w="{width}"/></w:tblGrid><w:tr><w:trPr><w:cantSplit/></w:trPr>{cell}</w:tr></w:tbl>'
        )

    def _signatures(self, signatures: Signatures) -> Iterator[Any]:
        for heading, lines in signatures.blocks:
            yield self._heading(heading, 2)
            for line in lines:
                tabs = f'<w:tabs><w:tab w:val="left" w:leader="underscore" w:pos="{round(self.width * TWIPS_PER_EMU * 0.7)}"/></w:tabs>'
                yield _element(
                    f'<w:p><w:pPr><w:keepNext/>{tabs}<w:spacing w:before="240" w:after="60"/></w:pPr>{_run(line, ink=INKS["muted"])}<w:r><w:tab/></w:r></w:p>'
                )


def _element(xml: str) -> Any:
    """*xml*, one element, as python-docx holds it."""
    name = xml[1 : min(xml.index(sign) for sign in " />" if sign in xml)]
    return parse_xml(xml.replace(f"<{name}", f"<{name} {nsdecls('w')}", 1))


def _run(text: str, *, bold: bool = False, ink: str = "", size: int = 0, code: bool = False) -> str:
    """Text in one run; a line break inside becomes a break."""
    properties = '<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas"/>' if code else ""
    properties += "<w:b/>" if bold else ""
    properties += f'<w:color w:val="{ink}"/>' if ink else ""
    properties += f'<w:sz w:val="{size}"/><w:szCs w:val="{size}"/>' if size else ""
    lines = printable(text).split("\n")
    said = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in lines)
    return f"<w:r><w:rPr>{properties}</w:rPr>{said}</w:r>"


def _table_properties(width: int, *, lines: bool = True) -> str:
    line = 'w:val="single" w:sz="4" w:space="0" w:color="D5DCE3"'
    borders = f"<w:tblBorders><w:bottom {line}/><w:insideH {line}/></w:tblBorders>" if lines else ""
    margins = '<w:tblCellMar><w:left w:w="70" w:type="dxa"/><w:right w:w="70" w:type="dxa"/></w:tblCellMar>'
    return f'<w:tblPr><w:tblW w:w="{round(width * TWIPS_PER_EMU)}" w:type="dxa"/>{borders}<w:tblLayout w:type="fixed"/>{margins}</w:tblPr>'


def _widths(columns: Sequence[Column], width: int) -> list[int]:
    """The widths of the columns in twentieths of a point."""
    whole = sum(column.share for column in columns)
    return [round(width * TWIPS_PER_EMU * column.share / whole) for column in columns]


def _row(row: Row, columns: Sequence[Column], widths: Sequence[int], *, keep: bool = False) -> str:
    """One row; *keep* holds it on the page of the next one."""
    if row.kind == "group":
        properties = f'<w:tcPr><w:tcW w:w="{sum(widths)}" w:type="dxa"/><w:gridSpan w:val="{len(columns)}"/><w:shd w:val="clear" w:color="auto" w:fill="F3F6F9"/></w:tcPr>'
        text = f'<w:p><w:pPr><w:keepNext/><w:spacing w:before="60" w:after="40"/></w:pPr>{_run(row.cells[0].text, bold=True, size=17)}</w:p>'
        return f"<w:tr><w:trPr><w:cantSplit/></w:trPr><w:tc>{properties}{text}</w:tc></w:tr>"
    cells = "".join(
        _cell(cell, column, width, bold=row.kind == "total", keep=keep)
        for cell, column, width in zip(row.cells, columns, widths, strict=True)
    )
    return f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"


def _cell(cell: Cell, column: Column, width: int, *, head: bool = False, bold: bool = False, keep: bool = False) -> str:
    fill = f'<w:shd w:val="clear" w:color="auto" w:fill="{FILLS[cell.tone]}"/>' if cell.tone in FILLS else ""
    edge = (
        '<w:tcBorders><w:bottom w:val="single" w:sz="12" w:space="0" w:color="17212B"/></w:tcBorders>' if head else ""
    )
    place = '<w:vAlign w:val="bottom"/>' if head else ""
    ink = INKS["muted"] if head else INKS.get(cell.tone, "")
    text = _run(
        cell.text,
        bold=bold or cell.strong or head,
        ink=ink,
        size=15 if cell.code else 16 if head else 17,
        code=cell.code,
    )
    align = f'<w:jc w:val="{JUSTIFY[column.align]}"/>'
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{edge}{fill}{place}</w:tcPr><w:p><w:pPr>{"<w:keepNext/>" if keep or head else ""}<w:spacing w:before="30" w:after="30" w:line="260" w:lineRule="exact"/>{align}</w:pPr>{text}</w:p></w:tc>'


def _bookmark(anchor: str) -> str:
    return f"section_{anchor.replace('-', '_')}"[:40]
