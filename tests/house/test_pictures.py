"""The pictures of the README are current, small, load nothing, and show Chinese without a Chinese font."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PICTURES = ROOT / "docs" / "pictures"
NO_FONTS = '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd"><fontconfig><dir>{folder}</dir><cachedir>{folder}</cachedir></fontconfig>'


@pytest.fixture(name="pictures", scope="module")
def _pictures() -> ModuleType:
    """The command that makes them."""
    spec = importlib.util.spec_from_file_location("pictures_of_the_readme", ROOT / ".ci" / "pictures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_current(pictures: ModuleType) -> None:
    """The live screen would be drawn the same today, and every word on the pages is still one of the product.

    Red after texts or tables changed: make pictures (the live screen alone: python .ci/pictures.py --live-only).
    """
    assert pictures.stale() == []


def test_another_figure_or_word_makes_a_picture_stale(
    pictures: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The check can fail: for the drawing that changed, and for the word that nobody says any more."""
    aside = tmp_path / "pictures"
    shutil.copytree(PICTURES, aside)
    monkeypatch.setattr(pictures, "PICTURES", aside)
    live = json.loads((aside / "live.json").read_text(encoding="utf-8"))
    live["status"]["delivered"] += 1
    (aside / "live.json").write_text(json.dumps(live), encoding="utf-8")
    words = json.loads((aside / "pages.json").read_text(encoding="utf-8"))
    words["report.zh.png"].append("没有人说的话")
    (aside / "pages.json").write_text(json.dumps(words), encoding="utf-8")

    assert [line.split(":")[0] for line in pictures.stale()] == ["live.zh.svg", "live.en.svg", "report.zh.png"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_live_screen_is_outlines_alone(language: str) -> None:
    """No text that needs a font, nothing that runs, nothing from elsewhere."""
    svg = (PICTURES / f"live.{language}.svg").read_text(encoding="utf-8")

    assert re.findall(r"<text|font-family|<script|@import|<image|url\(http", svg) == []
    assert set(re.findall(r"https?://[^\"'\s]+", svg)) == {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    assert svg.count("<symbol") > 30


def test_pages_are_small_and_in_both_languages(pictures: ModuleType) -> None:
    """Each page has its picture in Chinese and in English, below 150 kB, and enough words by which to know it."""
    found = {path.name: path.stat().st_size for path in PICTURES.glob("*.png")}

    assert set(found) == {f"{name}.{language}.png" for name in ("report", "dashboard", "questionnaire") for language in ("zh", "en")}  # fmt: skip
    assert [name for name, size in found.items() if size > pictures.LARGEST] == []
    words = json.loads((PICTURES / "pages.json").read_text(encoding="utf-8"))
    assert {name: len(said) >= 8 for name, said in words.items()} == dict.fromkeys(found, True)


def test_chinese_shows_on_a_machine_without_any_font(system_tool: Callable[[str], str], tmp_path: Path) -> None:
    """Chromium draws the same picture, to the byte, when there is not one font."""
    chromium = system_tool("chromium")
    fonts = tmp_path / "fonts.conf"
    fonts.write_text(NO_FONTS.format(folder=tmp_path / "none"), encoding="utf-8")

    usual = photographed(chromium, {})
    bare = photographed(chromium, {"FONTCONFIG_FILE": str(fonts), "FONTCONFIG_PATH": str(tmp_path)})

    assert usual == bare


def photographed(chromium: str, more: dict[str, str]) -> bytes:
    """The Chinese live screen as Chromium shows it with *more* in its environment."""
    clean = os.environ.get("CI") == "true"
    api: Any = pytest.importorskip("playwright.sync_api") if not clean else __import__("playwright.sync_api").sync_api
    words = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium, args=words, env={**os.environ, **more}, timeout=120_000
        )
        page = browser.new_page(viewport={"width": 1400, "height": 600})
        page.goto((PICTURES / "live.zh.svg").as_uri(), timeout=120_000)
        picture: bytes = page.screenshot(timeout=120_000)
        browser.close()
    return picture
