"""``form``: the papers of a visit from the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from factory_kit.shipped import data_dir

from .conftest import Command


@pytest.mark.parametrize("paper", ["checklist", "authorisation"])
def test_papers_of_a_workspace_lie_in_it(factory_kit: Command, tmp_path: Path, paper: str) -> None:
    """Both languages, each in the formats asked for, with the plant's name and addresses."""
    shutil.copy(data_dir("examples") / "demo-plant" / "site.yaml", tmp_path / "site.yaml")

    said = factory_kit("form", paper, "-w", tmp_path, "--format", "html", "--format", "docx", "--json")

    files = [Path(name) for name in json.loads(said.out)]
    assert said.code == 0
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        f"forms/{paper}.{language}.{suffix}" for language in ("zh", "en") for suffix in ("html", "docx")
    ]
    assert "示例精密机械（上海松江）" in files[0].read_text(encoding="utf-8")
    assert "127.0.0.1:15020" in files[2].read_text(encoding="utf-8")


def test_outside_a_workspace_the_paper_is_blank(factory_kit: Command, tmp_path: Path) -> None:
    """It says so, and writes where it was told."""
    said = factory_kit(
        "form", "checklist", "-w", tmp_path, "--in", "zh", "--out", tmp_path / "纸", "--provider", "某公司"
    )

    assert said.code == 0
    assert "is no workspace, so the paper is blank" in said.err
    assert "某公司" in (tmp_path / "纸" / "checklist.zh.html").read_text(encoding="utf-8")


def test_a_language_that_is_none_is_one_line(factory_kit: Command, tmp_path: Path) -> None:
    """Nothing is written."""
    said = factory_kit("form", "checklist", "-w", tmp_path, "--in", "fr")

    assert (said.code, list(tmp_path.iterdir())) == (2, [])
    assert "'fr' is no language of reports, expected zh, en or both" in said.err
