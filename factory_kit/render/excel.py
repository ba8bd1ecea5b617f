"""Excel files from documents: one sheet per section, numbers as numbers, identifiers as text, radars as native charts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from pathlib import Path
from typing import Any
from unicodedata import east_asian_width

from factory_kit.files import write_atomically
from factory_kit.render.charts import Bars, Chart, Radar
from factory_kit.render.document import (
    Bullets,
    Callout,
    Cell,
    Document,
    Facts,
    Figure,
    Part,
    Prose,
    Section,
    Signatures,
    Table,
)
from factory_kit.render.plain import printable
from factory_kit.render.theme import COLOURS, Tone

__all__ = ["excel_bytes", "write_excel"]

FONT = "Microsoft YaHei"
"""Named, not shipped; Excel takes another one with Chinese signs where it is missing."""
FILLS: dict[Tone, tuple[str, str]] = {
    "good": ("#DCF1E7", "#12694C"),
    "warn": ("#FDF0D2", "#7A4B00"),
    "bad": ("#FBE1DB", "#8F2413"),
}
TITLE_SIZE = 16
LINE_HEIGHT = 15
LONGEST = 32_000
"""Signs of one cell; Excel holds 32,767."""
WIDTH = 110
"""Of all columns of a sheet together, in signs."""
FIRST_WIDTH, LINE = 74, 70
"""Of the one column of the first sheet, and what surely stands in its line: so narrow that A4 takes it unshrunk, for LibreOffice shrinks
no single column, and counts its width in the font that stands in for Excel's."""
CREATED = datetime(2000, 1, 1, tzinfo=UTC)


def write_excel(document: Document, path: Path) -> None:
    """*document* as an Excel file under *path*, whole or not at all."""
    write_atomically(path, excel_bytes(document))


def excel_bytes(document: Document) -> bytes:
    """The content of the Excel file; equal documents are equal bytes. No text of the document becomes a formula or a link."""
    import xlsxwriter  # noqa: PLC0415 - only for who writes Excel

    content = io.BytesIO()
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
    book = xlsxwriter.Workbook(content, options)
    book.set_properties({"title": printable(document.title)[:255], "author": "Factory Kit", "created": CREATED})
    formats = Formats(book)
    _first_sheet(book, formats, document)
    for number, section in enumerate(document.sections, start=1):
        Sheet(book, formats, _sheet_name(number, section.title)).section(section)
    book.close()
    return content.getvalue()


@dataclass
class Formats:
    """Cell formats, each made once."""

    book: Any
    made: dict[tuple[tuple[str, object], ...], Any] = field(default_factory=dict)

    def __call__(self, **properties: object) -> Any:
        """The format with *properties* of XlsxWriter."""
        wanted = {"font_name": FONT, "font_size": 10, "valign": "top", **properties}
        key = tuple(sorted(wanted.items()))
        if key not in self.made:
            self.made[key] = self.book.add_format(wanted)
        return self.made[key]


def _first_sheet(book: Any, formats: Formats, document: Document) -> None:
    """Whom it is about, and the other sheets."""
    sheet = book.add_worksheet(_safe_name(document.contents_title or document.title))
    sheet.hide_gridlines(2)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_column(0, 0, FIRST_WIDTH)
    sheet.set_row(0, 32)
    sheet.write_string(
        0, 0, printable(document.subject)[:LONGEST], formats(bold=True, font_size=18, font_color=COLOURS["brand"])
    )
    _whole(sheet, 1, document.title, formats(font_color=COLOURS["muted"], text_wrap=True))
    top = 2 + _opening(sheet, formats, document)
    for number, section in enumerate(document.sections, start=1):
        name = _sheet_name(number, section.title)
        sheet.write_url(
            top + number,
            0,
            f"internal:'{name}'!A1",
            formats(font_color=COLOURS["brand"]),
            f"{number}  {printable(section.title)}",
        )
    small = formats(font_color=COLOURS["muted"], font_size=8, text_wrap=True)
    _whole(sheet, top + 2 + len(document.sections), document.footer, small)


def _opening(sheet: Any, formats: Formats, document: Document) -> int:
    """What the first page of other forms says; how many rows it takes."""
    row = 2
    for heading, text in document.opening:
        row += 1
        if heading:
            _whole(sheet, row, heading, formats(bold=True, font_color=COLOURS["muted"], text_wrap=True))
            row += 1
        _whole(sheet, row, text, formats(text_wrap=True))
    return row - 1 if document.opening else 0


def _whole(sheet: Any, row: int, text: str, form: Any) -> None:
    """*text* in the first cell of *row*, which is as high as its lines: what hangs over the column is cut off in print."""
    sheet.set_row(row, LINE_HEIGHT * max(1, -(-_signs(text) // LINE)))
    sheet.write_string(row, 0, printable(text)[:LONGEST], form)


def _signs(text: str) -> int:
    """How wide *text* is: a Chinese sign takes the place of two."""
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in text)


@dataclass
class Sheet:
    """One sheet, filled from top to bottom."""

    book: Any
    formats: Formats
    name: str
    row: int = 0
    heads: dict[str, int] = field(default_factory=dict)
    """The row in which the head of each table stands."""
    sheet: Any = field(init=False)
    widths: list[float] = field(default_factory=list)
    """Of the columns, in the signs Excel counts."""

    def __post_init__(self) -> None:
        """Make the sheet: no grid, A4, one page wide."""
        self.sheet = self.book.add_worksheet(self.name)
        self.sheet.hide_gridlines(2)
        self.sheet.set_paper(9)
        self.sheet.fit_to_pages(1, 0)

    def section(self, section: Section) -> None:
        """The whole section; the columns are those of its widest table."""
        tables = [part for part in section.parts if isinstance(part, Table) and part.rows]
        widest = max(tables, key=lambda table: len(table.columns), default=None)
        self._columns([column.share for column in widest.columns] if widest else [30, 80])
        self._text(section.title, bold=True, font_size=TITLE_SIZE, font_color=COLOURS["brand"])
        if section.lead:
            self._text(section.lead)
        self.row += 1
        for part in section.parts:
            self._part(part)
            self.row += 1
        if len(tables) == 1:
            head = self.heads[tables[0].id]
            self.sheet.freeze_panes(head + 1, 1)
            self.sheet.repeat_rows(head)

    def _columns(self, shares: Sequence[int]) -> None:
        whole = sum(shares)
        self.widths = [max(8.0, WIDTH * share / whole) for share in shares]
        for number, width in enumerate(self.widths):
            self.sheet.set_column(number, number, width)

    def _grow(self, cells: Sequence[Cell]) -> None:
        """The row as high as its longest text needs: programs that only print do not do it themselves."""
        lines = [ceil(_signs(cell.text) / (width - 1)) for cell, width in zip(cells, self.widths, strict=False)]
        if max(lines, default=1) > 1:
            self.sheet.set_row(self.row, LINE_HEIGHT * max(lines))

    def _part(self, part: Part) -> None:
        match part:
            case Table():
                self._table(part)
            case Figure():
                self._figure(part)
            case Facts():
                self._facts(part)
            case _:
                for text, properties in _lines(part):
                    self._text(text, **properties)

    def _text(self, text: str, **properties: object) -> None:
        if properties.get("font_size") == TITLE_SIZE:
            self.sheet.set_row(self.row, TITLE_SIZE * 1.7)
        lines = ceil(_signs(text) / (sum(self.widths) - 2))
        if lines > 1:  # over all columns, since a sheet is printed as wide as its longest line
            properties["text_wrap"] = True
            self.sheet.set_row(self.row, LINE_HEIGHT * lines)
            if len(self.widths) > 1:
                self.sheet.merge_range(self.row, 0, self.row, len(self.widths) - 1, "", self.formats(**properties))
        self.sheet.write_string(self.row, 0, printable(text)[:LONGEST], self.formats(**properties))
        self.row += 1

    def _table(self, table: Table) -> None:
        if not table.rows:
            self._text(table.empty, font_color=COLOURS["muted"])
            return
        self._text(table.caption, bold=True)
        self.heads[table.id] = self.row
        head = {"bold": True, "bottom": 2, "font_color": COLOURS["muted"], "text_wrap": True}
        for number, column in enumerate(table.columns):
            self.sheet.write_string(
                self.row, number, printable(column.title), self.formats(**head, align=_align(column.align))
            )
        self._grow([Cell(column.title) for column in table.columns])
        self.row += 1
        for row in table.rows:
            for number, cell in enumerate(row.cells):
                strong = cell.strong or row.kind in {"total", "group"}
                align = _align(table.columns[number].align)
                self._cell(number, cell, align, strong=strong, wrap=row.kind != "group")
            if row.kind != "group":
                self._grow(row.cells)
            self.row += 1
        if table.note:
            self._text(table.note, font_color=COLOURS["muted"], font_size=8)

    def _cell(self, column: int, cell: Cell, align: str = "left", *, strong: bool = False, wrap: bool = True) -> None:
        """A number as a number in the form its text has; everything else as text, whatever it looks like."""
        properties: dict[str, object] = {
            "align": align,
            "text_wrap": wrap,
            "bottom": 1,
            "bottom_color": COLOURS["line"],
            "bold": strong,
        }
        fill, ink = FILLS.get(cell.tone, ("", ""))
        properties |= {"bg_color": fill, "font_color": ink} if fill else {}
        if cell.number is None:
            self.sheet.write_string(
                self.row, column, printable(cell.text)[:LONGEST], self.formats(**properties, num_format="@")
            )
        else:
            self.sheet.write_number(
                self.row, column, float(cell.number), self.formats(**properties, num_format=_number_format(cell.text))
            )

    def _facts(self, facts: Facts) -> None:
        if facts.caption:
            self._text(facts.caption, bold=True)
        for name, cell in facts.items:
            self._cell(0, Cell(name, "muted"))
            self._cell(1, cell)
            self.row += 1

    def _figure(self, figure: Figure) -> None:
        """A native chart over its own numbers; charts that Excel has no form for are told in words."""
        data = _series(figure.chart)
        if data is None:
            self._text(f"{figure.caption}: {figure.alt}", font_color=COLOURS["muted"])
            return
        kind, labels, series = data
        self._text(figure.caption, bold=True)
        top = self.row
        whole = all(value is None or value == int(value) for _, values, _ in series for value in values)
        for number, (title, _, _) in enumerate(series, start=1):
            if title:
                self.sheet.write_string(top, number, printable(title), self.formats(bold=True, bottom=2))
        for offset, label in enumerate(labels, start=1):
            self.sheet.write_string(top + offset, 0, printable(label), self.formats())
            for number, (_, values, _) in enumerate(series, start=1):
                value = values[offset - 1]
                if value is not None:
                    self.sheet.write_number(
                        top + offset, number, value, self.formats(num_format="0" if whole else "0.00")
                    )
        self.sheet.insert_chart(top + len(labels) + 2, 0, self._chart(kind, (top, len(labels)), series, figure.chart))
        self.row = top + len(labels) + 26

    def _chart(
        self,
        kind: str,
        place: tuple[int, int],
        series: Sequence[tuple[str, Sequence[float | None], str]],
        shown: Chart,
    ) -> Any:
        """The native chart over the numbers written at *place*: first row and how many."""
        top, count = place
        chart = self.book.add_chart({"type": kind})
        for number, (_, _, colour) in enumerate(series, start=1):
            shape = {"line": {"color": colour, "width": 2}} if kind == "radar" else {"fill": {"color": colour}}
            names, values = [self.name, top + 1, 0, top + count, 0], [self.name, top + 1, number, top + count, number]
            chart.add_series({"name": [self.name, top, number], "categories": names, "values": values, **shape})
        most = shown.top if isinstance(shown, Radar | Bars) else None
        chart.set_size({"width": 720, "height": 440})
        if kind == "bar":
            chart.set_x_axis({"min": 0, "max": most})
            chart.set_y_axis({"reverse": True})
            chart.set_legend({"none": True})
        else:
            chart.set_y_axis({"min": 0, "max": most})
            chart.set_legend({"position": "bottom"})
        return chart


def _lines(part: Part) -> Iterator[tuple[str, dict[str, object]]]:
    """The texts of parts that are neither table nor figure, each with its format."""
    match part:
        case Bullets():
            yield from _points(part)
        case Prose():
            for text in part.paragraphs:
                yield text, {}
        case Callout():
            ink = FILLS.get(part.tone, ("", COLOURS["ink"]))[1]
            yield f"{part.title}  {part.text}", {"font_color": ink, "bold": True}
        case Signatures():
            for heading, lines in part.blocks:
                yield heading, {"bold": True}
                for line in lines:
                    yield f"{line} ____________________", {"font_color": COLOURS["muted"]}


def _points(bullets: Bullets) -> Iterator[tuple[str, dict[str, object]]]:
    if bullets.caption:
        yield bullets.caption, {"bold": True}
    if not bullets.items:
        yield bullets.empty, {"font_color": COLOURS["muted"]}
    for number, item in enumerate(bullets.items, start=1):
        mark = f"{number}." if bullets.numbered else "•"
        yield "  ".join(text for text in (mark, item.title, item.text, item.remark) if text), {}


def _series(chart: Chart) -> tuple[str, Sequence[str], Sequence[tuple[str, Sequence[float | None], str]]] | None:
    """Kind, labels and series of a native chart."""
    if isinstance(chart, Radar):
        found = [(series.label, series.values, COLOURS[series.hue]) for series in chart.series]
        if chart.threshold is not None:
            found.append((chart.threshold_label, (chart.threshold,) * len(chart.axes), COLOURS["red"]))
        return "radar", chart.axes, found
    if isinstance(chart, Bars):
        return "bar", [bar.label for bar in chart.bars], [("", [bar.value for bar in chart.bars], COLOURS["brand"])]
    return None


def _number_format(text: str) -> str:
    """How Excel shall show a number so that it looks like *text*."""
    decimals = re.search(r"\.(\d+)", text)
    places = "." + "0" * len(decimals[1]) if decimals else ""
    if text.endswith("%"):
        return f"0{places}%"
    return f"#,##0{places}" if "," in text else f"0{places}"


def _align(align: str) -> str:
    return {"start": "left", "end": "right"}.get(align, align)


def _sheet_name(number: int, title: str) -> str:
    return _safe_name(f"{number} {title}")


def _safe_name(title: str) -> str:
    """At most 31 signs, none of those that Excel forbids in the names of sheets."""
    return re.sub(r"[\[\]:*?/\\']", " ", printable(title))[:31].strip() or "-"
