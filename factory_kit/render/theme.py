"""Colours and fonts of every document and chart; chosen to be told apart without red-green vision and on grey paper."""

from __future__ import annotations

from typing import Literal

__all__ = ["COLOURS", "FONTS", "FONT_STACK", "Hue", "Tone", "css_fonts"]

Tone = Literal["", "good", "warn", "bad", "muted", "accent"]
"""What a cell or bar says by its colour; the words beside it always say the same."""

Hue = Literal["ink", "brand", "sky", "green", "amber", "red", "violet", "slate", "void"]
"""Colour of one series or state of a chart."""

COLOURS: dict[str, str] = {
    "ink": "#17212B",
    "muted": "#55616E",
    "line": "#D5DCE3",
    "wash": "#F3F6F9",
    "paper": "#FFFFFF",
    "brand": "#0B4F6C",
    "sky": "#8FC1DE",
    "green": "#3C9D78",
    "amber": "#E9B44C",
    "red": "#A8301C",
    "violet": "#7B5EA7",
    "slate": "#AEB8C2",
    "void": "#FFFFFF",
    "good": "#3C9D78",
    "warn": "#E9B44C",
    "bad": "#A8301C",
    "accent": "#0B4F6C",
    "": "#0B4F6C",
}

FONTS: tuple[str, ...] = (
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "Source Han Sans SC",
    "Source Han Sans CN",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "SimHei",
)
"""Families with Chinese signs, best first; pages and charts name them, none is shipped."""

FONT_STACK = ", ".join((*FONTS, "Segoe UI", "Helvetica Neue", "Arial", "sans-serif"))


def css_fonts() -> str:
    """The font stack for a style sheet."""
    return ", ".join(f'"{name}"' if " " in name else name for name in FONT_STACK.split(", "))
