"""Somebody who follows a tutorial line by line, in an empty folder, in two windows."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from factory_kit.cli.main import main
from tests.docs.blocks import DOCS, ROOT, Block, blocks_of, words_of

PORTS = ("48400", "15020", "8321")
"""Ports that the pages name; each reading gets free ones instead."""
READY_S = 120.0
TEXTS = {"FACTORY_KIT_LANG": "en", "LANGUAGE": "en", "COLUMNS": "160", "FACTORY_KIT_TRACEBACK": "1"}
SECRET = {"FACTORY_KIT_PASSPHRASE": "a passphrase of the tutorial"}


@dataclass
class Reader:
    """Follows pages in *folder*; what was said last stays in *said*."""

    folder: Path
    said: str = ""
    windows: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        """Into the folder, with the environment of a reader."""
        self._back = (Path.cwd(), dict(os.environ))
        os.environ.update(TEXTS | SECRET | {"PYTHONPATH": str(ROOT)})
        os.chdir(self.folder)
        self.ports = dict(zip(PORTS, _free_ports(len(PORTS)), strict=True))
        return self

    def __exit__(self, *_: object) -> None:
        """Close all windows and go home."""
        for name in list(self.windows):
            self._close(name)
        folder, environment = self._back
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(environment)

    def follow(self, block: Block) -> None:
        """Do what one block says; ``AssertionError`` names the page and line where it does not work."""
        text = self._here(block.text)
        do: dict[str, Callable[[], object]] = {
            "file": lambda: Path(block.word).write_text(text, encoding="utf-8"),
            "append": lambda: Path(block.word).write_text(Path(block.word).read_text("utf-8") + text, encoding="utf-8"),
            "run": lambda: self._open(block, text),
            "says": lambda: self._compare(block, text),
            "skip": lambda: None,
        }
        if block.verb in do:
            do[block.verb]()
        elif block.language == "bash":
            self._type(block)
        else:
            assert block.language in {"text", ""}, f"{block}: a block of {block.language} that nobody runs"

    def _here(self, text: str) -> str:
        for named, free in self.ports.items():
            text = text.replace(named, free)
        return text

    def _type(self, block: Block) -> None:
        expected = int(block.word) if block.verb == "exit" else 0
        self.said = ""
        for line in block.lines:
            code, said = self._run(words_of(self._here(line)))
            self.said += said
            assert code == expected, f"{block}: {line}\nended with {code}, expected {expected}\n{said}"

    def _run(self, words: list[str]) -> tuple[int, str]:
        if words[0] == "factory-kit":
            return _in_process(words[1:])
        assert words[0] == "python", f"a command that is not on every machine: {words[0]}"
        done = subprocess.run(
            [sys.executable, *words[1:]], check=False, capture_output=True, text=True, timeout=READY_S
        )
        return done.returncode, done.stdout + done.stderr

    def _open(self, block: Block, text: str) -> None:
        """A program of its own in a second window, in place of the one that ran there before; wait until it answers."""
        self._close(block.word)
        words = words_of(text)
        start = [sys.executable, "-m", "factory_kit"] if words[0] == "factory-kit" else [sys.executable]
        self.windows[block.word] = running = subprocess.Popen(
            [*start, *words[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        end = time.monotonic() + READY_S
        for port in (port for port in self.ports.values() if port in words):
            while not _answers(int(port)):
                assert running.poll() is None, f"{block}: the program ended with {running.returncode}"
                assert time.monotonic() < end, f"{block}: nothing answers at port {port}"
                time.sleep(0.05)

    def _close(self, name: str) -> None:
        if (running := self.windows.pop(name, None)) is not None:
            running.terminate()
            running.wait(READY_S)

    def _compare(self, block: Block, text: str) -> None:
        said = " ".join(self.said.split())
        for line in text.splitlines():
            assert " ".join(line.split()) in said, f"{block}: not said any more: {line}\n{self.said}"


def _in_process(words: list[str]) -> tuple[int, str]:
    """Exit code and everything that was said."""
    said = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    code: object = 0
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            main(words)
        except SystemExit as stop:
            code = stop.code
    return int(code or 0) if isinstance(code, int | None) else 1, said.buffer.getvalue().decode("utf-8")  # type: ignore[attr-defined]


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _free_ports(count: int) -> Iterator[str]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        yield from [str(each.getsockname()[1]) for each in sockets]


def story(name: str, lang: str = "en") -> list[Block]:
    """The blocks of one tutorial."""
    return blocks_of(DOCS / "tutorials" / f"{name}.{lang}.md")


def told(name: str, folder: Path) -> Path:
    """*folder*, after somebody followed the tutorial there to its end."""
    with Reader(folder) as reader:
        for block in story(name):
            reader.follow(block)
    return folder


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # told to stop, it closes its windows first
    told(sys.argv[1], Path(sys.argv[2]))
