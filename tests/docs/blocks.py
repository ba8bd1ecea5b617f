"""The blocks of code in the documentation, and a reader's shell that runs them."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
RUN = ("bash", "console", "yaml", "sql", "python")
"""Languages of blocks that must work."""

BLOCK = re.compile(
    r"^(?:<!-- (?P<verb>[a-z]+)(?:: (?P<word>[^\n]*?))? -->\n)?```(?P<language>[a-z]*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One fenced block: where it stands, its language, what the comment above it asks, and its text."""

    page: str
    line: int
    language: str
    verb: str
    word: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def lines(self) -> list[str]:
        """What is typed, line by line, without remarks."""
        return [line for line in self.text.splitlines() if line.strip() and not line.startswith("#")]


def blocks_of(path: Path, root: Path = DOCS) -> list[Block]:
    """All fenced blocks of one page."""
    text = path.read_text(encoding="utf-8")
    return [
        Block(
            path.relative_to(root).as_posix(),
            text.count("\n", 0, found.start()) + 1,
            found["language"],
            found["verb"] or "",
            found["word"] or "",
            found["text"],
        )
        for found in BLOCK.finditer(text)
    ]


def all_blocks() -> list[Block]:
    """The blocks of every page that people wrote."""
    return [block for path in sorted(DOCS.rglob("*.md")) for block in blocks_of(path)]


def words_of(line: str) -> list[str]:
    """The words of a command as a shell takes them; a remark at its end is none of them."""
    return shlex.split(line, comments=True)
