"""The parts every document is made of: plain texts and numbers, already written in the reader's language."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from factory_kit.render.charts import Chart
from factory_kit.render.theme import Tone

__all__ = [
    "Bullets",
    "Callout",
    "Cell",
    "Column",
    "Document",
    "Facts",
    "Figure",
    "Item",
    "Part",
    "Prose",
    "Row",
    "Section",
    "Signatures",
    "Table",
]

Align = Literal["start", "center", "end"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a table, or one value of a list of facts."""

    text: str
    tone: Tone = ""
    number: Decimal | int | None = None
    """The same as a number, for spreadsheets; None keeps the text."""
    code: bool = False
    """An identifier: fixed-width letters, may be broken anywhere."""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its key names it in templates, *share* is its part of the width."""

    key: str
    title: str
    align: Align = "start"
    share: int = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A row of cells, one per column; a *group* row has one cell that heads the rows after it."""

    cells: tuple[Cell, ...]
    kind: Literal["", "group", "total"] = ""


@dataclass(frozen=True, slots=True)
class Table:
    """A table; *empty* stands in its place when there are no rows. One that its section's heading names needs no caption."""

    id: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    note: str = ""
    empty: str = ""
    small_screen: Literal["stack", "keep"] = "stack"
    """On a phone: every row becomes a card, or the table is narrow enough to stay."""

    def __post_init__(self) -> None:
        """Refuse ragged rows: a cell under the wrong heading is a wrong statement."""
        for row in self.rows:
            expected = 1 if row.kind == "group" else len(self.columns)
            if len(row.cells) != expected:
                raise ValueError(f"table {self.id}: a row has {len(row.cells)} cells, expected {expected}")


@dataclass(frozen=True, slots=True)
class Figure:
    """A chart with its caption; *alt* says the same in words."""

    id: str
    caption: str
    alt: str
    chart: Chart
    note: str = ""
    width: int = 720
    """Width in pixels on a full page; phones get a picture of 360."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A list of names and values."""

    id: str
    items: tuple[tuple[str, Cell], ...]
    caption: str = ""
    columns: int = 1
    """How many pairs stand side by side where there is room."""
    keys: tuple[str, ...] = ()
    """By which name a Word template asks for each value alone; none, where it cannot."""


@dataclass(frozen=True, slots=True)
class Item:
    """One point of a list: a title, a sentence, and a short remark set apart."""

    title: str
    text: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Bullets:
    """A list, numbered when the order matters."""

    id: str
    items: tuple[Item, ...]
    numbered: bool = False
    caption: str = ""
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """Paragraphs."""

    id: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Callout:
    """Something nobody may overlook."""

    id: str
    title: str
    text: str
    tone: Tone = "warn"


@dataclass(frozen=True, slots=True)
class Signatures:
    """Lines to sign on: each block has a heading and the labels of its lines."""

    id: str
    blocks: tuple[tuple[str, tuple[str, ...]], ...]


Part = Table | Figure | Facts | Bullets | Prose | Callout | Signatures


@dataclass(frozen=True, slots=True)
class Section:
    """A numbered section."""

    id: str
    title: str
    parts: tuple[Part, ...]
    lead: str = ""
    new_page: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """What every document has; the view model of each kind adds its first page."""

    language: Literal["zh", "en"]
    title: str
    subject: str
    """Whom or what it is about."""
    sections: tuple[Section, ...]
    contents_title: str
    """Heads the list of sections; empty for a form, which has none."""
    footer: str
    words: dict[str, str] = field(default_factory=dict)
    """Short fixed words that templates need."""
    opening: tuple[tuple[str, str], ...] = ()
    """What the first page says, as headings and sentences, for forms that have no such page (spreadsheets)."""

    def part(self, name: str) -> Part:
        """The part with id *name*; ``KeyError`` when there is none."""
        for section in self.sections:
            for part in section.parts:
                if part.id == name:
                    return part
        raise KeyError(name)
