"""A disk that remembers every step, and what a power cut at any of them can leave behind.

The model is harsher than real disks: of what was not flushed, any part may be missing, in any order. Data of a file is safe after
the file was flushed; a name (of a new, renamed or removed file or a new folder) is safe after its folder was flushed.
"""

from __future__ import annotations

import itertools
import random
import sys
import threading
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from factory_kit.store.disk import Disk, OutFile, told

__all__ = ["Mode", "PowerCutDisk", "Step", "after_power_cut"]

SECTOR = 512
Mode = Literal["nothing", "everything", "names", "some"]
"""What of the unflushed reaches the disk: nothing, all of it, only the names, or some at random."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: a write into a file, a cut of it, a name given or taken, a folder made, a flush, or a promise to a user."""

    what: Literal["write", "cut", "name", "unname", "folder", "sync", "sync folder", "promise"]
    file: int = 0
    path: str = ""
    offset: int = 0
    data: bytes = b""
    gone: str = ""
    """Of a renaming: the old name."""
    promise: object = None


class _File(OutFile):
    def __init__(self, disk: PowerCutDisk, path: Path, flags: int, number: int) -> None:
        super().__init__(path, flags)
        self._disk = disk
        self._number = number

    def write(self, data: bytes | memoryview) -> int:
        self._disk.note(Step("write", self._number, offset=self.size, data=bytes(data)))
        return super().write(data)

    def cut(self, size: int) -> None:
        self._disk.note(Step("cut", self._number, offset=size))
        super().cut(size)

    def sync(self) -> None:
        self._disk.note_sync(Step("sync", self._number))


class PowerCutDisk(Disk):
    """Works on the real disk below *root* and notes each step; the flushes in *forgets* are forgotten.

    A flush is called by the function it stands in and what it flushes: ``append_line: file``, ``append_line: folder``.
    """

    def __init__(self, root: Path, forgets: Collection[str] = ()) -> None:
        self.steps: list[Step] = []
        self.flushers: set[str] = set()
        """Every flush that came."""
        self._root = root
        self._forgets = frozenset(forgets)
        self._numbers: dict[str, int] = {}
        self._next = 1
        self._lock = threading.Lock()

    def promise(self, what: object) -> None:
        """From here on a user relies on *what*."""
        self.note(Step("promise", promise=what))

    def note(self, step: Step) -> None:
        """One more step."""
        with self._lock:
            self.steps.append(step)

    def note_sync(self, step: Step) -> None:
        """A flush, unless it is to be forgotten."""
        flusher = f"{_caller()}: {'file' if step.what == 'sync' else 'folder'}"
        self.flushers.add(flusher)
        if flusher not in self._forgets:
            self.note(step)

    def rot(self, path: Path, at: int) -> None:
        """The byte at *at* of the file *path* is another one, on the disk and for good."""
        content = bytearray(path.read_bytes())
        content[at] ^= 1
        path.write_bytes(content)
        number = self._numbers[self._name(path)]
        self.note(Step("write", number, offset=at, data=bytes(content[at : at + 1])))
        self.note(Step("sync", number))

    def create(self, path: Path) -> OutFile:
        """A new file, its name not safe yet."""
        return self._open(path, super().create(path))

    def append(self, path: Path) -> OutFile:
        """A file to be written at its end."""
        return self._open(path, super().append(path))

    def replace(self, source: Path, target: Path) -> None:
        """A file under another name, not safe yet."""
        super().replace(source, target)
        number = self._numbers.pop(self._name(source))
        self._numbers[self._name(target)] = number
        self.note(Step("name", number, self._name(target), gone=self._name(source)))

    def remove(self, path: Path) -> None:
        """A name less, not safe yet."""
        super().remove(path)
        if self._numbers.pop(self._name(path), None) is not None:
            self.note(Step("unname", path=self._name(path)))

    def make_folder(self, path: Path) -> None:
        """A folder, safe when the one above it was flushed."""
        if not path.is_dir():
            self.make_folder(path.parent)
            with told(path):
                path.mkdir(exist_ok=True)
            self.note(Step("folder", path=self._name(path)))
            self.sync_folder(path.parent)

    def sync_folder(self, path: Path) -> None:
        """The names in a folder are safe."""
        self.note_sync(Step("sync folder", path=self._name(path)))

    def _open(self, path: Path, file: OutFile) -> OutFile:
        fresh = file.size == 0 and self._name(path) not in self._numbers
        file.close()
        if fresh:
            self._numbers[self._name(path)] = self._next
            self.note(Step("name", self._next, self._name(path)))
            self._next += 1
        return _File(self, path, 0, self._numbers[self._name(path)])

    def _name(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix() if path.is_relative_to(self._root) else ".."


def after_power_cut(steps: list[Step], mode: Mode, chance: random.Random, target: Path) -> None:
    """Write into the folder *target* what may be on the disk when the power went after *steps*."""
    names, folders = _names(steps, mode, chance)
    for folder in sorted(folders):
        (target / folder).mkdir(parents=True, exist_ok=True)
    contents = _contents(steps, mode, chance)
    for name, number in names.items():
        if (target / name).parent.is_dir():
            (target / name).write_bytes(contents.get(number, b""))


@dataclass
class _Tree:
    names: dict[str, int] = field(default_factory=dict)
    folders: set[str] = field(default_factory=lambda: {"."})

    def apply(self, step: Step) -> None:
        if step.what == "folder":
            self.folders.add(step.path)
        if step.gone:
            self.names.pop(step.gone, None)
        if step.what == "name":
            self.names[step.path] = step.file
        if step.what == "unname":
            self.names.pop(step.path, None)


def _names(steps: list[Step], mode: Mode, chance: random.Random) -> tuple[dict[str, int], set[str]]:
    flushed: dict[str, int] = {step.path: at for at, step in enumerate(steps) if step.what == "sync folder"}
    tree = _Tree()
    for at, step in enumerate(steps):
        if step.what not in {"name", "unname", "folder"}:
            continue
        safe = flushed.get(_parent(step.path), -1) > at
        if safe or mode in {"everything", "names"} or (mode == "some" and chance.random() < 0.5):
            tree.apply(step)
    whole = {folder for folder in tree.folders if all(up in tree.folders for up in _above(folder))}
    return {name: number for name, number in tree.names.items() if _parent(name) in whole}, whole


def _contents(steps: list[Step], mode: Mode, chance: random.Random) -> dict[int, bytes]:
    flushed: dict[int, int] = {step.file: at for at, step in enumerate(steps) if step.what == "sync"}
    contents: dict[int, bytearray] = {}
    for at, step in enumerate(steps):
        if step.what not in {"write", "cut"}:
            continue
        content = contents.setdefault(step.file, bytearray())
        safe = flushed.get(step.file, -1) > at
        if safe or mode == "everything" or (mode == "some" and chance.random() < 0.7):
            _apply(content, step, torn=mode == "some" and not safe, chance=chance)
    return {number: bytes(content) for number, content in contents.items()}


def _apply(content: bytearray, step: Step, *, torn: bool, chance: random.Random) -> None:
    if step.what == "cut":
        del content[step.offset :]
        return
    end = step.offset + len(step.data)
    content.extend(bytes(max(0, end - len(content))))
    borders = [step.offset, *range((step.offset // SECTOR + 1) * SECTOR, end, SECTOR), end]
    for low, high in itertools.pairwise(borders):
        if not torn or chance.random() < 0.7:
            content[low:high] = step.data[low - step.offset : high - step.offset]


def _parent(path: str) -> str:
    return path.rpartition("/")[0] or ("." if path != "." else "..")


def _above(folder: str) -> list[str]:
    parts = folder.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def _caller() -> str:
    """The function of the store that asked for a flush."""
    frame = sys._getframe(1)  # noqa: SLF001 - the one way to learn who calls
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        if frame.f_code.co_name == "make_folder":
            return "Disk.make_folder"
        frame = frame.f_back
    return frame.f_code.co_qualname
