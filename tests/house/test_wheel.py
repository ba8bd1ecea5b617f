"""The wheel holds all it needs, and tells its story from an empty folder in an empty environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
DATA = ("assessments", "connectors", "datasets", "examples")
CLEAN = os.environ.get("CI") == "true"

pytestmark = pytest.mark.wheel


def built(form: str, out: Path) -> Path:
    """The distribution of the *form* ``wheel`` or ``sdist``, in *out*."""
    done = subprocess.run(
        [sys.executable, "-m", "build", f"--{form}", "--outdir", out, ROOT], capture_output=True, text=True, check=False
    )
    if done.returncode:
        message = f"the {form} was not built: {done.stdout[-500:]}{done.stderr[-500:]}"
        if CLEAN or "No matching distribution" not in message:
            pytest.fail(message)
        pytest.skip("the build needs packages that cannot be reached from here")
    return next(out.glob("factory_kit-*"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel as users get it."""
    return built("wheel", tmp_path_factory.mktemp("wheel"))


def ours(folder: str) -> set[str]:
    """The files of *folder* that belong to the project: those git tracks, and all where it was unpacked from an sdist."""
    if not (ROOT / ".git").exists():
        files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        return {path.relative_to(ROOT).as_posix() for path in files}
    listed = subprocess.run(
        ["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True, encoding="utf-8"
    )
    return set(filter(None, listed.stdout.split("\0")))


def test_the_sdist_holds_all_that_the_project_is_made_of(tmp_path: Path) -> None:
    """Who has it can run its tests and build its documentation: nothing that belongs to the project is missing."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is what the sdist holds")
    wanted = {name for name in ours(".") if (ROOT / name).exists()}
    with tarfile.open(built("sdist", tmp_path)) as archive:
        held = {name.partition("/")[2] for name in archive.getnames()}

    assert wanted - held == set()


def test_every_definition_is_in_the_wheel(wheel: Path) -> None:
    """The wheel's definitions are the checkout's: none missing, none more."""
    with zipfile.ZipFile(wheel) as archive:
        shipped = {
            name for name in archive.namelist() if name.startswith("factory_kit/_data/") and not name.endswith("/")
        }

    assert shipped == {f"factory_kit/_data/{name}" for folder in DATA for name in ours(folder)}


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


def binaries_of(environment: Path) -> Path:
    """Where the programs of an environment lie."""
    return environment / ("Scripts" if os.name == "nt" else "bin")


def run(*words: object, **options: Any) -> subprocess.CompletedProcess[str]:
    """A program with what it said."""
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=False, encoding="utf-8", **options
    )


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment with the wheel and no extra, under a path with Chinese signs and blanks."""
    environment = tmp_path_factory.mktemp("环境 ") / "环境 venv"
    venv.create(environment, with_pip=True)
    binaries = binaries_of(environment)
    done = run(binaries / "python", "-m", "pip", "install", "--quiet", wheel)
    if done.returncode:
        if CLEAN:
            pytest.fail(done.stderr[-1000:])
        pytest.skip("the dependencies cannot be reached from here")
    return binaries


@pytest.mark.demo
def test_the_demonstration_runs_from_an_empty_folder(bare: Path, tmp_path: Path) -> None:
    """Installed into an empty environment, ``factory-kit demo`` ends well and leaves a report in both languages."""
    empty = tmp_path / "空 文件夹"
    empty.mkdir()

    done = run(bare / "factory-kit", "--lang", "en", "demo", cwd=empty, timeout=1200)

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


def told_by_doctor(binaries: Path, folder: Path) -> dict[str, dict[str, str]]:
    """What ``doctor`` finds, by id; it must find nothing missing."""
    done = run(binaries / "factory-kit", "--lang", "en", "doctor", "--json", cwd=folder)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return {each["id"]: each for each in json.loads(done.stdout)["findings"]}


def test_the_bare_wheel_has_what_a_normal_day_needs(bare: Path, tmp_path: Path) -> None:
    """By its own metadata: every package of the core is there and loads, every extra is switched off and says so."""
    found = told_by_doctor(bare, tmp_path)

    assert found["packages"]["state"] == "ok"
    assert "duckdb" in found["packages"]["found"]
    assert {key: each["state"] for key, each in found.items() if key.startswith("extra-")} == {
        "extra-keyring": "limited", "extra-lake": "limited", "extra-spark": "limited", "extra-validate": "limited",
    }  # fmt: skip


def other_python() -> str | None:
    """The newest Python of this machine that is not the one running the tests and that Factory Kit takes; None without one."""
    names = [f"python3.{minor}" for minor in range(11, 15) if (3, minor) != sys.version_info[:2]]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [path for name in names for path in (shutil.which(name), *map(str, pyenv.glob(f"*/bin/{name}"))) if path]
    return next(
        (path for path in reversed(found) if run(path, "-c", "import ensurepip, ssl, venv").returncode == 0), None
    )


def test_the_wheel_works_with_another_python_of_this_machine(wheel: Path, tmp_path: Path) -> None:
    """Installed with it, nothing is missing and the shipped definitions are read; one Python proves nothing about others."""
    python = other_python()
    if python is None:
        pytest.skip("this machine has no other Python between 3.11 and 3.14")
    run(python, "-m", "venv", tmp_path / "venv")
    binaries = binaries_of(tmp_path / "venv")
    if run(binaries / "python", "-m", "pip", "install", "--quiet", wheel).returncode:
        pytest.skip(f"{python}: the dependencies cannot be reached from here")

    assert told_by_doctor(binaries, tmp_path)["packages"]["state"] == "ok"
    assert len(json.loads(run(binaries / "factory-kit", "connectors", "list", "--json").stdout)) > 10
