"""How targets are shown: shares in per cent, and a dash where the source gives no figure."""

from __future__ import annotations

from factory_kit.district.definitions import Target
from factory_kit.model.definition import exact

__all__ = ["NOTHING", "figure", "is_share", "wanted"]

NOTHING = "–"


def is_share(target: Target) -> bool:
    """Whether *target* is a part of a whole: by what is counted for it, or since it lies between 0 and 1."""
    return target.measure.partition(":")[0].endswith("_share") or 0 < exact(target.at_least) < 1


def wanted(target: Target) -> str:
    """The figure to reach: 576, 20–30, 85%; a dash for a target without one."""
    if not exact(target.at_least):
        return NOTHING
    ends = (target.at_least, *((target.up_to,) if target.up_to else ()))
    return NOTHING.join(figure(end, share=is_share(target)) for end in ends)


def figure(text: str | None, *, share: bool = False) -> str:
    """An exact figure, short; a dash where there is none."""
    if text is None:
        return NOTHING
    value = exact(text)
    if share:
        return f"{float(value * 100):.1f}".removesuffix(".0") + "%"
    return str(value) if value.denominator == 1 else f"{float(value):.3f}".rstrip("0")
