"""The rules of the house, each proven by the tool that watches it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


def run(*words: str) -> str:
    """What the tool says; empty when it is content."""
    done = subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, encoding="utf-8"
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_the_code_is_linted() -> None:
    """Ruff has nothing to say."""
    assert run("-m", "ruff", "check", "--no-cache", ".") == ""


def test_the_code_is_formatted() -> None:
    """The formatter would change nothing."""
    assert run("-m", "ruff", "format", "--no-cache", "--check", ".") == ""


@pytest.mark.parametrize(
    "options",
    [(), ("--platform", "win32"), ("--python-version", "3.14")],
    ids=["here", "Windows", "newest Python"],
)
def test_every_function_is_typed(options: tuple[str, ...]) -> None:
    """Mypy in strict mode is content, here, for Windows and for the newest Python."""
    assert run("-m", "mypy", *options) == ""


def test_imports_go_downward_only() -> None:
    """The layers of the house hold."""
    assert run("-c", "from importlinter.cli import lint_imports_command; lint_imports_command()") == ""


def test_nothing_needs_a_newer_python_than_promised() -> None:
    """Vermin finds nothing beyond Python 3.11."""
    program = "from vermin import main; main()"

    assert run("-c", program, "--no-tips", "--eval-annotations", "-t=3.11-", "--violations", "factory_kit") == ""


def test_every_text_has_its_chinese() -> None:
    """No message lacks its translation, none is built where it cannot be translated, and the catalogues are current."""
    assert run(".ci/messages.py", "--check") == ""


def test_the_definition_folders_hold_no_python() -> None:
    """``assessments``, ``connectors`` and ``datasets`` are data: a module in them would shadow libraries of that name."""
    assert [path for name in ("assessments", "connectors", "datasets") for path in (ROOT / name).rglob("*.py")] == []


def test_no_foreign_type_definitions_are_executed() -> None:
    """Asyncua's ``load_data_type_definitions`` runs text that a server sends; nothing calls it."""
    callers = [
        path
        for path in (ROOT / "factory_kit").rglob("*.py")
        if "load_data_type_definitions(" in path.read_text(encoding="utf-8")
    ]

    assert callers == []
