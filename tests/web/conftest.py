"""A workspace with a name nobody should write into a page, a server of its own process, visitors without and with a browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from factory_kit.assess.begin import Wish, begin
from factory_kit.assess.evidence import freeze_indicators, read_evidence
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.load.indicator import indicator_folder
from factory_kit.load.workspace import Workspace
from factory_kit.model.evidence import Engine, Evidence, FileUsed, IndicatorUsed, PointUsed
from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin, SampleBatch
from factory_kit.store import Store

from .client import Answered, Client

ROOT = Path(__file__).resolve().parents[2]
NASTY = "试验厂 \"甲\" '乙' <b>&</b> 😀㵘"
DAYS = (date(2026, 9, 1), date(2026, 9, 30))
CONNECTED = "equipment-connected-share"
START = int(datetime.fromisoformat("2026-09-01T00:00:00+08:00").timestamp())
PATIENCE = 120


@pytest.fixture(scope="session")
def make() -> Callable[[Path], AssessmentFolder]:
    """Make an assessment ``first`` in a new workspace."""
    return made


@pytest.fixture(scope="module")
def module_server() -> Iterator[Callable[..., Served]]:
    """As ``server``, for all tests of a file."""
    with servers() as start:
        yield start


@pytest.fixture
def folder(tmp_path: Path) -> AssessmentFolder:
    """A new assessment ``first`` of a plant with a nasty name; machine evidence proposes 0.5 for RE.2.b."""
    return made(tmp_path / "plant")


@pytest.fixture
def server() -> Iterator[Callable[..., Served]]:
    """Start ``assess serve`` on the workspace of a folder, with more words; all are ended afterwards."""
    with servers() as start:
        yield start


@dataclass
class Served:
    """One running server."""

    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        """Where it listens."""
        found = re.match(r"http://127\.0\.0\.1:(\d+)/", self.url)
        assert found
        return int(found[1])

    @property
    def base(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.port}"

    def visitor(self) -> Visitor:
        """Somebody who came in by the link."""
        visitor = Visitor(self.port)
        entered = visitor.ask("GET", self.url.removeprefix(self.base))
        visitor.cookie = entered.headers["set-cookie"].partition(";")[0]
        page = visitor.ask("GET", "/").text
        visitor.csrf = re.findall(r'name="csrf" content="([0-9a-f]+)"', page)[0]
        return visitor


class Visitor(Client):
    """Somebody who answers the questionnaire."""

    def post(self, code: str, what: str, **content: object) -> Answered:
        """The answer to a write as the page makes it."""
        return self.ask("POST", f"/questions/{code}/{what}", json.dumps(content).encode())

    def version(self, code: str) -> str:
        """The version of an answer as the page shows it."""
        return re.findall(r'data-version="([0-9a-f]+)"', self.ask("GET", f"/questions/{code}").text)[0]


@contextmanager
def servers() -> Iterator[Callable[..., Served]]:
    """Start servers, and end them all."""
    running: list[subprocess.Popen[str]] = []

    def start(folder: AssessmentFolder, *words: str) -> Served:
        workspace = folder.path.parents[1]
        command = [sys.executable, "-m", "factory_kit", "assess", "serve", folder.path.name, "-w", str(workspace)]
        environment = {**os.environ, "FACTORY_KIT_LANG": "en", "PYTHONPATH": str(ROOT), "FACTORY_KIT_TRACEBACK": "1"}
        process = subprocess.Popen(
            [*command, *words], stdout=subprocess.PIPE, text=True, env=environment, encoding="utf-8"
        )
        running.append(process)
        assert process.stdout
        url = process.stdout.readline().strip()
        assert url.startswith("http://127.0.0.1:"), url
        return Served(url, process)

    try:
        yield start
    finally:
        for process in running:
            process.kill()
            process.wait()
            if process.stdout:
                process.stdout.close()


def made(root: Path) -> AssessmentFolder:
    """The assessment ``first`` in a workspace in *root*."""
    root.mkdir(parents=True)
    site = (ROOT / "examples" / "demo-plant" / "site.yaml").read_text(encoding="utf-8")
    name = json.dumps(NASTY, ensure_ascii=False)
    named = site.replace("{zh: 示例精密机械（上海松江）, en: Example Precision Works}", f"{{zh: {name}, en: {name}}}")
    (root / "site.yaml").write_text(named, encoding="utf-8")
    folder = begin(Workspace.at(root), Wish("first", "gbt-39116@2020", DAYS, assessor="李工"), "0123456789abcdef")
    shipped = ROOT / "assessments" / "indicators"
    record = _record(shipped / CONNECTED)
    (folder.evidence_folder / record.file_name).write_bytes(record.canonical())
    freeze_indicators(folder, read_evidence(folder, folder.assessment()), [shipped])
    _samples(root / "store")
    return folder


def _record(indicator: Path) -> Evidence:
    known = indicator_folder(indicator)
    return Evidence(
        indicator=IndicatorUsed(known.id, known.definition.rev, known.sql_sha256),
        subject="plant",
        unit="1",
        outcome="value",
        reason=None,
        value="0.5",
        lower="0.5",
        upper="0.6",
        numerator="5",
        denominator="10",
        coverage="0.97",
        points=(PointUsed("cnc-01", "power", "active_power"),),
        start="2026-09-01T00:00:00+08:00",
        end="2026-10-01T00:00:00+08:00",
        blocks=30,
        ledger=10,
        origin=("simulated",),
        files=(FileUsed("samples/a.parquet", 86400, "7" * 64),),
        engine=Engine("0.1.0", "2.0.0"),
        received="2026-10-02T09:00:00+08:00",
    )


def _samples(store_folder: Path) -> None:
    """One machine's power every six hours of September: 3 kW and 9 kW in turn."""
    store = Store(store_folder)
    point = CataloguePoint("cnc-01", "power", "active_power", "kW", "float64", "ns=1;i=1", "sim-cnc", "1", "machines")
    (number,) = store.register([point])
    times = (START + np.arange(120, dtype=np.int64) * 6 * 3600) * 1_000_000
    values = np.where(np.arange(120) % 2, 9.0, 3.0)
    batch = SampleBatch(np.full(120, number, np.int32), times, values, np.zeros(120, np.int8))
    with store.writer(Run("run-1", int(times[0]), Origin.SIMULATED, "demo", "collect", "", "test")) as writer:
        writer.append(batch)


@pytest.fixture(scope="module")  # no longer: while it is there, an event loop runs in this thread
def chromium() -> Iterator[Any]:
    """The Chromium of the system under Playwright; its own browsers are never downloaded."""
    path = shutil.which("chromium")
    clean = os.environ.get("CI") == "true"
    if path is None:
        (pytest.fail if clean else pytest.skip)("chromium is not installed on this machine")
    api = pytest.importorskip("playwright.sync_api") if not clean else __import__("playwright.sync_api").sync_api
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Open the page of a server as one person, in a browser context of its own; errors of the page fail the test."""
    wrong: list[str] = []
    contexts = []

    def opened(served: Served, code: str = "", **options: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 1366, "height": 768}, **options})
        context.set_default_timeout(PATIENCE * 1000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(served.url)
        if code:
            page.goto(f"{served.base}/#{code}")
        page.locator(f'article[data-code="{code}"]' if code else "article").wait_for()
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []
