"""Files by name, below a folder or in memory, so that what stands in a sealed file is read as what stands on the disk."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, TypeAlias

__all__ = ["Files", "FolderFiles", "MemoryFiles", "Somewhere", "files_of"]


class Files(Protocol):
    """Files by name; names are relative, with ``/`` between their parts."""

    @property
    def parts(self) -> tuple[str, ...]:
        """Where they are: the names of the folders around them, the innermost last."""

    def names(self) -> tuple[str, ...]:
        """The names of all files and folders directly here, sorted."""

    def has(self, name: str) -> bool:
        """Whether there is a file *name*."""

    def read(self, name: str) -> bytes:
        """The content of *name*; ``FileNotFoundError`` where there is none, ``OSError`` where it cannot be read."""

    def size(self, name: str) -> int:
        """How many bytes *name* has; errors as ``read``."""

    def sha256(self, name: str) -> str:
        """The sha256 of *name* in hexadecimal digits; errors as ``read``."""

    def below(self, *names: str) -> Files:
        """The files of the folder *names*, one inside the other."""


@dataclass(frozen=True)
class FolderFiles:
    """The files of a folder."""

    folder: Path

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the folders around them, the innermost last."""
        return self.folder.resolve().parts

    def names(self) -> tuple[str, ...]:
        """All names directly in the folder, sorted; none where it does not exist."""
        return tuple(sorted(path.name for path in self.folder.iterdir())) if self.folder.is_dir() else ()

    def has(self, name: str) -> bool:
        """Whether there is a file *name*."""
        return (self.folder / name).is_file()

    def read(self, name: str) -> bytes:
        """The content of *name*."""
        return (self.folder / name).read_bytes()

    def size(self, name: str) -> int:
        """How many bytes *name* has."""
        return (self.folder / name).stat().st_size

    def sha256(self, name: str) -> str:
        """The sha256 of *name* as it is now."""
        return hashlib.sha256(self.read(name)).hexdigest()

    def below(self, *names: str) -> FolderFiles:
        """The files of a folder inside."""
        return FolderFiles(self.folder.joinpath(*names))


@dataclass(frozen=True)
class MemoryFiles:
    """Contents by whole name; *prefix* is the folder this speaks of, ending in ``/`` unless it is the topmost."""

    contents: Mapping[str, bytes]
    prefix: str = ""
    hashes: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The sha256 of contents, as far as somebody computed them already."""

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of the folders around them, the innermost last."""
        return tuple(self.prefix.split("/")[:-1])

    def names(self) -> tuple[str, ...]:
        """All names directly here, sorted."""
        start = len(self.prefix)
        return tuple(sorted({name[start:].partition("/")[0] for name in self.contents if name.startswith(self.prefix)}))

    def has(self, name: str) -> bool:
        """Whether there is a file *name*."""
        return self.prefix + name in self.contents

    def read(self, name: str) -> bytes:
        """The content of *name*."""
        try:
            return self.contents[self.prefix + name]
        except KeyError as error:
            raise FileNotFoundError(self.prefix + name) from error

    def size(self, name: str) -> int:
        """How many bytes *name* has."""
        return len(self.read(name))

    def sha256(self, name: str) -> str:
        """The sha256 of *name*, computed where it is not known."""
        return self.hashes.get(self.prefix + name) or hashlib.sha256(self.read(name)).hexdigest()

    def below(self, *names: str) -> MemoryFiles:
        """The files of a folder inside."""
        return MemoryFiles(self.contents, f"{self.prefix}{'/'.join(names)}/", self.hashes)


Somewhere: TypeAlias = "Path | Files"


def files_of(place: Somewhere) -> Files:
    """*place* itself, or the files of the folder *place*."""
    return FolderFiles(place) if isinstance(place, Path) else place
