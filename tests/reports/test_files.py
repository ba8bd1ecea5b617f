"""From a report to files of every format."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from docx import Document as WordFile

from factory_kit.errors import UsageError
from factory_kit.render.document import Document
from factory_kit.render.fonts import chinese_font
from factory_kit.reports.assessment import AssessmentReport, Material, view
from factory_kit.reports.assessment.word_template import ASSESSMENT_TEMPLATE, assessment_template
from factory_kit.reports.files import FORMATS, word_template, write

BEGINNINGS = {".html": b"<!doctype html>", ".docx": b"PK", ".xlsx": b"PK", ".pdf": b"%PDF-"}


@pytest.fixture(scope="module")
def english(material: Material) -> AssessmentReport:
    """The example in English."""
    return view(material, "en")


@pytest.mark.parametrize("suffix", FORMATS)
def test_the_report_is_written_in_every_format(english: AssessmentReport, tmp_path: Path, suffix: str) -> None:
    """The ending decides, and the file is what it says."""
    if suffix == ".pdf" and chinese_font() is None:
        pytest.skip("this machine has no Chinese font")
    path = tmp_path / f"report{suffix}"

    write(english, path)

    assert path.read_bytes().lstrip().startswith(BEGINNINGS[suffix])
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


def test_the_first_page_of_word_says_level_and_why(english: AssessmentReport, tmp_path: Path) -> None:
    """The shipped template puts the cover in, and every section after it."""
    write(english, tmp_path / "report.docx")

    word = WordFile(str(tmp_path / "report.docx"))
    text = "\n".join(cell.text for table in word.tables for row in table.rows[:1] for cell in row.cells)
    assert "Level 2" in text
    assert english.cover.why in text
    assert english.cover.first_steps[0].title in text
    headings = [paragraph.text for paragraph in word.paragraphs if paragraph.style.name == "Heading 1"]
    assert headings == [f"{number}  {section.title}" for number, section in enumerate(english.sections, start=1)]


def test_a_users_template_replaces_ours(english: AssessmentReport, tmp_path: Path) -> None:
    """A changed copy of the shipped template is used instead."""
    own = WordFile(str(word_template(AssessmentReport)))
    own.add_paragraph("Our own last line for {{ cover.plant }}")
    own.save(str(tmp_path / "own.docx"))

    write(english, tmp_path / "report.docx", tmp_path / "own.docx")

    assert (
        WordFile(str(tmp_path / "report.docx")).paragraphs[-1].text == "Our own last line for Example Precision Works"
    )


def test_other_endings_are_refused(english: AssessmentReport, tmp_path: Path) -> None:
    """One line that names what can be written."""
    with pytest.raises(UsageError, match=r"report\.odt: .*expected one of \.html, \.docx, \.xlsx, \.pdf"):
        write(english, tmp_path / "report.odt")
    with pytest.raises(UsageError, match=r"a Word template makes a \.docx"):
        write(english, tmp_path / "report.pdf", ASSESSMENT_TEMPLATE)


def test_documents_of_other_kinds_use_the_plain_template() -> None:
    """Only what has a first page of its own has a template of its own."""
    assert word_template(Document).name == "document.docx"
    assert word_template(AssessmentReport) == ASSESSMENT_TEMPLATE


def test_the_shipped_template_is_what_its_script_makes() -> None:
    """The committed file and the script that makes it say the same."""
    made = io.BytesIO()
    assessment_template().save(made)

    with zipfile.ZipFile(made) as new, zipfile.ZipFile(ASSESSMENT_TEMPLATE) as old:
        assert {name: new.read(name) for name in new.namelist()} == {name: old.read(name) for name in old.namelist()}


def test_the_documentation_names_every_section(english: AssessmentReport) -> None:
    """Whoever writes a template finds each section's id in docs/reports.md."""
    text = (Path(__file__).resolve().parents[2] / "docs" / "reports.md").read_text(encoding="utf-8")
    listed = text.partition("Section ids: ")[2].partition(".\n")[0]

    assert listed == ", ".join(f"`{section.id}`" for section in english.sections)
