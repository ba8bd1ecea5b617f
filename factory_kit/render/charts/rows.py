"""What charts of one row per thing share: where labels end, where bars begin, and how the words are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from factory_kit.render.charts.sheet import Label, Sheet, em_width, wrap

__all__ = ["PITCH", "THICK", "Rows", "rows"]

PITCH = 34
THICK = 18


@dataclass(frozen=True, slots=True)
class Rows:
    """The place of the bars: *across* pixels from *left*, the first row below *top*."""

    left: float
    across: float
    top: float
    size: int
    labels: tuple[str, ...]

    def middle(self, row: int) -> float:
        """The height of the middle of *row*."""
        return self.top + PITCH * row + PITCH / 2

    def label(self, sheet: Sheet) -> None:
        """Write the labels left of the bars."""
        written = (
            Label(self.left - 10, self.middle(at), text, "right", self.size) for at, text in enumerate(self.labels)
        )
        sheet.words(written)


def rows(labels: Sequence[str], texts: Sequence[str], width: float, top: float) -> Rows:
    """Rows for *labels*, with room at the right for *texts*."""
    wide = width > 420
    size = 13 if wide else 11
    wrapped = tuple(wrap(label, 14 if wide else 7.5) for label in labels)
    left = max((em_width(line) for label in wrapped for line in label.split("\n")), default=0) * size + 12
    right = max((em_width(text) for text in texts), default=0) * size + 14
    return Rows(left, max(60.0, width - left - right), top, size, wrapped)
