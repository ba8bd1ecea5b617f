"""Checked reading: a sealed file is compared with its sha256 before its first use, and again whenever it looks touched."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path

from factory_kit.errors import FactoryKitError, Problem, StoreDamaged
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.store.parquet import Sealed, sha256_of

__all__ = ["Checks", "problem_of"]

Look = list[int | str]


class Checks:
    """Which files were found right, remembered by path, size and time of change in ``checked.json``; losing it costs only time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "checked.json"
        self._known = _load(self._path)
        self._saved = dict(self._known)

    def require(self, files: Iterable[Sealed], *, full: bool = False) -> None:
        """``StoreDamaged`` for the first of *files* that is not what the manifest says; *full* reads each one again."""
        for sealed in files:
            problem = self.problem(sealed, full=full)
            if problem is not None:
                raise StoreDamaged(problem.message, **problem.details)
        self.save()

    def problem(self, sealed: Sealed, *, full: bool = False) -> Problem | None:
        """What is wrong with the file, None when it is right."""
        path = self._folder / sealed.path
        look = _look(path, sealed)
        if look is not None and not full and self._known.get(sealed.path) == look:
            return None
        found = problem_of(path, sealed)
        if found is None and look is not None:
            self._known[sealed.path] = look
        return found

    def trust(self, sealed: Sealed) -> None:
        """The file was just written and hashed on its way."""
        look = _look(self._folder / sealed.path, sealed)
        if look is not None:
            self._known[sealed.path] = look

    def save(self) -> None:
        """Remember for the next process; a disk that cannot be written does not matter."""
        if self._known != self._saved:
            self._saved = dict(self._known)
            with contextlib.suppress(FactoryKitError, OSError):
                write_atomically(self._path, json.dumps(self._known, indent=0, sort_keys=True))


def problem_of(path: Path, sealed: Sealed) -> Problem | None:
    """What is wrong with the file at *path* that should be *sealed*, every byte read."""
    if not path.is_file():
        return _wrong(N_("{file}: is missing, expected by the manifest; run store repair"), path)
    if path.stat().st_size != sealed.size or sha256_of(path) != sealed.sha256:
        return _wrong(N_("{file}: sha256 differs from the manifest; run store repair"), path)
    return None


def _wrong(message: str, path: Path) -> Problem:
    return Problem(str(path), 0, "", message, {"file": path})


def _look(path: Path, sealed: Sealed) -> Look | None:
    try:
        stat = path.stat()
    except OSError:
        return None
    return [stat.st_size, stat.st_mtime_ns, sealed.sha256]


def _load(path: Path) -> dict[str, Look]:
    try:
        known = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return known if isinstance(known, dict) else {}
