"""Photos and files as evidence: only what they show is kept, only their hash travels, no name becomes a path."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image, PngImagePlugin

from factory_kit.assess import attachments
from factory_kit.assess.attachments import attachments_folder, clean_name, find, forget, keep
from factory_kit.assess.bundle import parts
from factory_kit.assess.folder import AssessmentFolder
from factory_kit.assess.scored import read_scored
from factory_kit.errors import UsageError

SECRET = "SECRET-PLACE"


@pytest.fixture
def folder(tmp_path: Path) -> AssessmentFolder:
    """A folder with an answers file that names nothing."""
    (tmp_path / "answers.yaml").write_text("", encoding="utf-8")
    return AssessmentFolder(tmp_path)


def picture(form: str, size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    """A picture whose left half is red and whose right half is white."""
    image = Image.new("RGB", size, "white")
    image.paste((200, 0, 0), (0, 0, size[0] // 2, size[1]))
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def photo() -> bytes:
    """A JPEG as a phone makes it: turned, with place, maker, comment and profile."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = SECRET
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = SECRET
    return picture("JPEG", exif=exif, comment=SECRET.encode(), icc_profile=SECRET.encode() * 9)


def office(inside: str, **more: bytes) -> bytes:
    """A zip file with *inside*."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in {inside: b"<x/>", **more}.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_photo_keeps_only_what_it_shows(folder: AssessmentFolder) -> None:
    """EXIF with place and maker, comments and profiles are gone; the picture stands upright."""
    sent = photo()
    kept = keep(folder, sent, "IMG_1.jpg")

    data = kept.path.read_bytes()
    assert SECRET.encode() in sent
    assert SECRET.encode() not in data
    with Image.open(kept.path) as image:
        assert (image.format, image.size, dict(image.getexif())) == ("JPEG", (40, 60), {})
        assert not {"exif", "comment", "icc_profile", "xmp"} & image.info.keys()
        assert image.getpixel((20, 5))[0] > 150  # type: ignore[index]
        assert image.getpixel((20, 5))[1] < 90  # type: ignore[index]


def test_texts_in_a_png_are_gone(folder: AssessmentFolder) -> None:
    """Of a PNG the pixels stay."""
    told = PngImagePlugin.PngInfo()
    told.add_text("Location", SECRET)
    told.add_itxt("XML:com.adobe.xmp", SECRET)

    kept = keep(folder, picture("PNG", pnginfo=told), "x.png")

    assert kept.media_type == "image/png"
    assert SECRET.encode() not in kept.path.read_bytes()


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        (b"%PDF-1.7\n...", ".pdf"),
        (office("xl/workbook.xml"), ".xlsx"),
        (office("word/document.xml"), ".docx"),
        ("设备台账".encode("gb18030"), ".txt"),
        (picture("WEBP"), ".jpg"),
    ],
    ids=["PDF", "Excel", "Word", "text of Chinese Windows", "WebP"],
)
def test_the_content_decides_what_a_file_is(folder: AssessmentFolder, data: bytes, suffix: str) -> None:
    """Not its name; it is kept under its own hash and found by it."""
    kept = keep(folder, data, "../../evil.exe")

    assert kept.path == attachments_folder(folder) / f"{kept.sha256}{suffix}"
    assert find(folder, kept.sha256) == kept


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MZ\x90\x00\x03",
        b"\x7fELF\x02\x01\x01\x00",
        b"\xff\xd8\xff\xe0 cut off",
        picture("PNG")[:60],
        picture("GIF"),
        office("xl/workbook.xml", **{"xl/vbaProject.bin": b"x"}),
        office("readme.txt"),
        b"PK\x03\x04 no zip",
        b"\x1b[2J text that moves the cursor",
    ],
    ids=["empty", "Windows", "Linux", "broken JPEG", "cut PNG", "GIF", "macros", "other zip", "broken zip", "control"],
)
def test_other_and_broken_files_are_refused(folder: AssessmentFolder, data: bytes) -> None:
    """In one line that names the file; nothing is kept."""
    with pytest.raises(UsageError, match=r"x\.bin: ") as refused:
        keep(folder, data, "x.bin")

    assert "\n" not in str(refused.value)
    assert not list(attachments_folder(folder).glob("*"))


def test_a_picture_of_too_many_pixels_is_refused(folder: AssessmentFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is unpacked."""
    monkeypatch.setattr(attachments, "MOST_PIXELS", 60 * 40 - 1)

    with pytest.raises(UsageError, match=r"x\.png: has 60 × 40 pixels, too many"):
        keep(folder, picture("PNG"), "x.png")


def test_a_file_too_large_is_refused(folder: AssessmentFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its size alone."""
    monkeypatch.setattr(attachments, "LARGEST", 1 << 20)

    with pytest.raises(UsageError, match=r"x\.pdf: is larger than 1 MB"):
        keep(folder, b"%PDF-" + bytes(1 << 20), "x.pdf")


@pytest.mark.parametrize("name", ["..", "../answers.yaml", "a" * 64 + "/../x", "A" * 64, "", "\x00"])
def test_nothing_but_a_hash_finds_a_file(folder: AssessmentFolder, name: str) -> None:
    """No path leads anywhere."""
    keep(folder, b"%PDF-1", "x")

    assert find(folder, name) is None


def test_names_are_shown_as_one_line() -> None:
    """Folders, control signs and signs that turn the writing are taken out."""
    assert clean_name("C:\\Users\\李\\IMG\u202e_1\n.jpg") == "IMG\ufffd_1 .jpg"


def test_a_file_goes_when_no_answer_names_it(folder: AssessmentFolder) -> None:
    """And stays while one does, of whatever rater."""
    kept = keep(folder, b"%PDF-1", "x")
    rating = folder.path / "ratings" / "王工.yaml"
    rating.parent.mkdir()
    rating.write_text(f"# {kept.sha256}", encoding="utf-8")

    assert not forget(folder, kept.sha256)
    rating.unlink()
    assert forget(folder, kept.sha256)
    assert find(folder, kept.sha256) is None


def test_no_attachment_travels_in_a_bundle(make: Callable[[Path], AssessmentFolder], tmp_path: Path) -> None:
    """Only the hash does, in the answers."""
    folder = make(tmp_path / "plant")
    kept = keep(folder, photo(), "x.jpg")
    inside = parts(read_scored(folder))

    assert kept.path.is_file()
    assert [each for each in inside.values() if isinstance(each, Path) and "attachments" in each.parts] == []
    assert [name for name in inside if "attachment" in name or name.endswith(".jpg")] == []
