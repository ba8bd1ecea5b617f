"""The report as other programs see it: a browser on a phone and on paper, an office suite."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from factory_kit.i18n import Language
from factory_kit.reports.assessment import Material, view
from factory_kit.reports.files import html, write

pytestmark = pytest.mark.system
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars",
)  # fmt: skip
FRAME = """<body style="margin:0"><iframe id="f" src="page.html" style="width:390px;height:9000px;border:0"></iframe><script>
f.onload = () => { const it = f.contentDocument.documentElement; document.title = `wide ${it.scrollWidth}`; };
</script>"""


def run(*words: str) -> str:
    """What a program says; the test fails when it fails."""
    done = subprocess.run(words, capture_output=True, timeout=180, check=True)
    return done.stdout.decode("utf-8", "replace")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_page_fits_a_phone(
    material: Material, language: Language, tmp_path: Path, system_tool: Callable[[str], str]
) -> None:
    """At 390 pixels nothing scrolls sideways."""
    page = re.sub('<meta http-equiv="Content-Security-Policy"[^>]*>', "", html(view(material, language)))
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    (tmp_path / "frame.html").write_text(FRAME, encoding="utf-8")
    profile = f"--user-data-dir={tmp_path / 'profile'}"

    told = run(
        system_tool("chromium"), *QUIET, profile, "--allow-file-access-from-files", "--virtual-time-budget=5000",
        "--dump-dom", (tmp_path / "frame.html").as_uri(),
    )  # fmt: skip

    assert "<title>wide 390</title>" in told


def test_page_one_prints_on_one_page(material: Material, tmp_path: Path, system_tool: Callable[[str], str]) -> None:
    """On A4 the first page holds everything from the plant's name to the assessment's id, and the second the contents."""
    (tmp_path / "page.html").write_text(html(view(material, "zh")), encoding="utf-8")
    out, profile = tmp_path / "page.pdf", f"--user-data-dir={tmp_path / 'profile'}"
    run(system_tool("chromium"), *QUIET, profile, "--no-pdf-header-footer", f"--print-to-pdf={out}", (tmp_path / "page.html").as_uri())  # fmt: skip

    first, second = (run(system_tool("pdftotext"), "-f", number, "-l", number, str(out), "-") for number in "12")

    assert material.scored.assessment.id in first
    assert "目录" in second


def test_an_office_suite_reads_the_word_file(
    material: Material, tmp_path: Path, system_tool: Callable[[str], str]
) -> None:
    """LibreOffice opens the file and finds page one, a table and a picture."""
    write(view(material, "zh"), tmp_path / "report.docx")
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    run(system_tool("soffice"), profile, "--headless", "--convert-to", "pdf", "--outdir", str(tmp_path), str(tmp_path / "report.docx"))  # fmt: skip

    text = run(system_tool("pdftotext"), "-layout", str(tmp_path / "report.pdf"), "-")
    pictures = run(system_tool("pdfimages"), "-list", str(tmp_path / "report.pdf"))

    assert {"二级", "规范级", "各级得分", "设备综合效率"} <= {word for word in ("二级", "规范级", "各级得分", "设备综合效率") if word in text}  # fmt: skip
    assert pictures.count("image") >= 3
