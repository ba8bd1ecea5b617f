"""The guides for contributors, followed word by word: what they say to write is written, what they say to run is run."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from factory_kit.cli.main import main

DOCS = Path(__file__).resolve().parents[2] / "docs"
FENCE = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"^[^`\n]*`(?P<path>[\w./-]+\.\w+)`[^\n]*:\n\n\Z", re.MULTILINE)
"""A line that names a file first and ends with a colon: the block below it is that file."""


@dataclass
class Follower:
    """Somebody who follows a guide in *folder*, and what is still running there."""

    folder: Path
    ports: dict[str, str]
    said: Callable[[list[str]], tuple[int, str]]
    path: Callable[[str], None]
    running: list[subprocess.Popen[str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)

    def follow(self, guide: str) -> None:
        """Write every file of *guide* and run every command, in the order of the text."""
        text = (DOCS / guide).read_text(encoding="utf-8")
        for number, own in self.ports.items():
            text = text.replace(number, own)
        for block in FENCE.finditer(text):
            named = NAMED.search(text[: block.start()])
            if block["kind"] == "console":
                self._run(block["text"])
            elif named is not None:
                path = self.folder / named["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block["text"], encoding="utf-8", newline="\n")

    def _run(self, block: str) -> None:
        """The commands of *block*; the lines below each must stand in what it says, in that order."""
        for step in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *expected = step.splitlines()
            words = shlex.split(command)
            self.commands.append(command)
            if words[0] == "python":
                self._start(words[1:])
                continue
            if words[:2] == ["pip", "install"]:
                self._install(self.folder / words[-1])
                continue
            assert words.pop(0) == "factory-kit", command
            code, said = self.said(words)
            assert code == 0, f"{command}\n{said}"
            place, folded = 0, " ".join(said.split())
            for line in expected:
                found = folded.find(" ".join(line.split()), place)
                assert found >= 0, f"{command}\nsays nothing of: {line}\n{said}"
                place = found

    def _install(self, package: Path) -> None:
        """What pip would write for an editable package, without the network that its build needs."""
        project = tomllib.loads((package / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        about = package / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        lines = [
            f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in entries.items())
            for group, entries in project["entry-points"].items()
        ]
        (about / "entry_points.txt").write_text("\n".join(lines))
        self.path(str(package))

    def _start(self, words: list[str]) -> None:
        """A server in the background; it serves when it has said something."""
        program = subprocess.Popen(
            [sys.executable, "-u", *words], cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.running.append(program)
        assert program.stdout is not None
        assert program.stdout.readline(), f"{words} ended"


def free_port() -> int:
    """A port of this computer that nobody uses now."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@pytest.fixture
def follower(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Follower]:
    """Somebody with a new empty folder; 5020 and 4305 of the guides are ports that are free here."""
    monkeypatch.chdir(tmp_path)
    for name, value in (
        ("FACTORY_KIT_LANG", "en"),
        ("COLUMNS", "200"),
        ("LANGUAGE", "en"),
        ("PYTHONPATH", str(DOCS.parent)),
    ):
        monkeypatch.setenv(name, value)

    def said(words: list[str]) -> tuple[int, str]:
        capsys.readouterr()
        try:
            main(words)
            code = 0
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    found = Follower(tmp_path, {"5020": str(free_port()), "4305": str(free_port())}, said, monkeypatch.syspath_prepend)
    yield found
    for program in found.running:
        program.kill()
        program.communicate()
