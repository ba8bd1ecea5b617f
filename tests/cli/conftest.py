"""The command line called in this process, with what it printed and its exit code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from factory_kit.cli.main import main


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
