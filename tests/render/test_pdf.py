"""PDF files: what they say, and the refusal where no font can say it."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_kit.errors import FactoryKitError
from factory_kit.render import pdf
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
from factory_kit.render.fonts import chinese_font, font_folders, needs_chinese
from factory_kit.render.pdf import pdf_bytes, write_pdf

ODD = '#sys.version $x^2$ *b* <l> @r \\ & "q" {{7*7}}'
COLUMNS = (Column("name", "Name"), Column("value", "Value", "end"))


def document(*parts: Part, subject: str = "Plant") -> Document:
    """An English document of one section with *parts*."""
    return Document(
        "en", "Report", subject, (Section("s-1", "First", parts, lead=ODD, new_page=True),), "Contents", "Footer"
    )


def every_part() -> tuple[Part, ...]:
    """One of each part with the odd text."""
    rows = (
        Row((Cell("Group"),), "group"),
        Row((Cell(ODD), Cell("0.5", "warn"))),
        Row((Cell("sum", code=True), Cell("1", strong=True)), "total"),
    )
    return (
        Table("t", ODD, COLUMNS, rows, note=ODD),
        Table("t-empty", "", COLUMNS, (), empty="Nothing here"),
        Figure("f", "Picture", "alt", Bars((Bar("L1", 0.5, "0.50"),)), note="under it"),
        Facts("facts", ((ODD, Cell(ODD, code=True)),), caption="Facts"),
        Bullets("b", (Item("One", ODD, "remark"), Item("Two")), numbered=True, caption="List"),
        Prose("p", (ODD,)),
        Callout("c", "Mind", ODD, "bad"),
        Signatures("sig", (("Left", ("Name",)), ("Right", ("Name", "Date")))),
    )  # fmt: skip


def said(content: bytes, tmp_path: Path, tool: str) -> str:
    """The words of a PDF without breaks and spaces."""
    path = tmp_path / "said.pdf"
    path.write_bytes(content)
    done = subprocess.run([tool, str(path), "-"], capture_output=True, check=True)
    return "".join(done.stdout.decode("utf-8").split())


@pytest.mark.system
def test_every_part_is_said_as_text(tmp_path: Path, system_tool: Callable[[str], str]) -> None:
    """Texts that look like Typst code stand on the page as they are, and every part is there."""
    text = said(pdf_bytes(document(*every_part())), tmp_path, system_tool("pdftotext"))

    odd = "".join(ODD.split())
    assert text.count(odd) == 9
    assert {word for word in ("Nothinghere", "underit", "Picture", "Group", "Right", "remark", "Contents", "0.50") if word in text} == {"Nothinghere", "underit", "Picture", "Group", "Right", "remark", "Contents", "0.50"}  # fmt: skip


@pytest.mark.system
def test_chinese_is_said_where_a_font_is_present(tmp_path: Path, system_tool: Callable[[str], str]) -> None:
    """With a Chinese font the signs are in the file as text; without one on this machine the file is refused."""
    chinese = Document("zh", "评估报告", "某某厂", (), "目录", "页脚")
    if chinese_font() is None:
        with pytest.raises(FactoryKitError, match="no font with Chinese signs"):
            pdf_bytes(chinese)
        return

    assert "某某厂" in said(pdf_bytes(chinese), tmp_path, system_tool("pdftotext"))


def test_without_a_chinese_font_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says what is missing and what to do, and no file of empty boxes."""
    monkeypatch.setattr(pdf, "chinese_font", lambda: None)
    out = tmp_path / "report.pdf"

    with pytest.raises(FactoryKitError, match=r"install one such as Noto Sans CJK SC.*FACTORY_KIT_FONTS") as caught:
        write_pdf(document(subject="某厂"), out)

    assert "\n" not in str(caught.value)
    assert not out.exists()


def test_english_needs_no_chinese_font(monkeypatch: pytest.MonkeyPatch) -> None:
    """A document without Chinese signs is written with the font that comes with Typst."""
    monkeypatch.setattr(pdf, "chinese_font", lambda: None)

    assert pdf_bytes(document(*every_part())).startswith(b"%PDF-")


def test_equal_documents_are_equal_bytes() -> None:
    """Nothing of the clock or of a temporary folder is in the file."""
    assert pdf_bytes(document(*every_part())) == pdf_bytes(document(*every_part()))


def test_a_broken_layout_is_told_in_one_line(tmp_path: Path) -> None:
    """What Typst refuses arrives as our error."""
    broken = tmp_path / "broken.typ"
    broken.write_text("#unknown-function()", encoding="utf-8")

    with pytest.raises(FactoryKitError, match=r"pdf: Typst cannot lay the document out .*unknown variable") as caught:
        pdf_bytes(document(), broken)
    assert "\n" not in str(caught.value)


def test_a_folder_without_fonts_has_no_chinese(tmp_path: Path) -> None:
    """What counts is what is really there."""
    assert chinese_font((tmp_path,), system=False) is None


def test_font_folders_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """FACTORY_KIT_FONTS names folders as PATH does."""
    monkeypatch.setenv("FACTORY_KIT_FONTS", "")
    assert font_folders() == ()
    monkeypatch.setenv("FACTORY_KIT_FONTS", "/fonts")
    assert font_folders() == (Path("/fonts"),)


@pytest.mark.parametrize(
    ("text", "expected"), [("A & é – €", False), ("a，b", True), ("㵘", True), ("𠮷", True), ("🏭", False)]
)
def test_chinese_signs_are_recognised(text: str, expected: bool) -> None:
    """Latin text needs no Chinese font; ideographs of every plane and full-width marks do."""
    assert needs_chinese(text) is expected
