"""The Word template of the assessment report: page one, then the sections.

``python -m factory_kit.reports.assessment.word_template`` writes reports/templates/assessment.docx again.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docx.enum.text import WD_BREAK
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Mm, RGBColor

from factory_kit.render.word_template import BRAND, INK, MUTED, blank, write_field

__all__ = ["ASSESSMENT_TEMPLATE", "assessment_template"]

ASSESSMENT_TEMPLATE = Path(__file__).resolve().parent.parent / "templates" / "assessment.docx"
WHITE = RGBColor(0xFF, 0xFF, 0xFF)
CELL_MARGINS = {"top": 110, "left": 170, "bottom": 110, "right": 170}
"""Twentieths of a point, in the order that Word wants."""
BAND, DEEP, REACHED, AHEAD = "0B4F6C", "08384D", "0B4F6C", "D5DCE3"


def assessment_template() -> Any:
    """The template: level, why, weakest domains, first steps and facts on page one."""
    word = blank()
    word._body.clear_content()  # noqa: SLF001 - the empty first paragraph
    _band(word)
    _line(word, "{%p for notice in cover.notices %}")
    _line(word, "{{ notice }}")
    _line(word, "{%p endfor %}")
    _verdict(word)
    _ladder(word)
    _next(word)
    _shares(word)
    _line(word, "{{ cover.facts }}")
    word.add_paragraph().add_run().add_break(WD_BREAK.PAGE)
    _line(word, "{{ contents }}")
    _line(word, "{{ body }}")
    return word


def _band(word: Any) -> None:
    cell = _grid(word, (174,)).cell(0, 0)
    _fill(cell, BAND)
    _first(cell, "{{ title }}", size=11, colour=WHITE)
    _more(cell, "{{ cover.plant }}", size=22, colour=WHITE, bold=True)
    _more(cell, "{{ cover.standard }}", size=10.5, colour=WHITE)
    _more(cell, "{{ cover.tags | join('  |  ') }}", size=9, colour=WHITE)
    _tight(word.add_paragraph())


def _verdict(word: Any) -> None:
    table = _grid(word, (46, 128))
    left, right = table.rows[0].cells
    _fill(left, DEEP)
    _first(left, "{{ words.level }}", size=9, colour=WHITE)
    _more(left, "{{ cover.level }}", size=26, colour=WHITE, bold=True)
    _more(left, "{{ cover.name }}", size=14, colour=WHITE)
    _first(right, "{{ words.total }}  ", size=9.5, colour=MUTED)
    write_field(right.paragraphs[0], "{{ cover.total }}", size=14, colour=BRAND, bold=True)
    for label, value in (("floor", "floor"), ("ceiling", "ceiling")):
        paragraph = _more(right, f"{{{{ words.{label} }}}}  ", size=9.5, colour=MUTED)
        write_field(paragraph, f"{{{{ cover.{value} }}}}", size=10.5, colour=INK, bold=True)
    paragraph = _more(right, "{{ words.why }} ", size=10.5, colour=BRAND, bold=True)
    write_field(paragraph, "{{ cover.why }}", size=10.5, colour=INK)
    _tight(word.add_paragraph())


def _ladder(word: Any) -> None:
    """One cell per level, as many as the model has."""
    table = _grid(word, (58, 58, 58))
    before, cell, after = table.rows[0].cells
    _first(before, "{%tc for rung in cover.ladder %}")
    paragraph = _first(cell, f"{{% cellbg '{REACHED}' if rung.reached else '{AHEAD}' %}}")
    name = "{{ rung.mark }} {{ rung.name }} {{ rung.marks | join(' ') }}"
    write_field(paragraph, f"{{% if rung.reached %}}{name}{{% endif %}}", size=9, colour=WHITE)
    write_field(paragraph, f"{{% if not rung.reached %}}{name}{{% endif %}}", size=9, colour=MUTED)
    _first(after, "{%tc endfor %}")
    _tight(word.add_paragraph())


def _next(word: Any) -> None:
    left, right = _grid(word, (76, 98)).rows[0].cells
    _first(left, "{{ cover.weak_title }}", size=10.5, colour=INK, bold=True)
    _more(left, "{%p for weak in cover.weak %}")
    paragraph = _more(left, "{{ weak.text }}   ", size=10, colour=BRAND, bold=True)
    write_field(paragraph, "{{ weak.label }}", size=10, colour=INK)
    _more(left, "{%p endfor %}")
    _first(right, "{{ words.first_steps }}", size=10.5, colour=INK, bold=True)
    _more(right, "{%p for step in cover.first_steps %}")
    paragraph = _more(right, "{{ loop.index }}.  ", size=10, colour=BRAND, bold=True)
    write_field(paragraph, "{{ step.title }}", size=10, colour=INK, bold=True)
    _more(right, "{{ step.text }}", size=8.5, colour=MUTED)
    _more(right, "{%p endfor %}")
    _tight(word.add_paragraph())


def _shares(word: Any) -> None:
    for name in ("confidence", "grades"):
        shares = f"{{% for it in cover.{name} %}}{{{{ it.label }}}} {{{{ it.count }}}}{{% if not loop.last %}}  |  {{% endif %}}{{% endfor %}}"
        paragraph = _line(word, f"{{{{ words.{name} }}}}  ", size=9, colour=INK, bold=True)
        write_field(paragraph, shares, size=9, colour=MUTED)


def _grid(word: Any, widths: tuple[int, ...]) -> Any:
    """A table of one row without lines; *widths* in millimetres."""
    table = word.add_table(1, len(widths))
    table.autofit = False
    for column, width in zip(table.columns, widths, strict=True):
        column.width = Mm(width)
        column.cells[0].width = Mm(width)
    sides = "".join(f'<w:{side} w:w="{width}" w:type="dxa"/>' for side, width in CELL_MARGINS.items())
    properties = table._tbl.tblPr  # noqa: SLF001 - python-docx has no cell margins
    margins = parse_xml(f"<w:tblCellMar {nsdecls('w')}>{sides}</w:tblCellMar>")
    look = properties.find(qn("w:tblLook"))
    properties.append(margins) if look is None else look.addprevious(margins)
    return table


def _fill(cell: Any, colour: str) -> None:
    shade = parse_xml(f'<w:shd {nsdecls("w")} w:val="clear" w:color="auto" w:fill="{colour}"/>')
    cell._tc.get_or_add_tcPr().append(shade)  # noqa: SLF001 - python-docx has no shading


def _first(cell: Any, text: str, **run: Any) -> Any:
    return _written(cell.paragraphs[0], text, **run)


def _more(cell: Any, text: str, **run: Any) -> Any:
    return _written(cell.add_paragraph(), text, **run)


def _line(word: Any, text: str, **run: Any) -> Any:
    return _written(word.add_paragraph(), text, **run)


def _written(paragraph: Any, text: str, **run: Any) -> Any:
    paragraph.paragraph_format.space_after = 0
    write_field(paragraph, text, **run)
    return paragraph


def _tight(paragraph: Any) -> None:
    """A paragraph that only keeps two tables apart."""
    properties = paragraph._p.get_or_add_pPr()  # noqa: SLF001
    for old in properties.findall(qn("w:spacing")):
        properties.remove(old)
    properties.append(
        parse_xml(f'<w:spacing {nsdecls("w")} w:before="0" w:after="0" w:line="140" w:lineRule="exact"/>')
    )


if __name__ == "__main__":
    assessment_template().save(str(ASSESSMENT_TEMPLATE))
