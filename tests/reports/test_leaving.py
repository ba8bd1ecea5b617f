from __future__ import annotations

import re

import pytest

from factory_kit.assess.bundle import Leaving, Purpose
from factory_kit.i18n import Language
from factory_kit.reports.assessment import Material
from factory_kit.reports.files import html
from factory_kit.reports.leaving import leaving_page

FILES = tuple(
    Leaving(f"{purpose.value}/file{number}", 1000 + number, f"{number}" * 64, purpose, purpose is Purpose.ANSWERS)
    for number, purpose in enumerate(Purpose)
)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_file_is_listed_with_purpose_size_and_hash(material: Material, language: Language) -> None:
    """The page names each file, its whole hash and its size."""
    page = html(leaving_page(material.scored, FILES, "factory-kit test", language))

    for file in FILES:
        assert file.path in page
        assert file.sha256 in page
        assert f"{file.size:,}" in page


@pytest.mark.parametrize(("language", "yes", "no"), [("zh", "是", "否"), ("en", "yes", "no")])
def test_files_that_may_name_people_are_marked(material: Material, language: Language, yes: str, no: str) -> None:
    """One of these files may name people, none holds raw data."""
    table = leaving_page(material.scored, FILES, "factory-kit test", language).part("files")
    rows = [[cell.text for cell in row.cells] for row in table.rows]  # type: ignore[union-attr]

    assert [row[3] for row in rows].count(yes) == 1
    assert {row[2] for row in rows} == {no}


def test_the_page_loads_nothing(material: Material) -> None:
    """No script, nothing from elsewhere."""
    page = html(leaving_page(material.scored, FILES, "factory-kit test", "zh"))

    assert not re.search(r"""<script|(?:src|href)=["']?https?:""", page)
