"""The frame of the command line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit import __version__
from factory_kit.cli.main import command
from factory_kit.i18n import use_language

from .conftest import Command


def commands() -> list[tuple[str, str]]:
    """Every command with its help text, groups as ``group command``."""
    use_language("en")
    found: list[tuple[str, str]] = []
    pending: list[tuple[str, object]] = [("", command())]
    while pending:
        path, node = pending.pop()
        children = getattr(node, "commands", None)
        if children:
            pending += [(f"{path} {name}".strip(), child) for name, child in children.items()]
        else:
            found.append((path, getattr(node, "help", "") or ""))
    return sorted(found)


def test_every_command_shows_an_example_that_is_a_command() -> None:
    """The help of each command ends with a line that can be pasted and names that very command."""
    lacking = [path for path, text in commands() if not re.search(rf"Example: factory-kit {path}\b", text)]

    assert lacking == []


def test_help_speaks_the_language_that_was_asked_for(factory_kit: Command) -> None:
    """--lang may stand anywhere, and help follows it."""
    assert "读取" in factory_kit("--help", "--lang", "zh").out
    assert "read a plant safely" in factory_kit("--lang=en", "--help").out


def test_the_version_is_printed(factory_kit: Command) -> None:
    """--version names the version and stops."""
    assert factory_kit("--version").out == f"factory-kit {__version__}\n"


def test_an_error_is_one_line_without_a_traceback(factory_kit: Command, tmp_path: Path) -> None:
    """A folder that is no workspace gives one line on standard error, nothing on standard output, and exit code 2."""
    said = factory_kit("query", "SELECT 1", "-w", tmp_path)

    assert (said.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "is no workspace (no site.yaml)" in said.err


def test_the_same_error_in_chinese(factory_kit: Command, tmp_path: Path) -> None:
    """The line is Chinese when Chinese was asked for."""
    said = factory_kit("--lang", "zh", "query", "SELECT 1", "-w", tmp_path)

    assert "不是工作区" in said.err


def test_an_unknown_option_is_wrong_use(factory_kit: Command) -> None:
    """A mistyped option gives exit code 2."""
    assert factory_kit("query", "--lmit", "3", "SELECT 1").code == 2


def test_help_needs_no_heavy_import() -> None:
    """The help page loads neither pandas nor DuckDB nor a protocol library."""
    heavy = ["pandas", "duckdb", "pyarrow", "asyncua", "pymodbus", "sklearn", "altair"]
    program = f"""
import sys
from factory_kit.cli.main import command
command()
print([name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("word", ["zh_CN.UTF-8", "en_US.UTF-8"])
def test_the_locale_decides_when_nothing_else_does(word: str) -> None:
    """Without --lang and FACTORY_KIT_LANG the locale of the machine decides."""
    done = subprocess.run(
        [sys.executable, "-m", "factory_kit", "--help"],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
        env={"PATH": "", "LC_ALL": word, "PYTHONUTF8": "1"},
    )

    assert ("读取" in done.stdout) == word.startswith("zh")
