"""Word files: what they hold, and what templates may do."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pytest
from docx import Document as WordFile
from docx.oxml.ns import qn

from factory_kit.errors import UsageError
from factory_kit.render import word_parts
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
from factory_kit.render.word import DOCUMENT_TEMPLATE, word_bytes, write_word
from factory_kit.render.word_template import document_template

ODD = "<w:p> & \"A\" '机床' {{7*7}} {% if %} {_{ 🏭 㵘"
TABLE = Table(
    "t-1",
    "表",
    (Column("name", "名称"), Column("value", "值", "end")),
    (Row((Cell("组"),), "group"), Row((Cell("甲"), Cell("0.5", "warn"))), Row((Cell(ODD), Cell("1", "good")), "total")),
)


def document(*parts: Part) -> Document:
    """A document of one section with *parts*."""
    return Document("zh", "报告", ODD, (Section("s-1", "第一节", parts, lead=ODD),), "目录", "页脚 & <x>")


def opened(content: bytes) -> Any:
    """The file as python-docx reads it."""
    return WordFile(io.BytesIO(content))


def said(content: bytes) -> str:
    """All text of the body, paragraphs by lines."""
    body = opened(content).element.body
    return "\n".join("".join(text.text or "" for text in each.iter(qn("w:t"))) for each in body.iter(qn("w:p")))


def template(tmp_path: Path, *lines: str) -> Path:
    """A Word template with one paragraph per line."""
    word = WordFile()
    for line in lines:
        word.add_paragraph(line)
    path = tmp_path / "own.docx"
    word.save(str(path))
    return path


def test_every_part_is_in_the_file_as_text() -> None:
    """All parts of a document stand in the file, odd texts unchanged, and every XML part is well-formed."""
    content = word_bytes(
        document(
            TABLE,
            Facts("f", ((ODD, Cell(ODD, code=True)),), caption=ODD),
            Bullets("b", (Item(ODD, ODD, ODD),), numbered=True, caption=ODD),
            Prose("p", (ODD,)),
            Callout("c", ODD, ODD, "bad"),
            Signatures("sig", (("甲方", ("姓名",)),)),
            Figure("fig", ODD, ODD, Bars((Bar("一级", 0.5, "0.50"),))),
        )
    )

    text = said(content)
    assert text.count(ODD) == 14
    assert "49" not in text
    assert {"组", "甲", "0.5", "甲方", "目录"} <= set(text.split("\n"))


def test_equal_documents_are_equal_bytes() -> None:
    """Nothing of the clock is in the file."""
    assert word_bytes(document(TABLE)) == word_bytes(document(TABLE))


def test_chinese_has_a_font_of_its_own() -> None:
    """Fonts for Chinese and the language of the text are named, so that Word does not pick by itself."""
    with zipfile.ZipFile(io.BytesIO(word_bytes(document(TABLE)))) as archive:
        styles = archive.read("word/styles.xml").decode("utf-8")

    assert 'w:eastAsia="Microsoft YaHei"' in styles
    assert 'w:eastAsia="zh-CN"' in styles


def test_tables_repeat_their_heads_and_keep_their_rows() -> None:
    """The head row repeats on every page and no row is torn apart; a group row spans the table."""
    found = opened(word_bytes(document(TABLE))).element.body.find(qn("w:tbl"))
    rows = found.findall(qn("w:tr"))

    assert rows[0].find(f".//{qn('w:tblHeader')}") is not None
    assert all(row.find(f".//{qn('w:cantSplit')}") is not None for row in rows)
    assert rows[1].find(f".//{qn('w:gridSpan')}").get(qn("w:val")) == "2"


def test_pictures_tell_what_they_show() -> None:
    """A picture carries its alternative text."""
    content = word_bytes(document(Figure("fig", "图", "各级得分", Bars((Bar("L1", 0.5, "0.50"),)))))

    (shape,) = opened(content).inline_shapes
    assert shape._inline.docPr.get("descr") == "各级得分"


def test_a_machine_without_chinese_fonts_writes_words_instead_of_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a picture would show empty boxes, its words stand instead."""
    monkeypatch.setattr(word_parts, "chinese_font", lambda: None)

    content = word_bytes(document(Figure("fig", "图", "一级得 0.50", Bars((Bar("一级", 0.5, "0.50"),)))))

    assert list(opened(content).inline_shapes) == []
    assert "一级得 0.50" in said(content)


def test_a_template_of_the_user_says_what_goes_where(tmp_path: Path) -> None:
    """Fields, loops over rows by column key, and parts where the template asks for them, in its order."""
    own = template(
        tmp_path,
        "公司：{{ subject }}",
        "{%p for row in table.t_1.rows %}",
        "{{ row.name }} = {{ row.value }}",
        "{%p endfor %}",
        "{{ part.t_1 }}",
        "{% if language == 'zh' %}中文{% else %}English{% endif %}",
    )

    text = said(word_bytes(document(TABLE), own)).split("\n")

    assert text[:3] == [f"公司：{ODD}", "甲 = 0.5", f"{ODD} = 1"]
    assert text[3:6] == ["表", "名称", "值"]
    assert text[-1] == "中文"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("{{ ''.__class__ }}", "the name __class__"),
        ("{{ title['__class__'] }}", "the name __class__"),
        ("{{ title | attr('upper') }}", "the filter attr"),
        ("{{ title.upper() }}", r"a call with \( \)"),
        ("{{ range(9) }}", r"a call with \( \)"),
        ("{{ 9 ** 9 }}", "pow"),
        ("{{ 'a' * 999999999 }}", "mul"),
        ("{% include 'x' %}", "include"),
        ("{% import 'os' as os %}", "import"),
        ("{% macro m() %}{% endmacro %}", "macro"),
        ("{% set x = 1 %}", "set"),
        ("{% import os %}", "cannot be read"),
        ("{{ title", "cannot be read"),
        ("{{ nothing_of_this_name }}", "cannot be filled in"),
    ],
)
def test_a_template_with_code_in_it_is_refused_in_one_line(tmp_path: Path, line: str, what: str) -> None:
    """Whatever is no field, condition or loop over the document is named and refused before anything is written."""
    out = tmp_path / "out.docx"

    with pytest.raises(UsageError, match=what) as caught:
        write_word(document(TABLE), out, template(tmp_path, line))

    assert str(caught.value).startswith("own.docx: ")
    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_code_in_a_footer_or_property_is_found_too(tmp_path: Path) -> None:
    """Every part of the file that can hold fields is looked at."""
    word = WordFile()
    word.sections[0].footer.paragraphs[0].add_run("{{ title.upper() }}")
    word.save(str(tmp_path / "footer.docx"))
    other = WordFile()
    other.core_properties.title = "{{ ''.__class__ }}"
    other.save(str(tmp_path / "property.docx"))

    for name in ("footer.docx", "property.docx"):
        with pytest.raises(UsageError, match=name):
            word_bytes(document(TABLE), tmp_path / name)


@pytest.mark.parametrize("content", [b"", b"no zip", None], ids=["empty", "text", "missing"])
def test_a_template_that_is_no_word_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    """One line, no traceback of a zip library."""
    path = tmp_path / "t.docx"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(UsageError, match=r"t\.docx: is no Word document"):
        word_bytes(document(TABLE), path)


def test_data_cannot_pose_as_a_part(tmp_path: Path) -> None:
    """A subject that looks like the mark of a part stays a text."""
    content = word_bytes(
        Document("zh", "报告", "[[0:0]]", (), "目录", ""), template(tmp_path, "{{ subject }}", "{{ body }}")
    )

    assert said(content) == "[[0:0]]"


def test_the_shipped_template_is_what_its_script_makes() -> None:
    """The committed file and the script that makes it say the same."""
    made = io.BytesIO()
    document_template().save(made)

    assert parts_of(made.getvalue()) == parts_of(DOCUMENT_TEMPLATE.read_bytes())


def parts_of(content: bytes) -> dict[str, bytes]:
    """The parts of a Word file by name."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}
