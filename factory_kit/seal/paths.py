"""Which names files may have inside a sealed thing, so that it unpacks the same on every system and never outside its folder."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

from factory_kit.errors import UnsafeArchive

__all__ = ["MANIFEST", "SIGNATURES", "caseless", "check_name", "check_names", "is_content", "order"]

MANIFEST = "MANIFEST.json"
SIGNATURES = "SIGNATURES/"

LONGEST = 240
"""Characters of a whole path: Windows allows 260 including the folder it is unpacked to."""
LONGEST_PART = 255
"""Bytes of one part of a path in UTF-8: the limit of Linux file systems."""

_PLAIN = re.compile(r"(?:[A-Za-z0-9_\[\]-]+(?:\.[A-Za-z0-9_-]+)*/)*[A-Za-z0-9_\[\]-]+(?:\.[A-Za-z0-9_-]+)*")
_FORBIDDEN = re.compile(r'[\\:*?"<>|]')
_DEVICES = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:[./]|$)", re.IGNORECASE)
_DEVICES_BEGIN = {"con", "prn", "aux", "nul", "com", "lpt"}
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode categories that cannot be seen or that turn the order of writing."""


def check_name(name: str, container: str) -> None:
    """``UnsafeArchive`` unless *name* is a path that every system can unpack inside the folder of *container*."""
    if _is_plain(name):
        return
    refusal = _refused_signs(name, container) or _refused_parts(name, container)
    if refusal:
        raise refusal


@lru_cache(maxsize=8192)
def _is_plain(name: str) -> bool:
    """Whether *name* is safe beyond question, as nearly all names are."""
    return len(name) <= LONGEST and _PLAIN.fullmatch(name) is not None and not _may_be_device(name.lower())


def _may_be_device(name: str) -> bool:
    """Whether a part of the plain *name* begins as the name of a device does."""
    return any(part[:3] in _DEVICES_BEGIN for part in name.split("/"))


def _refused_signs(name: str, container: str) -> UnsafeArchive | None:
    if _FORBIDDEN.search(name):
        return UnsafeArchive(
            "{container}: {name!r} holds a character that not every system allows in names; rename it",
            container=container, name=name,
        )  # fmt: skip
    if any(unicodedata.category(sign) in _UNSEEN for sign in name):
        return UnsafeArchive(
            "{container}: {name!r} holds a character that cannot be seen; rename it", container=container, name=name
        )
    if not unicodedata.is_normalized("NFC", name):
        return UnsafeArchive(
            "{container}: {name!r} is not in the Unicode form NFC, so it looks like another name; rename it",
            container=container, name=name,
        )  # fmt: skip
    return None


def _refused_parts(name: str, container: str) -> UnsafeArchive | None:
    parts = name.split("/")
    if any(part in {"", ".", ".."} for part in parts):
        return UnsafeArchive(
            "{container}: {name!r} is no path inside the folder; the file is not to be trusted",
            container=container,
            name=name,
        )
    if any(part[-1] in " ." or part[0] == " " for part in parts):
        return UnsafeArchive(
            "{container}: a part of {name!r} starts with a blank or ends in a blank or dot, which Windows drops; rename it",
            container=container, name=name,
        )  # fmt: skip
    if any(_DEVICES.match(part) for part in parts):
        return UnsafeArchive(
            "{container}: {name!r} is the name of a device on Windows; rename it", container=container, name=name
        )
    if len(name) > LONGEST or any(len(part.encode()) > LONGEST_PART for part in parts):
        return UnsafeArchive(
            "{container}: {name!r} is longer than 240 characters (255 bytes in one part); shorten it",
            container=container, name=name,
        )  # fmt: skip
    return None


def check_names(names: Iterable[str], container: str) -> None:
    """``UnsafeArchive`` unless all *names* are safe, and none would overwrite another where capitals do not count."""
    seen: dict[str, str] = {}
    folders: dict[str, str] = {}
    for name in names:
        check_name(name, container)
        key = caseless(name)
        if key in seen:
            raise _clash(container, name, seen[key])
        seen[key] = name
        while (key := key.rpartition("/")[0]) and key not in folders:
            folders[key] = name
    for key in seen.keys() & folders.keys():
        raise _clash(container, seen[key], folders[key])


def caseless(name: str) -> str:
    """What is equal for two names that a system may take for the same (Unicode, canonical caseless matching, D145)."""
    if name.isascii():
        return name.lower()
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


_SEAL_BEGINS = {"M", "m", "S", "s", ""}
"""First letters of the names of the seal itself."""


def is_content(name: str) -> bool:
    """True for files that the manifest lists, False for the manifest and the signatures themselves."""
    if name[:1] not in _SEAL_BEGINS and name.isascii():
        return True
    key = caseless(name)
    return key != MANIFEST.lower() and key != SIGNATURES[:-1].lower() and not key.startswith(SIGNATURES.lower())


def order(name: str) -> tuple[int, str]:
    """The sort key of *name*: content by code points, then the manifest, then the signatures."""
    return (0 if is_content(name) else 1 if name == MANIFEST else 2), name


def _clash(container: str, one: str, other: str) -> UnsafeArchive:
    return UnsafeArchive(
        "{container}: {one!r} and {other!r} would overwrite each other on some systems; rename one",
        container=container, one=one, other=other,
    )  # fmt: skip
