"""The papers of a visit: the field checklist and the authorisation to collect data."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_kit.i18n import Language
from factory_kit.load.site import site_file
from factory_kit.render.document import Callout, Document, Table
from factory_kit.reports.authorisation import authorisation_form
from factory_kit.reports.checklist import STEPS, checklist
from factory_kit.reports.field import Visit
from factory_kit.reports.files import html, write
from factory_kit.reports.wording import wording
from factory_kit.shipped import data_dir, search_path

Paper = Callable[[Visit | None, str, str, Language], Document]
PAPERS = [checklist, authorisation_form]
SOFTWARE = "factory-kit test"


@pytest.fixture(scope="module")
def visit() -> Visit:
    """The visit to the plant of the demonstration."""
    return Visit.of(*site_file(data_dir("examples") / "demo-plant" / "site.yaml", search_path("connectors")))


def changed(visit: Visit, **changes: object) -> Visit:
    """*visit* with another site file."""
    return dataclasses.replace(visit, site=visit.site.model_copy(update=changes))


def cells(document: Document, name: str) -> list[list[str]]:
    """The texts of the table *name*."""
    table = document.part(name)
    assert isinstance(table, Table)
    return [[cell.text for cell in row.cells] for row in table.rows]


def callouts(document: Document) -> set[str]:
    """What nobody may overlook."""
    return {part.id for section in document.sections for part in section.parts if isinstance(part, Callout)}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_checklist_names_the_addresses_of_the_site(visit: Visit, language: Language) -> None:
    """Each address with its machines, values and load, and whether the record covers it."""
    table = cells(checklist(visit, "", SOFTWARE, language), "addresses")

    assert [row[0] for row in table] == ["127.0.0.1:48400", "127.0.0.1:15020"]
    assert [row[3] for row in table] == ["56", "50"]
    assert visit.site.equipment[0].name.in_(language) in table[0][2]
    assert "500" in table[0][4]
    assert "50.0" in table[1][4]
    assert {row[5] for row in table} == {wording("checklist", language)("addresses.yes")}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_an_address_without_permission_is_told(visit: Visit, language: Language) -> None:
    """Without a record the checklist says that nothing is read; an address the record leaves out is named on both papers."""
    granted = visit.site.authorisation
    assert granted
    narrow = changed(visit, authorisation=granted.model_copy(update={"addresses": ("127.0.0.1:48400",)}))
    none = changed(visit, authorisation=None)

    listed = checklist(narrow, "", SOFTWARE, language)
    form = authorisation_form(narrow, "", SOFTWARE, language)
    assert cells(listed, "addresses")[1][5] == wording("checklist", language)("addresses.no")
    assert "127.0.0.1:15020" in getattr(form.part("uncovered"), "text", "")
    assert "unauthorised" in callouts(checklist(none, "", SOFTWARE, language))
    assert "unauthorised" not in callouts(listed)
    assert "uncovered" not in callouts(authorisation_form(none, "", SOFTWARE, language))


def test_the_annex_lists_what_would_be_read_and_nothing_else(visit: Visit) -> None:
    """One row per planned value, machine by machine; values about people are named as left out."""
    planned = [point for plan in visit.plan.servers for point in plan.points]
    form = authorisation_form(visit, "", SOFTWARE, "en")
    rows = [row for row in cells(form, "points") if len(row) > 1]
    shy = dataclasses.replace(visit, plan=dataclasses.replace(visit.plan, left_out=("cnc-01/operator",)))

    assert sorted((row[0], row[3]) for row in rows) == sorted((each.point.name, each.address) for each in planned)
    assert "106 values of 13 machines" in form.sections[-1].lead
    assert "cnc-01/operator" in html(authorisation_form(shy, "", SOFTWARE, "en"))


def test_every_step_of_the_texts_is_on_the_list() -> None:
    """No step of the texts is forgotten, none is asked for that has no text."""
    told = {key.rsplit(".", 1)[0] for key in wording("checklist", "en").texts if key.endswith(".step")}

    assert told - {"steps"} == {f"{name}.{step}" for name, steps in STEPS.items() for step in steps}


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_paper_says_who_where_and_how_long(visit: Visit, paper: Paper, language: Language) -> None:
    """Plant, number, who granted it and the provider stand on it; there is room to sign, and no list of contents."""
    page = html(paper(visit, "示例诊断服务公司", SOFTWARE, language))

    for text in (visit.site.plant.name.in_(language), "DEMO-001", "示例工厂设备部", "示例诊断服务公司", "2099"):
        assert text in page
    assert 'class="signatures"' in page
    assert "<nav" not in page
    assert "demo" in callouts(paper(visit, "", SOFTWARE, language))


@pytest.mark.parametrize("paper", PAPERS)
@pytest.mark.parametrize("suffix", [".html", ".docx", ".xlsx", ".pdf"])
def test_a_blank_paper_is_written_in_every_format(paper: Paper, suffix: str, tmp_path: Path) -> None:
    """Without a plant there are rows to fill in by hand; equal papers are equal bytes."""
    for name in ("a", "b"):
        write(paper(None, "", SOFTWARE, "en"), tmp_path / f"{name}{suffix}")

    assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()
    assert len(cells(paper(None, "", SOFTWARE, "en"), "addresses")) == 4
    assert "demo" not in callouts(paper(None, "", SOFTWARE, "en"))
