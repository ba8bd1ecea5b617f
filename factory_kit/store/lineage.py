"""Which files the samples of a file went into: read from the manifest, which never forgets a change."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from factory_kit.store.lines import read_lines
from factory_kit.store.manifest import Change, change_of

__all__ = ["Lineage", "NamedFile"]


class NamedFile(Protocol):
    """A file of samples as evidence names it."""

    @property
    def path(self) -> str:
        """Its path inside the store."""

    @property
    def rows(self) -> int:
        """How many samples it held."""

    @property
    def sha256(self) -> str:
        """What its bytes were."""


@dataclass
class Lineage:
    """Every file of samples there ever was, and which files took its place."""

    known: set[tuple[str, int, str]] = field(default_factory=set)
    """Path, rows and sha256."""
    present: set[str] = field(default_factory=set)
    heirs: dict[str, set[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> Lineage:
        """The lineage as the manifest at *path* tells it; ``StoreDamaged`` when a line of it is bad."""
        lineage = cls()
        for entry in read_lines(path):
            lineage._apply(change_of(entry, path))
        return lineage

    def lost(self, files: Iterable[NamedFile]) -> list[str]:
        """The paths of *files* that this store never had, with these rows and this sha256, or whose samples are not all in present ones."""
        return [
            each.path
            for each in files
            if (each.path, each.rows, each.sha256) not in self.known or not self._lives(each.path)
        ]

    def _apply(self, change: Change) -> None:
        samples = {each.path for each in change.adds if each.kind == "samples"}
        for path in change.removes:
            if path in self.present:
                self.present.discard(path)
                self.heirs[path] = samples - {path}
        self.known.update((each.path, each.rows, each.sha256) for each in change.adds if each.kind == "samples")
        self.present |= samples
        for path in samples:
            self.heirs.pop(path, None)

    def _lives(self, path: str) -> bool:
        """Whether the file is there, or all that took its place lives; what went without an heir was lost."""
        todo, seen = [path], set()
        while todo:
            each = todo.pop()
            if each in self.present or each in seen:
                continue
            seen.add(each)
            heirs = self.heirs.get(each)
            if not heirs:
                return False
            todo += heirs
        return True
