"""Zip files of others."""

from __future__ import annotations

import io
import stat
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import pytest

from factory_kit.errors import SealError, UnsafeArchive
from factory_kit.seal import Limits, checked_zip
from factory_kit.seal import archive as archive_module


def packed(path: Path, *entries: tuple[zipfile.ZipInfo | str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip file with *entries*."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for entry, content in entries:
            archive.writestr(entry, content)
    return path


def link(name: str) -> zipfile.ZipInfo:
    """An entry that is a symbolic link."""
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


def test_an_ordinary_workbook_is_opened(tmp_path: Path) -> None:
    """Folders, Chinese names and ordinary compression are fine."""
    path = packed(tmp_path / "a.xlsx", ("[Content_Types].xml", b"<a/>"), ("xl/", b""), ("xl/表.xml", b"x" * 5000))
    with checked_zip(path) as archive:
        assert archive.read("xl/表.xml") == b"x" * 5000


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("../a", "is no path inside"),
        ("/a", "is no path inside"),
        ("c:/a", "not every system"),
        ("a\\..\\b", "not every system"),
        ("nul", "device"),
    ],
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str, said: str) -> None:
    """Before anything is read."""
    with pytest.raises(UnsafeArchive, match=said), checked_zip(packed(tmp_path / "a.zip", (name, b""))):
        pass


def test_a_second_name_is_held_to_the_same_rules(tmp_path: Path) -> None:
    """From Python 3.12 on a Unicode name in the extra field takes the place of the name; before, the one in the directory stays."""
    entry = zipfile.ZipInfo("a.csv")
    second = struct.pack("<BL", 1, zlib.crc32(b"a.csv")) + b"../../evil.csv"
    entry.extra = struct.pack("<HH", 0x7075, len(second)) + second
    path = packed(tmp_path / "a.zip", (entry, b"x"))

    if sys.version_info < (3, 12):
        with checked_zip(path) as archive:
            assert archive.namelist() == ["a.csv"]
    else:
        with pytest.raises(UnsafeArchive, match="is no path inside"), checked_zip(path):
            pass

    entry.filename = "../../evil.csv"  # as the newer ones read it
    assert entry.orig_filename == "a.csv"
    with pytest.raises(UnsafeArchive, match="is no path inside"):
        archive_module._check([entry], "a.zip", Limits())


def test_a_file_without_a_name_is_refused(tmp_path: Path) -> None:
    """A name that is nothing but a zero byte, which ``zipfile`` cuts to an empty one, as one line."""
    path = packed(tmp_path / "a.zip", ("a", b""))
    path.write_bytes(path.read_bytes().replace(b"a", b"\0"))
    with pytest.raises(UnsafeArchive, match="cannot be seen"), checked_zip(path):
        pass


def test_a_directory_of_very_many_files_is_not_even_read(tmp_path: Path) -> None:
    """The size of the directory tells, before its entries cost memory: here they are no entries at all."""
    path = packed(tmp_path / "a.zip", *((f"{number:03}", b"") for number in range(200)))
    with checked_zip(path, Limits(files=200)) as archive:
        assert len(archive.infolist()) == 200
    path.write_bytes(path.read_bytes().replace(b"PK\1\2", b"????"))
    with pytest.raises(UnsafeArchive, match=r"a.zip: holds more than 20 files"), checked_zip(path, Limits(files=20)):
        pass


def test_bombs_are_refused(tmp_path: Path) -> None:
    """A file that unpacks to a thousand times its size, and many that are too large together."""
    bomb = packed(tmp_path / "a.zip", ("a", bytes(20 << 20)))
    with pytest.raises(UnsafeArchive, match=r"a.zip: a unpacks to more than 200 times its size"), checked_zip(bomb):
        pass
    with (
        pytest.raises(UnsafeArchive, match=r"a.zip: unpacks to 20971520 bytes, at most 1000"),
        checked_zip(bomb, Limits(total_bytes=1000)),
    ):
        pass


def test_a_lying_size_gives_no_more_than_it_says(tmp_path: Path) -> None:
    """An entry that claims ten bytes and holds a million gives an error, not a million bytes."""
    path = packed(tmp_path / "a.zip", ("a", bytes(1_000_000)))
    path.write_bytes(path.read_bytes().replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with checked_zip(path) as archive, pytest.raises(zipfile.BadZipFile):
        archive.read("a")


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    """The number is in the directory, so nothing is unpacked for it."""
    path = packed(tmp_path / "a.zip", *((f"{number}", b"") for number in range(11)))
    with pytest.raises(UnsafeArchive, match="holds more than 10 files"), checked_zip(path, Limits(files=10)):
        pass


def test_links_are_refused(tmp_path: Path) -> None:
    """A link in a document leads where its maker wants."""
    with (
        pytest.raises(UnsafeArchive, match=r"a.zip: l is a link"),
        checked_zip(packed(tmp_path / "a.zip", (link("l"), b"/etc/passwd"))),
    ):
        pass


def test_encrypted_files_are_refused(tmp_path: Path) -> None:
    """The flag alone is enough."""
    path = packed(tmp_path / "a.zip", ("a", b"x"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(UnsafeArchive, match=r"a.zip: a is encrypted"), checked_zip(path):
        pass


def test_unusual_compression_is_refused(tmp_path: Path) -> None:
    """Stored and deflated are all that documents need."""
    path = packed(tmp_path / "a.zip", ("a", b"x" * 100), compression=zipfile.ZIP_LZMA)
    with pytest.raises(UnsafeArchive, match="packed in an unusual way"), checked_zip(path):
        pass


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_clashing_names_are_refused(tmp_path: Path) -> None:
    """The same name twice, or with other capitals."""
    for names in (("a", "a"), ("a", "A")):
        path = packed(tmp_path / "a.zip", *((name, b"") for name in names))
        with pytest.raises(UnsafeArchive, match="would overwrite each other"), checked_zip(path):
            pass


def test_other_files_are_refused(tmp_path: Path) -> None:
    """In one line, whatever they are."""
    buffer = io.BytesIO(b"PK\3\4 and then nothing")
    (tmp_path / "a.zip").write_bytes(buffer.getvalue())
    with pytest.raises(SealError, match=r"a.zip: is no zip file that can be read"), checked_zip(tmp_path / "a.zip"):
        pass
    with pytest.raises(SealError, match=r"no.zip: is no zip file that can be read"), checked_zip(tmp_path / "no.zip"):
        pass
