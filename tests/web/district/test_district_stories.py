"""The three roles at work in a real browser, on the real server; axe finds nothing, on the desk, on a tablet, on the wall, on paper."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from factory_kit.district.office import Office
from factory_kit.district.stats import counted
from factory_kit.testing.district_records import FictionalDistrict, write_district

pytestmark = [pytest.mark.wire, pytest.mark.system]

PASSWORD = "correct horse battery"
PATIENCE = 240_000
AXE = "4.11.0"
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}
WALL = {"viewport": {"width": 1920, "height": 1080}}
PICTURES = os.environ.get("FACTORY_KIT_PICTURES", "")


@pytest.fixture
def enter(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Log somebody in with a browser of their own; errors of a page fail the test."""
    wrong: list[str] = []
    contexts = []

    def entered(served: Any, name: str, language: str = "en", **options: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1366, "height": 768}, **options})
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda line: wrong.append(line.text) if "Content Security Policy" in line.text else None)
        page.goto(f"{served.base}/language?to={language}&back=/login")
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.locator("header nav a").first.wait_for()
        return page

    yield entered
    for context in contexts:
        context.close()
    assert wrong == []


@pytest.fixture(scope="module")
def filled(
    tmp_path_factory: pytest.TempPathFactory, new_office: Callable[[Path], Office], district_server: Callable[..., Any]
) -> Any:
    """A district of sixty plants that were counted, with its server."""
    place = tmp_path_factory.mktemp("filled")
    office = new_office(place / "office")
    write_district(office, FictionalDistrict(60, 48), place / "sheet")
    return district_server(office)


def test_the_three_roles_work_together(
    district: Any, enter: Callable[..., Any], bundles: list[Any], rejected_bundle: Path
) -> None:
    """A provider sends, an officer sends one back, the provider objects, the officer upholds, the reader sees it counted."""
    jia, li, wang = enter(district, "jia"), enter(district, "li"), enter(district, "wang")

    jia.goto(f"{district.base}/upload")
    jia.set_input_files("#files", [str(bundles[0].path), str(rejected_bundle), str(bundles[3].path)])
    jia.get_by_role("button", name="Send").click()
    jia.locator("#sent .state.good").nth(1).wait_for()
    jia.locator("#sent .state.bad", has_text="rejected").wait_for()
    assert "R02" in jia.locator("#sent").inner_text()
    number = jia.locator("#sent a").first.inner_text().removeprefix("receipt ")

    li.goto(f"{district.base}/queue")
    li.get_by_role("link", name=number, exact=True).click()
    li.get_by_label("Reason (needed to send back").fill("The tour of the hall is missing.")
    li.get_by_role("button", name="Send back").click()
    li.locator("h1 .state", has_text="sent back by the office").wait_for()
    assert len(counted(district.office)) == 1

    jia.goto(f"{district.base}/receipts/{number}")
    assert "The tour of the hall is missing." in jia.locator("main").inner_text()
    jia.get_by_label("Object to this receipt").fill("It is in the annex, page 4.")
    jia.get_by_role("button", name="Object").click()
    jia.locator(".objection", has_text="page 4").wait_for()

    li.goto(f"{district.base}/objections")
    li.get_by_role("row", name="open").get_by_role("link").click()
    li.get_by_label("Reason of the decision").fill("It is there indeed.")
    li.get_by_role("button", name="Uphold").click()
    li.locator("td .state", has_text="upheld").wait_for()
    assert len(counted(district.office)) == 2

    wang.goto(f"{district.base}/dashboard")
    while wang.locator(".tiles dd", has_text="2").count() == 0:  # the last figures are shown while the next are counted
        wang.reload()
    assert "Queue" not in wang.locator("nav").first.inner_text()
    wang.get_by_role("button", name="Log out").click()
    wang.get_by_role("heading", name="Log in").wait_for()


def test_filters_stand_in_the_address(filled: Any, enter: Callable[..., Any]) -> None:
    """Choosing a street gives an address that shows the same to somebody else, and every chart has its table."""
    page = enter(filled, "wang")
    page.goto(f"{filled.base}/dashboard")
    page.locator("select[name=street]").select_option("310117105")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="All plants").wait_for()
    assert "street=310117105" in page.url
    count = page.locator(".tiles dd").first.inner_text()

    other = enter(filled, "li")
    other.goto(page.url)
    assert other.locator(".tiles dd").first.inner_text() == count
    charts = page.locator("ul.chart").count()
    assert charts >= 5
    assert page.locator("section.card:has(ul.chart) table").count() == charts


def test_targets_say_what_is_wanted_and_why_nothing_is_counted(filled: Any, enter: Callable[..., Any]) -> None:
    """A share in per cent, a target without a figure as a dash, and an empty register apart from what is kept by hand."""
    page = enter(filled, "wang")
    page.goto(f"{filled.base}/targets")
    rows = [text.split("\t") for text in page.locator("main tbody tr").all_inner_texts()]
    found = {row[0]: row[2:5] for row in rows}

    assert found["Share of plants transformed"][0] == "85%"
    assert found["Benchmark smart factories"][1:] == ["–", "no data in the register yet"]
    assert found["One park, one platform: pilots"] == ["3", "–", "not counted here"]
    assert found["Project reserve (to be kept; no figure)"][0] == "–"


OFFICE_PAGES = (
    "/dashboard",
    "/queue",
    "/receipts",
    "/receipts/1",
    "/plants",
    "/plants/{plant}",
    "/upload",
    "/objections",
    "/targets",
    "/publish",
    "/retention",
    "/audit",
    "/check",
)


@pytest.mark.parametrize(("language", "options"), [("zh", {}), ("en", TABLET)], ids=["desktop", "tablet"])
def test_anybody_can_use_every_page(
    filled: Any,
    enter: Callable[..., Any],
    node_package: Callable[[str, str], Path],
    language: str,
    options: dict[str, Any],
) -> None:
    """axe-core finds nothing, nothing scrolls sideways, what is pressed is large enough for a thumb."""
    axe = (node_package("axe-core", AXE) / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    page = enter(filled, "li", language, bypass_csp=True, **options)
    page.goto(f"{filled.base}/plants")
    plant = page.locator("tbody a").first.get_attribute("href").removeprefix("/plants/")
    found = []
    for path in OFFICE_PAGES:
        page.goto(filled.base + path.replace("{plant}", plant))
        page.evaluate(axe)
        violations = page.evaluate("axe.run(document)")["violations"]
        found += [(path, each["id"], [node["target"] for node in each["nodes"]][:3]) for each in violations]
        if not page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            found.append((path, "wider than the screen", []))
        boxes = page.locator("button:visible, .button:visible, nav a:visible").evaluate_all(
            "all => all.map(each => each.getBoundingClientRect().height)"
        )
        found += [(path, "too small to press", [])] if min(boxes) < 43.9 else []
        picture(page, f"{language}-{path.strip('/').partition('/')[0]}-{'tablet' if options else 'desk'}")
    assert found == []


def test_the_wall_and_paper_show_it_too(filled: Any, enter: Callable[..., Any]) -> None:
    """On the screen of a meeting room nothing scrolls sideways; on paper the tools are gone and every table is open."""
    page = enter(filled, "wang", "zh", **WALL)
    page.goto(f"{filled.base}/dashboard")
    picture(page, "zh-dashboard-wall", whole=False)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    picture(page, "zh-dashboard-paper")

    assert page.locator("button:visible, select:visible").count() == 0
    assert page.locator("details:not([open])").count() == 0
    assert page.locator("table:visible").count() == page.locator("table").count() > 5


def picture(page: Any, name: str, *, whole: bool = True) -> None:
    """A picture of the page to look at, where FACTORY_KIT_PICTURES names a folder."""
    if PICTURES:
        page.screenshot(path=str(Path(PICTURES) / f"{name}.png"), full_page=whole)
