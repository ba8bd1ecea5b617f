"""The page of a document."""

from __future__ import annotations

import html
import re
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from factory_kit.render.charts import Bar, Bars
from factory_kit.render.document import (
    Bullets,
    Callout,
    Cell,
    Column,
    Document,
    Facts,
    Figure,
    Item,
    Part,
    Prose,
    Row,
    Section,
    Signatures,
    Table,
)
from factory_kit.render.html import page

ODD = "<script>alert(\"1\")</script> & '{{7*7}}' {% import os %} 🏭 㵘"
VOID = {"meta", "col", "br", "hr", "img", "link", "input"}


def document(*parts: Part, subject: str = "某厂") -> Document:
    """A document of one section with *parts*."""
    return Document("zh", "报告", subject, (Section("s1", "第一节", parts, lead=ODD),), "目录", "页脚")


def every_part() -> tuple[Part, ...]:
    """One of each part, the odd text wherever a text can stand."""
    columns = (Column("name", ODD), Column("value", "值", "end"))
    return (
        Table(
            "t",
            ODD,
            columns,
            (Row((Cell(ODD, code=True), Cell("0.5", "warn", Decimal("0.5")))), Row((Cell(ODD),), "group")),
            note=ODD,
        ),
        Table("t-empty", "空", columns, (), empty=ODD),
        Figure("f", ODD, ODD, Bars((Bar(ODD, 0.5, ODD),)), note=ODD),
        Facts("facts", ((ODD, Cell(ODD, strong=True)),), caption=ODD),
        Bullets("b", (Item(ODD, ODD, ODD),), numbered=True, caption=ODD),
        Bullets("b-empty", (), empty=ODD),
        Prose("p", (ODD,)),
        Callout("c", ODD, ODD, "bad"),
        Signatures("sig", ((ODD, (ODD,)),)),
    )


class Balanced(HTMLParser):
    """Collects tags, ids and text, and checks that tags close."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.seen: list[str] = []
        self.ids: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append(tag)
        self.ids += [value for name, value in attrs if name == "id" and value]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(text: str) -> Balanced:
    """*text* read by a parser that fails on a tag left open or closed twice."""
    parser = Balanced()
    parser.feed(text)
    parser.close()
    return parser


def test_data_never_becomes_markup() -> None:
    """Every text of every part stands on the page as text: no script, every tag closed, template signs untouched."""
    found = parsed(page(document(*every_part(), subject=ODD)))

    assert "script" not in found.seen
    assert found.open == []
    assert found.text.count(ODD) >= 15
    assert "49" not in found.text


def test_ids_exist_once() -> None:
    """No id stands twice, charts for screen and phone included."""
    ids = parsed(page(document(*every_part()))).ids

    assert sorted(ids) == sorted(set(ids))


def test_nothing_is_loaded_from_elsewhere() -> None:
    """There is no address in src, href, url() or @import, and the policy of the page forbids loading."""
    text = page(document(*every_part()))

    assert not re.findall(r"""(?:src|href)\s*=\s*["']?(?!#)[^"'>\s]""", re.sub(r"xmlns(:\w+)?=\S+", "", text))
    assert not re.findall(r"url\((?!#)|@import", text)
    assert "default-src 'none'" in html.unescape(text)


def test_the_page_says_its_language() -> None:
    """Screen readers and line breaking learn the language."""
    assert '<html lang="zh-CN">' in page(document())


def test_signs_that_mislead_are_replaced() -> None:
    """A name that turns the direction of writing is shown with a replacement sign."""
    assert "某\ufffd厂" in page(document(subject="某\u202e厂"))


def test_rows_of_the_wrong_width_are_refused() -> None:
    """A cell under the wrong heading cannot be built."""
    with pytest.raises(ValueError, match="a row has 1 cells, expected 2"):
        Table("t", "", (Column("a", "A"), Column("b", "B")), (Row((Cell("1"),)),))


def test_a_template_of_ours_that_asks_for_what_is_not_there_fails(tmp_path: Path) -> None:
    """A wrong name in a template is an error, not an empty place."""
    template = tmp_path / "own.html"
    template.write_text(
        '{% extends "document.html" %}{% block cover %}{{ document.plant }}{% endblock %}', encoding="utf-8"
    )

    with pytest.raises(UndefinedError, match="plant"):
        page(document(), template)


def test_a_first_page_of_its_own_replaces_the_usual_one(tmp_path: Path) -> None:
    """A report brings a template that extends the document."""
    template = tmp_path / "own.html"
    template.write_text(
        '{% extends "document.html" %}{% block cover %}<h1>{{ document.footer }}!</h1>{% endblock %}', encoding="utf-8"
    )

    assert "<h1>页脚!</h1>" in page(document(), template)
