from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import docx
import openpyxl
import pytest

from factory_kit.district.letters import letter, open_returns, write_letters
from factory_kit.district.office import Office
from factory_kit.district.receive import Receipt
from factory_kit.testing.district import Submission

Take = Callable[..., list[Receipt]]


@pytest.mark.parametrize(("language", "word"), [("zh", "需改正"), ("en", "What to fix")])
def test_each_provider_gets_its_letter(
    take: Take, office: Office, inbox: list[Submission], tmp_path: Path, language: str, word: str
) -> None:
    """Word and Excel files name file, rule and what to fix; who sent nothing wrong gets none."""
    take(*(each.path for each in inbox))
    made = write_letters(office, tmp_path / "letters", "zh" if language == "zh" else "en")

    assert {path.suffix for path in made} == {".docx", ".xlsx"}
    assert len(made) == 2 * len(open_returns(office))
    text = "\n".join(
        cell.text for path in made if path.suffix == ".docx"
        for table in docx.Document(str(path)).tables for row in table.rows for cell in row.cells
    )  # fmt: skip
    assert all(piece in text for piece in (word, "plant-04.zip", "R03"))
    book = openpyxl.load_workbook(next(path for path in made if path.suffix == ".xlsx"))
    assert any("R0" in str(cell.value) for page in book for row in page.iter_rows() for cell in row)


def test_files_that_nobody_signed_for_are_a_list_for_the_office(take: Take, office: Office, tmp_path: Path) -> None:
    """What cannot be read says no sender: no letter to self-assessments, but a list that says so; nothing is called internal that goes out."""
    path = tmp_path / "broken.zip"
    path.write_bytes(b"no zip")
    take(path)

    made = write_letters(office, tmp_path / "l", "zh", [".docx"])

    assert [each.name for each in made] == ["01-无法读取的文件_报送人不详.docx"]
    text = "\n".join(paragraph.text for paragraph in docx.Document(str(made[0])).paragraphs)
    assert "请查明报送人" in text
    assert "企业自评" not in text


def test_a_letter_says_first_what_it_is_and_to_whom(take: Take, office: Office, inbox: list[Submission]) -> None:
    """Its heading is the letter's, the provider stands below, and no page calls itself internal."""
    take(*(each.path for each in inbox))
    provider, links = next((name, links) for name, links in open_returns(office).items() if name)
    document = letter(office, provider, links, "zh")

    assert (document.subject, document.title) == ("评估包退回函", f"致：{provider}")
    assert "内部" not in document.footer


def test_what_was_made_good_is_in_no_letter(take: Take, office: Office, inbox: list[Submission]) -> None:
    """A plant whose bundle was accepted afterwards is not written about again."""
    take(inbox[3].path, inbox[4].path)
    before = sum(len(links) for links in open_returns(office).values())
    take(inbox[0].path)

    assert before == 2
    assert sum(len(links) for links in open_returns(office).values()) == 2


def test_a_formula_in_a_name_stays_a_text(take: Take, office: Office, tmp_path: Path) -> None:
    """A file called like a formula, and one called like a path, are shown as they are and run nowhere."""
    path = tmp_path / "=HYPERLINK(1).zip"
    path.write_bytes(b"no zip")
    take(path)

    document = letter(office, "=cmd()|../../x", next(iter(open_returns(office).values())), "en")
    from factory_kit.render.excel import excel_bytes

    (tmp_path / "a.xlsx").write_bytes(excel_bytes(document))
    cells = [cell for page in openpyxl.load_workbook(tmp_path / "a.xlsx") for row in page.iter_rows() for cell in row]
    assert any(cell.value == "=HYPERLINK(1).zip" and cell.data_type == "s" for cell in cells)
    assert not [cell for cell in cells if cell.data_type == "f"]
    assert all(made.parent == tmp_path / "l" for made in write_letters(office, tmp_path / "l", "en"))
