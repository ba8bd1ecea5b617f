"""The shipped Word templates: page, fonts and styles. ``python -m factory_kit.render.word_template`` writes document.docx again."""

from __future__ import annotations

from typing import Any

from docx import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, Pt, RGBColor

from factory_kit.render.word import DOCUMENT_TEMPLATE

__all__ = ["blank", "document_template", "field", "write_field"]

LATIN, CHINESE = "Arial", "Microsoft YaHei"
"""Named, not shipped; a machine without them takes its own Chinese font, because the language of the text is marked."""
COMPAT_FOLLOWERS = (
    "w:docVars",
    "w:rsids",
    "m:mathPr",
    "w:attachedSchema",
    "w:themeFontLang",
    "w:clrSchemeMapping",
    "w:shapeDefaults",
    "w:decimalSymbol",
    "w:listSeparator",
)
"""What may stand after w:compat in the settings, in order (ECMA-376, part 1, 17.15.1.78)."""
BRAND, INK, MUTED = RGBColor(0x0B, 0x4F, 0x6C), RGBColor(0x17, 0x21, 0x2B), RGBColor(0x55, 0x61, 0x6E)


def blank() -> Any:
    """An empty A4 document with our styles, and page numbers below."""
    word = Document()
    page = word.sections[0]
    page.page_width, page.page_height = Mm(210), Mm(297)
    page.left_margin = page.right_margin = Mm(18)
    page.top_margin, page.bottom_margin = Mm(18), Mm(18)
    _defaults(word)
    _style(word, "Normal", 10, INK, after=5)
    _style(word, "Title", 22, BRAND, before=0, after=4, bold=True)
    _style(word, "Subtitle", 11, MUTED, after=6)
    _style(word, "Heading 1", 15, BRAND, before=16, after=6, bold=True)
    _style(word, "Heading 2", 11, INK, before=10, after=3, bold=True)
    _style(word, "Caption", 10, INK, before=8, after=3, bold=True)
    _footer(page)
    _compatible(word)
    return word


def document_template() -> Any:
    """The template of documents without a first page of their own."""
    word = blank()
    word.add_paragraph("{{ subject }}", style="Title")
    word.add_paragraph("{{ title }}", style="Subtitle")
    word.add_paragraph("{{ contents }}")
    word.add_paragraph("{{ body }}")
    return word


def write_field(paragraph: Any, text: str, **run: Any) -> Any:
    """*text* as one run of *paragraph*, so that Word cannot tear a field apart; *run*: size, bold, colour."""
    written = paragraph.add_run(text)
    written.bold = run.get("bold")
    if "size" in run:
        written.font.size = Pt(run["size"])
    if "colour" in run:
        written.font.color.rgb = run["colour"]
    return written


def field(instruction: str) -> Any:
    """A field that Word computes, such as PAGE."""
    run = '<w:r><w:rPr><w:sz w:val="16"/></w:rPr><w:t>1</w:t></w:r>'
    return parse_xml(f'<w:fldSimple {nsdecls("w")} w:instr="{instruction}">{run}</w:fldSimple>')


def _defaults(word: Any) -> None:
    """Fonts and languages of everything: without eastAsia Word picks a font for Chinese by itself."""
    properties = word.styles.element.find(f".//{qn('w:rPrDefault')}/{qn('w:rPr')}")
    for old in properties.findall(qn("w:rFonts")) + properties.findall(qn("w:lang")):
        properties.remove(old)
    fonts = f'<w:rFonts {nsdecls("w")} w:ascii="{LATIN}" w:hAnsi="{LATIN}" w:eastAsia="{CHINESE}" w:cs="{LATIN}"/>'
    properties.insert(0, parse_xml(fonts))
    properties.append(parse_xml(f'<w:lang {nsdecls("w")} w:val="en-GB" w:eastAsia="zh-CN" w:bidi="ar-SA"/>'))


def _compatible(word: Any) -> None:
    """Lay out as Word 2013 and later do: tables begin at the margin, not left of it."""
    settings = word.settings.element
    for old in settings.findall(qn("w:compat")):
        settings.remove(old)
    mode = 'w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"'
    compat = parse_xml(f"<w:compat {nsdecls('w')}><w:compatSetting {mode}/></w:compat>")
    after = next((found for name in COMPAT_FOLLOWERS if (found := settings.find(qn(name))) is not None), None)
    if after is None:
        settings.append(compat)
    else:
        after.addprevious(compat)


def _style(
    word: Any, name: str, size: float, colour: RGBColor, *, before: float = 0, after: float = 0, bold: bool = False
) -> None:
    style = word.styles[name]
    style.font.size, style.font.color.rgb, style.font.bold, style.font.italic = Pt(size), colour, bold, False
    for old in style.element.findall(f".//{qn('w:rFonts')}") + style.element.findall(f".//{qn('w:pBdr')}"):
        old.getparent().remove(old)
    fonts = f'<w:rFonts {nsdecls("w")} w:ascii="{LATIN}" w:hAnsi="{LATIN}" w:eastAsia="{CHINESE}" w:cs="{LATIN}"/>'
    style.element.get_or_add_rPr().insert(0, parse_xml(fonts))
    form = style.paragraph_format
    form.space_before, form.space_after, form.line_spacing = Pt(before), Pt(after), 1.25


def _footer(page: Any) -> None:
    paragraph = page.footer.paragraphs[0]
    write_field(paragraph, "{{ footer }}", size=7.5, colour=MUTED)
    number = page.footer.add_paragraph()
    number.alignment = WD_ALIGN_PARAGRAPH.RIGHT
    number._p.append(field("PAGE"))  # noqa: SLF001 - python-docx has no fields
    write_field(number, " / ", size=8)
    number._p.append(field("NUMPAGES"))  # noqa: SLF001


if __name__ == "__main__":
    document_template().save(str(DOCUMENT_TEMPLATE))
