"""The zip form."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory_kit.errors import SealError
from factory_kit.seal import frame, open_sealed, seal_files, verify
from factory_kit.seal.container import Limits, ZipContainer, ZipWriter
from factory_kit.seal.frame import parse_directory, parse_tail


def test_other_programs_read_the_zip_form(sealed: Path, small: dict[str, bytes]) -> None:
    """Python's zipfile finds the same names and contents and nothing wrong."""
    with zipfile.ZipFile(sealed) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in small} == small


@pytest.mark.system
def test_unzip_reads_the_zip_form(sealed: Path, tmp_path: Path, system_tool: Callable[[str], str]) -> None:
    """Info-ZIP unpacks to a folder that verifies."""
    subprocess.run([system_tool("unzip"), "-q", str(sealed), "-d", str(tmp_path / "out")], check=True)

    assert verify(tmp_path / "out").intact


@pytest.mark.parametrize(("most32", "most16"), [(1, 1), (20, 3), (400, 0xFFFF), (2000, 2)])
def test_large_files_use_zip64(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, small: dict[str, bytes], most32: int, most16: int
) -> None:
    """With the limits of the short fields set low, ZIP64 fields appear, and both we and zipfile read them."""
    monkeypatch.setattr(frame, "MOST32", most32)
    monkeypatch.setattr(frame, "MOST16", most16)
    path = tmp_path / "bundle.zip"
    seal_files({**small, "a": bytes(500), "b": bytes(1000)}, path, "data-package", {})

    assert b"PK\6\6" in path.read_bytes()
    assert dict(open_sealed(path).contents())["b"] == bytes(1000)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.read("b") == bytes(1000)


def test_a_file_above_the_size_of_a_piece_is_streamed_to_the_same_bytes(tmp_path: Path) -> None:
    """Content given as a file and content given in memory make the same container."""
    content = bytes(range(256)) * 9000
    (tmp_path / "source").write_bytes(content)

    seal_files({"a": content, "b": b"x"}, tmp_path / "one.zip", "data-package", {})
    seal_files({"a": tmp_path / "source", "b": b"x"}, tmp_path / "two.zip", "data-package", {})

    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_in_one_line(data: bytes) -> None:
    """Bytes that are no container give one finding, never another exception."""
    for last in (data, data + frame.Tail(1, len(data), 0).to_bytes()):
        container = ZipContainer(io.BytesIO(last), "x.zip", Limits())

        assert len(container.findings) == 1
        assert str(container.findings[0]).startswith("x.zip: ")


@given(st.binary(max_size=200), st.integers(0, 2**40), st.integers(0, 2**40), st.integers(0, 2**20))
def test_any_directory_is_refused_in_one_line(data: bytes, size: int, start: int, count: int) -> None:
    """A directory of nonsense never gives anything but an error of sealing, wherever the end records say it is."""
    tail = frame.Tail(count, size, start)
    last = data + tail.to_bytes()
    with pytest.raises(SealError, match=r"^x: "):
        parse_directory(b"PK\1\2" + data, tail, "x")
    with pytest.raises(SealError, match=r"^x: "):
        parse_tail(last, size + start + len(tail.to_bytes()) + 1, "x")
    assert parse_tail(last, size + start + len(tail.to_bytes()), "x") == tail


def repacked(path: Path, out: Path, compression: int) -> None:
    """The same files, packed by zipfile."""
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(out, "w", compression) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_bundle_packed_anew_by_another_program_is_refused(sealed: Path, tmp_path: Path, compression: int) -> None:
    """Its headers are free to vary, so a change in them would go unseen; unpacked, it verifies."""
    repacked(sealed, tmp_path / "again.zip", compression)

    report = verify(tmp_path / "again.zip")
    shutil.unpack_archive(tmp_path / "again.zip", tmp_path / "out")

    assert [str(finding).split(";")[0] for finding in report.findings] == [
        "again.zip: the directory differs from the sealed form at entry 1"
    ]
    assert verify(tmp_path / "out").intact


def container(files: list[tuple[str, bytes]]) -> ZipContainer:
    """A container of *files* as a crook would write it: in the sealed form, whatever the names are."""
    file = io.BytesIO()
    writer = ZipWriter(file)
    for name, content in files:
        writer.add(name, content)
    writer.finish()
    return ZipContainer(file, "x.zip", Limits(files=5, total_bytes=2000))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ([("../a", b"")], "is no path inside the folder"),
        ([("/a", b"")], "is no path inside the folder"),
        ([("c:/a", b"")], "not every system allows"),
        ([("..\\a", b"")], "not every system allows"),
        ([("A", b""), ("a", b"")], "would overwrite each other"),
        ([("a", b""), ("a", b"")], "would overwrite each other"),
        ([("b", b""), ("a", b"")], "not in sealed order"),
        ([(str(number), b"") for number in range(6)], "holds more than 5 files"),
        ([("a", bytes(2000))], "is larger than 2000 bytes"),
    ],
)
def test_tricks_and_excess_are_refused(files: list[tuple[str, bytes]], said: str) -> None:
    """Paths that leave the folder, clashing names, another order, too many and too large files: one line, nothing read."""
    found = container(files)

    assert [said in str(finding) for finding in found.findings] == [True]
    assert list(found.names()) == []


def test_nothing_may_stand_between_files(sealed: Path) -> None:
    """Bytes that belong to no file are found, even where every offset was adapted to them."""
    original = ZipContainer(io.BytesIO(sealed.read_bytes()), "x", Limits())
    entries = list(original._entries.values())
    data = sealed.read_bytes()
    moved = [frame.Entry(e.name, e.size, e.crc32, e.start + (7 if at else 0)) for at, e in enumerate(entries)]
    first_end, directory = entries[0].end, entries[-1].end
    records = b"".join(entry.directory_record() for entry in moved)
    tail = frame.Tail(len(moved), len(records), directory + 7).to_bytes()
    forged = data[:first_end] + b"smuggle" + data[first_end:directory] + records + tail

    with zipfile.ZipFile(io.BytesIO(forged)) as archive:
        assert archive.testzip() is None
    found = ZipContainer(io.BytesIO(forged), "x", Limits())
    assert "the directory differs from the sealed form at entry 2" in str(found.findings[0])
