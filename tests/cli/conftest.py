"""The command line called in this process, with what it printed and its exit code."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from factory_kit.cli.main import main
from factory_kit.shipped import data_dir


@dataclass(frozen=True)
class Said:
    """What one command did."""

    code: int
    out: str
    err: str


Command = Callable[..., Said]


@pytest.fixture
def factory_kit(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    """``factory_kit("check", "x")`` runs the command in English unless ``--lang`` is among the words."""
    monkeypatch.setenv("FACTORY_KIT_LANG", "en")
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("LANGUAGE", "en")
    monkeypatch.setenv("FACTORY_KIT_TRACEBACK", "1")

    def run(*words: object) -> Said:
        capsys.readouterr()
        try:
            main([str(word) for word in words])
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        printed = capsys.readouterr()
        return Said(code, printed.out, printed.err)

    return run


@pytest.fixture
def plant(factory_kit: Command, tmp_path: Path) -> Path:
    """A workspace with the example assessment called ``first``."""
    root = tmp_path / "plant"
    root.mkdir()
    shutil.copy(data_dir("examples") / "demo-plant" / "site.yaml", root / "site.yaml")
    factory_kit("assess", "new", "first", "--example", "--from", "2026-10-01", "--to", "2026-10-31", "-w", root)
    return root
