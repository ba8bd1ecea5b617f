"""How the demonstration is told: steps with headings, commands as a user types them, work that runs beside, and no long silence."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import typer
from rich.console import Console, ConsoleRenderable, RenderHook

from factory_kit.i18n import _, language

__all__ = ["Story", "never_silent"]

PATIENCE_S = 2.5
"""After so long without a sign on the terminal one is given."""


@dataclass
class _Beside:
    """A command in a process of its own, and where it writes."""

    words: tuple[str, ...]
    process: subprocess.Popen[bytes]
    said: IO[bytes]
    noted: IO[bytes]

    def end(self) -> None:
        """It ends, whether it was done or not."""
        if self.process.poll() is None:
            self.process.terminate()
        self.process.wait()
        self.said.close()
        self.noted.close()


@dataclass
class Story:
    """The steps so far: what was typed, how long it took, what it made."""

    workspace: Path
    steps: list[tuple[str, float, str]] = field(default_factory=list)
    beside: list[_Beside] = field(default_factory=list)
    _pulse: Callable[[str], None] = field(default=lambda _what: None)

    @contextmanager
    def told(self) -> Iterator[Story]:
        """Whatever still runs beside is ended behind the block; inside it nobody waits long without a sign."""
        with never_silent() as self._pulse:
            try:
                yield self
            finally:
                for each in self.beside:
                    each.end()

    @contextmanager
    def step(self, title: str, made: str = "") -> Iterator[None]:
        """One step with its heading; its time counts for the last table."""
        from factory_kit.cli.console import stderr

        stderr().rule(f"{len(self.steps) + 1}  {title}", align="left")
        self._pulse(title)
        began = time.perf_counter()
        yield
        self.steps.append((title, time.perf_counter() - began, made))

    def run(self, *words: str | Path, findings: bool = False) -> None:
        """One command as a user types it, shown and then done in this process; *findings* are no failure where they are planted."""
        from factory_kit.cli.main import PARSER_INTERRUPTED, command

        typed = [str(word) for word in words]
        self._type(typed)
        code = command().main(typed, prog_name="factory-kit", standalone_mode=False)
        if code == PARSER_INTERRUPTED:
            raise KeyboardInterrupt
        _require_done(code, findings=findings)

    def begin(self, *words: str | Path) -> None:
        """One command, begun in a process of its own and told later by ``tell``."""
        typed = tuple(str(word) for word in words)
        said, noted = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - closed by end()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "factory_kit", "--lang", language(), *typed],
            stdin=subprocess.DEVNULL, stdout=said, stderr=noted, env=_environment(),
        )  # fmt: skip
        self.beside.append(_Beside(typed, process, said, noted))

    def tell(self, *words: str, findings: bool = False) -> None:
        """What the command that was begun with *words* wrote, as soon as it is done."""
        from factory_kit.cli.console import results

        begun = next(each for each in self.beside if each.words[: len(words)] == words)
        self._type(begun.words)
        code = begun.process.wait()
        for source, target in ((begun.said, results().file), (begun.noted, sys.stderr)):
            source.seek(0)
            target.write(source.read().decode("utf-8", "replace").replace("\r\n", "\n"))
            target.flush()
        _require_done(code, findings=findings)

    def _type(self, typed: Sequence[str]) -> None:
        from factory_kit.cli.console import note

        note("$ factory-kit " + shlex.join(typed))
        self._pulse("factory-kit " + " ".join(word for word in typed[:2] if not word.startswith("-")))


def _require_done(code: int | None, *, findings: bool) -> None:
    if code and not (findings and code == 1):
        raise typer.Exit(code)


def _environment() -> dict[str, str]:
    """What the other process needs to know: where this package is, how wide the terminal, and that it writes UTF-8."""
    import factory_kit
    from factory_kit.cli.console import results

    root = str(Path(factory_kit.__file__).resolve().parents[1])
    path = os.pathsep.join(each for each in (root, os.environ.get("PYTHONPATH", "")) if each)
    return {**os.environ, "PYTHONPATH": path, "COLUMNS": str(results().width), "PYTHONUTF8": "1", "NO_COLOR": "1"}


class _Signs(RenderHook):
    """Notes when something was last written to a console."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """The same, and the moment."""
        self.last = time.monotonic()
        return renderables


@contextmanager
def never_silent(patience_s: float = PATIENCE_S) -> Iterator[Callable[[str], None]]:
    """Inside the block a line says what is being done, and for how long, whenever nothing was written for *patience_s*.

    Gives what tells it the name of what is being done from now on.
    """
    from factory_kit.cli.console import note, results, stderr

    signs, over = _Signs(), threading.Event()
    doing: list[tuple[str, float]] = [(_("a simulated plant begins"), time.monotonic())]

    def watch() -> None:
        while not over.wait(0.25):
            what, since = doing[-1]
            if time.monotonic() - signs.last >= patience_s:
                note(_("… {what}: {seconds:.0f} s").format(what=what, seconds=time.monotonic() - since))

    def now_doing(what: str) -> None:
        doing[:] = [(what, time.monotonic())]

    watcher = threading.Thread(target=watch, daemon=True, name="never silent")
    with ExitStack() as stack:
        for console in {id(each): each for each in (results(), stderr())}.values():
            stack.enter_context(_hooked(console, signs))
        watcher.start()
        try:
            yield now_doing
        finally:
            over.set()
            watcher.join()


@contextmanager
def _hooked(console: Console, hook: RenderHook) -> Iterator[None]:
    console.push_render_hook(hook)
    try:
        yield
    finally:
        console.pop_render_hook()
