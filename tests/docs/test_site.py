"""The documentation is built from what is here, loads nothing from elsewhere, and every link in it leads somewhere."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

import pytest

from factory_kit.cli.main import command
from factory_kit.shipped import data_dir
from tests.docs.blocks import ROOT

LOADED = {("script", "src"), ("link", "href"), ("img", "src"), ("iframe", "src"), ("source", "src")}


@dataclass
class Page(HTMLParser):
    """The ids, links and loaded files of one page, and its text."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    rows: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.rows += tag == "tr"
        for name, value in attrs:
            if name == "id" and value:
                self.ids.add(value)
            if (tag, name) in LOADED and value and not value.startswith("data:"):
                self.loads.append(value)
            if (tag, name) == ("a", "href") and value:
                self.links.append(value)

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built with every warning an error."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    """Every page that was built."""
    return {path: Page(path) for path in sorted(site.rglob("*.html")) if path.name != "404.html"}


def test_both_languages_are_built(site: Path, pages: dict[Path, Page]) -> None:
    """Tutorials and reference stand in both languages, the readme among them."""
    names = {path.relative_to(site).as_posix() for path in pages}

    assert {"index.html", "index.zh.html", "project/readme.html", "project/readme.zh.html"} <= names
    for one in (name for name in names if "/en/" in name or ".en." in name):
        assert one.replace("/en/", "/zh/").replace(".en.", ".zh.") in names


def test_every_link_leads_somewhere(pages: dict[Path, Page]) -> None:
    """Also links to a section, and those from the readme and to it."""
    broken = [f"{page.path.name}: {link}" for page in pages.values() for link in _broken(page, pages)]

    assert broken == []
    assert sum(len(page.links) for page in pages.values()) > 2000


def _broken(page: Page, pages: dict[Path, Page]) -> Iterator[str]:
    for link in page.links:
        parts = urlsplit(link)
        if parts.scheme in {"http", "https", "mailto"}:
            continue
        target = (page.path.parent / unquote(parts.path)).resolve() if parts.path else page.path
        missing = not target.is_file()
        if missing or (parts.fragment and unquote(parts.fragment) not in pages[target].ids):
            yield link


def test_nothing_is_loaded_from_elsewhere(site: Path, pages: dict[Path, Page]) -> None:
    """Styles, scripts and pictures lie in the folder itself, so that it can be opened from a disk without a network."""
    for page in pages.values():
        for each in page.loads:
            assert not urlsplit(each).scheme
            assert (page.path.parent / each).resolve().is_file(), f"{page.path}: {each}"
    for asset in (*site.glob("*.css"), site / "site.js"):
        assert "http" not in asset.read_text(encoding="utf-8")


def test_the_reference_names_every_command_in_both_languages(site: Path, pages: dict[Path, Page]) -> None:
    """It comes from the tree that parses; each command has its heading, and Chinese help stands on the Chinese page."""
    english, chinese = (pages[site / "reference" / lang / "commands.html"] for lang in ("en", "zh"))
    names = set(_names(command()))

    assert names <= {text.strip() for text in english.text}
    assert names <= {text.strip() for text in chinese.text}
    assert "只读" in "".join(chinese.text)
    assert "[required]" not in "".join(chinese.text)


@pytest.mark.parametrize(
    ("page", "kind", "pattern"),
    [
        ("connectors", "connectors", "*/connector.yaml"),
        ("indicators", "assessments", "indicators/*/indicator.yaml"),
        ("datasets", "datasets", "*/product.yaml"),
    ],
)
def test_every_shipped_definition_has_its_place(
    site: Path, pages: dict[Path, Page], page: str, kind: Literal["connectors", "assessments", "datasets"], pattern: str
) -> None:
    """Each connector, indicator and product that ships has a section in both languages."""
    names = {path.parent.name for path in data_dir(kind).glob(pattern)}

    assert len(names) > 5
    for lang in ("en", "zh"):
        assert names <= pages[site / "reference" / lang / f"{page}.html"].ids


def test_both_languages_list_the_same(site: Path, pages: dict[Path, Page]) -> None:
    """Each page of the reference has as many sections and rows in Chinese as in English."""
    for path, english in pages.items():
        if path.parent == site / "reference" / "en":
            chinese = pages[site / "reference" / "zh" / path.name]
            assert english.rows == chinese.rows > 0, path.name
            assert len(english.ids) == len(chinese.ids), path.name


def _names(node: Any, before: str = "") -> Iterator[str]:
    for name, child in node.commands.items():
        if getattr(child, "commands", None):
            yield from _names(child, f"{before}{name} ")
        else:
            yield before + name


@pytest.mark.system
def test_the_search_finds_chinese_without_a_server(site: Path, system_tool: Callable[[str], str]) -> None:
    """The folder opened from the disk: words typed, in both languages, lead to their page."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=system_tool("chromium"), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto((site / "index.zh.html").as_uri())
        page.fill("#search", "最低覆盖率")
        page.wait_for_selector("#hits a")
        assert "指标" in page.inner_text("#hits a >> nth=0")
        page.fill("#search", "cmb no such thing")
        page.wait_for_function("document.querySelector('#hits').innerText.includes('没有找到')")
        page.fill("#search", "watermark window")
        page.wait_for_selector("#hits a mark")
        page.press("#search", "Enter")
        page.wait_for_function("!location.pathname.endsWith('index.zh.html')")
        browser.close()
