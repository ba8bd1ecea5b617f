"""Commands a user is told to type next, in a form that can be pasted: names with blanks in quotation marks, no line broken."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

__all__ = ["at", "of_workspace", "pasted", "quoted"]

PLAIN = set("@%+=:,./-_\\")
"""Signs that need no quotation marks in any shell, beside letters and digits of all scripts."""


def quoted(word: str | Path) -> str:
    """*word* as a shell of this system takes it for one word; the command windows of Windows and the others where possible alike."""
    text = str(word)
    if text and all(sign.isalnum() or sign in PLAIN for sign in text):
        return text
    if os.name == "nt":
        return subprocess.list2cmdline([text])
    return shlex.quote(text) if set(text) & set("\"$`\\!'") or not text else f'"{text}"'


def of_workspace(workspace: Path) -> tuple[str, ...]:
    """``-w DIR`` as it was given; nothing for the current folder."""
    return () if workspace == Path() else ("-w", str(workspace))


def at(name: str | Path, workspace: Path) -> str:
    """*name* and the workspace it stands in, as the end of a command."""
    return " ".join(quoted(word) for word in (name, *of_workspace(workspace)))


def pasted(*words: str | Path) -> None:
    """The command of *words* on a line of its own on standard error, never wrapped."""
    from factory_kit.cli.console import spelled, stderr

    line = spelled("  " + " ".join(quoted(word) for word in words))
    stderr().print(line, markup=False, soft_wrap=True)
