"""Photos and files as evidence: kept in the assessment under their hash, photos without what the camera wrote into them.

They stay in the plant: a bundle takes the hash only, as evidence of its answer. No detector of faces is at hand, so whoever adds
a photo is told to look (``factory_kit.web``).
"""

from __future__ import annotations

import hashlib
import io
import re
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from factory_kit.assess.folder import AssessmentFolder
from factory_kit.errors import SealError, UsageError
from factory_kit.files import write_atomically
from factory_kit.i18n import N_
from factory_kit.render.plain import printable
from factory_kit.seal.archive import checked_zip

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["LARGEST", "Attachment", "attachments_folder", "clean_name", "find", "forget", "keep"]

LARGEST = 20 << 20
"""Bytes of one file."""
MOST_PIXELS = 64_000_000
LONGEST_EDGE = 2560
"""Pixels; larger photos are made smaller, a nameplate stays readable."""
QUALITY = 88
NAME = 80
PHOTOS = {".jpg": "image/jpeg", ".png": "image/png"}
TYPES = {
    **PHOTOS,
    ".pdf": "application/pdf",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".txt": "text/plain; charset=utf-8",
}
OFFICE = {"xl/workbook.xml": ".xlsx", "word/document.xml": ".docx"}
SHA256 = re.compile(r"[0-9a-f]{64}")
NOT_TAKEN = N_(
    "{name}: is no photo (JPEG, PNG, WebP), PDF, Word, Excel or text file that can be read; such are taken as evidence"
)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file that is kept as evidence."""

    path: Path
    sha256: str

    @property
    def photo(self) -> bool:
        """Whether a page can show it."""
        return self.path.suffix in PHOTOS

    @property
    def media_type(self) -> str:
        """As the web calls it; decided by us when the file came, never by who sent it."""
        return TYPES[self.path.suffix]


def attachments_folder(folder: AssessmentFolder) -> Path:
    """Where they are; no file of a bundle comes from there."""
    return folder.path / "attachments"


def keep(folder: AssessmentFolder, data: bytes, name: str) -> Attachment:
    """*data* kept in *folder*, on disk when this returns; *name* is for messages only and never becomes a path.

    What a photo shows is written anew: its EXIF (place, time, device, thumbnail), comments and other profiles are gone.
    ``UsageError`` for a file too large, of another kind, or broken.
    """
    if len(data) > LARGEST:
        raise UsageError(
            "{name}: is larger than {limit} MB; send a smaller one", name=clean_name(name), limit=LARGEST >> 20
        )
    kept, suffix = _kept(data, clean_name(name))
    sha256 = hashlib.sha256(kept).hexdigest()
    place = attachments_folder(folder)
    place.mkdir(exist_ok=True)
    path = place / f"{sha256}{suffix}"
    if not path.is_file():
        write_atomically(path, kept)
    return Attachment(path, sha256)


def find(folder: AssessmentFolder, sha256: str) -> Attachment | None:
    """The file of hash *sha256*, None where there is none."""
    if not SHA256.fullmatch(sha256):
        return None
    paths = (attachments_folder(folder) / f"{sha256}{suffix}" for suffix in TYPES)
    return next((Attachment(path, sha256) for path in paths if path.is_file()), None)


def forget(folder: AssessmentFolder, sha256: str) -> bool:
    """Whether the file of hash *sha256* was deleted: it is unless an answer of anybody still names it."""
    found = find(folder, sha256)
    if found is None or any(sha256 in sheet.read_text(encoding="utf-8", errors="replace") for sheet in _sheets(folder)):
        return False
    found.path.unlink(missing_ok=True)
    return True


def clean_name(name: str) -> str:
    """The last part of *name*, as a line that can be shown."""
    last = re.split(r"[/\\]", printable(name))[-1]
    return " ".join(last.split())[-NAME:] or "-"


def _sheets(folder: AssessmentFolder) -> Iterator[Path]:
    yield folder.answers_file
    yield from (folder.path / "ratings").glob("*.yaml")


def _kept(data: bytes, name: str) -> tuple[bytes, str]:
    """What is kept of *data*, and the ending that says what it is; decided by the content, not by the name."""
    if data.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n")) or (data[:4] == b"RIFF" and data[8:12] == b"WEBP"):
        return _photo(data, name)
    if data.startswith(b"%PDF-"):
        return data, ".pdf"
    if data.startswith(b"PK\x03\x04"):
        return data, _office(data, name)
    if data and b"\0" not in data:
        return _text(data, name), ".txt"
    raise UsageError(NOT_TAKEN, name=name)


def _office(data: bytes, name: str) -> str:
    try:
        with tempfile.TemporaryDirectory(prefix="factory-kit-") as aside:
            path = Path(aside) / "sent.zip"
            path.write_bytes(data)
            with checked_zip(path) as archive:
                names = set(archive.namelist())
    except SealError as error:
        raise UsageError(NOT_TAKEN, name=name) from error
    if not any(each.lower().endswith("vbaproject.bin") for each in names):
        for inside, suffix in OFFICE.items():
            if inside in names:
                return suffix
    raise UsageError(NOT_TAKEN, name=name)


def _text(data: bytes, name: str) -> bytes:
    """Texts of Chinese Windows become UTF-8, so that a page can show them."""
    for encoding in ("utf-8-sig", "gb18030"):
        with suppress(UnicodeDecodeError):
            text = data.decode(encoding)
            if printable(text) == text:
                return text.encode()
    raise UsageError(NOT_TAKEN, name=name)


def _photo(data: bytes, name: str) -> tuple[bytes, str]:
    """The picture alone, turned upright, as JPEG, or as PNG where it was one."""
    from PIL import Image, ImageOps, UnidentifiedImageError  # noqa: PLC0415 - only for who adds photos

    out = io.BytesIO()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about tags that are thrown away
            with Image.open(io.BytesIO(data), formats=("JPEG", "PNG", "WEBP")) as opened:
                if opened.width * opened.height > MOST_PIXELS:
                    raise UsageError(
                        "{name}: has {width} × {height} pixels, too many; send a smaller one",
                        name=name, width=opened.width, height=opened.height,
                    )  # fmt: skip
                png = opened.format == "PNG"
                bare = _bare(ImageOps.exif_transpose(opened).convert("RGB"))
            bare.thumbnail((LONGEST_EDGE, LONGEST_EDGE))
            bare.save(out, "PNG" if png else "JPEG", quality=QUALITY)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,
        MemoryError,
        Image.DecompressionBombError,
    ) as error:
        raise UsageError("{name}: the picture cannot be read to its end; take it again", name=name) from error
    return out.getvalue(), ".png" if png else ".jpg"


def _bare(picture: Image) -> Image:
    """The pixels of *picture* in a new picture, so that nothing else of it can be saved with them."""
    from PIL import Image  # noqa: PLC0415 - only for who adds photos

    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    return bare
