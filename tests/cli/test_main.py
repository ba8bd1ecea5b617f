"""The frame of the command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from factory_kit import __version__
from factory_kit.cli.console import print_table
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


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["query", "--lmit", "3", "SELECT 1"], "没有这个选项：--lmit（是否指 --limit）；用法见：factory-kit query --help"),
        (["assess", "scor"], "没有这个命令：scor（是否指 'score', 'rescore'）；用法见：factory-kit assess --help"),
        (["assess", "score"], "缺少参数 NAME；用法见：factory-kit assess score --help"),
        (["demo", "a", "b"], "多出了：b；用法见：factory-kit demo --help"),
        (["check", "--timing=3"], "选项 --timing 不带值；用法见：factory-kit --help"),
        (["query", "--limit", "-1", "SELECT 1"], "--limit 至少为 0；用法见：factory-kit query --help"),
        (["collect", "--for"], "选项 --for 需要一个值；用法见：factory-kit --help"),
        (["query", "--limit", "x", "SELECT 1"], "--limit 须为整数；用法见：factory-kit query --help"),
    ],
)  # fmt: skip
def test_wrong_use_is_one_line_in_the_language_in_force(factory_kit: Command, words: list[str], line: str) -> None:
    """What the option parser refuses is said in one line that names the help to read, with exit code 2."""
    said = factory_kit("--lang", "zh", *words)

    assert (said.code, said.out, said.err) == (2, "", line + "\n")


def test_a_group_without_a_command_shows_its_help(factory_kit: Command) -> None:
    """The help comes on standard error, wholly in Chinese, and counts as wrong use."""
    said = factory_kit("--lang", "zh", "key")

    assert said.code == 2
    assert said.err.startswith("用法：factory-kit key")
    assert "显示本帮助" in said.err


def test_help_needs_no_heavy_import() -> None:
    """The help page loads neither pandas nor DuckDB nor a protocol library."""
    heavy = ["pandas", "duckdb", "pyarrow", "asyncua", "pymodbus", "sklearn", "altair"]
    program = f"""
import sys
from factory_kit.cli.console import print_table
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


def run(*words: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """A command in a process of its own, with its raw output."""
    return subprocess.run(
        [sys.executable, "-m", "factory_kit", *map(str, words)],
        capture_output=True,
        check=False,
        env={**os.environ, "FACTORY_KIT_LANG": "en", **environment},
    )


@pytest.mark.parametrize(
    ("environment", "encoding"),
    [
        ({"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, "utf-8"),
        ({"PYTHONIOENCODING": "ascii"}, "utf-8"),
        ({"PYTHONIOENCODING": "gbk"}, "gbk"),
        ({"PYTHONIOENCODING": "cp1252"}, "cp1252"),
    ],
    ids=["C locale", "ascii", "gbk", "cp1252"],
)
def test_no_encoding_of_the_terminal_stops_a_command(environment: dict[str, str], encoding: str) -> None:
    """Chinese is written as UTF-8 where the locale knows only ASCII; elsewhere what does not fit becomes a question mark."""
    done = run("--help", **environment, FACTORY_KIT_LANG="zh")

    said = done.stdout.decode(encoding)
    assert (done.returncode, done.stderr) == (0, b"")
    assert ("安全地读取" in said) == (encoding != "cp1252")


def test_json_is_whole_in_every_encoding(tmp_path: Path) -> None:
    """A stream that cannot carry Chinese gets JSON in ASCII, which loses nothing."""
    run("init", tmp_path / "plant")
    done = run("check", tmp_path / "plant", "--json", PYTHONIOENCODING="cp1252", FACTORY_KIT_LANG="zh")

    assert "台设备" in json.loads(done.stdout)["summary"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("words", [("--help",), ("connectors", "list", "--json")])
def test_output_onto_a_full_disk_is_one_line(words: tuple[str, ...]) -> None:
    """What the system refuses while results are written is said in one line, exit code 1."""
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "factory_kit", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            env={**os.environ, "FACTORY_KIT_LANG": "en"},
        )

    assert (done.returncode, done.stderr.count(b"\n")) == (1, 1)
    assert b"The system refuses: No space left on device" in done.stderr


def test_closed_streams_stop_nothing() -> None:
    """A command whose output nobody takes ends as it would have ended."""
    done = subprocess.run(
        ["sh", "-c", '"$0" -m factory_kit connectors list --json <&- >&-', sys.executable],
        capture_output=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_what_the_system_refuses_is_one_line() -> None:
    """A name that no file system takes gives one line and exit code 1, no traceback."""
    done = run("check", "x" * 5000)

    assert (done.returncode, done.stderr.count(b"\n"), b"Traceback" in done.stderr) == (1, 1, False)
    assert b"File name too long" in done.stderr


def test_texts_of_others_are_neither_markup_nor_terminal_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """Brackets and backslashes stay as they are; control signs are spelled out."""
    print_table((r"[red]a\[b]",), [(r"x\[bold]y[/] [fe80::1]",), ("\x1b[31mred\x1b]0;title\x07",)])

    printed = capsys.readouterr().out
    assert r"[red]a\[b]" in printed
    assert r"x\[bold]y[/] [fe80::1]" in printed
    assert r"\x1b[31mred\x1b]0;title\x07" in printed
    assert "\x1b" not in printed


def test_ctrl_c_inside_a_library_is_ctrl_c(factory_kit: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that answers Ctrl-C with an error of its own does not make it a mistake of the program."""

    def interrupted(*_: object, **__: object) -> None:
        raise ValueError('Error building "literal" validator: KeyboardInterrupt:')

    monkeypatch.setattr("factory_kit.cli.checks.check_path", interrupted)

    said = factory_kit("check")

    assert (said.code, said.err) == (1, "Interrupted.\n")


def test_help_names_no_types_of_the_parser(factory_kit: Command) -> None:
    """Arguments and options show what is expected in words of ours, not <path> or <int range>."""
    shown = factory_kit("discover", "opcua", "--help").out + factory_kit("init", "--help").out

    assert re.findall(r"<[a-z ]+>", shown) == []
    assert "--nodes N " in shown
