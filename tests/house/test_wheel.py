"""The wheel holds all it needs, and tells its story from an empty folder in an empty environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ("assessments", "connectors", "datasets", "examples")
CLEAN = os.environ.get("CI") == "true"

pytestmark = pytest.mark.wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as users get it."""
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT], capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = f"the wheel was not built: {done.stdout[-500:]}{done.stderr[-500:]}"
        if CLEAN or "No matching distribution" not in message:
            pytest.fail(message)
        pytest.skip("the build needs packages that cannot be reached from here")
    return next(out.glob("*.whl"))


def tracked(folder: str) -> set[str]:
    """The files of *folder* that belong to the project, as the wheel names them."""
    listed = subprocess.run(
        ["git", "ls-files", folder], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return {f"factory_kit/_data/{name}" for name in listed.stdout.splitlines()}


def test_every_definition_is_in_the_wheel(wheel: Path) -> None:
    """The wheel's definitions are the checkout's: none missing, none more."""
    with zipfile.ZipFile(wheel) as archive:
        shipped = {
            name for name in archive.namelist() if name.startswith("factory_kit/_data/") and not name.endswith("/")
        }

    assert shipped == set().union(*(tracked(folder) for folder in DATA))


def test_catalogues_templates_and_the_type_marker_are_in_the_wheel(wheel: Path) -> None:
    """What is no Python but needed at run time is there."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert {
        "factory_kit/py.typed",
        "factory_kit/locale/zh_CN/LC_MESSAGES/factory_kit.mo",
        "factory_kit/render/templates/document.html",
        "factory_kit/cli/new_workspace/site.yaml",
    } <= names


@pytest.mark.demo
def test_the_demonstration_runs_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    """Installed into an empty environment, ``factory-kit demo`` ends well and leaves a report in both languages."""
    environment = tmp_path / "环境 venv"
    venv.create(environment, with_pip=True)
    binaries = environment / ("Scripts" if os.name == "nt" else "bin")
    done = subprocess.run(
        [binaries / "python", "-m", "pip", "install", "--quiet", wheel], capture_output=True, text=True, check=False
    )
    if done.returncode:
        if CLEAN:
            pytest.fail(done.stderr[-1000:])
        pytest.skip("the dependencies cannot be reached from here")
    empty = tmp_path / "空 文件夹"
    empty.mkdir()

    done = subprocess.run(
        [binaries / "factory-kit", "--lang", "en", "demo"],
        cwd=empty,
        capture_output=True,
        text=True,
        check=False,
        encoding="utf-8",
        timeout=1200,
    )

    assert done.returncode == 0, done.stderr[-3000:]
    assert "leaked" not in done.stderr
    _require_the_deep_parts(empty / "factory-kit-demo", " ".join(done.stdout.split()), " ".join(done.stderr.split()))
    made = empty / "factory-kit-demo"
    pages = {path.name for path in (made / "assessments" / "demo" / "report").glob("*.html")}
    assert len(pages) >= 2


def _require_the_deep_parts(made: Path, out: str, err: str) -> None:
    """Loss ledger, floor and ceiling, path, public table and trace are told, with the figures of what was made."""
    samples = re.search(r"(\d+) samples \(", err)
    assert samples is not None
    assert f"{int(samples[1]):,} values were delivered; " in out
    score = json.loads((made / "assessments" / "demo" / "score.json").read_bytes())
    assert score["floor"]["level"] < score["score"]["level"]
    assert "Between them stand " in out
    assert f"Plan 1 to level {score['score']['level'] + 1}: " in out
    assert "Plan 2" not in out
    street = json.loads((made / "public" / "data.json").read_bytes())["tables"]["street"]
    hidden = sum(cell is None for cells in street["cells"] for cell in cells)
    assert hidden > 0
    assert f"·: hidden, {hidden} cells of this table." in out
    assert "cells are hidden, and it is proven that none can be worked out." in err
    assert "✓ Example Machine Insurance: these are the marks of this copy (p ≤ " in err
    assert "✓ Example Analytics: these" not in err
