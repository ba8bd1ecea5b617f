"""The pictures of the README, made from the real thing: ``make pictures`` (or ``python .ci/pictures.py [--check] [--demo DIR]``).

The live screen comes from a collection of the simulated plant, recorded in ``live.json``: what rich draws of it, in both languages, with
every sign turned into an outline, so that Chinese shows without a Chinese font. The pages are photographed in Chromium out of a
demonstration: the report, the district's dashboard, the questionnaire. ``pages.json`` holds the headings and labels that they show.
``--check`` makes nothing and says what is stale: a live screen that would be drawn otherwise today, a page one of whose words is no
longer among the texts of the product. Needs Chromium, poppler's pdftocairo and a Chinese font; ``--demo`` takes a demonstration that is there.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from html import escape, unescape
from pathlib import Path
from typing import Any
from unittest.mock import patch
from zoneinfo import ZoneInfo

import yaml
from rich.cells import cell_len
from rich.console import Console
from rich.terminal_theme import SVG_EXPORT_THEME

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # run from a checkout, installed or not

from factory_kit.cli import console as terminal  # noqa: E402 - after the path is set
from factory_kit.cli.screen import _Screen  # noqa: E402 - as above
from factory_kit.collect.status import Notice, ServerStatus, Status  # noqa: E402 - as above
from factory_kit.errors import FactoryKitError  # noqa: E402 - as above
from factory_kit.i18n import Language, speaking  # noqa: E402 - as above

PICTURES = ROOT / "docs" / "pictures"
LANGUAGES: tuple[Language, ...] = ("zh", "en")
ZONE = ZoneInfo("Asia/Shanghai")
WIDTH = 108
"""Cells of the terminal on the picture."""
SHOWN_S = 9.0
"""How long the plant was read when the screen is taken: its gateway has failed once and come back."""
LARGEST = 150_000
"""Bytes of a picture of a page."""
FONTS = "'DejaVu Sans Mono', 'Liberation Mono', monospace"
WIDE_FONTS = "'Noto Sans CJK SC', 'Microsoft YaHei', 'PingFang SC', sans-serif"
CELL = 12.2
"""Width of a cell in rich's drawings."""
TEXT = r'<text(?P<head> class="[^"]*") x="(?P<x>[\d.]+)"(?P<y> y="[\d.]+") textLength="[\d.]+"(?P<tail>[^>]*)>(?P<text>[^<]*)</text>'
PASSWORD = "only for the pictures"  # noqa: S105 - of a user that lives in a folder of its own
LABELS = "h1, h2, h3, th, dt, label, legend, button, nav a, strong, b, span, a, p"
VISIBLE = """labels => [...document.querySelectorAll(labels)].filter(each => {
  const place = each.getBoundingClientRect();
  return place.width > 0 && place.top >= 0 && place.bottom <= innerHeight;
}).map(each => each.innerText)"""
"""What stands wholly on the picture."""


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when the pictures are (now) current, 1 with ``--check`` when one is stale."""
    parser = argparse.ArgumentParser(description="The pictures of the README, made from the real thing.")
    parser.add_argument("--check", action="store_true", help="make nothing; end with 1 where a picture is stale")
    parser.add_argument("--demo", type=Path, metavar="DIR", help="a demonstration that is there; by default a new one")
    parser.add_argument("--live-only", action="store_true", help="draw the recorded live screen anew and nothing else")
    asked = parser.parse_args(arguments)
    if asked.check:
        found = stale()
        for line in found:
            print(line)
        return 1 if found else 0
    PICTURES.mkdir(parents=True, exist_ok=True)
    os.environ["PYTHONPATH"] = os.pathsep.join(each for each in (str(ROOT), os.environ.get("PYTHONPATH", "")) if each)
    with tempfile.TemporaryDirectory(prefix="factory-kit-pictures-") as aside:
        if not asked.live_only:
            record_live(Path(aside))
        draw_live()
        if not asked.live_only:
            photograph(asked.demo or demonstrated(Path(aside)))
    return 0


# The live screen


@dataclass
class Around:
    """What a collection depends on, as it was when the screen was taken."""

    disk_free: int
    certificate: tuple[str, int] | None
    left: float
    time_of_day: str = ""

    def seconds_left(self, _status: Status) -> float:
        """How long the collection was still to run."""
        return self.left


class Watcher:
    """Keeps what a collection said until the moment of the picture."""

    def __init__(self) -> None:
        self.status_then: Status | None = None
        self.notices: list[tuple[str, Notice]] = []

    def status(self, status: Status) -> None:
        """The last one that is not too late."""
        if status.elapsed_s <= SHOWN_S:
            self.status_then = status

    def notice(self, notice: Notice) -> None:
        """One line."""
        self.notices.append((f"{datetime.now(ZONE):%H:%M:%S}", notice))


def record_live(aside: Path) -> None:
    """A collection of the simulated plant, and what its screen knew after some seconds, in ``live.json``."""
    from factory_kit.cli.clock import now
    from factory_kit.cli.demo import write_site
    from factory_kit.collect.run import collect
    from factory_kit.load.workspace import Workspace
    from factory_kit.store import Store
    from factory_kit.testing import SimulatedPlant

    seconds, watcher = SHOWN_S + 1, Watcher()
    with SimulatedPlant(speed=3600, start="2026-09-01T04:00:00", wait=True) as plant:
        write_site(aside, plant.opcua_url, plant.modbus_port)
        place = Workspace.at(aside)
        site, connectors = place.site()
        asyncio.run(collect(site, connectors, Store(place.store_folder), now=now, seconds=seconds, observer=watcher))
    status = watcher.status_then
    if status is None:
        raise RuntimeError("the collection ended before its screen could be taken")
    known = {
        "status": asdict(status),
        "notices": [[at, asdict(notice)] for at, notice in watcher.notices],
        "around": {"disk_free": 256_000_000_000, "certificate": None, "left": 8 * 3600 - status.elapsed_s},
    }
    text = json.dumps(known, ensure_ascii=False, indent=1) + "\n"
    for port, shown in ((plant.opcua_url.split(":")[2].split("/")[0], "48400"), (str(plant.modbus_port), "15020")):
        text = text.replace(f":{port}", f":{shown}")
    (PICTURES / "live.json").write_text(text, encoding="utf-8", newline="\n")


def live_screen(language: Language) -> Console:
    """The recorded screen as rich draws it on a terminal, in *language*."""
    known = json.loads((PICTURES / "live.json").read_text(encoding="utf-8"))
    servers = tuple(ServerStatus(**each) for each in known["status"].pop("servers"))
    status, around = Status(**known["status"], servers=servers), Around(**known["around"])
    console = Console(
        record=True,
        width=WIDTH,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        legacy_windows=False,
    )
    screen = _Screen(lambda _picture: None, around)  # type: ignore[arg-type]
    with speaking(language), patch.object(terminal, "stderr", lambda: console):
        for at, notice in known["notices"]:
            around.time_of_day = at
            screen.notice(Notice(**notice))
        console.print(screen._picture(status))  # noqa: SLF001 - the very picture that the terminal shows
    return console


def draw_live() -> None:
    """Both live screens, outlined, each with the hash of what it was drawn from in its first line."""
    for language in LANGUAGES:
        svg = live_screen(language).export_svg(
            title="factory-kit collect", theme=SVG_EXPORT_THEME, unique_id=f"live-{language}"
        )
        svg = re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)  # nothing is loaded from elsewhere
        svg = re.sub(r"font-family: [^;]+;", f"font-family: {FONTS};", svg)
        drawing = outlined(spaced(svg)).partition("?>")[2].lstrip()
        (PICTURES / f"live.{language}.svg").write_text(f"{_head(language)}\n{drawing}", encoding="utf-8", newline="\n")


def _head(language: Language) -> str:
    """The first line of a live screen: the hash of its words and colours, in whatever way they are drawn."""
    shown = live_screen(language).export_text(styles=True)
    return f"<!-- drawn from {hashlib.sha256(shown.encode()).hexdigest()} -->"


def spaced(svg: str) -> str:
    """*svg* with every sign in its own cells: rich gives Chinese signs, which fill two, the room of one."""

    def placed(found: re.Match[str]) -> str:
        at, texts = float(found["x"]), []
        for run in re.findall(r"[\u2e80-\uffef]|[^\u2e80-\uffef]+", unescape(found["text"])):
            wide = cell_len(run) > len(run)
            font = f' style="font-family: {WIDE_FONTS}"' if wide else f' textLength="{CELL * len(run):g}"'
            texts.append(f'<text{found["head"]} x="{at:g}"{found["y"]}{font}{found["tail"]}>{escape(run)}</text>')
            at += CELL * cell_len(run)
        return "".join(texts)

    return re.sub(TEXT, placed, svg)


def outlined(svg: str) -> str:
    """*svg* without a single text: every sign is an outline, drawn with the fonts of this machine."""
    import vl_convert

    cairo = shutil.which("pdftocairo")
    if cairo is None:
        raise RuntimeError("pdftocairo is missing: apt install poppler-utils")
    with tempfile.TemporaryDirectory() as aside:
        pdf, out = Path(aside) / "in.pdf", Path(aside) / "out.svg"
        pdf.write_bytes(vl_convert.svg_to_pdf(svg))
        subprocess.run([cairo, "-svg", str(pdf), str(out)], check=True, capture_output=True)
        text = out.read_text(encoding="utf-8")
    if "<text" in text or "font-family" in text:
        raise RuntimeError("a sign was not turned into an outline")
    return text


# The pages


def demonstrated(aside: Path) -> Path:
    """A new demonstration."""
    folder = aside / "demo"
    subprocess.run([sys.executable, "-m", "factory_kit", "demo", str(folder)], check=True, cwd=ROOT)
    return folder


def photograph(demo: Path) -> None:
    """Report, dashboard and questionnaire of *demo* as pictures, and the words they show."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        raise RuntimeError("Chromium is missing: apt install chromium")
    words: dict[str, list[str]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for language in LANGUAGES:
            locale = {"zh": "zh-CN", "en": "en-GB"}[language]
            page = browser.new_context(locale=locale, viewport={"width": 1100, "height": 820}).new_page()
            page.set_default_timeout(120_000)
            for name, shown in (("report", _report), ("dashboard", _dashboard), ("questionnaire", _questionnaire)):
                with shown(page, demo, language):
                    picture = PICTURES / f"{name}.{language}.png"
                    page.screenshot(path=str(picture))
                    _make_small(picture)
                    known = spoken(language)
                    labels = (" ".join(each.split()) for each in page.evaluate(VISIBLE, LABELS))
                    words[picture.name] = sorted({each for each in labels if each in known})
        browser.close()
    (PICTURES / "pages.json").write_text(
        json.dumps(words, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
    )


@contextmanager
def _report(page: Any, demo: Path, language: Language) -> Iterator[None]:
    page.goto((demo / "assessments" / "demo" / "report" / f"report.{language}.html").resolve().as_uri())
    yield


@contextmanager
def _dashboard(page: Any, demo: Path, language: Language) -> Iterator[None]:
    from factory_kit.web.district.users import User, Users, hashed

    office = demo / "district"
    name = f"li-{language}"
    with suppress(FactoryKitError):  # this demonstration was photographed before
        Users(office).add(User(name, "reader", hashed(PASSWORD)))
    with _served("district", "serve", "-d", str(office), language=language) as url:
        page.goto(url)
        page.locator("input[name=name]").fill(name)
        page.locator("input[name=password]").fill(PASSWORD)
        page.locator("form button[type=submit], form button").first.click()
        page.goto(f"{'/'.join(url.split('/')[:3])}/dashboard")
        yield


@contextmanager
def _questionnaire(page: Any, demo: Path, language: Language) -> Iterator[None]:
    with _served("assess", "serve", "demo", "-w", str(demo), language=language) as url:
        page.goto(url)
        page.goto(f"{'/'.join(url.split('/')[:3])}/#MP4.3.b")
        page.locator('article[data-code="MP4.3.b"]').wait_for()
        yield


@contextmanager
def _served(*words: str, language: Language) -> Iterator[str]:
    """The address that a server of ours tells; it is ended afterwards."""
    environment = {**os.environ, "FACTORY_KIT_LANG": language}
    command = [sys.executable, "-m", "factory_kit", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, encoding="utf-8", env=environment) as server:
        try:
            told = server.stdout.readline() if server.stdout else ""
            found = re.search(r"http://\S+", told)
            if found is None:
                raise RuntimeError(f"factory-kit {' '.join(words)} did not begin: {told}")
            yield found[0]
        finally:
            server.terminate()


def _make_small(picture: Path) -> None:
    """Few colours are enough for a page; still too large is a mistake."""
    from PIL import Image

    with Image.open(picture) as image:
        image.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)
    size = picture.stat().st_size
    if size > LARGEST:
        raise RuntimeError(f"{picture.name}: {size} bytes, at most {LARGEST}")


# What is stale


def stale() -> list[str]:
    """What about the pictures is no longer so, in a line each."""
    found = [
        f"live.{language}.svg: would be drawn otherwise today; run make pictures"
        for language in LANGUAGES
        if not _is_current(language)
    ]
    for picture, words in json.loads((PICTURES / "pages.json").read_text(encoding="utf-8")).items():
        known = spoken(picture.split(".")[1])
        lost = [word for word in words if word not in known]
        found += [f"{picture}: shows {word!r}, which no page says any more; run make pictures" for word in lost]
    return found


def _is_current(language: Language) -> bool:
    with (PICTURES / f"live.{language}.svg").open(encoding="utf-8") as file:
        return file.readline().rstrip() == _head(language)


def spoken(language: str) -> set[str]:
    """Every text of pages and reports in *language*, as it stands in the files of texts."""
    said: set[str] = set()
    for file in sorted((ROOT / "factory_kit").glob(f"*/**/texts/*.{language}.yaml")) + sorted(
        (ROOT / "factory_kit").glob(f"*/texts/*.{language}.yaml")
    ):
        said |= set(_leaves(yaml.safe_load(file.read_text(encoding="utf-8"))))
    return said


def _leaves(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        content = list(content.values())
    if isinstance(content, list):
        for each in content:
            yield from _leaves(each)
    elif isinstance(content, str):
        yield " ".join(content.split())


if __name__ == "__main__":
    sys.exit(main())
