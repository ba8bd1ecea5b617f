"""Zip files of others (workbooks, documents): looked at before anything in them is read."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from factory_kit.errors import SealError, UnsafeArchive
from factory_kit.seal.container import Limits
from factory_kit.seal.paths import check_name, check_names

__all__ = ["DOCUMENT", "checked_zip", "opened_zip"]

DOCUMENT = Limits(files=5_000, total_bytes=1 << 30, ratio=200)
"""Generous for a workbook or a document filled in by hand."""
SMALL = 1 << 20
"""Below this many bytes no ratio matters."""


DIRECTORY_BYTES = 256
"""What a file may take in the directory of a zip file, on the average."""


class _Wary(io.BufferedReader):
    """A file that is read in one go up to *most* bytes: a directory of millions of files costs memory before any is looked at."""

    most = -1

    def read(self, size: int | None = -1, /) -> bytes:
        """As ever; ``BufferError`` when too much is asked for."""
        if size is not None and 0 <= self.most < size:
            raise BufferError
        return super().read(size)


BROKEN = (zipfile.BadZipFile, OSError, NotImplementedError, ValueError)
"""What ``zipfile`` raises for broken files."""


@contextmanager
def checked_zip(path: Path, limits: Limits = DOCUMENT) -> Iterator[zipfile.ZipFile]:
    """The zip file at *path*, open for reading, after its directory passed all *limits* and name rules.

    ``zipfile`` gives out no more than the sizes checked here: content that is larger than its directory says is an error.
    ``UnsafeArchive`` for too many or too large files, bombs, encrypted files, links, names that leave the folder or clash.
    """
    with opened_zip(path, limits) as archive:
        _check(archive.infolist(), path.name, limits)
        yield archive


@contextmanager
def opened_zip(path: Path, limits: Limits = DOCUMENT) -> Iterator[zipfile.ZipFile]:
    """The zip file at *path*, none of its entries looked at; ``SealError`` when it is none, or has far more than *limits* takes."""
    with ExitStack() as closing:
        try:
            file = closing.enter_context(_Wary(io.FileIO(path)))
            file.most = limits.files * DIRECTORY_BYTES
            archive = closing.enter_context(zipfile.ZipFile(file))
            file.most = -1
        except BufferError as error:
            raise UnsafeArchive(
                "{container}: holds more than {limit} files", container=path.name, limit=limits.files
            ) from error
        except BROKEN as error:
            raise SealError(
                "{file}: is no zip file that can be read ({reason})", file=path.name, reason=error
            ) from error
        yield archive


def _check(entries: list[zipfile.ZipInfo], container: str, limits: Limits) -> None:
    if len(entries) > limits.files:
        raise UnsafeArchive("{container}: holds more than {limit} files", container=container, limit=limits.files)
    total = sum(entry.file_size for entry in entries)
    if total > limits.total_bytes:
        raise UnsafeArchive(
            "{container}: unpacks to {total} bytes, at most {limit} are taken; ask for a smaller one",
            container=container, total=total, limit=limits.total_bytes,
        )  # fmt: skip
    for entry in entries:
        _check_entry(entry, container, limits)
        # Each name alone: a folder inside another one is no clash. From Python 3.12 on a second name in the extra field wins.
        for name in (entry.orig_filename, entry.filename):
            check_name(name.removesuffix("/"), container)
    check_names((entry.filename for entry in entries if not entry.filename.endswith("/")), container)


def _check_entry(entry: zipfile.ZipInfo, container: str, limits: Limits) -> None:
    name = entry.orig_filename
    if entry.file_size > SMALL and entry.file_size > limits.ratio * max(entry.compress_size, 1):
        raise UnsafeArchive(
            "{container}: {file} unpacks to more than {limit} times its size; this is what a zip bomb looks like",
            container=container, file=name, limit=limits.ratio,
        )  # fmt: skip
    if entry.flag_bits & 1:
        raise UnsafeArchive(
            "{container}: {file} is encrypted; send it without a password", container=container, file=name
        )
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise UnsafeArchive("{container}: {file} is a link; send the file itself", container=container, file=name)
    if entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise UnsafeArchive(
            "{container}: {file} is packed in an unusual way; pack it again as plain zip",
            container=container,
            file=name,
        )
