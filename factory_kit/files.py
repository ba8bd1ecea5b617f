"""Files that are either there whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from factory_kit.errors import FactoryKitError

__all__ = ["atomic_path", "name_of", "sync_folder", "write_atomically"]

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextlib.contextmanager
def atomic_path(path: Path, *, secret: bool = False) -> Iterator[Path]:
    """A path beside *path* to write to; at the end it is flushed to disk and renamed to *path*, on any error it is removed.

    What is *secret* is readable by its owner alone from its first byte on. The folder must exist. ``FactoryKitError`` in one line when the disk is full or the folder cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", suffix=".tmp", dir=path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    os.close(handle)
    aside = Path(name)
    try:
        yield aside
        _sync_file(aside, None if secret else _usual_mode())
        aside.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        aside.unlink(missing_ok=True)
        if error.errno in NO_SPACE:
            raise _unwritable(path, error) from error
        raise
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def write_atomically(path: Path, content: bytes | str, *, secret: bool = False) -> None:
    """*content* (text as UTF-8) under *path*, whole or not at all; what is *secret* for its owner alone."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    with atomic_path(path, secret=secret) as aside:
        aside.write_bytes(data)


def name_of(path: Path) -> str:
    """The name of *path* as text that every file can hold: bytes that are no UTF-8 are read as GBK, as old zip programs wrote names, or spelled out."""
    name = os.fsencode(path.name)
    for encoding in ("utf-8", "gbk"):
        with contextlib.suppress(UnicodeDecodeError):
            return name.decode(encoding)
    return name.decode("utf-8", "backslashreplace")


def sync_folder(folder: Path) -> None:
    """Renames in *folder* reach the disk, where the system can do that (Windows cannot open folders)."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_file(path: Path, mode: int | None) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    if mode is not None:
        path.chmod(mode)


def _usual_mode() -> int:
    """The mode new files get here; temporary files are made readable by their owner only."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _unwritable(path: Path, error: OSError) -> FactoryKitError:
    if error.errno in NO_SPACE:
        return FactoryKitError("{path}: the disk is full, nothing was written; make room and repeat", path=path)
    return FactoryKitError(
        "{path}: cannot be written ({reason}); check the folder and its rights", path=path, reason=error.strerror
    )
