"""Which font of this machine can write Chinese; without one, pictures and PDF would be empty boxes and nobody would be told."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from factory_kit.render.theme import FONTS

__all__ = ["chinese_font", "font_folders", "needs_chinese"]

FURTHER = (
    "Noto Serif CJK SC",
    "Source Han Serif SC",
    "SimSun",
    "NSimSun",
    "FangSong",
    "STSong",
    "Songti SC",
    "AR PL UMing CN",
)


def font_folders() -> tuple[Path, ...]:
    """Folders with fonts beside those of the system: FACTORY_KIT_FONTS, separated as PATH is."""
    return tuple(Path(name) for name in os.environ.get("FACTORY_KIT_FONTS", "").split(os.pathsep) if name)


def chinese_font(folders: tuple[Path, ...] | None = None, *, system: bool = True) -> str | None:
    """The best family with Chinese signs in *folders* (by default ``font_folders``) and the *system*; None when there is none."""
    return _found(font_folders() if folders is None else folders, system=system)


def needs_chinese(text: str) -> bool:
    """Whether *text* has Chinese signs or full-width marks."""
    return any(
        "\u2e80" <= sign <= "\u9fff"
        or "\uf900" <= sign <= "\ufaff"
        or "\uff00" <= sign <= "\uffef"
        or sign >= "\U00020000"
        for sign in text
    )


@cache
def _found(folders: tuple[Path, ...], *, system: bool) -> str | None:
    import typst  # noqa: PLC0415 - a compiler, only for who writes documents

    known = typst.Fonts(include_system_fonts=system, include_embedded_fonts=False, font_paths=list(folders)).families()
    return next((name for name in (*FONTS, *FURTHER) if name in known), None)
