"""What goes wrong while a package is made: one line that says what to do, no traceback, and nothing under the final name."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit.model.run import CataloguePoint, Run
from factory_kit.model.sample import Origin
from factory_kit.pack.templates import copy_template
from factory_kit.store import Store

from .conftest import MIDNIGHT
from .test_release import run, workspace

__all__ = ["workspace"]  # the fixture

COUNTED = "One mistake found; nothing was changed."
DAY = ("--from", "2026-01-01", "--to", "2026-01-01")


def refused(
    place: Path, out: Path, capsys: pytest.CaptureFixture[str], *more: str, product: str = "cnc-spindle"
) -> str:
    """The one line that ``pack build`` says; neither *out* nor anything beside it is left."""
    before = set(out.parent.iterdir()) if out.parent.is_dir() else set()
    capsys.readouterr()
    code = run("pack", "build", product, "-w", place, "--out", out, "--graded-by", "张三", *(more or DAY))
    said = capsys.readouterr().err

    assert code in (1, 2), said
    assert "Traceback" not in said
    assert len([line for line in said.strip().splitlines() if line != COUNTED]) == 1, said
    assert (set(out.parent.iterdir()) if out.parent.is_dir() else set()) == before
    return said


def test_a_folder_that_is_not_there(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named, and not made: a slip of the pen makes no folders."""
    assert "nowhere" in refused(workspace, tmp_path / "nowhere" / "out.zip", capsys)


def test_days_without_a_sample(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The roles that were looked for are named."""
    said = refused(workspace, tmp_path / "out.zip", capsys, "--from", "2026-03-01", "--to", "2026-03-02")

    assert "no row in this interval" in said
    assert "spindle_load" in said


def test_points_that_vanished(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The machine was connected anew, its load now has another role: no row, and the role is named."""
    store = Store(workspace / "store")
    with store.writer(Run("r2", MIDNIGHT, Origin.SIMULATED, "demo", "collect")):
        store.register(
            [CataloguePoint("cnc-01", "spindle_load", "temperature", "bar", "float64", "a:1", "c", "1", "s")]
        )

    assert "spindle_load" in refused(workspace, tmp_path / "out.zip", capsys)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_key_that_others_can_read(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The file is named, and what to do."""
    (workspace / "keys").mkdir()
    key = workspace / "keys" / "pseudonyms.key"
    key.write_text("ab" * 32, encoding="ascii")
    key.chmod(0o644)

    assert "chmod 600" in refused(workspace, tmp_path / "out.zip", capsys)


def test_a_recipe_that_would_publish_the_key(
    workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a comment of build.sql, in capitals: refused, and the key is not repeated."""
    (workspace / "keys").mkdir()
    (workspace / "keys" / "pseudonyms.key").write_text("ab" * 32, encoding="ascii")
    (workspace / "keys" / "pseudonyms.key").chmod(0o600)
    sql = copy_template("cnc-spindle", "ours", workspace / "datasets") / "build.sql"
    sql.write_text("-- " + "AB" * 32 + "\n" + sql.read_text(encoding="utf-8"), encoding="utf-8")
    said = refused(workspace, tmp_path / "out.zip", capsys, product="ours")

    assert "build.sql: holds the key of the plant" in said
    assert "ab" * 32 not in said.lower()


def test_a_column_for_every_second(workspace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Ten thousand fields: the product is to be split."""
    folder = copy_template("cnc-spindle", "wide", workspace / "datasets")
    field = "  - {{name: c{n}, label: {{zh: 值, en: v}}, description: {{zh: 值, en: v}}, type: number}}\n"
    text = (folder / "product.yaml").read_text(encoding="utf-8")
    wide = text.replace("watermark:", "".join(field.format(n=n) for n in range(10_000)) + "watermark:", 1)
    (folder / "product.yaml").write_text(wide, encoding="utf-8")

    assert "10005 fields, expected at most 1000; split the product" in refused(
        workspace, tmp_path / "out.zip", capsys, product="wide"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
@pytest.mark.parametrize("most", [3_000, 60_000], ids=["while rows are written", "while the package is sealed"])
def test_a_disk_that_fills_up(workspace: Path, tmp_path: Path, most: int) -> None:
    """A limit on the size of files stands for a full disk."""
    (tmp_path / "out").mkdir()
    code = (
        "import resource, signal, sys\nfrom factory_kit.cli.main import main\n"
        f"signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\nresource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\nmain(sys.argv[1:])"
    )
    words = [
        "pack",
        "build",
        "cnc-spindle",
        "-w",
        workspace,
        "--out",
        tmp_path / "out" / "p.zip",
        "--graded-by",
        "张三",
        *DAY,
    ]
    environment = {**os.environ, "FACTORY_KIT_LANG": "en", "PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run(
        [sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True, check=False, env=environment
    )

    assert done.returncode == 1, done.stderr
    assert "the disk is full, nothing was written; make room and repeat" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "out").iterdir()) == []
